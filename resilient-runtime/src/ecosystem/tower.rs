//! The errors of tower's layers.

use tower::buffer::error::{Closed, ServiceError};
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;

use super::cause;
use crate::{Class, Classify, Error};

/// Always [`Class::Transient`].
impl Classify for Elapsed {
    fn class(&self) -> Class {
        Class::Transient
    }
}

/// Always [`Class::Throttled`]: the service sheds load, and is well.
impl Classify for Overloaded {
    fn class(&self) -> Class {
        Class::Throttled { after: None }
    }
}

/// Always [`Class::Permanent`]: the worker of a buffer does not come back.
impl Classify for Closed {
    fn class(&self) -> Class {
        Class::Permanent
    }
}

/// The class of the source, permanent where it is not known: a buffer keeps its service's error for all calls to come.
impl Classify for ServiceError {
    fn class(&self) -> Class {
        std::error::Error::source(self).and_then(cause::class).unwrap_or(Class::Permanent)
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}
