//! Times that are compared with each other: by the macro where all are literals, and otherwise by the compiler.

use std::fmt;
use std::time::Duration;

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote_spanned;

use crate::diagnostic::Errors;
use crate::value::Known;
use crate::wording::{as_written, shown};

/// A time in a comparison.
#[derive(Clone)]
pub(crate) struct Amount {
    /// The part that the macro knows.
    known: Option<Duration>,
    /// The expression for its nanoseconds.
    nanos: TokenStream,
    /// Its name in messages.
    text: String,
}

impl Amount {
    /// A time that the macro knows.
    pub(crate) fn literal(duration: Duration) -> Self {
        let nanos = Literal::u128_unsuffixed(duration.as_nanos());
        Self { known: Some(duration), nanos: quote_spanned!(Span::mixed_site()=> #nanos), text: shown(duration) }
    }

    /// Half of it, rounded down.
    pub(crate) fn half(self) -> Self {
        let nanos = self.nanos;
        match self.known {
            Some(known) => Self::literal(known / 2),
            None => Self {
                known: None,
                nanos: quote_spanned!(Span::mixed_site()=> #nanos / 2),
                text: format!("half of {}", self.text),
            },
        }
    }

    /// Both together, for a comparison; a message names them one by one.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        let (one, other_nanos) = (&self.nanos, &other.nanos);
        match (self.known, other.known) {
            (Some(one), Some(other)) => Self::literal(one.saturating_add(other)),
            _ => Self {
                known: None,
                nanos: quote_spanned!(Span::mixed_site()=> #one + #other_nanos),
                text: format!("{} and {}", self.text, other.text),
            },
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.known == Some(Duration::ZERO)
    }

    /// Claims that it is not less than the other.
    pub(crate) fn is_at_least(&self, other: &Self) -> Claim {
        let (one, two) = (&self.nanos, &other.nanos);
        Claim {
            holds: self.known.zip(other.known).map(|(one, two)| one >= two),
            condition: quote_spanned!(Span::mixed_site()=> #one >= #two),
        }
    }

    /// Claims that it is less than the other.
    pub(crate) fn is_less_than(&self, other: &Self) -> Claim {
        let (one, two) = (&self.nanos, &other.nanos);
        Claim {
            holds: self.known.zip(other.known).map(|(one, two)| one < two),
            condition: quote_spanned!(Span::mixed_site()=> #one < #two),
        }
    }
}

impl From<&Known<Duration>> for Amount {
    fn from(duration: &Known<Duration>) -> Self {
        match duration {
            Known::Literal(duration) => Self::literal(*duration),
            Known::Const(expression) => Self {
                known: None,
                nanos: quote_spanned!(Span::mixed_site()=> ::core::time::Duration::as_nanos(&#expression)),
                text: format!("`{}`", as_written(expression)),
            },
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A claim about settings.
pub(crate) struct Claim {
    /// The answer, if the macro can tell.
    holds: Option<bool>,
    /// The question for the compiler, where the macro does not know.
    condition: TokenStream,
}

impl Claim {
    /// Claims that this or the other is so.
    pub(crate) fn or(self, other: Self) -> Self {
        let (one, two) = (self.condition, other.condition);
        Self {
            holds: match (self.holds, other.holds) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), other) => other,
                (one, Some(false)) => one,
                (None, None) => None,
            },
            condition: match (self.holds, other.holds) {
                (Some(false), _) => two,
                (_, Some(false)) => one,
                _ => quote_spanned!(Span::mixed_site()=> #one || #two),
            },
        }
    }

    /// Reports at `place` what is not so. Where only the compiler can tell, it is left to an assertion.
    ///
    /// Returns whether it was reported.
    pub(crate) fn require(&self, errors: &Errors, place: Span, message: impl fmt::Display) -> bool {
        match self.holds {
            Some(true) => {}
            Some(false) => errors.at(place, message),
            None => errors.assert(assertion(&self.condition, place, &errors.in_context(message))),
        }
        self.holds == Some(false)
    }
}

/// `const _: () = assert!(condition, message);`, placed so that the compiler reports it there.
pub(crate) fn assertion(condition: &TokenStream, place: Span, message: &str) -> TokenStream {
    let span = place.resolved_at(Span::mixed_site());
    // the text of a panic is a format
    let message = message.replace('{', "{{").replace('}', "}}");
    quote_spanned!(span=> const _: () = ::core::assert!(#condition, #message);)
}
