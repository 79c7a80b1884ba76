//! The recorder: what the policies of a thread report, kept for a test to ask about.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::{Class, Retrying};

/// What the policies of this thread have reported since [`record`].
///
/// A policy is asked for by its name: the function's, unless the attribute says `name = "…"`. Functions of the same name
/// are one to it, and a name that has reported nothing has empty lists. Its `Debug` form lists everything in order.
///
/// # Several at once
///
/// Each recorder hears everything from its own beginning to its own end, however many others there are and in whatever
/// order they are dropped. One that is made later, or in an inner block, takes nothing away from the earlier.
///
/// # Other threads
///
/// It hears its own thread only, so that tests that run side by side do not mix, and it cannot be sent to another.
/// Tasks spawned on a current-thread runtime are on its thread; those of a multi-thread runtime are not.
#[derive(Debug)]
#[must_use = "it records until it is dropped"]
pub struct Recorder(Rc<RefCell<Vec<Report>>>);

/// One report of a policy.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code, reason = "some fields are for the `Debug` form only")]
pub(crate) enum Report {
    Retrying(Retrying),
    GaveUp { policy: &'static str, retries: u32, class: Class, why: &'static str },
    Transition { policy: &'static str, from: &'static str, to: &'static str },
    TimedOut { policy: &'static str, limit: Duration },
    Hedging { policy: &'static str },
    Joined { policy: &'static str },
    HandedOver { policy: &'static str },
    Overflowed { policy: &'static str },
    LearnsNothing { policy: &'static str },
    Batched { policy: &'static str, keys: usize, callers: usize },
    Cancelled { policy: &'static str },
    FellBack { policy: &'static str, class: Class, answer: &'static str },
    Unanswered { policy: &'static str, class: Class },
    Paused { policy: &'static str, time: Duration },
    Slowed { policy: &'static str, share: f64 },
}

thread_local! {
    static RECORDERS: RefCell<Vec<Weak<RefCell<Vec<Report>>>>> = const { RefCell::new(Vec::new()) };
}

/// Records what the policies of this thread report, until the [`Recorder`] is dropped.
///
/// ```
/// use resilient::test::record;
/// use resilient::{Retry, Verdict};
///
/// static FETCH: Retry = Retry::named("fetch");
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let log = record();
/// let down: Result<(), std::io::Error> = Err(std::io::ErrorKind::ConnectionReset.into());
/// let verdict = FETCH.begin().settle(down);
///
/// assert!(matches!(verdict, Verdict::Retry(delay) if [delay.duration()] == *log.delays("fetch")));
/// # }
/// ```
pub fn record() -> Recorder {
    let reports = Rc::default();
    RECORDERS.with_borrow_mut(|recorders| {
        recorders.retain(|recorder| recorder.strong_count() > 0);
        recorders.push(Rc::downgrade(&reports));
    });
    Recorder(reports)
}

impl Recorder {
    /// The retries of that policy, in order: which one of its call, after what class of outcome, with what delay.
    pub fn retries(&self, policy: &str) -> Vec<Retrying> {
        self.pick(|report| match report {
            Report::Retrying(retrying) if retrying.policy == policy => Some(retrying),
            _ => None,
        })
    }

    /// The delays before the retries of that policy, in order; those of all its calls, one after the other.
    pub fn delays(&self, policy: &str) -> Vec<Duration> {
        self.retries(policy).iter().map(|retrying| retrying.delay).collect()
    }

    /// Why calls of that policy ended although the error was worth a retry, one reason a call.
    ///
    /// The reasons are the `why` of the event `gave up`, such as `"no retries left"`.
    pub fn gave_up(&self, policy: &str) -> Vec<&'static str> {
        self.pick(|report| match report {
            Report::GaveUp { policy: name, why, .. } if name == policy => Some(why),
            _ => None,
        })
    }

    /// The changes of that breaker's state, from and to: `("closed", "open")`, `("open", "half-open")` and so on.
    pub fn transitions(&self, policy: &str) -> Vec<(&'static str, &'static str)> {
        self.pick(|report| match report {
            Report::Transition { policy: name, from, to } if name == policy => Some((from, to)),
            _ => None,
        })
    }

    /// The limits that bodies under that time-out have run into, one for each time.
    pub fn timeouts(&self, policy: &str) -> Vec<Duration> {
        self.pick(|report| match report {
            Report::TimedOut { policy: name, limit } if name == policy => Some(limit),
            _ => None,
        })
    }

    /// How many attempts that hedge has started beside others.
    pub fn hedges(&self, policy: &str) -> usize {
        let started =
            self.pick(|report| matches!(report, Report::Hedging { policy: name } if name == policy).then_some(()));
        started.len()
    }

    /// How many calls have joined another one under that coalescing, or taken an outcome that was held.
    pub fn joined(&self, policy: &str) -> usize {
        let joined =
            self.pick(|report| matches!(report, Report::Joined { policy: name } if name == policy).then_some(()));
        joined.len()
    }

    /// How often a caller of that coalescing or batch has run for others because who did so before was gone.
    pub fn handed_over(&self, policy: &str) -> usize {
        let taken =
            self.pick(|report| matches!(report, Report::HandedOver { policy: name } if name == policy).then_some(()));
        taken.len()
    }

    /// How many calls under that coalescing ran by themselves because there were too many keys.
    pub fn overflowed(&self, policy: &str) -> usize {
        let alone =
            self.pick(|report| matches!(report, Report::Overflowed { policy: name } if name == policy).then_some(()));
        alone.len()
    }

    /// The batches of that policy, in order: how many keys each asked for, and for how many callers.
    pub fn batches(&self, policy: &str) -> Vec<(usize, usize)> {
        self.pick(|report| match report {
            Report::Batched { policy: name, keys, callers } if name == policy => Some((keys, callers)),
            _ => None,
        })
    }

    /// How many bodies that policy has stopped because its signal came.
    pub fn cancelled(&self, policy: &str) -> usize {
        let stopped =
            self.pick(|report| matches!(report, Report::Cancelled { policy: name } if name == policy).then_some(()));
        stopped.len()
    }

    /// The classes of the outcomes that a fallback has replaced, in order, and what the answer was: `"stale"`, `"with"` or
    /// `"value"`.
    pub fn fell_back(&self, policy: &str) -> Vec<(Class, &'static str)> {
        self.pick(|report| match report {
            Report::FellBack { policy: name, class, answer } if name == policy => Some((class, answer)),
            _ => None,
        })
    }

    /// The classes of the outcomes for which a fallback had no answer, in order: the caller got the error.
    pub fn unanswered(&self, policy: &str) -> Vec<Class> {
        self.pick(|report| match report {
            Report::Unanswered { policy: name, class } if name == policy => Some(class),
            _ => None,
        })
    }

    /// How long the pauses of that rate limit were to be when they began, in order.
    pub fn pauses(&self, policy: &str) -> Vec<Duration> {
        self.pick(|report| match report {
            Report::Paused { policy: name, time } if name == policy => Some(time),
            _ => None,
        })
    }

    /// What was left of that limit's rate each time it was halved: 0.5, 0.25 and so on.
    pub fn slowed(&self, policy: &str) -> Vec<f64> {
        self.pick(|report| match report {
            Report::Slowed { policy: name, share } if name == policy => Some(share),
            _ => None,
        })
    }

    fn pick<T>(&self, what: impl Fn(Report) -> Option<T>) -> Vec<T> {
        self.0.borrow().iter().copied().filter_map(what).collect()
    }
}

/// Tells the recorders of this thread, and forgets those that were dropped.
pub(crate) fn note(report: Report) {
    // A policy may report while the thread ends, in the destructor of another thread-local; nobody asks any more then.
    let _ = RECORDERS.try_with(|recorders| {
        recorders.borrow_mut().retain(|recorder| match recorder.upgrade() {
            Some(reports) => {
                reports.borrow_mut().push(report);
                true
            }
            None => false,
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(policy: &'static str) {
        note(Report::Transition { policy, from: "closed", to: "open" });
    }

    #[test]
    fn hears_what_is_reported_while_it_lives() {
        open("search");
        let log = record();
        open("search");

        assert_eq!(log.transitions("search"), [("closed", "open")]);
    }

    #[test]
    fn keeps_policies_and_reports_apart() {
        let log = record();
        open("search");
        note(Report::TimedOut { policy: "fetch", limit: Duration::from_secs(1) });
        note(Report::GaveUp { policy: "fetch", retries: 0, class: Class::Transient, why: "no retries left" });

        assert_eq!(log.transitions("search").len(), 1);
        assert_eq!(log.transitions("fetch"), []);
        assert_eq!(log.timeouts("fetch"), [Duration::from_secs(1)]);
        assert_eq!(log.gave_up("fetch"), ["no retries left"]);
        assert!(
            log.timeouts("search").is_empty() && log.gave_up("search").is_empty() && log.retries("fetch").is_empty()
        );
    }

    #[test]
    fn each_recorder_hears_everything_of_its_own_time() {
        let outer = record();
        open("search");
        let inner = record();
        open("search");
        let heard_by_the_inner = inner.transitions("search").len();
        drop(inner);
        open("search");

        assert_eq!((outer.transitions("search").len(), heard_by_the_inner), (3, 1));
    }

    #[test]
    fn recorders_end_in_any_order() {
        let first = record();
        let second = record();
        drop(first);
        open("search");

        assert_eq!(second.transitions("search").len(), 1);
        assert_eq!(RECORDERS.with_borrow(Vec::len), 1, "the one that was dropped is forgotten");
    }

    #[test]
    fn hears_its_own_thread_only() {
        let log = record();
        std::thread::spawn(|| open("search")).join().unwrap();

        assert!(log.transitions("search").is_empty());
    }

    #[test]
    fn a_report_at_the_end_of_the_thread_is_no_panic() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                open("search");
            }
        }
        thread_local! {
            static LATE: Late = const { Late };
        }

        // made first, dropped last on most platforms; the other order must do as well
        let ends = [true, false].map(|late_first| {
            std::thread::spawn(move || {
                if late_first {
                    LATE.with(|_| ());
                }
                drop(record());
                LATE.with(|_| ());
            })
            .join()
        });

        assert!(ends.iter().all(Result::is_ok));
    }
}
