//! The atomics and the lock: those of std, or of loom when the models are checked.

#[cfg(not(resilient_loom))]
pub(crate) use atomic_waker::AtomicWaker;
#[cfg(not(resilient_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

#[cfg(resilient_loom)]
pub(crate) use self::model::AtomicWaker;
#[cfg(resilient_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};

#[cfg(resilient_loom)]
mod model {
    use std::task::Waker;

    /// Loom's `AtomicWaker` with the signatures of the one in `atomic-waker`.
    #[derive(Debug, Default)]
    pub(crate) struct AtomicWaker(loom::future::AtomicWaker);

    impl AtomicWaker {
        pub(crate) fn register(&self, waker: &Waker) {
            self.0.register_by_ref(waker);
        }

        pub(crate) fn wake(&self) {
            self.0.wake();
        }

        pub(crate) fn take(&self) -> Option<Waker> {
            self.0.take_waker()
        }
    }
}

/// A `const fn`, except with loom's atomics, which are made at run time.
#[cfg(not(resilient_loom))]
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis fn $($rest:tt)*) => {
        $(#[$attribute])*
        $visibility const fn $($rest)*
    };
}

#[cfg(resilient_loom)]
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis fn $($rest:tt)*) => {
        $(#[$attribute])*
        $visibility fn $($rest)*
    };
}

pub(crate) use const_fn;

/// A value that the compiler evaluates once for all `static`s that copy it, and loom's atomics each time anew.
///
/// A breaker has some hundred fields: evaluated one by one for each annotated function, they took a third of the time of its
/// `static`.
#[cfg(not(resilient_loom))]
macro_rules! constant {
    ($value:expr) => {
        const { $value }
    };
}

#[cfg(resilient_loom)]
macro_rules! constant {
    ($value:expr) => {
        $value
    };
}

pub(crate) use constant;
