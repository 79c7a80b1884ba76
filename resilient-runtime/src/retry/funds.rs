//! The place of a retry's budget.

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::Retry;
use crate::Budget;
use crate::book::Ended;
use crate::shell::Shell;
use crate::sync::const_fn;

/// A retry's budget, or where to find it.
#[expect(clippy::large_enum_variant, reason = "most retries have a budget of their own, and it is part of a `static`")]
#[derive(Debug)]
pub(super) enum Funds {
    Own(Budget),
    Shared(&'static Budget),
    /// The one of the policy's name, looked up at the first call. `ManuallyDrop`, so that a builder can replace it in a
    /// `const`; there is nothing to drop in a reference.
    ByName(ManuallyDrop<OnceLock<&'static Budget>>),
    Unlimited,
}

impl Funds {
    const_fn! {
        pub(super) fn own() -> Self {
            Self::Own(Budget::new())
        }
    }

    pub(super) const fn by_name() -> Self {
        Self::ByName(ManuallyDrop::new(OnceLock::new()))
    }

    /// Returns whether both would draw on the same budget, or each on one like the other's.
    pub(super) fn agree(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shared(one), Self::Shared(other)) => std::ptr::eq(*one, *other),
            (Self::Own(_), Self::Own(_)) | (Self::ByName(_), Self::ByName(_)) | (Self::Unlimited, Self::Unlimited) => {
                true
            }
            _ => false,
        }
    }

    /// Whose budget it is, in a word.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Own(_) => "own",
            Self::Shared(_) => "shared",
            Self::ByName(_) => "by name",
            Self::Unlimited => "none",
        }
    }

    /// Pays in for a call whose first attempt succeeds, and counts its end: at the retry's own budget, both are one count.
    #[inline]
    pub(super) fn succeed_at_once(&self, shell: &Shell<Retry>) {
        match self {
            Self::Own(budget) if budget.deposit_success() => {}
            _ => self.succeed_elsewhere(shell),
        }
    }

    #[inline(never)]
    fn succeed_elsewhere(&self, shell: &Shell<Retry>) {
        if let Self::Own(budget) = self
            && budget.deposit_first_success(shell.record())
        {
            return;
        }
        self.deposit(shell);
        shell.count(Ended::Success);
    }

    /// Pays in for a call whose first attempt does not succeed.
    pub(super) fn deposit(&self, shell: &Shell<Retry>) {
        match self {
            Self::Own(budget) => budget.deposit_uncounted(shell.record()),
            _ => {
                if let Some(budget) = self.budget(shell.name()) {
                    budget.deposit();
                }
            }
        }
    }

    pub(super) fn budget(&self, name: &'static str) -> Option<&Budget> {
        match self {
            Self::Own(budget) => Some(budget),
            Self::Shared(budget) => Some(budget),
            Self::ByName(budget) => Some(budget.get_or_init(|| named(name))),
            Self::Unlimited => None,
        }
    }
}

/// The budget of that name, made at its first mention. Names are `&'static str`s from the program's text, so there are
/// no more of them than were written.
#[cold]
fn named(name: &'static str) -> &'static Budget {
    all().entry(name).or_insert_with(|| Box::leak(Box::default()))
}

/// The budget of that name, if a retry has mentioned it.
pub(crate) fn existing(name: &str) -> Option<&'static Budget> {
    all().get(name).copied()
}

fn all() -> MutexGuard<'static, BTreeMap<&'static str, &'static Budget>> {
    static NAMED: Mutex<BTreeMap<&'static str, &'static Budget>> = Mutex::new(BTreeMap::new());
    NAMED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;
    use crate::{Backoff, Class, Verdict};

    fn retry(name: &'static str) -> Retry {
        Retry::named(name).max(1).backoff(Backoff::none())
    }

    /// Makes a call whose attempts have these classes, and drops it where there is none left.
    fn call(retry: &Retry, attempts: &[Class]) {
        let mut call = retry.begin();
        for &class in attempts {
            if let Verdict::Accept(Err(())) = call.settle_when(Err::<(), ()>(()), |(): &()| class) {
                return;
            }
        }
    }

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[tokio::test(start_paused = true)]
    async fn each_call_pays_in_once_and_is_counted_once_however_it_ends() {
        use Class::{Permanent, Success, Transient};

        let calls: [(&[Class], usize, f64); 7] = [
            (&[Success], 0, 0.0),
            (&[Transient, Success], 0, 1.0),
            (&[Transient, Transient], 1, 1.0),
            (&[Transient, Permanent], 3, 1.0),
            (&[Permanent], 3, 0.0),
            (&[Transient], 4, 1.0),
            (&[], 4, 0.0),
        ];
        let retry = retry("ends");
        // from the first withdrawal on, the age of the deposits is known
        call(&retry, &[Transient]);
        let mut balance = retry.budget_balance();
        for (attempts, end, spent) in calls {
            let before = retry.shell.record().ended();
            for _ in 0..100 {
                call(&retry, attempts);
                balance += 0.2 - spent;
                // a balance that runs out would pay for no retry
                (0..4).for_each(|_| call(&retry, &[Success]));
                balance += 0.8;
            }

            let after = retry.shell.record().ended();
            let mut counted: Vec<u64> = after.iter().zip(before).map(|(after, before)| after - before).collect();
            counted[0] -= 400;
            let mut expected = [0; 5];
            expected[end] = 100;
            assert_eq!(counted, expected, "{attempts:?}");
            assert!(
                near(retry.budget_balance(), balance),
                "{attempts:?}: {} and not {balance}",
                retry.budget_balance()
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn retries_that_count_in_one_record_have_budgets_of_their_own() {
        let [one, other] = [(); 2].map(|()| retry("two of a name"));
        let before = one.shell.record().ended()[0];
        let full = (one.budget_balance(), other.budget_balance());

        (0..10).for_each(|_| call(&one, &[Class::Success]));
        (0..5).for_each(|_| call(&other, &[Class::Success]));

        assert_eq!(one.shell.record().ended()[0] - before, 15);
        assert!(near(one.budget_balance(), full.0 + 2.0) && near(other.budget_balance(), full.1 + 1.0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_shared_budget_is_paid_in_once_by_each_call() {
        static SHARED: Budget = Budget::new();
        let retry = retry("shared").budget(&SHARED);
        let mut balance = SHARED.balance();

        for attempts in [&[Class::Success][..], &[Class::Permanent], &[]] {
            call(&retry, attempts);
            balance += 0.2;
            assert!(near(SHARED.balance(), balance), "{attempts:?}");
        }
    }

    #[test]
    fn budgets_agree_that_are_of_one_kind_and_shared_ones_only_with_themselves() {
        static SHARED: [Budget; 2] = [Budget::new(), Budget::new()];
        let all = || {
            let [one, other] = &SHARED;
            [Funds::own(), Funds::by_name(), Funds::Unlimited, Funds::Shared(one), Funds::Shared(other)]
        };

        for (place, one) in all().iter().enumerate() {
            let agrees = all().iter().map(|other| one.agree(other)).collect::<Vec<_>>();
            assert_eq!(agrees, (0..5).map(|other| other == place).collect::<Vec<_>>(), "{}", one.as_str());
        }
        assert_eq!(all().map(|funds| funds.as_str()), ["own", "by name", "none", "shared", "shared"]);
    }

    #[test]
    fn a_budget_of_a_name_is_known_once_a_retry_has_mentioned_it() {
        assert!(existing("mentioned").is_none());

        let budgets = [(); 2].map(|()| retry("mentioned").budget_by_name());
        let [one, other] = budgets.each_ref().map(|retry| retry.funds.budget("mentioned").unwrap());

        assert!(std::ptr::eq(one, other) && std::ptr::eq(one, existing("mentioned").unwrap()));
        assert!(existing("not mentioned").is_none());
    }
}
