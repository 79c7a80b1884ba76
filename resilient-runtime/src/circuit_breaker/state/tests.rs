use super::*;
use crate::circuit_breaker::epoch::MAX_EPOCH;
use crate::packed_time::{MAX_MILLIS, NANOS_PER_MILLI};

const NONE: Tally = Tally { calls: 0, failures: 0, slow: 0 };
const FAILURE: Vote = Vote::Failure(Cause::Transient);
const PANIC: Vote = Vote::Failure(Cause::Panic);

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
    Trip { reopenings, cause: Cause::Transient }
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

fn ending(vote: Vote, window: Tally) -> Ending {
    Ending { vote, slow: false, window, evident: false }
}

fn end(circuit: Circuit, vote: Vote, tally: Tally) -> Circuit {
    circuit.end(ending(vote, tally), &config(), || at(5_000), || unreachable!("no jitter"))
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
    let calm = Tally { calls: 100, failures: 1, slow: 0 };

    assert_eq!(end(closed(3), FAILURE, calm), closed(4));
    assert_eq!(end(closed(u32::MAX), FAILURE, calm), closed(u32::MAX));
}

#[test]
fn abandoned_call_changes_nothing() {
    assert_eq!(end(closed(4), Vote::Abandoned, Tally { calls: 20, failures: 20, slow: 0 }), closed(4));
}

#[test]
fn opens_at_the_rate_or_after_the_streak() {
    assert_eq!(end(closed(0), FAILURE, Tally { calls: 20, failures: 10, slow: 0 }), open(0, 6_000));
    assert_eq!(end(closed(4), FAILURE, Tally { calls: 5, failures: 5, slow: 0 }), open(0, 6_000));
}

#[test]
fn remembers_whether_it_was_a_panic() {
    let by_panic = end(closed(4), PANIC, NONE);
    let by_failure = end(closed(4), FAILURE, NONE);

    assert_eq!(by_panic.last_failure(), None);
    assert_eq!(by_failure.last_failure(), Some(Class::Transient));
}

#[test]
fn last_failed_probe_is_the_failure_to_remember() {
    let after_panic = end(half_open(0, 3, 0, 1), PANIC, NONE);
    let reopened = end(after_panic, Vote::Success, NONE);

    assert!(matches!(reopened.phase, Phase::Open { .. }));
    assert_eq!(reopened.last_failure(), None);
}

#[test]
fn probe_that_hangs_is_the_failure_to_remember() {
    let by_panic = Circuit {
        phase: Phase::HalfOpen { trip: Trip { reopenings: 0, cause: Cause::Panic }, probes: Probes::FIRST },
        ..half_open(0, 1, 0, 0)
    };
    assert_eq!(by_panic.last_failure(), None);

    let Answer::Over(reopened) = ask(by_panic, at(9_000), 1_000) else { panic!("its time is over") };

    assert!(matches!(reopened.phase, Phase::Open { .. }));
    assert_eq!(reopened.last_failure(), Some(Class::Transient));
}

#[test]
fn open_refuses_until_exactly_its_end() {
    assert_eq!(ask(open(0, 6_000), at(5_000), 0), Answer::Refused(Some(ms(1_000))));
    assert_eq!(ask(open(0, 6_000), Moment(5_999_999_999), 0), Answer::Refused(Some(Duration::from_nanos(1))));
    assert_eq!(ask(open(0, 6_000), at(6_000), 0), Answer::Probe(half_open(0, 1, 0, 0)));
    assert_eq!(ask(open(0, 6_000), Moment(u64::MAX), 0), Answer::Probe(half_open(0, 1, 0, 0)));
}

#[test]
fn end_of_the_open_time_is_rounded_up() {
    let opened = closed(4).end(ending(FAILURE, NONE), &config(), || Moment(1), || 0);

    assert_eq!(opened, open(0, 1_001));
}

#[test]
fn half_open_gives_out_its_probes_and_no_more() {
    assert_eq!(ask(half_open(2, 1, 1, 0), at(0), 0), Answer::Probe(half_open(2, 2, 1, 0)));
    assert_eq!(ask(half_open(2, 2, 1, 1), at(0), 0), Answer::Probe(half_open(2, 3, 1, 1)));
    assert_eq!(ask(half_open(2, 3, 1, 0), at(250), 0), Answer::Refused(Some(ms(750))));
}

#[test]
fn first_probe_goes_alone() {
    assert_eq!(ask(half_open(2, 0, 0, 0), at(0), 0), Answer::Probe(half_open(2, 1, 0, 0)));
    assert_eq!(ask(half_open(2, 1, 0, 0), at(250), 0), Answer::Refused(Some(ms(750))));
}

#[test]
fn first_probe_that_fails_opens_it_again() {
    let reopened = Circuit { epoch: Epoch(9), ..open(3, 6_000) };

    assert_eq!(end(half_open(2, 1, 0, 0), FAILURE, NONE), reopened);
    assert_eq!(end(half_open(2, 1, 0, 0), Vote::Success, NONE), half_open(2, 1, 1, 0));
    assert_eq!(end(half_open(2, 1, 0, 0), Vote::Abandoned, NONE), half_open(2, 0, 0, 0));
}

#[test]
fn evidence_opens_it_whatever_the_window_holds() {
    let calm = Tally { calls: 100, failures: 1, slow: 0 };
    let evident = Ending { evident: true, ..ending(FAILURE, calm) };

    assert_eq!(closed(0).end(evident, &config(), || at(5_000), || unreachable!()), open(0, 6_000));
}

#[test]
fn abandoned_probe_is_given_to_the_next_caller() {
    let returned = end(half_open(0, 3, 1, 0), Vote::Abandoned, NONE);

    assert_eq!(returned, half_open(0, 2, 1, 0));
    assert_eq!(ask(returned, at(0), 0), Answer::Probe(half_open(0, 3, 1, 0)));
}

#[test]
fn waits_for_all_probes_before_it_decides() {
    assert_eq!(end(half_open(0, 3, 1, 0), FAILURE, NONE), half_open(0, 3, 1, 1));
    assert_eq!(end(half_open(0, 3, 1, 0), Vote::Success, NONE), half_open(0, 3, 2, 0));
}

#[test]
fn probes_decide_by_the_failure_rate() {
    let closed = Circuit { epoch: Epoch(9), phase: Phase::Closed { streak: 0 } };
    let reopened = Circuit { epoch: Epoch(9), ..open(13, 7_000) };

    assert_eq!(end(half_open(0, 3, 2, 0), Vote::Success, NONE), closed);
    assert_eq!(end(half_open(0, 3, 1, 1), Vote::Success, NONE), closed);
    assert_eq!(end(half_open(0, 3, 1, 1), FAILURE, NONE), reopened);
}

#[test]
fn hanging_probes_have_failed_once_somebody_asks() {
    let Answer::Over(reopened) = ask(half_open(0, 3, 1, 0), at(1_000), 0) else { panic!("not overdue") };
    let Answer::Over(closed) = ask(half_open(0, 3, 2, 0), at(1_000), 0) else { panic!("not overdue") };

    assert_eq!(reopened, Circuit { epoch: Epoch(9), ..open(13, 3_000) });
    assert_eq!(closed.phase, Phase::Closed { streak: 0 });
}

#[test]
fn evidence_of_a_half_open_state_is_all_its_probes() {
    let seen = |circuit: Circuit, vote| {
        let Tally { calls, failures, .. } = circuit.evidence(ending(vote, NONE));
        (calls, failures)
    };

    assert_eq!(seen(half_open(0, 3, 1, 1), Vote::Success), (3, 1));
    assert_eq!(seen(half_open(0, 3, 1, 1), FAILURE), (3, 2));
    assert_eq!(seen(half_open(0, 3, 1, 0), FAILURE), (3, 2));
}

#[test]
fn reopenings_are_counted_up_to_their_limit() {
    let next = end(half_open(MAX_REOPENINGS, 3, 0, 2), FAILURE, NONE);

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
fn ends_that_are_long_past_stay_past_when_the_milliseconds_go_round() {
    let second = Duration::from_secs(1);
    let end = at(5_000).plus(second).round_up();

    assert_eq!(at(5_000).until(end, Millis::of(second)), Some(second));
    for years in [1, 2, 3, 4, 5, 50, 500] {
        let later = Moment(5_000_000_000 + years * 365 * 86_400 * 1_000_000_000);
        assert_eq!(later.until(end, Millis::of(second)), None, "{years}");
    }
    let just_round = Moment((MAX_MILLIS + 1) * NANOS_PER_MILLI);
    assert_eq!(just_round.until(just_round.plus(second).round_up(), Millis::of(second)), Some(second));
}

#[test]
fn the_longest_waits_end() {
    let longest = Duration::from_millis(MAX_WAIT);
    let forever = Moment(7).plus(Duration::MAX.min(longest)).round_up();

    assert!(Moment(7).until(forever, Millis::of(Duration::MAX)).is_some_and(|left| left >= longest));
    assert_eq!(Moment(1_000_007).plus(longest).until(forever, Millis::of(Duration::MAX)), None);
}

fn recovering(reopenings: u32, streak: u32) -> Circuit {
    Circuit { epoch: Epoch(8), phase: Phase::Recovering { trip: tripped(reopenings), streak } }
}

#[test]
fn probes_that_succeed_begin_the_ramp() {
    let config = config().recover(ms(10_000));

    let next = half_open(2, 3, 2, 0).end(ending(Vote::Success, NONE), &config, || at(5_000), || unreachable!());

    assert_eq!(next, Circuit { epoch: Epoch(9), ..recovering(2, 0) });
}

#[test]
fn ramp_lets_through_what_falls_below_the_share() {
    let config = config().recover(ms(10_000));
    let ask = |elapsed: u64, draw: f64| {
        let draw = (draw * 2_f64.powi(64)) as u64;
        recovering(0, 0).ask(&config, at(1_000 + elapsed), Millis(1_000), || draw)
    };

    assert_eq!(ask(0, 0.0999), Answer::Admitted);
    assert_eq!(ask(0, 0.1001), Answer::Refused(Some(ms(10_000))));
    assert_eq!(ask(2_500, 0.2499), Answer::Admitted);
    assert_eq!(ask(2_500, 0.2501), Answer::Refused(Some(ms(7_500))));
    assert_eq!(ask(9_999, 0.99995), Answer::Refused(Some(ms(1))));
    assert_eq!(ask(10_000, 0.99995), Answer::Over(Circuit { epoch: Epoch(9), phase: Phase::Closed { streak: 0 } }));
}

#[test]
fn ramp_that_fails_opens_for_longer() {
    let failing = Tally { calls: 20, failures: 10, slow: 0 };

    let next = end(recovering(1, 0), FAILURE, failing);

    assert_eq!(next, Circuit { epoch: Epoch(9), ..open(13, 7_000) });
    assert_eq!(end(recovering(1, 3), Vote::Success, failing), recovering(1, 0));
    assert_eq!(end(recovering(1, 3), FAILURE, NONE), Circuit { ..recovering(1, 4) });
    assert_eq!(end(recovering(1, 3), Vote::Abandoned, failing), recovering(1, 3));
}

#[test]
fn slow_success_opens_by_its_rate_and_is_no_failure() {
    let config = config().slow_call(ms(100));
    let end = |circuit: Circuit, slow| {
        let window = Tally { calls: 20, failures: 0, slow };
        circuit.end(
            Ending { vote: Vote::Success, slow: true, window, evident: false },
            &config,
            || at(5_000),
            || unreachable!(),
        )
    };

    let opened = end(closed(3), 16);

    assert_eq!(end(closed(3), 15), closed(0));
    assert!(matches!(opened.phase, Phase::Open { .. }));
    assert_eq!(opened.last_failure(), Some(Class::Success));
}

#[test]
fn slow_probe_has_failed() {
    let config = config().slow_call(ms(100));
    let slow = Ending { vote: Vote::Success, slow: true, window: NONE, evident: false };

    let next = half_open(0, 3, 1, 0).end(slow, &config, || at(5_000), || unreachable!());

    let probes = Probes { issued: 3, succeeded: 1, failed: 1 };
    let trip = Trip { reopenings: 0, cause: Cause::Slow };
    assert_eq!(next.phase, Phase::HalfOpen { trip, probes });
}

#[test]
fn forced_states_answer_without_the_clock() {
    let forced = closed(0).forced(Phase::ForcedOpen).expect("it opens");
    let disabled = closed(0).enter(Phase::Disabled);

    assert_eq!(ask(forced, at(u64::from(u32::MAX)), 0), Answer::Refused(None));
    assert_eq!(forced.forced(Phase::ForcedOpen), None);
    assert_eq!(ask(disabled, at(0), 0), Answer::Unguarded);
    assert_eq!(disabled.forced(Phase::ForcedOpen), None);
    assert_eq!(forced.last_failure(), None);
}
