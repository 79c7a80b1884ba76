use super::*;

const NONE: Tally = Tally { calls: 0, failures: 0 };

fn config() -> Config {
    Config::new().open_jitter(0.0)
}

fn closed(streak: u32) -> Circuit {
    Circuit { epoch: Epoch(6), phase: Phase::Closed { streak } }
}

fn open(reopenings: u32, until: u64) -> Circuit {
    Circuit { epoch: Epoch(7), phase: Phase::Open { trip: tripped(reopenings), until: Millis(until) } }
}

fn half_open(reopenings: u32, issued: u32, succeeded: u32, failed: u32) -> Circuit {
    let probes = Probes { issued, succeeded, failed };
    Circuit { epoch: Epoch(8), phase: Phase::HalfOpen { trip: tripped(reopenings), probes } }
}

fn tripped(reopenings: u32) -> Trip {
    Trip { reopenings, panicked: false }
}

fn at(millis: u64) -> Moment {
    Moment(millis * 1_000_000)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn ask(circuit: Circuit, now: Moment, last_probe: u64) -> Answer {
    circuit.ask(&config(), now, Millis(last_probe), || unreachable!("no jitter"))
}

fn end(circuit: Circuit, vote: Vote, tally: Tally) -> Circuit {
    circuit.end(vote, tally, &config(), at(5_000), || unreachable!("no jitter"))
}

#[test]
fn closed_admits_and_stays_as_it_is() {
    assert_eq!(ask(closed(4), at(1), 0), Answer::Admitted);
}

#[test]
fn success_ends_the_streak() {
    assert_eq!(end(closed(4), Vote::Success, NONE), closed(0));
}

#[test]
fn failure_lengthens_the_streak_without_overflow() {
    let calm = Tally { calls: 100, failures: 1 };

    assert_eq!(end(closed(3), Vote::Failure, calm), closed(4));
    assert_eq!(end(closed(u32::MAX), Vote::Failure, calm), closed(u32::MAX));
}

#[test]
fn abandoned_call_changes_nothing() {
    assert_eq!(end(closed(4), Vote::Abandoned, Tally { calls: 20, failures: 20 }), closed(4));
}

#[test]
fn opens_at_the_rate_or_after_the_streak() {
    assert_eq!(end(closed(0), Vote::Failure, Tally { calls: 20, failures: 10 }), open(0, 6_000));
    assert_eq!(end(closed(4), Vote::Failure, Tally { calls: 5, failures: 5 }), open(0, 6_000));
}

#[test]
fn remembers_whether_it_was_a_panic() {
    let by_panic = end(closed(4), Vote::Panic, NONE);
    let by_failure = end(closed(4), Vote::Failure, NONE);

    assert_eq!(by_panic.last_failure(), None);
    assert_eq!(by_failure.last_failure(), Some(Class::Transient));
}

#[test]
fn last_failed_probe_is_the_failure_to_remember() {
    let after_panic = end(half_open(0, 3, 0, 1), Vote::Panic, NONE);
    let reopened = end(after_panic, Vote::Success, NONE);

    assert!(matches!(reopened.phase, Phase::Open { .. }));
    assert_eq!(reopened.last_failure(), None);
}

#[test]
fn open_refuses_until_exactly_its_end() {
    assert_eq!(ask(open(0, 6_000), at(5_000), 0), Answer::Refused(ms(1_000)));
    assert_eq!(ask(open(0, 6_000), Moment(5_999_999_999), 0), Answer::Refused(Duration::from_nanos(1)));
    assert_eq!(ask(open(0, 6_000), at(6_000), 0), Answer::Probe(half_open(0, 1, 0, 0)));
    assert_eq!(ask(open(0, 6_000), Moment(u64::MAX), 0), Answer::Probe(half_open(0, 1, 0, 0)));
}

#[test]
fn end_of_the_open_time_is_rounded_up() {
    let opened = closed(4).end(Vote::Failure, NONE, &config(), Moment(1), || 0);

    assert_eq!(opened, open(0, 1_001));
}

#[test]
fn half_open_gives_out_its_probes_and_no_more() {
    assert_eq!(ask(half_open(2, 1, 0, 0), at(0), 0), Answer::Probe(half_open(2, 2, 0, 0)));
    assert_eq!(ask(half_open(2, 2, 1, 1), at(0), 0), Answer::Probe(half_open(2, 3, 1, 1)));
    assert_eq!(ask(half_open(2, 3, 0, 0), at(250), 0), Answer::Refused(ms(750)));
}

#[test]
fn abandoned_probe_is_given_to_the_next_caller() {
    let returned = end(half_open(0, 3, 1, 0), Vote::Abandoned, NONE);

    assert_eq!(returned, half_open(0, 2, 1, 0));
    assert_eq!(ask(returned, at(0), 0), Answer::Probe(half_open(0, 3, 1, 0)));
}

#[test]
fn waits_for_all_probes_before_it_decides() {
    assert_eq!(end(half_open(0, 3, 0, 1), Vote::Failure, NONE), half_open(0, 3, 0, 2));
    assert_eq!(end(half_open(0, 3, 1, 0), Vote::Success, NONE), half_open(0, 3, 2, 0));
}

#[test]
fn probes_decide_by_the_failure_rate() {
    let closed = Circuit { epoch: Epoch(9), phase: Phase::Closed { streak: 0 } };
    let reopened = Circuit { epoch: Epoch(9), ..open(1, 7_000) };

    assert_eq!(end(half_open(0, 3, 2, 0), Vote::Success, NONE), closed);
    assert_eq!(end(half_open(0, 3, 1, 1), Vote::Success, NONE), closed);
    assert_eq!(end(half_open(0, 3, 1, 1), Vote::Failure, NONE), reopened);
    assert_eq!(end(half_open(0, 3, 0, 2), Vote::Success, NONE), reopened);
}

#[test]
fn hanging_probes_have_failed_once_somebody_asks() {
    let Answer::Overdue(reopened) = ask(half_open(0, 3, 1, 0), at(1_000), 0) else { panic!("not overdue") };
    let Answer::Overdue(closed) = ask(half_open(0, 3, 2, 0), at(1_000), 0) else { panic!("not overdue") };

    assert_eq!(reopened, Circuit { epoch: Epoch(9), ..open(1, 3_000) });
    assert_eq!(closed.phase, Phase::Closed { streak: 0 });
}

#[test]
fn evidence_of_a_half_open_state_is_all_its_probes() {
    let seen = |circuit: Circuit, vote| {
        let Tally { calls, failures } = circuit.evidence(vote, NONE);
        (calls, failures)
    };

    assert_eq!(seen(half_open(0, 3, 1, 1), Vote::Success), (3, 1));
    assert_eq!(seen(half_open(0, 3, 1, 1), Vote::Failure), (3, 2));
    assert_eq!(seen(half_open(0, 3, 1, 0), Vote::Failure), (3, 2));
}

#[test]
fn reopenings_are_counted_up_to_their_limit() {
    let next = end(half_open(MAX_REOPENINGS, 3, 0, 2), Vote::Failure, NONE);

    assert_eq!(next, Circuit { epoch: Epoch(9), ..open(MAX_REOPENINGS, 35_000) });
}

#[test]
fn epochs_go_round() {
    assert_eq!(Epoch(MAX_EPOCH).next(), Epoch(0));
    assert!(Epoch(0).is_after(Epoch(MAX_EPOCH)));
    assert!(!Epoch(MAX_EPOCH).is_after(Epoch(0)));
    assert!(!Epoch(5).is_after(Epoch(5)));
}

#[test]
fn moments_beyond_the_word_do_not_wrap() {
    assert_eq!(Moment(u64::MAX).plus(Duration::MAX).round_up(), Millis(MAX_MILLIS));
    assert_eq!(Moment(u64::MAX).until(Millis(MAX_MILLIS)), None);
}
