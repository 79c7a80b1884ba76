//! Private servers on loopback: each has a port, a folder and a process of its own, and ends with the value that stands for it.

use std::fs;
use std::io::{Write, stderr};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Returns whether that server may be started: `real/run.sh` says so, and the program is there. Otherwise it tells that the test does nothing.
pub(crate) fn can_start(program: &str) -> bool {
    let reason = if std::env::var_os("RESILIENT_REAL_SERVERS").is_none() {
        "tests/classes/real/run.sh installs the servers and runs the tests"
    } else if !is_there(program) {
        "it is not installed"
    } else {
        return true;
    };
    let is_run = std::env::var_os("RESILIENT_REAL_SERVERS").is_some();
    let is_required = std::env::var("REQUIRE_SERVERS").is_ok_and(|required| required == "1");
    assert!(!(is_run && is_required), "{program}: {reason}, and REQUIRE_SERVERS=1 lets no test be skipped");
    // past the capture of the test harness, which keeps what a passing test prints
    let _ = writeln!(stderr(), "SKIPPED: a test that needs {program}: {reason}");
    false
}

/// Asks the shell, for some programs take `--version` as a wish to be started.
fn is_there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// A server's process and its folder.
pub(crate) struct Server {
    process: Child,
    folder: TempDir,
    pub(crate) port: u16,
    /// The signal that ends it at once, in good order.
    end: &'static str,
}

impl Server {
    /// Starts a program, as the user that it insists on, and waits until it listens on `port`.
    pub(crate) fn start(folder: TempDir, port: u16, end: &'static str, mut command: Command) -> Self {
        let log = fs::File::create(folder.path().join("output.log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut server = Self { process, folder, port, end };
        server.wait_for(port);
        server
    }

    /// Waits until somebody listens on the port.
    pub(crate) fn wait_for(&mut self, port: u16) {
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let is_over = self.process.try_wait().unwrap().is_some() || begin.elapsed() > Duration::from_secs(60);
            assert!(!is_over, "the server does not listen: {}", self.output());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The text that it has written so far.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(self.folder().join("output.log")).unwrap_or_default()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let killed = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Ends it and waits for that.
    pub(crate) fn stop(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            self.signal(self.end);
        }
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A folder that every user may enter, for servers that run as another.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("resilient").tempdir().unwrap();
    run(Command::new("chmod").arg("0777").arg(folder.path()));
    folder
}

/// A port on which nobody listens.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", words(&output.stdout), words(&output.stderr));
}

/// Returns whether this process may run programs as other users.
pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// The program, as that user if this process may choose: some servers refuse to run as root.
pub(crate) fn as_user(user: &str, program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups"]).arg(program);
    command
}

/// Writes a file into the folder and returns its path.
pub(crate) fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}
