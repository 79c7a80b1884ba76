//! The answers and faults of the calls, and the panics that are made on purpose.

use std::hash::{Hash, Hasher};
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use resilient::{Class, Classify};

/// An answer, which says for which key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) key: u32,
}

#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Class(Class),
    Refused,
}

pub(crate) type Outcome = Result<Answer, Fault>;

impl Classify for Fault {
    fn class(&self) -> Class {
        match self {
            Self::Class(class) => *class,
            Self::Refused => Class::Transient,
        }
    }
}

impl From<resilient::Error> for Fault {
    fn from(_: resilient::Error) -> Self {
        Self::Refused
    }
}

/// The payload of a panic on purpose.
pub(crate) struct OnPurpose;

/// Panics on purpose, but not while another panic unwinds, which would end the process.
pub(crate) fn panic_on_purpose() {
    if !std::thread::panicking() {
        panic::panic_any(OnPurpose);
    }
}

/// Keeps panics on purpose out of the output of the tests.
pub(crate) fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<OnPurpose>() && !is_of_a_timer(info) {
                default(info);
            }
        }));
    });
}

/// Returns whether a call was polled whose timers belong to a runtime that is gone. Tokio panics then, in the caller's task.
fn is_of_a_timer(info: &PanicHookInfo<'_>) -> bool {
    let text = info.payload().downcast_ref::<&str>().copied();
    text.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str))
        .is_some_and(|text| text.contains("being shutdown"))
}

/// A key of a policy, whose methods may panic.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) value: u32,
    pub(crate) panics: Option<Method>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Hash,
    Eq,
    Clone,
    Drop,
}

impl Key {
    fn touch(&self, method: Method) {
        if self.panics == Some(method) {
            panic_on_purpose();
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.touch(Method::Hash);
        self.value.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.touch(Method::Eq);
        self.value == other.value
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        self.touch(Method::Clone);
        Self { value: self.value, panics: self.panics }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.touch(Method::Drop);
    }
}
