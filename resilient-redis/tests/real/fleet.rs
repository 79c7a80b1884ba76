//! Machines that share a rate: the bound, and the round trips that it takes.

use std::thread::sleep;
use std::time::{Duration, Instant};

use resilient::RateLimit;
use resilient_redis::Store;

use crate::block_on;
use crate::machine::{self, Log, Machine, RATE, now};
use crate::server::Server;

/// The most calls beyond that burst and rate in any time, of calls at these microseconds.
///
/// The level of a bucket that each call fills, and that empties at the rate.
pub(crate) fn excess(admitted: &mut [u64], rate: f64, burst: f64) -> f64 {
    admitted.sort_unstable();
    let (mut level, mut last, mut most) = (0.0_f64, 0, 0.0_f64);
    for &at in &*admitted {
        level = (level - (at - last) as f64 * rate / 1e6).max(0.0) + 1.0;
        last = at;
        most = most.max(level);
    }
    most - burst
}

/// As [`excess`], beyond the promise for all machines.
fn excess_of_all(admitted: &mut [u64]) -> f64 {
    excess(admitted, f64::from(RATE), f64::from(RATE))
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn keeps_to_the_bound_with_machines_killed_and_stopped() {
    let server = Server::start();
    let (address, folder) = (server.address(), server.folder().to_owned());
    let mut number = 0;
    let mut start = || {
        number += 1;
        machine::start(&address, &folder, number)
    };
    let mut machines: Vec<Machine> = (0..5).map(|_| start()).collect();
    let (mut admitted, mut stops, begin) = (Vec::new(), 0, Instant::now());
    sleep(ms(1_200));
    for round in 0..8 {
        admitted.extend(machines[round % 5].end().admitted());
        machines[round % 5] = start();
        let stopped = &machines[(round + 2) % 5];
        stopped.signal("-STOP");
        sleep(ms(350));
        stopped.signal("-CONT");
        stops += 1;
        sleep(ms(250));
    }
    let time = begin.elapsed().as_secs_f64();
    for machine in &mut machines {
        admitted.extend(machine.end().admitted());
    }

    let share = admitted.len() as f64 / (time * f64::from(RATE));
    let excess = excess_of_all(&mut admitted);
    println!(
        "    {} calls in {time:.1} s, {:.0} % of the rate; beyond the bound {excess:.1}",
        admitted.len(),
        share * 100.0
    );
    // a machine that is stopped between its permit and its note writes the call down later
    assert!(excess <= f64::from(stops), "{excess} calls too many");
    assert!(excess > -400.0 && share > 0.2, "the burst is used, and most of the rate");
}

pub(crate) fn keeps_to_the_bound_with_the_store_killed_and_emptied() {
    let mut server = Server::start();
    let folder = server.folder().to_owned();
    let mut machines: Vec<Machine> = (0..3).map(|number| machine::start(&server.address(), &folder, number)).collect();
    sleep(ms(1_500));
    server.kill();
    sleep(ms(700));
    server.begin(&[]);
    let restarted = now();
    sleep(ms(2_000));
    server.tell("SCRIPT FLUSH").unwrap();
    server.tell("FLUSHALL").unwrap();
    let emptied = now();
    sleep(ms(1_800));

    let logs: Vec<_> = machines.iter_mut().map(Machine::end).collect();
    let mut admitted: Vec<u64> = logs.iter().flat_map(Log::admitted).collect();
    let since = |begin: u64| admitted.iter().filter(|at| **at > begin).count();
    let (after_restart, after_emptied) = (since(restarted), since(emptied));
    let excess = excess_of_all(&mut admitted);
    println!(
        "    {after_restart} calls since the restart, {after_emptied} since FLUSHALL; beyond the bound {excess:.1}"
    );
    assert!(excess <= 2.0, "{excess} calls too many: one for each loss may be");
    assert!(after_restart > 300 && after_emptied > 100, "it goes on");
}

static LOCAL: Store = Store::named("trips").timeout(Duration::from_millis(50));
static BUSY: RateLimit = RateLimit::named("busy").rate(20_000, Duration::from_secs(1)).shared_through(&LOCAL);

pub(crate) fn most_calls_make_no_round_trip() {
    let server = Server::start();
    block_on(async {
        LOCAL.connect(&server.address()).unwrap();
        assert!(LOCAL.connected(Duration::from_secs(5)).await);
        let warm = Instant::now();
        while warm.elapsed() < ms(1_500) {
            let _ = BUSY.acquire().await;
            tokio::time::sleep(ms(5)).await;
        }

        let (scripts, begin) = (server.scripts(), Instant::now());
        let (mut calls, mut refused, mut took) = (0_u32, 0_u32, Vec::new());
        while begin.elapsed() < ms(2_000) {
            // 10,000 a second
            while calls < (begin.elapsed().as_micros() / 100) as u32 {
                let called = Instant::now();
                refused += u32::from(BUSY.acquire().await.is_err());
                took.push(called.elapsed());
                calls += 1;
            }
            tokio::time::sleep(ms(1)).await;
        }

        let trips = server.scripts() - scripts;
        took.sort_unstable();
        let (median, late) = (took[took.len() / 2], took[took.len() * 99 / 100]);
        let ratio = trips as f64 / f64::from(calls);
        println!(
            "    {calls} calls, {refused} refused, {trips} round trips: {ratio:.4} each; acquire takes {median:?}, p99 {late:?}"
        );
        assert!(ratio <= 0.02, "{ratio} round trips a call");
        assert!(refused < calls / 100);
    });
}
