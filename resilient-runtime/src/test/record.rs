//! The recorder: what the policies of a thread report, kept for a test to ask about.

use std::rc::Rc;
use std::time::Duration;

use crate::event::{self, Event, Heard, Retrying};
use crate::{CircuitBreakerState, Class, FallbackSource, GaveUp};

/// The reports of this thread's policies since [`record`].
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
pub struct Recorder(Rc<Heard>);

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
    Recorder(event::listen())
}

impl Recorder {
    /// Every event so far, of all policies, in order.
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilient::test::record;
    /// use resilient::{Event, Settled, Timeout};
    ///
    /// static FETCH: Timeout = Timeout::named("fetch", Duration::from_millis(30));
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let log = record();
    /// let settled = FETCH.run(std::future::pending::<()>()).await;
    ///
    /// assert!(matches!(settled, Settled::Rejected(_)));
    /// assert!(matches!(log.events()[..], [Event::TimedOut { policy: "fetch", .. }]));
    /// # }
    /// ```
    pub fn events(&self) -> Vec<Event> {
        self.0.borrow().iter().map(|&(event, _)| event).collect()
    }

    /// The events so far of the policies of that key, in order.
    ///
    /// `key` is the text that a log shows: the `Debug` form of the key of an attribute with `log_key`, or of
    /// [`PerKey::of_logged`](crate::PerKey::of_logged). The events of other policies are those of no key.
    ///
    /// ```
    /// use resilient::test::record;
    /// use resilient::{CircuitBreaker, Event, PerKey};
    ///
    /// static PORTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("fetch").consecutive(1));
    ///
    /// # fn main() -> Result<(), resilient::Error> {
    /// let log = record();
    /// for port in [80, 443] {
    ///     let down: Result<(), std::io::Error> = Err(std::io::ErrorKind::ConnectionReset.into());
    ///     let _ = PORTS.of_logged(&port).acquire()?.settle(down);
    /// }
    ///
    /// assert!(matches!(log.events_of_key("443")[..], [Event::Transition { policy: "fetch", .. }]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn events_of_key(&self, key: &str) -> Vec<Event> {
        self.0.borrow().iter().filter(|(_, of)| of.as_deref() == Some(key)).map(|&(event, _)| event).collect()
    }

    /// Number of events so far for which `is_counted` is true.
    ///
    /// `log.count(|event| matches!(event, Event::Joined { policy: "search", .. }))` is how many calls joined another one.
    pub fn count(&self, is_counted: impl Fn(&Event) -> bool) -> usize {
        self.0.borrow().iter().filter(|(event, _)| is_counted(event)).count()
    }

    /// The retries of that policy, in order: which one of its call, after what class of outcome, with what delay.
    pub fn retries(&self, policy: &str) -> Vec<Retrying> {
        self.pick(policy, |event| match event {
            Event::Retrying(retrying) => Some(retrying),
            _ => None,
        })
    }

    /// The delays before the retries of that policy, in order; those of all its calls, one after the other.
    pub fn delays(&self, policy: &str) -> Vec<Duration> {
        self.retries(policy).iter().map(|retrying| retrying.delay).collect()
    }

    /// Why calls of that policy ended although the error was worth a retry, one reason a call.
    pub fn gave_up(&self, policy: &str) -> Vec<GaveUp> {
        self.pick(policy, |event| match event {
            Event::GaveUp { why, .. } => Some(why),
            _ => None,
        })
    }

    /// The changes of that breaker's state, from and to.
    pub fn transitions(&self, policy: &str) -> Vec<(CircuitBreakerState, CircuitBreakerState)> {
        self.pick(policy, |event| match event {
            Event::Transition { from, to, .. } => Some((from, to)),
            _ => None,
        })
    }

    /// The limits that bodies under that time-out have run into, one for each time.
    pub fn timeouts(&self, policy: &str) -> Vec<Duration> {
        self.pick(policy, |event| match event {
            Event::TimedOut { limit, .. } => Some(limit),
            _ => None,
        })
    }

    /// The classes of the failures that a fallback has replaced, in order, and the source of each answer.
    pub fn fell_back(&self, policy: &str) -> Vec<(Class, FallbackSource)> {
        self.pick(policy, |event| match event {
            Event::FellBack { class, answer, .. } => Some((class, answer)),
            _ => None,
        })
    }

    fn pick<T>(&self, policy: &str, picked: impl Fn(Event) -> Option<T>) -> Vec<T> {
        let heard = self.0.borrow();
        heard.iter().map(|&(event, _)| event).filter(|event| event.policy() == policy).filter_map(picked).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(policy: &'static str) {
        let (from, to) = (CircuitBreakerState::Closed, CircuitBreakerState::Open);
        let place = std::panic::Location::caller();
        Event::Transition { policy, place, from, to, failures: 5, calls: 5, open_for: None }.emit();
    }

    #[test]
    fn hears_what_is_reported_while_it_lives() {
        open("search");
        let log = record();
        open("search");

        assert_eq!(log.transitions("search"), [(CircuitBreakerState::Closed, CircuitBreakerState::Open)]);
    }

    #[test]
    fn keeps_policies_and_reports_apart() {
        let log = record();
        open("search");
        Event::TimedOut { policy: "fetch", limit: Duration::from_secs(1) }.emit();
        let why = GaveUp::NoRetriesLeft;
        Event::GaveUp { policy: "fetch", retries: 0, class: Class::Transient, why }.emit();

        assert_eq!(log.transitions("search").len(), 1);
        assert_eq!(log.transitions("fetch"), []);
        assert_eq!(log.timeouts("fetch"), [Duration::from_secs(1)]);
        assert_eq!(log.gave_up("fetch"), [GaveUp::NoRetriesLeft]);
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
        assert_eq!(event::listeners(), 1, "the one that was dropped is forgotten");
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
