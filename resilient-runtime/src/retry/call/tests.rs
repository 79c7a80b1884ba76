use super::*;
use crate::Backoff;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn fail(call: &mut RetryCall<'_>, class: Class) -> Verdict<Result<(), ()>> {
    call.settle_when(Err(()), |(): &()| class)
}

fn is_retried(call: &mut RetryCall<'_>) -> bool {
    matches!(fail(call, Class::Transient), Verdict::Retry(_))
}

#[test]
fn the_begin_of_a_call_and_what_its_back_off_remembers_share_a_word() {
    // the steps of 66 µs that fit, and the bits of the memory that are kept
    for steps in [1, 0x12_3456_789a, (1 << 40) - 1, 1 << 24, 1 << 39] {
        for memory in [0, 0x1234_5600, u32::MAX << 8] {
            let began = Ticks(steps << 16 | 0x4321);
            let words = [Start(0).with(Memory(memory)).at(began), Start(0).at(began).with(Memory(memory | 0x7f))];
            for word in words {
                assert!(!word.is_unknown(), "{steps:#x}, {memory:#x}");
                assert_eq!((word.0 >> 24, word.memory().0), (steps, memory));
            }
            let again = words[0].at(Ticks(0)).with(Memory(0));
            assert_eq!(again.0, 0, "both can change");
            assert!(words[0].at(Ticks(0)).is_unknown(), "{memory:#x}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_since_a_begin_goes_on_where_its_steps_begin_anew() {
    let now = clock::now();
    let steps = Start::steps(Ticks::at(now));
    for before in [0, 1, 1_000, Start::STEPS] {
        let began = Start(0).at(Ticks(steps.wrapping_sub(before) << 16)).with(Memory(u32::MAX));
        assert_eq!(began.elapsed(now), Duration::from_nanos(before << 16));
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_attempt_leaves_it_known_that_the_call_blocks() {
    let now = clock::now();
    for moment in [Moment::NONE, Moment(Moment::BLOCKS)] {
        assert!(!moment.is_taken());
        let taken = moment.at(now);
        assert!(taken.is_taken());
        assert_eq!(taken.blocks(), moment.blocks());
        assert_eq!(taken.elapsed(now), Duration::ZERO);
        assert_eq!(taken.elapsed(now + Duration::from_nanos(9 << 16)), Duration::from_nanos(9 << 16));
    }
}

#[test]
fn a_call_that_blocks_is_retried_where_nothing_measures_time_and_another_is_not() {
    let retry = Retry::named("off a runtime").backoff(Backoff::fixed(ms(1)));

    assert!(is_retried(&mut retry.begin_blocking()));
    assert!(!is_retried(&mut retry.begin()));
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_by_their_retries() {
    let retry = Retry::named("counted by retries").unlimited().without_budget().backoff(Backoff::none());
    let record = retry.shell.record();

    for (retries, place) in [(0, None), (1, Some(0)), (2, Some(1)), (3, Some(2)), (4, Some(3)), (5, Some(3))]
        .into_iter()
        .chain([(6, Some(4)), (10, Some(4)), (11, Some(5)), (100, Some(5))])
    {
        let counts = || std::array::from_fn::<_, 6, _>(|place| record.noted(CALLS_BY_RETRIES + place));
        let mut expected = counts();
        if let Some(place) = place {
            expected[place] += 1;
        }

        let mut call = retry.begin();
        for retried in 0..retries {
            assert_eq!(call.attempt(), retried);
            assert!(is_retried(&mut call));
        }
        let _ = fail(&mut call, Class::Permanent);

        assert_eq!(counts(), expected, "{retries} retries");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_may_begin_when_the_longest_time_is_over_and_not_later() {
    for (wait, is_made) in [(10, true), (11, false)] {
        let retry = Retry::named("in time").max_elapsed(ms(10)).backoff(Backoff::fixed(ms(wait)));
        assert_eq!(is_retried(&mut retry.begin()), is_made, "{wait} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_made_if_it_just_fits_before_the_deadline() {
    let retry = Retry::named("just in time").backoff(Backoff::fixed(ms(10)));
    let decide = |left| {
        let mut call = retry.begin();
        Deadline::after(left).scope(async move { is_retried(&mut call) })
    };
    assert!(!decide(ms(10)).await, "it would begin at the deadline");
    assert!(decide(ms(11)).await);

    retry.pace.sample(ms(5));
    assert!(decide(ms(15)).await, "half of the attempts take no longer");
    assert!(!decide(Duration::from_nanos(14_999_999)).await);
}

#[test]
fn the_longest_delay_is_one() {
    let longest = Delay::of_nanos(u64::MAX);

    assert_eq!(Decision::retry(longest).delay(), Some(longest));
}

#[tokio::test(start_paused = true)]
async fn retries_without_a_wait_give_way_now_and_then() {
    let retry = Retry::named("at once").max(100).backoff(Backoff::none()).without_budget();
    let (mut call, mut turns) = (retry.begin(), Vec::new());
    let start = clock::now();
    loop {
        let had_turn = tokio::spawn(async {});
        let Verdict::Retry(delay) = fail(&mut call, Class::Transient) else { break };
        assert!(delay.duration() <= Duration::from_nanos(1), "{delay:?}");
        delay.await;
        if had_turn.is_finished() {
            turns.push(call.attempt());
        }
    }

    assert_eq!(turns, [32, 64, 96]);
    assert_eq!(clock::now(), start);
}

#[test]
fn retries_of_a_thread_without_a_wait_give_way_to_nobody() {
    let retry = Retry::named("at once in a thread").max(40).backoff(Backoff::none()).without_budget();
    let mut call = retry.begin_blocking();

    while let Verdict::Retry(delay) = fail(&mut call, Class::Transient) {
        assert!(delay.is_zero());
    }
    assert_eq!(call.attempt(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_retry_under_a_deadline_is_measured_however_it_ends() {
    for class in [Class::Success, Class::Permanent, Class::Transient] {
        let retry = Retry::named("measured").max(1).backoff(Backoff::none());
        let mut call = retry.begin();

        let measured = Deadline::after(ms(60_000)).scope(async {
            assert!(is_retried(&mut call));
            assert!(retry.pace.median().is_none(), "a first attempt is not");
            tokio::time::advance(ms(2_000)).await;
            let _ = fail(&mut call, class);
            retry.pace.median()
        });

        // in steps of 66 µs
        let measured = measured.await.unwrap();
        assert!(measured.abs_diff(ms(2_000)) < ms(1), "{class:?}: {measured:?}");
    }
}
