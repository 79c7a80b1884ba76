//! An outage before many machines: the attempts that the server sees in it, and its end.

use std::thread::sleep;
use std::time::Duration;

use crate::machine::{self, Log, Machine};
use crate::server::Server;

/// The time in which all machines have started.
const START: Duration = Duration::from_secs(5);
/// Seconds of calm, of outage, and of calm again.
const CALM: Duration = Duration::from_secs(2);
const OUTAGE: Duration = Duration::from_secs(6);
const AFTER: Duration = Duration::from_secs(4);

/// The count of attempts in the outage that came after its first second, and when the last machine was served again.
struct Seen {
    first_second: usize,
    attempts: usize,
    recovered: Duration,
}

/// Runs so many machines of ten calls a second each through an outage, and says what its server saw.
fn outage(machines: u32, shared: bool) -> Seen {
    let server = Server::start();
    let folder = server.folder().to_owned();
    let begins = machine::now() + START.as_micros() as u64;
    let (down, up) = (begins + CALM.as_micros() as u64, begins + (CALM + OUTAGE).as_micros() as u64);
    let address = if shared { server.address() } else { String::new() };
    let mut callers: Vec<Machine> =
        (0..machines).map(|number| machine::start_caller(&address, &folder, number, (begins, down, up))).collect();
    sleep(START + CALM + OUTAGE + AFTER);
    let logs: Vec<Log> = callers.iter_mut().map(Machine::end).collect();

    let attempts =
        |from: u64, to: u64| logs.iter().flat_map(Log::admitted).filter(|at| (from..to).contains(at)).count();
    let served_again = |log: &Log| log.admitted().find(|at| *at >= up).unwrap_or(u64::MAX);
    let last = logs.iter().map(served_again).max().unwrap_or(u64::MAX);
    assert!(attempts(begins, down) > machines as usize * 15, "calls were made before the outage");
    let second = down + 1_000_000;
    Seen {
        first_second: attempts(down, second),
        attempts: attempts(second, up),
        recovered: Duration::from_micros(last - up),
    }
}

pub(crate) fn machines_probe_as_one() {
    const FLEETS: [u32; 3] = [1, 5, 50];
    // all at once: the machines mostly sleep
    let seen: Vec<[Seen; 2]> = std::thread::scope(|scope| {
        let run = |machines, shared| scope.spawn(move || outage(machines, shared));
        let fleets = FLEETS.map(|machines| [false, true].map(|shared| run(machines, shared)));
        fleets.into_iter().map(|pair| pair.map(|thread| thread.join().expect("an outage"))).collect()
    });

    println!("    machines  shared  attempts in the first second  in the next five  all served again after");
    for (machines, [alone, shared]) in FLEETS.into_iter().zip(&seen) {
        for (word, seen) in [("no", alone), ("yes", shared)] {
            let recovered = format!("{:.1} s", seen.recovered.as_secs_f64());
            println!("    {machines:>8}  {word:<6}  {:>28}  {:>16}  {recovered:>22}", seen.first_second, seen.attempts);
        }
    }
    for (machines, [alone, shared]) in FLEETS.into_iter().zip(&seen) {
        // each machine finds out by itself at the latest, by eight calls
        assert!(shared.first_second <= machines as usize * 8, "{} attempts of {machines}", shared.first_second);
        // one probe a second, and one more where two meet
        assert!(shared.attempts <= 12, "{} attempts of {machines} machines in five seconds", shared.attempts);
        assert!(machines == 1 || shared.attempts < alone.attempts / 2, "{} beside {}", shared.attempts, alone.attempts);
        assert!(shared.recovered < Duration::from_millis(3_500), "{:?}", shared.recovered);
    }
}
