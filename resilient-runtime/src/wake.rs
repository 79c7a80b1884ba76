//! Waking many, of whom one may panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;
use std::thread;

/// Wakes each of them. A waker is code of the user's: when one panics, the others are woken all the same, and then the
/// first panic goes on.
///
/// While the thread unwinds from another panic, that one goes on, since a second would end the process.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    let mut wakers = wakers.into_iter();
    let mut first: Option<Box<dyn Any + Send>> = None;
    // a panic ends the loop inside, which then goes on with the next
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| wakers.by_ref().for_each(Waker::wake))) {
        first.get_or_insert(panic);
    }
    if let Some(panic) = first
        && !thread::panicking()
    {
        resume_unwind(panic);
    }
}

/// Puts the wakers of those who have waited longest first into an order for a lead that any of them may take.
///
/// The last who came is woken first, and the one before it last. It has most time left, as a rule, and so leads longest.
/// Were it the one who has waited longest, each would lead for the moment until its own time is over, and all would be
/// woken each time. A queue of tasks begins with the one that was woken first, except that a worker of tokio's
/// multi-threaded runtime goes on with the one that it woke last.
pub(crate) fn for_a_lead(mut wakers: Vec<Waker>) -> Vec<Waker> {
    if !wakers.is_empty() {
        wakers.rotate_right(1);
    }
    wakers
}

/// Wakers of which some panic, for the tests of those who wake.
#[cfg(all(test, not(resilient_loom)))]
pub(crate) mod fragile {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::SeqCst;
    use std::task::{Wake, Waker};

    /// Counts its wake-ups, and then panics if it is said to.
    #[derive(Debug, Default)]
    pub(crate) struct Fragile {
        woken: AtomicU32,
        panics: bool,
    }

    impl Fragile {
        pub(crate) fn sound() -> Arc<Self> {
            Arc::default()
        }

        pub(crate) fn panicking() -> Arc<Self> {
            Arc::new(Self { panics: true, ..Self::default() })
        }

        pub(crate) fn woken(&self) -> u32 {
            self.woken.load(SeqCst)
        }

        pub(crate) fn waker(self: &Arc<Self>) -> Waker {
            Waker::from(self.clone())
        }
    }

    impl Wake for Fragile {
        fn wake(self: Arc<Self>) {
            self.woken.fetch_add(1, SeqCst);
            assert!(!self.panics, "as it should");
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::fragile::Fragile;
    use super::*;

    #[test]
    fn each_is_woken_whoever_panics_and_the_panic_goes_on() {
        let wakers = [Fragile::sound(), Fragile::panicking(), Fragile::panicking(), Fragile::sound()];

        let woken = catch_unwind(|| wake_all(wakers.iter().map(Fragile::waker)));

        assert!(woken.is_err());
        assert!(wakers.iter().all(|waker| waker.woken() == 1));
    }

    #[test]
    fn a_panic_that_is_under_way_is_not_joined_by_another() {
        struct Wakes([Waker; 2]);
        impl Drop for Wakes {
            fn drop(&mut self) {
                wake_all(self.0.clone());
            }
        }
        let (fragile, sound) = (Fragile::panicking(), Fragile::sound());
        let wakes = Wakes([fragile.waker(), sound.waker()]);

        let panic = catch_unwind(AssertUnwindSafe(move || {
            let _wakes = wakes;
            panic!("the first");
        }));

        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the first"));
        assert_eq!(sound.woken(), 1);
    }
}
