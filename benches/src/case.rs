//! A table of cases: the same work, done by us and by others.

use std::fmt::Debug;
use std::sync::LazyLock;

use tower::{Service, ServiceExt as _};

use crate::drive::{poll, repeat};
use crate::work;

/// Cases that are compared with each other.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    /// What is done and how the peers are set up, in sentences.
    pub(crate) about: &'static str,
    /// How many items one call handles; all numbers are for one of them.
    pub(crate) items: u64,
    /// Whether the callers share something, so that it matters how many there are.
    pub(crate) shared: bool,
    /// Whether the time means anything; not if the case has to sleep.
    pub(crate) timed: bool,
    /// What ours may need at the most, without an allocation.
    pub(crate) goal: Option<Goal>,
    /// The first is the limit: the least that can do the work, written by hand.
    pub(crate) cases: Vec<Case>,
}

pub(crate) enum Goal {
    Instructions(u64),
    /// So many nanoseconds where the peer of that name takes so many.
    Beside {
        ours: u32,
        peer: &'static str,
        peers: u32,
    },
}

/// One way to do the work.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Whether two threads can make its calls at once.
    pub(crate) shareable: bool,
    /// Over how many calls its instructions are counted, if that matters.
    pub(crate) counted: Option<u64>,
    /// Prepared when it first runs, so that nothing of one case is there while another is counted.
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

    /// At most so many nanoseconds where the peer takes so many.
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
    /// A case is a function that makes so many calls and returns the sum of the answers.
    pub(crate) fn new(name: &'static str, run: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Self {
        Self::prepared(name, || run)
    }

    /// A case that needs something of its own, which `prepare` makes.
    pub(crate) fn prepared<R>(name: &'static str, prepare: impl FnOnce() -> R + Send + 'static) -> Self
    where
        R: Fn(u64) -> u64 + Send + Sync + 'static,
    {
        Self { name, shareable: true, counted: None, run: LazyLock::new(Box::new(|| Box::new(prepare()))) }
    }

    /// A service that answers every call; each thread has a clone of it.
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

    /// Leaves it out where two threads make the calls.
    pub(crate) fn alone(mut self) -> Self {
        self.shareable = false;
        self
    }

    /// Counts the instructions of so many calls, for a case that needs any number of them to prepare itself.
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
