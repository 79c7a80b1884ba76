//! A machine of the fleet: a process that makes calls, and writes down each and what was said.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use resilient::permit::RatePermit;
use resilient::shared::WhenDown;
use resilient::test::{Recorder, record};
use resilient::{CircuitBreaker, Class, Event, RateLimit};
use resilient_redis::Store;

/// The calls of a second, of all machines together.
pub(crate) const RATE: u32 = 1_000;
/// All machines call in the first half of a cycle and rest in the other, so that the burst comes back. Milliseconds.
pub(crate) const CYCLE: u64 = 1_800;

/// The time-out of the store of a limit.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(100);

static FLEET: Store = Store::named("fleet").timeout(TIMEOUT);
static CALLS: RateLimit = RateLimit::named("calls").rate(RATE, Duration::from_secs(1)).shared_through(&FLEET);
static CLOSED: RateLimit =
    RateLimit::named("calls").rate(RATE, Duration::from_secs(1)).shared_through(&FLEET).when_down(WhenDown::Closed);

/// No call of a breaker waits for the store, which may therefore be given more time.
static CALLERS: Store = Store::named("callers").timeout(Duration::from_millis(500));
static SERVER: CircuitBreaker = CircuitBreaker::named("server");
static SHARED: CircuitBreaker = CircuitBreaker::named("server").shared_through(&CALLERS);
static LONG: CircuitBreaker =
    CircuitBreaker::named("server").open_for(Duration::from_secs(15)).shared_through(&CALLERS);

pub(crate) struct Machine {
    child: Child,
    log: PathBuf,
}

/// One call: its time in microseconds, the time that its permit took, and whether it was let through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) at: u64,
    pub(crate) took: Duration,
    pub(crate) made: bool,
}

/// The log of a machine.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) calls: Vec<Call>,
    /// The number of times that it said that the store does not answer, and that it does again.
    pub(crate) degraded: u64,
    pub(crate) recovered: u64,
}

/// Starts one that makes as many calls as it may, until it is killed. Without the store it goes by that rule.
pub(crate) fn start_under(rule: WhenDown, address: &str, folder: &Path, number: u32) -> Machine {
    start_process(folder, number, &[("RESILIENT_MACHINE", address), ("RESILIENT_RULE", rule.as_str())])
}

/// Starts one that makes no calls without the store.
pub(crate) fn start(address: &str, folder: &Path, number: u32) -> Machine {
    start_under(WhenDown::Closed, address, folder, number)
}

/// Starts one that makes ten calls a second to a server with an outage, from the second time to the third.
///
/// Without an address, it shares nothing.
pub(crate) fn start_caller(address: &str, folder: &Path, number: u32, times: (u64, u64, u64)) -> Machine {
    start_caller_open_for(false, address, folder, number, times)
}

/// As [`start_caller`]; if it says so, its breaker opens for fifteen seconds.
pub(crate) fn start_caller_open_for(
    is_long: bool,
    address: &str,
    folder: &Path,
    number: u32,
    (begins, down, up): (u64, u64, u64),
) -> Machine {
    let outage = format!("{begins} {down} {up} {number} {}", u8::from(is_long));
    start_process(folder, number, &[("RESILIENT_CALLER", address), ("RESILIENT_OUTAGE", &outage)])
}

fn start_process(folder: &Path, number: u32, settings: &[(&str, &str)]) -> Machine {
    let log = folder.join(format!("machine-{number}.log"));
    let child = Command::new(std::env::current_exe().expect("this program"))
        .envs(settings.iter().copied())
        .env("RESILIENT_MACHINE_LOG", &log)
        .spawn()
        .expect("a machine starts");
    Machine { child, log }
}

/// Returns whether this process is to be a machine.
pub(crate) fn is_told() -> bool {
    std::env::var_os("RESILIENT_MACHINE_LOG").is_some()
}

/// Runs it, until it is killed.
pub(crate) async fn run() {
    let setting = |name: &str| std::env::var(name).unwrap_or_default();
    let log = File::create(setting("RESILIENT_MACHINE_LOG")).expect("a log");
    let notes = Notes { log, events: record(), said: (0, 0) };
    match std::env::var("RESILIENT_MACHINE") {
        Ok(address) => run_limited(&address, &setting("RESILIENT_RULE"), notes).await,
        Err(_) => run_caller(&setting("RESILIENT_CALLER"), &setting("RESILIENT_OUTAGE"), notes).await,
    }
}

async fn run_limited(address: &str, rule: &str, mut notes: Notes) -> ! {
    FLEET.connect(address).expect("connected");
    FLEET.connected(Duration::from_secs(5)).await;
    let limit = if rule == WhenDown::Closed.as_str() { &CLOSED } else { &CALLS };
    loop {
        if phase() > CYCLE / 2 {
            notes.say();
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let asked = Instant::now();
        let permit = limit.acquire().await;
        let took = asked.elapsed();
        let made = permit.map(RatePermit::abandon).is_ok();
        notes.note(Call { at: now(), took, made });
        if !made {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn run_caller(address: &str, outage: &str, mut notes: Notes) -> ! {
    let times: Vec<u64> = outage.split(' ').map(|time| time.parse().expect("a time")).collect();
    let [begins, down, up, number, is_long] = times[..] else { panic!("five numbers") };
    let breaker = match (address, is_long) {
        ("", _) => &SERVER,
        (_, 0) => &SHARED,
        _ => &LONG,
    };
    if !address.is_empty() {
        CALLERS.connect(address).expect("connected");
        CALLERS.connected(Duration::from_secs(1)).await;
    }
    // machines call in turn
    let mut due = begins + number * 2_000;
    loop {
        tokio::time::sleep(Duration::from_micros(due.saturating_sub(now()))).await;
        due += 100_000;
        let (at, asked) = (now(), Instant::now());
        let permit = breaker.acquire();
        let took = asked.elapsed();
        let class = if (down..up).contains(&at) { Class::Transient } else { Class::Success };
        let made = permit.map(|permit| permit.settle_as(class, ())).is_ok();
        notes.note(Call { at, took, made });
        notes.say();
    }
}

/// Microseconds of calendar time, which is the same for all processes.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros() as u64
}

/// The milliseconds of the present cycle that are over.
pub(crate) fn phase() -> u64 {
    now() / 1_000 % CYCLE
}

/// The log as it is written: sixteen bytes a line.
struct Notes {
    log: File,
    events: Recorder,
    said: (u64, u64),
}

/// The kinds of lines, which are below the time of one.
const REFUSED: u64 = 0;
const MADE: u64 = 1;
const SAID: u64 = 2;

impl Notes {
    fn write(&mut self, kind: u64, at: u64, number: u64) {
        let mut line = (at << 2 | kind).to_le_bytes().to_vec();
        line.extend(number.to_le_bytes());
        self.log.write_all(&line).expect("written");
    }

    fn note(&mut self, call: Call) {
        self.write(if call.made { MADE } else { REFUSED }, call.at, call.took.as_micros() as u64);
    }

    /// Writes down what the policies have said since.
    fn say(&mut self) {
        let degraded = self.events.count(|event| matches!(event, Event::Degraded { .. })) as u64;
        let recovered = self.events.count(|event| matches!(event, Event::Recovered { .. })) as u64;
        if self.said != (degraded, recovered) {
            self.said = (degraded, recovered);
            self.write(SAID, now(), degraded << 32 | recovered);
        }
    }
}

impl Log {
    fn read(bytes: &[u8]) -> Self {
        let mut log = Self::default();
        for line in bytes.chunks_exact(16) {
            let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight"));
            let (first, number) = (word(&line[..8]), word(&line[8..]));
            let (at, kind) = (first >> 2, first & 3);
            if kind == SAID {
                (log.degraded, log.recovered) = (number >> 32, number & u64::from(u32::MAX));
            } else {
                log.calls.push(Call { at, took: Duration::from_micros(number), made: kind == MADE });
            }
        }
        log
    }

    /// The times of the calls that were let through, in microseconds.
    pub(crate) fn admitted(&self) -> impl Iterator<Item = u64> {
        self.calls.iter().filter(|call| call.made).map(|call| call.at)
    }

    /// The longest time that a permit or a refusal took.
    pub(crate) fn longest(&self) -> Duration {
        self.calls.iter().map(|call| call.took).max().unwrap_or_default()
    }
}

impl Machine {
    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success(), "{signal}");
    }

    /// Kills it, and returns its log.
    pub(crate) fn end(&mut self) -> Log {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
        Log::read(&fs::read(&self.log).expect("its log"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
