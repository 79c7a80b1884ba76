//! The store before a real redis-server, with machines that are processes of their own.
//!
//! `run.sh` installs the server, and sets `RESILIENT_REAL_SERVERS`. Without that, the tests say that they are skipped.

#[cfg(feature = "cluster")]
mod cluster;
mod faults;
mod fleet;
mod keys;
mod machine;
mod outage;
mod partition;
mod proxy;
mod script;
mod server;

use std::time::Instant;

const TESTS: &[(&str, fn())] = &[
    ("script::decides_as_the_reference_does", script::decides_as_the_reference_does),
    ("script::decides_on_circuits_as_the_reference_does", script::decides_on_circuits_as_the_reference_does),
    ("outage::machines_probe_as_one", outage::machines_probe_as_one),
    ("faults::each_is_survived_and_said", faults::each_is_survived_and_said),
    ("faults::a_breaker_goes_by_itself_without_the_store", faults::a_breaker_goes_by_itself_without_the_store),
    ("faults::a_pause_of_one_machine_holds_the_other", faults::a_pause_of_one_machine_holds_the_other),
    #[cfg(feature = "cluster")]
    ("cluster::a_slot_that_moves_is_followed", cluster::a_slot_that_moves_is_followed),
    ("keys::a_hundred_thousand_keys_have_limits_of_their_own", keys::a_hundred_thousand_keys_have_limits_of_their_own),
    ("fleet::most_calls_make_no_round_trip", fleet::most_calls_make_no_round_trip),
    (
        "fleet::keeps_to_the_bound_with_machines_killed_and_stopped",
        fleet::keeps_to_the_bound_with_machines_killed_and_stopped,
    ),
    (
        "fleet::keeps_to_the_bound_with_the_store_killed_and_emptied",
        fleet::keeps_to_the_bound_with_the_store_killed_and_emptied,
    ),
    ("partition::keeps_to_the_bound_with_machines_cut_off", partition::keeps_to_the_bound_with_machines_cut_off),
    ("partition::goes_by_shares_on_the_wrong_side", partition::goes_by_shares_on_the_wrong_side),
    (
        "partition::an_isolated_machine_comes_back_with_an_old_epoch",
        partition::an_isolated_machine_comes_back_with_an_old_epoch,
    ),
];

fn main() {
    if machine::is_told() {
        return block_on(machine::run());
    }
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if std::env::var_os("RESILIENT_REAL_SERVERS").is_none() {
        println!(
            "SKIPPED: set RESILIENT_REAL_SERVERS for tests with a real redis-server; tests/real/run.sh does, and installs it"
        );
        return;
    }
    for (name, test) in TESTS {
        if filter.as_ref().is_none_or(|filter| name.contains(filter.as_str())) {
            let begin = Instant::now();
            println!("test {name} ...");
            test();
            println!("    ok, {:.1} s", begin.elapsed().as_secs_f64());
        }
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(future)
}
