//! The thread that waits in place of a runtime: its timers, its waker and its naps.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

thread_local! {
    /// The mark of the waker with which this thread polls the policies of a blocking call; `OUTSIDE` while it does anything else.
    static POLLS_AS: Cell<usize> = const { Cell::new(OUTSIDE) };
    /// The time at which the first of the alarms is due that were found pending.
    static ALARM: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Returns whether this thread polls the policies of a blocking call, so that it can measure a wait without a runtime.
#[inline]
pub(crate) fn is_here() -> bool {
    POLLS_AS.get() != OUTSIDE
}

/// Polls until it is ready, and parks the thread in between.
///
/// `poll` is called inside, where alarms are made; the body of the call is to leave with [`outside`].
pub(crate) fn wait_for<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    // most calls never wait, and need no waker
    let mut waker = Waker::noop().clone();
    let mut is_known = false;
    loop {
        ALARM.set(None);
        let polled = as_if(mark(&waker), || poll(&mut Context::from_waker(&waker)));
        if let Poll::Ready(value) = polled {
            return value;
        }
        if is_known {
            park(ALARM.get());
        } else {
            waker = Waker::from(Arc::new(Unparks(thread::current())));
            is_known = true;
        }
    }
}

/// Runs the body of a call, which may drive futures of its own.
#[inline]
pub(crate) fn outside<T>(run: impl FnOnce() -> T) -> T {
    as_if(OUTSIDE, run)
}

fn as_if<T>(mark: usize, run: impl FnOnce() -> T) -> T {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            POLLS_AS.set(self.0);
        }
    }

    let _restore = Restore(POLLS_AS.replace(mark));
    run()
}

/// A timer of a thread that parks.
#[derive(Debug)]
pub(crate) struct Alarm(Instant);

impl Alarm {
    /// An alarm that is due so long after the present; `None` if that is later than the platform's instants reach.
    pub(crate) fn after(time: Duration) -> Option<Self> {
        now().checked_add(time).map(Self)
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        if now() >= self.0 {
            return Poll::Ready(());
        }
        if POLLS_AS.get() == mark(cx.waker()) {
            ALARM.set(Some(ALARM.get().map_or(self.0, |first| first.min(self.0))));
        } else {
            // polled by an executor inside a hook, which this thread does not park for
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Has the task polled again at once, after others had their turn.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    is_over: bool,
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_over {
            return Poll::Ready(());
        }
        self.is_over = true;
        thread::yield_now();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Blocks the thread for that time.
pub(crate) fn sleep(time: Duration) {
    if !skipped::skip(time) {
        thread::sleep(time);
    }
}

fn park(alarm: Option<Instant>) {
    let Some(alarm) = alarm else { return thread::park() };
    let time = alarm.saturating_duration_since(now());
    if !skipped::skip(time) {
        thread::park_timeout(time);
    }
}

fn now() -> Instant {
    Instant::now() + skipped::ahead()
}

struct Unparks(Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Returns what tells a waker of this thread from others, and from `OUTSIDE`.
fn mark(waker: &Waker) -> usize {
    waker.data().addr() | 1
}

const OUTSIDE: usize = 0;

/// The waits that a test has the thread skip.
#[cfg(any(test, feature = "test-util"))]
pub(crate) mod skipped {
    use std::cell::{Cell, RefCell};
    use std::time::Duration;

    thread_local! {
        /// The time by which the clocks of this thread are ahead.
        static AHEAD: Cell<Duration> = const { Cell::new(Duration::ZERO) };
        /// The waits that were skipped; `None` while none is.
        static WAITS: RefCell<Option<Vec<Duration>>> = const { RefCell::new(None) };
    }

    #[inline]
    pub(crate) fn ahead() -> Duration {
        AHEAD.get()
    }

    /// Puts the clocks forward by a wait in place of it, if this thread skips them.
    pub(super) fn skip(wait: Duration) -> bool {
        WAITS.with_borrow_mut(|waits| {
            let Some(waits) = waits else { return false };
            waits.push(wait);
            AHEAD.set(AHEAD.get().saturating_add(wait));
            true
        })
    }

    /// Begins or ends to skip; returns the waits that were skipped before.
    pub(crate) fn set(waits: Option<Vec<Duration>>) -> Option<Vec<Duration>> {
        WAITS.replace(waits)
    }

    pub(crate) fn waits() -> Vec<Duration> {
        WAITS.with_borrow(|waits| waits.clone().unwrap_or_default())
    }
}

#[cfg(not(any(test, feature = "test-util")))]
mod skipped {
    use std::time::Duration;

    pub(super) const fn ahead() -> Duration {
        Duration::ZERO
    }

    pub(super) const fn skip(_wait: Duration) -> bool {
        false
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::Mutex;

    use super::*;

    /// A hook may drive a runtime while the thread polls.
    #[test]
    fn an_alarm_that_another_executor_polls_goes_off() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

        wait_for(|_| {
            let alarm = Alarm::after(Duration::from_millis(1)).unwrap();
            runtime.block_on(poll_fn(|cx| alarm.poll(cx)));
            Poll::Ready(())
        });
    }

    #[test]
    fn the_first_of_several_alarms_wakes_the_thread() {
        let skipping = skipped::set(Some(Vec::new()));
        let [late, early] = [900, 30].map(|millis| Alarm::after(Duration::from_millis(millis)).unwrap());

        wait_for(|cx| if late.poll(cx).is_ready() { Poll::Ready(()) } else { early.poll(cx) });

        let waits = skipped::waits();
        skipped::set(skipping);
        assert_eq!(waits.len(), 1);
        assert!(waits[0] <= Duration::from_millis(30), "{waits:?}");
    }

    #[test]
    fn another_thread_wakes_it() {
        let (waker, is_over) = (Mutex::new(None::<Waker>), Mutex::new(false));

        thread::scope(|scope| {
            scope.spawn(|| {
                wait_for(|cx| {
                    *waker.lock().unwrap() = Some(cx.waker().clone());
                    if *is_over.lock().unwrap() { Poll::Ready(()) } else { Poll::Pending }
                });
            });
            // the first waker is none that wakes
            while waker.lock().unwrap().as_ref().is_none_or(|waker| waker.will_wake(Waker::noop())) {
                thread::yield_now();
            }
            *is_over.lock().unwrap() = true;
            waker.lock().unwrap().as_ref().unwrap().wake_by_ref();
        });
    }

    #[test]
    fn the_body_is_outside_and_so_is_what_comes_after_a_panic() {
        wait_for(|_| {
            assert!(is_here());
            assert!(!outside(is_here));
            assert!(is_here());
            Poll::Ready(())
        });
        assert!(!is_here());

        let panics = std::panic::catch_unwind(|| wait_for(|_| -> Poll<()> { std::panic::panic_any("on purpose") }));
        assert!(panics.is_err() && !is_here());
    }

    #[test]
    fn others_have_one_turn() {
        let mut polls = 0;
        let mut turn = pin!(Turn::default());

        wait_for(|cx| {
            polls += 1;
            turn.as_mut().poll(cx)
        });

        assert_eq!(polls, 2);
    }
}
