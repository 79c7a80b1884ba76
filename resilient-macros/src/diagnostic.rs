//! Mistakes: collected until the end, so that all of them are reported at once.

use std::cell::RefCell;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Attribute;

/// The mistakes found so far. Dropping it unread is a defect of the macro, and panics in its own tests.
pub(crate) struct Errors {
    found: RefCell<Option<Vec<syn::Error>>>,
    /// Items that fail to compile where only the compiler can find the mistake.
    assertions: RefCell<Vec<TokenStream>>,
    /// The end of every message, if something is needed to understand them.
    context: RefCell<String>,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self { found: RefCell::new(Some(Vec::new())), assertions: RefCell::default(), context: RefCell::default() }
    }

    /// Adds this to the end of the messages from now on.
    pub(crate) fn add_context(&self, context: String) {
        self.context.replace(context);
    }

    /// Reports a mistake at a place in the user's code.
    pub(crate) fn at(&self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, self.in_context(message)));
    }

    /// Reports a mistake about a part of the code that the conditions, `#[cfg(…)]`s, may take away.
    pub(crate) fn at_if(&self, conditions: &[Attribute], span: Span, message: impl std::fmt::Display) {
        if conditions.is_empty() {
            return self.at(span, message);
        }
        let message = self.in_context(message);
        self.assert(
            quote_spanned!(span.resolved_at(Span::mixed_site())=> #(#conditions)* ::core::compile_error! { #message }),
        );
    }

    /// Reports a mistake that covers several tokens of the user's.
    pub(crate) fn over(&self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, self.in_context(message)));
    }

    /// Leaves a mistake to the compiler: the items do not compile where there is one.
    pub(crate) fn assert(&self, assertion: TokenStream) {
        self.assertions.borrow_mut().push(assertion);
    }

    /// The message as it is reported.
    pub(crate) fn in_context(&self, message: impl std::fmt::Display) -> String {
        format!("{message}{}", self.context.borrow())
    }

    /// The items that fail to compile where a constant is not as it must be.
    pub(crate) fn take_assertions(&self) -> Vec<TokenStream> {
        self.assertions.take()
    }

    /// Returns how many there are so far.
    pub(crate) fn count(&self) -> usize {
        self.found.borrow().as_ref().map_or(0, Vec::len)
    }

    pub(crate) fn push(&self, error: syn::Error) {
        self.found.borrow_mut().get_or_insert_default().push(error);
    }

    /// Drops the mistakes, which are reported elsewhere.
    pub(crate) fn discard(self) {
        self.found.take();
    }

    /// `None` if nothing is wrong, otherwise the `compile_error!`s, in the order in which a person reads the code.
    pub(crate) fn finish(self) -> Option<TokenStream> {
        let mut found = self.found.take().unwrap_or_default();
        if proc_macro::is_available() {
            found.sort_by_key(place);
        }
        (!found.is_empty()).then(|| found.into_iter().map(|error| error.to_compile_error()).collect())
    }
}

/// The line and column where the mistake begins. Only a compiler knows them.
fn place(error: &syn::Error) -> (usize, usize) {
    let span = error.span().unwrap();
    (span.line(), span.column())
}

impl Drop for Errors {
    fn drop(&mut self) {
        debug_assert!(self.found.borrow().is_none() || std::thread::panicking(), "the mistakes were not reported");
    }
}
