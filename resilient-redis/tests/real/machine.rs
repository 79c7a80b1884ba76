//! A machine of the fleet: a process that makes calls, and writes down when each was let through.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use resilient::shared::WhenDown;
use resilient::{CircuitBreaker, Class, RateLimit};
use resilient_redis::Store;

/// The calls of a second, of all machines together.
pub(crate) const RATE: u32 = 1_000;

static FLEET: Store = Store::named("fleet").timeout(Duration::from_millis(50));
static CALLS: RateLimit =
    RateLimit::named("calls").rate(RATE, Duration::from_secs(1)).shared_through(&FLEET).when_down(WhenDown::Closed);

/// Starts one that makes as many calls as it may for the first half of each 1.8 s, until it is killed.
pub(crate) fn start(address: &str, folder: &Path, number: u32) -> Machine {
    let log = folder.join(format!("machine-{number}.log"));
    let child = Command::new(std::env::current_exe().expect("this program"))
        .env("RESILIENT_MACHINE", address)
        .env("RESILIENT_MACHINE_LOG", &log)
        .spawn()
        .expect("a machine starts");
    Machine { child, log }
}

/// Runs it, in a process of its own.
pub(crate) async fn run(address: &str, log: &str) {
    let mut log = File::create(log).expect("a log");
    FLEET.connect(address).expect("connected");
    loop {
        // all machines rest together, so that the burst comes back
        if now() / 1_000 % 1_800 > 900 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        } else if let Ok(permit) = CALLS.acquire().await {
            permit.abandon();
            log.write_all(&now().to_le_bytes()).expect("written");
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Microseconds of calendar time, which is the same for all processes.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros() as u64
}

pub(crate) struct Machine {
    child: Child,
    log: PathBuf,
}

impl Machine {
    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success(), "{signal}");
    }

    /// Kills it, and returns when its calls were let through, in microseconds.
    pub(crate) fn end(&mut self) -> Vec<u64> {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
        let log = fs::read(&self.log).expect("its log");
        log.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight"))).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// No call of a breaker waits for the store, which may therefore be given more time.
static CALLERS: Store = Store::named("callers").timeout(Duration::from_millis(500));
static SERVER: CircuitBreaker = CircuitBreaker::named("server");
static SHARED: CircuitBreaker = CircuitBreaker::named("server").shared_through(&CALLERS);

/// One call of a machine: when it was due, in microseconds, and whether the breaker let it through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) at: u64,
    pub(crate) made: bool,
}

/// A machine that makes ten calls a second to a server with an outage.
pub(crate) struct Caller(Machine);

/// Starts one. The outage goes from the second time to the third; without an address, it shares nothing.
pub(crate) fn start_caller(address: &str, folder: &Path, number: u32, (begins, down, up): (u64, u64, u64)) -> Caller {
    let log = folder.join(format!("caller-{number}.log"));
    let child = Command::new(std::env::current_exe().expect("this program"))
        .env("RESILIENT_CALLER", address)
        .env("RESILIENT_MACHINE_LOG", &log)
        .env("RESILIENT_OUTAGE", format!("{begins} {down} {up} {number}"))
        .spawn()
        .expect("a machine starts");
    Caller(Machine { child, log })
}

/// Runs it, in a process of its own.
pub(crate) async fn run_caller(address: &str, log: &str, outage: &str) {
    let mut log = File::create(log).expect("a log");
    let times: Vec<u64> = outage.split(' ').map(|time| time.parse().expect("a time")).collect();
    let [begins, down, up, number] = times[..] else { panic!("four numbers") };
    let breaker = if address.is_empty() { &SERVER } else { &SHARED };
    if !address.is_empty() {
        CALLERS.connect(address).expect("connected");
        CALLERS.connected(Duration::from_secs(1)).await;
    }
    // machines call in turn
    let mut due = begins + number * 2_000;
    loop {
        tokio::time::sleep(Duration::from_micros(due.saturating_sub(now()))).await;
        due += 100_000;
        let at = now();
        let is_down = (down..up).contains(&at);
        let made = match breaker.acquire() {
            Ok(permit) => {
                permit.settle_as(if is_down { Class::Transient } else { Class::Success }, ());
                true
            }
            Err(_) => false,
        };
        log.write_all(&(at << 1 | u64::from(made)).to_le_bytes()).expect("written");
    }
}

impl Caller {
    /// Kills it, and returns its calls.
    pub(crate) fn end(&mut self) -> Vec<Call> {
        self.0.end().into_iter().map(|word| Call { at: word >> 1, made: word & 1 == 1 }).collect()
    }
}
