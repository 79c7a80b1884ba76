//! The `static`s of the user's from which annotated functions get their policies, by `with = …`.

use crate::list::Listed;

/// Refuses to be compiled for the reference to a `const`. The compiler's message shows the line of the bound, and so the advice behind it.
#[doc(hidden)]
#[inline]
pub fn a_static<P>(policy: P) -> P
where
    P: 'static, // keep the policy in a `static`: a `const` is a new policy at every call
{
    policy
}

/// A `static` that may be a policy, or have some other type, which leads to one.
#[doc(hidden)]
#[derive(Debug)]
pub struct Given<P: 'static>(pub &'static P);

impl<P: Listed> Given<P> {
    /// The policy.
    pub fn policy(&self) -> Option<&'static dyn Listed> {
        Some(self.0)
    }
}

/// The method of a [`Given`] that is no policy itself: a `LazyLock`, say, which is not to be initialised by a look at the list.
#[doc(hidden)]
pub trait Unlisted {
    /// No policy.
    fn policy(&self) -> Option<&'static dyn Listed> {
        None
    }
}

impl<P> Unlisted for Given<P> {}
