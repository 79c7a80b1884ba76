//! Loads that wait for a store, found in the lines of a trace.

#[path = "../src/forwarding.rs"]
mod forwarding;

use forwarding::{Pair, Trace};

/// The waits of one call whose accesses these are, each by an instruction of its own from address 1 on.
fn waits(accesses: &[&str]) -> Vec<Pair> {
    let mut trace = Trace::default();
    for (index, access) in accesses.iter().enumerate() {
        trace.read(&format!("I  {:08x},4", index + 1));
        trace.read(access);
    }
    trace.waits_of_an_item(1).into_iter().map(|(pair, _)| pair).collect()
}

#[test]
fn a_load_waits_for_a_store_that_wrote_a_part_of_it() {
    let wide = [" S 00001000,8", " S 00001008,8", " L 00001000,16"];
    assert_eq!(waits(&wide), [Pair { load: 3, store: 2 }]);

    let across = [" S 00001000,16", " L 00001008,16"];
    assert_eq!(waits(&across), [Pair { load: 2, store: 1 }]);

    let both_at_once = [" S 00001004,4", " M 00001000,8", " L 00001004,4"];
    assert_eq!(waits(&both_at_once), [Pair { load: 2, store: 1 }]);
}

#[test]
fn a_load_does_not_wait_for_a_store_that_wrote_all_or_none_of_it() {
    assert!(waits(&[" S 00001000,16", " L 00001008,8"]).is_empty());
    assert!(waits(&[" S 00001000,8", " L 00001008,8"]).is_empty());
    assert!(waits(&[" S 00001004,4", " S 00001000,8", " L 00001000,8"]).is_empty(), "the later one wrote all");
}

#[test]
fn a_load_does_not_wait_for_what_the_memory_has() {
    let long_after = |instructions| {
        let mut accesses = vec![" S 00001000,4"];
        accesses.resize(instructions, " L 00002000,8");
        accesses.push(" L 00001000,8");
        waits(&accesses).len()
    };
    assert_eq!((long_after(70), long_after(72)), (1, 0));
}

#[test]
fn what_few_calls_do_is_left_out() {
    let mut trace = Trace::default();
    for call in 0..10 {
        trace.read("I  00000001,4");
        trace.read(" S 00001000,4");
        trace.read("I  00000002,4");
        trace.read(if call < 5 { " L 00001000,8" } else { " L 00001000,4" });
        trace.read("==7== a line of something else");
    }
    assert_eq!(trace.waits_of_an_item(10), [(Pair { load: 2, store: 1 }, 0.5)]);
    assert!(trace.waits_of_an_item(11).is_empty());
}
