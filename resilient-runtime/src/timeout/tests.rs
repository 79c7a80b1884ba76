use tokio::time::{Instant, sleep};

use super::*;
use crate::event::listen;
use crate::notes::timeout::LATE;
use crate::parked::{self, skipped};
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

/// Holds the thread for so long, as the clock has it.
fn hold(millis: u64) {
    let before = skipped::set(Some(Vec::new()));
    parked::sleep(ms(millis));
    skipped::set(before);
}

/// A body that waits for so long, or does not wait at all, and then holds the thread.
async fn holds(waits: Option<u64>, held: u64) {
    if let Some(millis) = waits {
        sleep(ms(millis)).await;
    }
    hold(held);
}

fn late_calls(timeout: &Timeout) -> u64 {
    timeout.shell.record().noted(LATE)
}

/// Makes calls until the next is one that is looked at.
async fn make_the_others(timeout: &Timeout) {
    for _ in 1..127 {
        let before = late_calls(timeout);
        let _ = timeout.run(holds(None, 1_000)).await;
        assert_eq!(late_calls(timeout), before, "nobody looks at it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_late_that_holds_its_thread_for_ten_milliseconds_and_a_tenth_of_the_limit() {
    let heard = listen();
    for (limit, waits, held, by) in [
        (5, None, 14, None),
        (5, None, 15, Some(10)),
        (200, None, 219, None),
        (200, None, 220, Some(20)),
        (5, Some(1), 13, None),
        (5, Some(1), 14, Some(10)),
        (200, Some(150), 10, None),
    ] {
        let timeout = Timeout::named("holds the thread", ms(limit));
        make_the_others(&timeout).await;
        let before = late_calls(&timeout);
        heard.take();

        let settled = timeout.run(holds(waits, held)).await;

        assert_eq!(settled, Settled::Outcome(()), "it is there");
        assert_eq!(late_calls(&timeout) - before, u64::from(by.is_some()), "{held} of {limit} ms");
        let events = heard.take();
        let is_said = |event| matches!(event, Event::Late { late, .. } if Some(late) == by.map(ms));
        assert_eq!(events.iter().filter(|(event, _)| is_said(*event)).count(), usize::from(by.is_some()), "{events:?}");
    }
}

#[test]
fn whoever_is_refused_late_is_counted_whether_it_was_looked_at_or_not() {
    async fn is_late(limit: u64, deadline: u64, held: u64) -> bool {
        let timeout = Timeout::named("late refusals", ms(limit));
        let before = late_calls(&timeout);
        let body = async {
            sleep(ms(5)).await;
            hold(held);
            std::future::pending::<()>().await;
        };

        let settled = Deadline::after(ms(deadline)).scope(timeout.run(body)).await;

        assert!(matches!(settled, Settled::Rejected(_)));
        late_calls(&timeout) > before
    }

    // its own limit, and a deadline from further out for which nobody has a timer
    for (limit, deadline, least) in [(10, 1_000, 10), (1_000, 10, 100)] {
        for (held, late) in [(least - 1, false), (least, true)] {
            // a thread whose clock nobody has put forward
            let is_late = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
                runtime.unwrap().block_on(is_late(limit, deadline, held))
            });
            assert_eq!(is_late.join().unwrap(), late, "{limit} ms under {deadline} ms, held for {held}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_late_where_nothing_is_limited() {
    for mode in [Mode::Observe, Mode::Off] {
        let timeout = Timeout::named("limits nothing", ms(10)).mode(mode);
        for _ in 0..300 {
            let _ = timeout.run(holds(None, 1_000)).await;
            let _ = timeout.run(holds(Some(1), 1_000)).await;
        }
        assert_eq!(late_calls(&timeout), 0, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_attempts_together_are_late_as_one_call() {
    let timeout = Timeout::named("late attempts", ms(100));
    let mut call = timeout.begin();

    for (held, late) in [(60, 0), (60, 1)] {
        assert_eq!(call.run(holds(Some(1), held)).await, Settled::Outcome(()));
        assert_eq!(late_calls(&timeout), late);
    }
}

/// Another thread has seen the timer go off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_late_whose_timer_has_gone_off_while_it_held_the_thread() {
    let timeout = Timeout::named("late on threads", ms(1));
    let body = async || {
        tokio::task::yield_now().await;
        std::thread::sleep(ms(30));
    };

    for _ in 1..127 {
        let _ = timeout.run(body()).await;
        if late_calls(&timeout) > 0 {
            return;
        }
    }
    panic!("126 calls were late, and none was seen");
}
