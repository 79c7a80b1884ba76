//! The script: which calls of a fake fail, and how.

use std::fmt;
use std::iter::{Fuse, repeat_with};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The behaviour of the attempts upon a fake: fail with the scripted errors in order, then succeed.
///
/// Shared by reference, from several tasks or threads too. An error is made when it is due, and needs no `Clone`.
///
/// ```
/// use resilient::test::Script;
///
/// let script = Script::failing(1, || "down");
///
/// assert_eq!(script.next(), Err("down"));
/// assert_eq!(script.next(), Ok(()));
/// assert_eq!(script.attempts(), 2);
/// ```
pub struct Script<E> {
    errors: Mutex<Errors<E>>,
    attempts: AtomicU32,
}

type Errors<E> = Fuse<Box<dyn Iterator<Item = E> + Send>>;

impl<E: 'static> Script<E> {
    /// The given errors, then success; never success if the iterator has no end.
    pub fn of<I>(errors: I) -> Self
    where
        I: IntoIterator<Item = E>,
        I::IntoIter: Send + 'static,
    {
        Self { errors: Mutex::new(boxed(errors.into_iter())), attempts: AtomicU32::new(0) }
    }

    /// So many failures, then success. With `u32::MAX` it is down for good.
    pub fn failing(times: u32, error: impl FnMut() -> E + Send + 'static) -> Self {
        Self::of(repeat_with(error).take(times as usize))
    }

    /// Success from the start, until it is told to [fail](Self::fail_next).
    pub fn fine() -> Self {
        Self::of(std::iter::empty())
    }

    /// Fails the next `times` attempts, whatever was to come; after them it succeeds.
    pub fn fail_next(&self, times: u32, error: impl FnMut() -> E + Send + 'static) {
        let errors = boxed(repeat_with(error).take(times as usize));
        *self.errors() = errors;
    }
}

impl<E> Script<E> {
    /// Counts an attempt and says how it goes.
    ///
    /// # Errors
    ///
    /// The next error of the script.
    pub fn next(&self) -> Result<(), E> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        self.errors().next().map_or(Ok(()), Err)
    }

    /// The attempts so far, those that succeeded included.
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::SeqCst)
    }

    /// The errors to come. A closure that panicked leaves them as usable as before.
    fn errors(&self) -> MutexGuard<'_, Errors<E>> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> fmt::Debug for Script<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("attempts", &self.attempts()).finish_non_exhaustive()
    }
}

fn boxed<E>(errors: impl Iterator<Item = E> + Send + 'static) -> Errors<E> {
    let errors: Box<dyn Iterator<Item = E> + Send> = Box::new(errors);
    errors.fuse()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes<E: 'static>(script: &Script<E>, attempts: usize) -> Vec<Result<(), E>> {
        repeat_with(|| script.next()).take(attempts).collect()
    }

    #[test]
    fn fails_as_often_as_told() {
        let script = Script::failing(2, || "down");

        assert_eq!(outcomes(&script, 4), [Err("down"), Err("down"), Ok(()), Ok(())]);
        assert_eq!(script.attempts(), 4);
    }

    #[test]
    fn fails_in_the_given_order() {
        let script = Script::of(["down", "busy"]);

        assert_eq!(outcomes(&script, 3), [Err("down"), Err("busy"), Ok(())]);
    }

    #[test]
    fn the_errors_need_not_end() {
        assert_eq!(outcomes(&Script::failing(u32::MAX, || 1), 1_000), vec![Err(1); 1_000]);
        assert_eq!(outcomes(&Script::of(1..), 3), [Err(1), Err(2), Err(3)]);
    }

    #[test]
    fn can_be_told_to_fail_again() {
        let script = Script::fine();
        assert_eq!(script.next(), Ok(()));

        script.fail_next(1, || "down");

        assert_eq!(outcomes(&script, 2), [Err("down"), Ok(())]);
    }

    #[test]
    fn what_it_is_told_replaces_what_was_to_come() {
        let script = Script::failing(u32::MAX, || "down");

        script.fail_next(0, || "down");

        assert_eq!(outcomes(&script, 2), [Ok(()), Ok(())]);
        assert_eq!(script.attempts(), 2);
    }

    #[test]
    fn an_error_needs_to_be_neither_sync_nor_cloned_and_threads_share_the_script() {
        #[derive(Debug)]
        struct Unshared(#[allow(dead_code)] std::cell::Cell<u32>);

        let script = Script::failing(10, || Unshared(std::cell::Cell::default()));

        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5).for_each(|_| drop(script.next())));
            }
        });

        assert_eq!(script.attempts(), 20);
        script.next().unwrap();
    }
}
