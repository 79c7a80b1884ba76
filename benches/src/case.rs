//! A table of cases: the same work, done by this crate and by others.

use std::fmt::Debug;
use std::sync::LazyLock;

use tower::{Service, ServiceExt as _};

use crate::drive::{poll, repeat};
use crate::work;

/// Cases to compare with each other.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    /// The work and the setup of the peers, in sentences.
    pub(crate) about: &'static str,
    /// The number of items that one call handles; all numbers are for one of them.
    pub(crate) items: u64,
    /// Is true if the callers share something, so that their number matters.
    pub(crate) shared: bool,
    /// Is true if the time means anything, as it does unless the case has to sleep.
    pub(crate) timed: bool,
    /// The most that our case may need, besides having no allocation.
    pub(crate) goal: Option<Goal>,
    /// The cases. The first is the limit: the least code that can do the work, written by hand.
    pub(crate) cases: Vec<Case>,
}

pub(crate) enum Goal {
    Instructions(u64),
    /// Our nanoseconds beside those of the peer of that name.
    Beside {
        ours: u32,
        peer: &'static str,
        peers: u32,
    },
}

/// One way to do the work.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Is true if two threads can make its calls at once.
    pub(crate) shareable: bool,
    /// Is true if its instructions are the same each time, but for a few.
    pub(crate) steady: bool,
    /// The number of calls over which its instructions are counted, if it matters.
    pub(crate) counted: Option<u64>,
    /// The case, made when it first runs, so that no other case is in memory while one is counted.
    run: LazyLock<Run, Box<dyn FnOnce() -> Run + Send>>,
}

type Run = Box<dyn Fn(u64) -> u64 + Send + Sync>;

impl Table {
    pub(crate) fn new(title: &'static str, about: &'static str, cases: Vec<Case>) -> Self {
        Self { title, about, items: 1, shared: false, timed: true, goal: None, cases }
    }

    pub(crate) fn goal(mut self, instructions: u64) -> Self {
        self.goal = Some(Goal::Instructions(instructions));
        self
    }

    /// Sets the goal: at most so many nanoseconds where the peer takes so many.
    pub(crate) fn goal_beside(mut self, ours: u32, peer: &'static str, peers: u32) -> Self {
        self.goal = Some(Goal::Beside { ours, peer, peers });
        self
    }

    pub(crate) fn per_item(mut self, items: u64) -> Self {
        self.items = items;
        self
    }

    pub(crate) fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    pub(crate) fn untimed(mut self) -> Self {
        self.timed = false;
        self
    }
}

impl Case {
    /// Returns a case from a function that makes so many calls and returns the sum of the answers.
    pub(crate) fn new(name: &'static str, run: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Self {
        Self::prepared(name, || run)
    }

    /// Returns a case that needs something of its own, which `prepare` makes.
    pub(crate) fn prepared<R>(name: &'static str, prepare: impl FnOnce() -> R + Send + 'static) -> Self
    where
        R: Fn(u64) -> u64 + Send + Sync + 'static,
    {
        Self {
            name,
            shareable: true,
            steady: true,
            counted: None,
            run: LazyLock::new(Box::new(|| Box::new(prepare()))),
        }
    }

    /// Returns a case from a service that answers every call. Each thread has a clone of the service.
    pub(crate) fn service<S>(name: &'static str, prepare: impl FnOnce() -> S + Send + 'static) -> Self
    where
        S: Service<u64, Response = u64, Error: Debug> + Clone + Send + Sync + 'static,
    {
        Self::prepared(name, || {
            let service = prepare();
            move |calls| {
                let mut service = service.clone();
                poll(repeat(calls, async |id| service.ready().await.unwrap().call(id).await.unwrap()))
            }
        })
    }

    /// Leaves the case out where two threads make the calls.
    pub(crate) fn alone(mut self) -> Self {
        self.shareable = false;
        self
    }

    /// Leaves the case out of the committed counts.
    pub(crate) fn unsteady(mut self) -> Self {
        self.steady = false;
        self
    }

    /// Counts the instructions over so many calls, for a case that needs that many to prepare itself.
    pub(crate) fn counted_over(mut self, calls: u64) -> Self {
        self.counted = Some(calls);
        self
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.name.starts_with("resilient")
    }

    /// Makes the calls and checks that the work was done.
    ///
    /// # Panics
    ///
    /// If the answers are wrong.
    pub(crate) fn run(&self, calls: u64) {
        let expected = calls * (work::answer(0) + work::answer(calls) - 1) / 2;
        assert_eq!((self.run)(calls), expected, "{} did something else", self.name);
    }
}
