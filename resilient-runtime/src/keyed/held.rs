//! The policy of a key while somebody uses it.

use std::ops::Deref;
use std::sync::Arc;

use super::shard::Seat;

/// A policy that [`PerKey::of`](crate::PerKey::of) gave out. While it is there, the policy is not forgotten.
#[derive(Debug)]
#[must_use = "the policy may be forgotten when it is dropped"]
pub struct Held<'a, P>(Whose<'a, P>);

#[derive(Debug)]
enum Whose<'a, P> {
    Own(Arc<Seat<P>>),
    StandIn(&'a P),
}

impl<'a, P> Held<'a, P> {
    pub(super) const fn own(seat: Arc<Seat<P>>) -> Self {
        Self(Whose::Own(seat))
    }

    pub(super) const fn stand_in(policy: &'a P) -> Self {
        Self(Whose::StandIn(policy))
    }

    /// Returns whether it is a stand-in, since there was no room for the key's own.
    pub const fn is_overflow(&self) -> bool {
        matches!(self.0, Whose::StandIn(_))
    }
}

impl<P> Deref for Held<'_, P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        match &self.0 {
            Whose::Own(seat) => seat,
            Whose::StandIn(policy) => policy,
        }
    }
}

/// Another hold on the same policy.
impl<P> Clone for Held<'_, P> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Whose::Own(seat) => Whose::Own(seat.clone()),
            Whose::StandIn(policy) => Whose::StandIn(policy),
        })
    }
}
