//! A call under a rate limit.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use self::sealed::Limits;
use super::acquire::Taken;
use super::cost::CostOf;
use super::gcra::Units;
use super::permit::judged;
use super::{Quota, RateAcquire, RateLimit};
use crate::book::{Ended, Tally};
use crate::stack::{Guard, Judged, JudgingPolicy, Policy};
use crate::when::{ByClass, ByWhen, InStack, Judge};
use crate::{Class, Settled, When};

/// A rate limit's part in a call; from [`RateLimit::run`] and its likes.
#[derive(Debug)]
pub struct RateLimitGuard<'a, J, H> {
    acquire: RateAcquire<'a>,
    /// Set while the call runs.
    runs: bool,
    judge: J,
    heed: H,
}

impl<J, H> Unpin for RateLimitGuard<'_, J, H> {}

impl<J, H> Drop for RateLimitGuard<'_, J, H> {
    #[inline]
    fn drop(&mut self) {
        if self.runs {
            self.acquire.limit().end(Ended::Abandoned, Class::Success);
        }
    }
}

/// Heeds no answer: only a failure tells what the server allows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heedless;

/// As [`Heedless`], for a call that says its weight; from [`RateLimit::weighing`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Weighty;

/// Heeds the quota that a function reads from a good answer.
#[derive(Debug, Clone, Copy)]
pub struct ByAnswer<T, F, H> {
    answer: F,
    /// When the call was let through.
    at: Option<Units>,
    of: PhantomData<fn(&T)>,
    rest: H,
}

/// Charges what a function reads from an outcome of type `O`.
///
/// It holds the method of the [`CostOf`], so that the compiler looks for it once: where the cost is given.
#[derive(Debug, Clone, Copy)]
pub struct ByCost<C, O, H> {
    cost: C,
    cost_of: fn(&C, &O) -> Option<u64>,
    rest: H,
}

/// Tells a rate limit what an outcome says about the quota, and what it cost.
pub trait Heed<O>: sealed::Heed<O> {}

impl<O, H: sealed::Heed<O>> Heed<O> for H {}

pub(super) mod sealed {
    use super::super::RateLimit;
    use super::super::acquire::Taken;
    use super::super::gcra::Units;
    use super::Quota;

    /// The part that begins before the outcome is there.
    pub trait Begin {
        /// Set if the call says its weight.
        #[doc(hidden)]
        const WEIGHS: bool;

        /// Hears that the call was let through.
        #[doc(hidden)]
        fn begin(&mut self, limit: &RateLimit, taken: Taken);
    }

    pub trait Heed<O>: Begin {
        #[doc(hidden)]
        fn quota(&self, _outcome: &O) -> Option<(Quota, Option<Units>)> {
            None
        }

        #[doc(hidden)]
        fn cost(&self, _outcome: &O) -> Option<u64> {
            None
        }
    }

    /// A rate limit in a stack, with or without the weight of the call.
    pub trait Limits {
        #[doc(hidden)]
        type Heed: Begin + Default;
        #[doc(hidden)]
        type Guard<J, H>;

        #[doc(hidden)]
        fn guarding<J, H>(self, judge: J, heed: H) -> Self::Guard<J, H>;
    }
}

impl sealed::Begin for Heedless {
    const WEIGHS: bool = false;

    #[inline]
    fn begin(&mut self, _limit: &RateLimit, _taken: Taken) {}
}

impl<O> sealed::Heed<O> for Heedless {}

impl sealed::Begin for Weighty {
    const WEIGHS: bool = true;

    #[inline]
    fn begin(&mut self, limit: &RateLimit, taken: Taken) {
        limit.tally(Tally::Reserved, taken.calls);
    }
}

impl<O> sealed::Heed<O> for Weighty {}

impl<T, F, H: sealed::Begin> sealed::Begin for ByAnswer<T, F, H> {
    const WEIGHS: bool = H::WEIGHS;

    #[inline]
    fn begin(&mut self, limit: &RateLimit, taken: Taken) {
        self.at = taken.when();
        self.rest.begin(limit, taken);
    }
}

impl<T, E, F: Fn(&T) -> Quota, H: sealed::Begin> sealed::Heed<Result<T, E>> for ByAnswer<T, F, H> {
    #[inline]
    fn quota(&self, outcome: &Result<T, E>) -> Option<(Quota, Option<Units>)> {
        outcome.as_ref().ok().map(|answer| ((self.answer)(answer), self.at))
    }
}

/// An attempt that gives a `Settled` itself, as a retry does.
impl<T, E, F: Fn(&T) -> Quota, H: sealed::Begin> sealed::Heed<Settled<Result<T, E>>> for ByAnswer<T, F, H> {
    #[inline]
    fn quota(&self, settled: &Settled<Result<T, E>>) -> Option<(Quota, Option<Units>)> {
        match settled {
            Settled::Outcome(outcome) => self.quota(outcome),
            Settled::Rejected(_) => None,
        }
    }
}

impl<C, O, H: sealed::Begin> sealed::Begin for ByCost<C, O, H> {
    const WEIGHS: bool = H::WEIGHS;

    #[inline]
    fn begin(&mut self, limit: &RateLimit, taken: Taken) {
        self.rest.begin(limit, taken);
    }
}

impl<C, O, H: sealed::Heed<O>> sealed::Heed<O> for ByCost<C, O, H> {
    #[inline]
    fn quota(&self, outcome: &O) -> Option<(Quota, Option<Units>)> {
        self.rest.quota(outcome)
    }

    #[inline]
    fn cost(&self, outcome: &O) -> Option<u64> {
        (self.cost_of)(&self.cost, outcome)
    }
}

impl<'a, J, H> RateLimitGuard<'a, J, H> {
    pub(super) const fn new(acquire: RateAcquire<'a>, judge: J, heed: H) -> Self {
        Self { acquire, runs: false, judge, heed }
    }
}

impl<O, J: Judge<O>, H: Heed<O>> Guard<O> for RateLimitGuard<'_, J, H> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll<'o>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<&'o O>>,
    ) -> Poll<Settled<&'o O>>
    where
        O: 'o,
    {
        let this = &mut *self;
        if !this.runs {
            match ready!(this.acquire.poll_admitted(cx)) {
                Ok(at) => this.heed.begin(this.acquire.limit(), Taken { calls: this.acquire.taken(), at }),
                Err(rejection) => return Poll::Ready(Settled::Rejected(rejection)),
            }
            this.runs = true;
        }
        let polled = below(cx);
        if let Poll::Ready(settled) = &polled {
            let limit = this.acquire.limit();
            match settled {
                Settled::Outcome(outcome) => {
                    if let Some((quota, at)) = this.heed.quota(outcome) {
                        limit.heed_since(quota, at);
                    }
                    if let Some(cost) = this.heed.cost(outcome) {
                        limit.charge_call(this.acquire.taken(), cost);
                    }
                }
                Settled::Rejected(rejection) => limit.excuse(this.acquire.taken(), rejection, H::WEIGHS),
            }
            // a panic up to here leaves the call to the guard
            let (ended, class) = judged(settled, &InStack(&this.judge));
            this.runs = false;
            limit.end(ended, class);
        }
        polled
    }
}

impl<'a> Limits for &'a RateLimit {
    type Heed = Heedless;
    type Guard<J, H> = RateLimitGuard<'a, J, H>;

    #[inline]
    fn guarding<J, H>(self, judge: J, heed: H) -> Self::Guard<J, H> {
        RateLimitGuard::new(self.acquire(), judge, heed)
    }
}

impl<'a> Policy for &'a RateLimit {
    type Guard = RateLimitGuard<'a, ByClass, Heedless>;

    #[inline]
    fn guard(self) -> Self::Guard {
        RateLimitGuard::new(self.acquire(), ByClass, Heedless)
    }

    fn list(&self)
    where
        Self: 'static,
    {
        crate::list::list_once(*self);
    }
}

impl<'a, J> JudgingPolicy<J> for &'a RateLimit {
    type JudgedGuard = RateLimitGuard<'a, J, Heedless>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        RateLimitGuard::new(self.acquire(), judge, Heedless)
    }
}

/// A rate limit and the weight of a call, for a [stack](crate::run); from [`RateLimit::weighing`].
#[derive(Debug, Clone, Copy)]
#[must_use = "it limits only in a stack"]
pub struct Weighed<'a> {
    limit: &'a RateLimit,
    weight: u64,
}

impl RateLimit {
    /// The limit in a [stack](crate::run), for a call that weighs as much as so many.
    ///
    /// As with [`acquire_many`](Self::acquire_many). [`costing`](crate::guard::Weighed::costing) settles the weight to what the call has cost.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use resilient::RateLimit;
    ///
    /// static TOKENS: RateLimit = RateLimit::named("tokens").rate(90_000, Duration::from_secs(60)).burst(90_000);
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let ask = async { Ok::<u64, std::io::Error>(1_200) }; // the tokens that were used
    ///
    /// resilient::run(TOKENS.weighing(5_000).costing(|used: &u64| *used), ask).await;
    ///
    /// assert!(TOKENS.try_acquire_many(88_800).is_ok());
    /// # }
    /// ```
    #[inline]
    pub const fn weighing(&self, weight: u64) -> Weighed<'_> {
        Weighed { limit: self, weight }
    }
}

impl Weighed<'_> {
    /// The same, with outcomes judged by `when`.
    #[inline]
    pub const fn when<O, W: When<O, By>, By>(self, when: W) -> Judged<Self, W, O> {
        Judged::new(self, when)
    }

    /// Has the limit charge the cost that `cost` reads from an outcome, in place of the weight.
    ///
    /// As with [`RatePermit::charge`](crate::permit::RatePermit::charge). Where it knows no cost, the weight stays charged.
    #[inline]
    pub fn costing<O, C: CostOf<O, By>, By>(self, cost: C) -> Heeding<Self, ByCost<C, O, Weighty>> {
        Heeding { policy: self, heed: by_cost(cost, Weighty) }
    }
}

impl<'a> Limits for Weighed<'a> {
    type Heed = Weighty;
    type Guard<J, H> = RateLimitGuard<'a, J, H>;

    #[inline]
    fn guarding<J, H>(self, judge: J, heed: H) -> Self::Guard<J, H> {
        RateLimitGuard::new(self.limit.acquire_many(self.weight), judge, heed)
    }
}

impl<'a> Policy for Weighed<'a> {
    type Guard = RateLimitGuard<'a, ByClass, Weighty>;

    #[inline]
    fn guard(self) -> Self::Guard {
        self.judged_guard(ByClass)
    }

    fn list(&self)
    where
        Self: 'static,
    {
        crate::list::list_once(self.limit);
    }
}

impl<'a, J> JudgingPolicy<J> for Weighed<'a> {
    type JudgedGuard = RateLimitGuard<'a, J, Weighty>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        self.guarding(judge, Weighty)
    }
}

/// A rate limit that reads more from outcomes than their class; from [`Judged::heeding`] and the `costing` beside it.
#[derive(Debug, Clone, Copy)]
#[must_use = "it heeds only in a stack"]
pub struct Heeding<P, H> {
    policy: P,
    heed: H,
}

impl<P: Limits, W, O> Judged<P, W, O> {
    /// Has the limit [heed](RateLimit::heed) the quota that `answer` reads from a good outcome.
    #[inline]
    pub fn heeding<T, F: Fn(&T) -> Quota>(self, answer: F) -> Heeding<Self, ByAnswer<T, F, P::Heed>> {
        Heeding { policy: self, heed: ByAnswer { answer, at: None, of: PhantomData, rest: Default::default() } }
    }
}

impl<W, O> Judged<Weighed<'_>, W, O> {
    /// As [`Weighed::costing`].
    #[inline]
    pub fn costing<C: CostOf<O, By>, By>(self, cost: C) -> Heeding<Self, ByCost<C, O, Weighty>> {
        Heeding { policy: self, heed: by_cost(cost, Weighty) }
    }
}

impl<'a, W, O, H> Heeding<Judged<Weighed<'a>, W, O>, H> {
    /// As [`Weighed::costing`].
    #[inline]
    pub fn costing<C: CostOf<O, By>, By>(self, cost: C) -> Heeding<Judged<Weighed<'a>, W, O>, ByCost<C, O, H>> {
        Heeding { policy: self.policy, heed: by_cost(cost, self.heed) }
    }
}

fn by_cost<C: CostOf<O, By>, O, By, H>(cost: C, rest: H) -> ByCost<C, O, H> {
    ByCost { cost, cost_of: C::cost_of, rest }
}

impl<P: Limits + Policy, W, O, H> Policy for Heeding<Judged<P, W, O>, H> {
    type Guard = <P as Limits>::Guard<ByWhen<W, O>, H>;

    #[inline]
    fn guard(self) -> Self::Guard {
        let Judged { policy, judge } = self.policy;
        policy.guarding(judge, self.heed)
    }

    fn list(&self)
    where
        Self: 'static,
    {
        self.policy.policy.list();
    }
}

impl<'a, H> Policy for Heeding<Weighed<'a>, H> {
    type Guard = RateLimitGuard<'a, ByClass, H>;

    #[inline]
    fn guard(self) -> Self::Guard {
        self.policy.guarding(ByClass, self.heed)
    }

    fn list(&self)
    where
        Self: 'static,
    {
        self.policy.list();
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::sealed::{Begin, Heed as _};
    use super::*;

    type Outcome = Result<u64, ()>;

    fn left(remaining: u64) -> Quota {
        Quota { remaining: Some(remaining), reset: None, refills: false }
    }

    fn by_answer() -> ByAnswer<u64, fn(&u64) -> Quota, Heedless> {
        ByAnswer { answer: |remaining| left(*remaining), at: None, of: PhantomData, rest: Heedless }
    }

    #[test]
    fn quota_is_read_from_a_good_answer_of_an_attempt_that_settles_itself_too() {
        let heed = by_answer();
        let refused = crate::Error::new(crate::PolicyKind::Retry, "inner", crate::Reason::Cancelled);

        assert_eq!(heed.quota(&Outcome::Ok(7)), Some((left(7), None)));
        assert_eq!(heed.quota(&Outcome::Err(())), None);
        assert_eq!(heed.quota(&Settled::Outcome(Outcome::Ok(7))), Some((left(7), None)));
        assert_eq!(heed.quota(&Settled::Outcome(Outcome::Err(()))), None);
        assert_eq!(heed.quota(&Settled::<Outcome>::Rejected(refused)), None);
        assert_eq!(Heedless.quota(&Outcome::Ok(7)), None);
    }

    #[test]
    fn limit_is_listed_whatever_it_heeds_in_a_stack() {
        static PLAIN: RateLimit = RateLimit::named("stack: plain");
        static WEIGHED: RateLimit = RateLimit::named("stack: weighed");
        static COSTING: RateLimit = RateLimit::named("stack: costing");
        static JUDGED: RateLimit = RateLimit::named("stack: judged");
        let class = |_: &Outcome| crate::Class::Success;

        (&PLAIN).list();
        WEIGHED.weighing(2).list();
        COSTING.weighing(2).costing::<Outcome, _, _>(|used: &u64| *used).list();
        JUDGED.when::<Outcome, _, _>(class).heeding(|remaining: &u64| left(*remaining)).list();

        let listed = crate::list::listed_by_hand();
        for limit in [&PLAIN, &WEIGHED, &COSTING, &JUDGED] {
            assert!(listed.iter().any(|policy| std::ptr::addr_eq(*policy, limit)), "{}", limit.name());
        }
    }

    #[test]
    fn quota_counts_as_of_the_time_of_the_call_and_beside_a_cost() {
        let limit = RateLimit::named("heeds");
        let mut heed = by_cost::<_, Outcome, _, _>(|used: &u64| *used, by_answer());

        heed.begin(&limit, Taken { calls: 1, at: Units(5) });

        assert_eq!(heed.quota(&Outcome::Ok(7)), Some((left(7), Some(Units(5)))));
        assert_eq!((heed.cost(&Outcome::Ok(7)), heed.cost(&Outcome::Err(()))), (Some(7), None));
    }
}
