//! Machines that are cut off from the store while others are not.

use std::thread::sleep;
use std::time::Duration;

use resilient::shared::WhenDown;

use crate::fleet::excess;
use crate::machine::{self, CYCLE, Log, Machine, RATE, TIMEOUT, now, phase};
use crate::proxy::{Cut, Proxy};
use crate::server::Server;

/// The longest lease of a permit, and time for a machine to write a call down.
const LEASE: u64 = 250_000 + 100_000;
/// The longest that a permit may take here: far more than the time-out, and less than any time-out of a client of Redis.
const LONGEST: Duration = TIMEOUT.saturating_mul(4);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn wait_for_phase(millis: u64) {
    sleep(ms((millis + CYCLE - phase()) % CYCLE));
}

/// The logs of machines, each behind a network of its own, and when those with a trouble were cut off and back, in microseconds.
struct Parted {
    logs: Vec<Log>,
    cut: u64,
    healed: u64,
}

/// Runs machines under that rule, of which some are cut off for one and a half cycles.
fn part(rule: WhenDown, troubles: &[Option<Cut>]) -> Parted {
    let server = Server::start();
    let networks: Vec<Proxy> = troubles.iter().map(|_| Proxy::start(&server)).collect();
    let start =
        |(number, network): (u32, &Proxy)| machine::start_under(rule, &network.address(), server.folder(), number);
    let mut machines: Vec<Machine> = (0..).zip(&networks).map(start).collect();
    sleep(ms(2_000));
    // while permits are leased
    wait_for_phase(300);
    let cut = now();
    for (network, trouble) in networks.iter().zip(troubles) {
        if let Some(trouble) = *trouble {
            network.cut(trouble);
        }
    }
    sleep(ms(CYCLE));
    wait_for_phase(600);
    let healed = now();
    networks.iter().for_each(Proxy::heal);
    sleep(ms(CYCLE));
    wait_for_phase(CYCLE / 2 + 200);
    Parted { logs: machines.iter_mut().map(Machine::end).collect(), cut, healed }
}

impl Parted {
    /// The calls that a machine was let through in that time.
    fn calls(&self, machine: usize, from: u64, to: u64) -> Vec<u64> {
        self.logs[machine].admitted().filter(|at| (from..to).contains(at)).collect()
    }

    fn longest(&self) -> Duration {
        self.logs.iter().map(Log::longest).max().unwrap_or_default()
    }
}

pub(crate) fn keeps_to_the_bound_with_machines_cut_off() {
    let troubles = [
        None,
        None,
        Some(Cut::Silent),
        Some(Cut::Refused),
        Some(Cut::QuestionsHeld),
        Some(Cut::AnswersHeld),
        Some(Cut::Slow(ms(10))),
    ];
    let parted = part(WhenDown::Closed, &troubles);
    let (cut, healed) = (parted.cut, parted.healed);

    let mut admitted: Vec<u64> = parted.logs.iter().flat_map(Log::admitted).collect();
    let excess = excess(&mut admitted, f64::from(RATE), f64::from(RATE));
    println!(
        "    {} calls; beyond the bound {excess:.1}; the longest permit took {:?}",
        admitted.len(),
        parted.longest()
    );
    assert!(excess <= 0.0, "{excess} calls too many");
    assert!(parted.longest() < LONGEST, "{:?}", parted.longest());
    for (number, trouble) in troubles.into_iter().enumerate() {
        let log = &parted.logs[number];
        let meanwhile = parted.calls(number, cut + LEASE, healed).len();
        let afterwards = parted.calls(number, healed, u64::MAX).len();
        let said = (log.degraded, log.recovered);
        println!("    {trouble:?}: {meanwhile} calls while it lasts, {afterwards} afterwards; said {said:?}");
        assert!(afterwards > 0, "{trouble:?}: it goes on");
        if matches!(trouble, None | Some(Cut::Slow(_))) {
            assert!(meanwhile > 50, "{trouble:?}: it goes on while others are cut off");
            assert_eq!(said, (0, 0), "{trouble:?}");
        } else {
            assert_eq!(meanwhile, 0, "{trouble:?}: leases have run out");
            assert_eq!(said, (1, 1), "{trouble:?}");
        }
    }
}

pub(crate) fn goes_by_shares_on_the_wrong_side() {
    let troubles = [None, None, None, Some(Cut::Silent), Some(Cut::AnswersHeld)];
    let parted = part(WhenDown::Local, &troubles);
    let (cut, healed) = (parted.cut, parted.healed);

    let share = f64::from(RATE) / troubles.len() as f64;
    for number in [3, 4] {
        let mut alone = parted.calls(number, cut + LEASE, healed);
        let excess = excess(&mut alone, share, share);
        println!("    {} calls on the wrong side; beyond the share {excess:.1}", alone.len());
        // the times at which calls are written down are not quite those of their permits
        assert!(excess <= 2.0, "{excess} calls too many");
        assert!(alone.len() > 50);
        assert_eq!((parted.logs[number].degraded, parted.logs[number].recovered), (1, 1));
    }
    // two machines are cut off, and the others have the whole rate
    let mut admitted: Vec<u64> = parted.logs.iter().flat_map(Log::admitted).collect();
    let excess = excess(&mut admitted, f64::from(RATE) + 2.0 * share, f64::from(RATE) + 2.0 * share);
    println!("    {} calls in all; beyond rate and shares {excess:.1}", admitted.len());
    assert!(excess <= 0.0, "{excess} calls too many");
    assert!(parted.longest() < LONGEST, "{:?}", parted.longest());
}

/// The time in which all machines have started.
const START: u64 = 2_000_000;
const SECOND: u64 = 1_000_000;

pub(crate) fn an_isolated_machine_comes_back_with_an_old_epoch() {
    const MACHINES: u32 = 6;
    let server = Server::start();
    let begins = now() + START;
    let (down, up) = (begins + 2 * SECOND, begins + 8 * SECOND);
    // one comes back while the fleet is open; another, open for long, when it has closed
    let (back_early, back_late) = (up - 2 * SECOND, up + 3 * SECOND);
    let networks = [(); 2].map(|()| Proxy::start(&server));
    let mut machines: Vec<Machine> = (0..MACHINES)
        .map(|number| {
            let address = networks.get(number as usize).map_or(server.address(), Proxy::address);
            machine::start_caller_open_for(number == 1, &address, server.folder(), number, (begins, down, up))
        })
        .collect();
    let sleep_until = |time: u64| sleep(Duration::from_micros(time.saturating_sub(now())));
    sleep_until(down - SECOND);
    networks[0].cut(Cut::AnswersHeld);
    networks[1].cut(Cut::Silent);
    sleep_until(back_early);
    networks[0].heal();
    sleep_until(back_late);
    networks[1].heal();
    sleep_until(back_late + 3 * SECOND);
    let logs: Vec<Log> = machines.iter_mut().map(Machine::end).collect();

    let calls = |range: std::ops::Range<usize>, made: bool, from: u64, to: u64| {
        let calls = logs[range].iter().flat_map(|log| &log.calls);
        calls.filter(|call| call.made == made && (from..to).contains(&call.at)).count()
    };
    let connected = calls(2..6, true, down + SECOND, up);
    let isolated = calls(0..1, true, down + SECOND, back_early);
    let together = calls(0..1, true, back_early + SECOND, up) + calls(2..6, true, back_early + SECOND, up);
    println!(
        "    attempts of four machines in five seconds of the outage: {connected}; of an isolated one in three: {isolated}; with it in the last: {together}"
    );
    // a probe a second, and one more where two meet
    assert!(connected <= 7 && isolated <= 5 && together <= 3);

    let refused = calls(2..6, false, up + 3 * SECOND - SECOND / 4, u64::MAX);
    let kept = calls(2..6, true, back_late, u64::MAX);
    let back = calls(1..2, true, back_late + 2 * SECOND, u64::MAX);
    println!("    after the other came back: {refused} refused, {kept} served; {back} of its own in the last second");
    assert_eq!(refused, 0, "a machine with an old epoch opens nothing");
    assert!(kept > 100, "{kept}");
    assert!(back >= 8, "its breaker would be open for longer, and follows the fleet");
    for (number, log) in logs.iter().enumerate() {
        let expected = if number < networks.len() { (1, 1) } else { (0, 0) };
        assert_eq!((log.degraded, log.recovered), expected, "machine {number}");
        assert!(log.longest() < ms(250), "{:?}: no call waits for the store", log.longest());
    }
}
