//! Programs of others: whether they are there, and private processes on loopback.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Write, stderr};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Returns whether that program may be used: `real/run.sh` says so, and it is there. Otherwise it tells that the test does nothing.
pub(crate) fn can_use(program: &str) -> bool {
    let reason = if std::env::var_os("RESILIENT_REAL_SERVERS").is_none() {
        "resilient-ops/real/run.sh installs it and runs the test"
    } else if !is_there(program) {
        "it is not installed"
    } else {
        return true;
    };
    let is_run = std::env::var_os("RESILIENT_REAL_SERVERS").is_some();
    let is_required = std::env::var("REQUIRE_SERVERS").is_ok_and(|required| required == "1");
    assert!(!(is_run && is_required), "{program}: {reason}, and REQUIRE_SERVERS=1 lets no test be skipped");
    // past the capture of the test harness, which keeps the output of a passing test
    let _ = writeln!(stderr(), "SKIPPED: a test that needs {program}: {reason}");
    false
}

fn is_there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// Runs a program to its end, and returns its output.
pub(crate) fn run<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
    folder: &Path,
) -> String {
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", words(&output.stdout), words(&output.stderr));
    words(&output.stdout)
}

/// A process that ends with the value that stands for it.
pub(crate) struct Process {
    child: Child,
    log: std::path::PathBuf,
}

impl Process {
    /// Starts a program, with its output in that file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let file = File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, log: log.to_owned() }
    }

    /// Waits until a page is there.
    pub(crate) fn wait_for(&mut self, url: &str) {
        let begin = Instant::now();
        while ureq::get(url).call().is_err() {
            let is_over = self.child.try_wait().unwrap().is_some() || begin.elapsed() > Duration::from_secs(30);
            assert!(!is_over, "nothing answers at {url}: {}", fs::read_to_string(&self.log).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // the process may have ended by itself
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port on which nobody listens.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
