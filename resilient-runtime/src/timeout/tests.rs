use tokio::time::{Instant, sleep};

use super::*;
use crate::{Backoff, Deadline, Retry, Verdict};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// An attempt that takes so many milliseconds, none of them if it is ready at once.
async fn takes(millis: u64) -> Result<(), std::io::Error> {
    if millis > 0 {
        sleep(ms(millis)).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_observed_call_is_counted_that_takes_as_long_as_the_limit() {
    let timeout = Timeout::named("observes a call", ms(10)).mode(Mode::Observe);
    let observed = || timeout.shell.record().noted(OBSERVED);

    for (took, more) in [(0, 0), (9, 0), (10, 1), (11, 1)] {
        let before = observed();
        assert!(matches!(timeout.run(takes(took)).await, Settled::Outcome(Ok(()))));
        assert_eq!(observed() - before, more, "{took} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observed_call_is_counted_whose_attempt_is_ready_at_once_when_the_time_is_over() {
    for (mode, waited, more) in [(Mode::Observe, 5, 0), (Mode::Observe, 6, 1), (Mode::Observe, 7, 1), (Mode::Off, 7, 0)]
    {
        let timeout = Timeout::named("observes attempts", ms(10)).mode(Mode::Observe);
        let observed = || timeout.shell.record().noted(OBSERVED);
        let before = observed();
        let mut call = timeout.begin();

        assert!(matches!(call.run(takes(4)).await, Settled::Outcome(Ok(()))));
        sleep(ms(waited)).await;
        timeout.set_mode(mode);
        assert!(matches!(call.run(takes(0)).await, Settled::Outcome(Ok(()))));

        assert_eq!(observed() - before, more, "{mode:?}, {waited} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_counts_from_a_first_attempt_that_is_ready_at_once() {
    for (took, mode, ends_in_time, more) in [
        (19, Mode::Enforce, true, 0),
        (21, Mode::Enforce, false, 0),
        (19, Mode::Observe, true, 0),
        (21, Mode::Observe, true, 1),
        (21, Mode::Off, true, 0),
    ] {
        let timeout = Timeout::named("by hand", ms(100)).mode(mode);
        let retry = Retry::named("by hand").backoff(Backoff::fixed(ms(80)));
        let observed = || timeout.shell.record().noted(OBSERVED);
        let before = observed();
        let mut call = timeout.begin();

        let Settled::Outcome(Ok(())) = call.run(takes(0)).await else { panic!("it is ready") };
        let failed = Err::<(), _>(std::io::Error::from(std::io::ErrorKind::TimedOut));
        let Verdict::Retry(delay) = retry.begin().settle(failed) else { panic!("it is transient") };
        call.wait(delay).await;
        let settled = call.run(takes(took)).await;

        assert_eq!(matches!(settled, Settled::Outcome(Ok(()))), ends_in_time, "{mode:?}, {took} ms");
        assert_eq!(observed() - before, more, "{mode:?}, {took} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_counts_from_when_a_first_attempt_that_is_ready_at_once_asked_for_it() {
    let timeout = Timeout::named("asked", ms(100));
    let mut call = timeout.begin();
    let began = Instant::now();
    let asks = async { Deadline::current().map(Deadline::remaining) };
    assert!(matches!(call.run(asks).await, Settled::Outcome(Some(left)) if left == ms(100)));
    sleep(ms(30)).await;

    let settled = call.run(takes(80)).await;

    assert!(
        matches!(settled, Settled::Rejected(rejection) if rejection.reason() == Reason::TimedOut { limit: ms(100) })
    );
    assert_eq!(began.elapsed(), ms(100));
}

#[tokio::test(start_paused = true)]
async fn the_time_counts_from_the_second_attempt_after_one_that_was_ready_at_once_and_did_not_ask() {
    for (took, ends_in_time) in [(69, true), (71, false)] {
        let timeout = Timeout::named("without waits", ms(100));
        let mut call = timeout.begin();
        for _ in 0..2 {
            assert!(matches!(call.run(takes(0)).await, Settled::Outcome(Ok(()))));
            sleep(ms(30)).await;
        }

        let settled = call.run(takes(took)).await;

        assert_eq!(matches!(settled, Settled::Outcome(Ok(()))), ends_in_time, "{took} ms");
    }
}
