//! Mistakes: collected until the end, so that all of them are reported at once.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Attribute;

use crate::amount::Claim;

/// The mistakes found so far. Dropping it unread is a defect of the macro, and panics in its own tests.
pub(crate) struct Errors {
    found: Option<Vec<syn::Error>>,
    /// What the compiler is to find out, because the macro cannot.
    assertions: Vec<TokenStream>,
    /// What is added to the messages, if that is needed to understand them.
    context: String,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self { found: Some(Vec::new()), assertions: Vec::new(), context: String::new() }
    }

    /// Adds this to the end of the messages from now on.
    pub(crate) fn add_context(&mut self, context: String) {
        self.context = context;
    }

    /// Reports a mistake at a place in the user's code.
    pub(crate) fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, format!("{message}{}", self.context)));
    }

    /// Reports a mistake about a part of the code that the conditions, `#[cfg(…)]`s, may take away.
    pub(crate) fn at_if(&mut self, conditions: &[Attribute], span: Span, message: impl std::fmt::Display) {
        if conditions.is_empty() {
            return self.at(span, message);
        }
        let message = format!("{message}{}", self.context);
        self.assertions.push(
            quote_spanned!(span.resolved_at(Span::mixed_site())=> #(#conditions)* ::core::compile_error! { #message }),
        );
    }

    /// Reports a mistake that covers several tokens of the user's.
    pub(crate) fn over(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, format!("{message}{}", self.context)));
    }

    /// Reports at `span` what is not as the claim says. Where only the compiler can tell, it is left to an assertion.
    ///
    /// Returns whether it was reported.
    pub(crate) fn unless(&mut self, claim: &Claim, span: Span, message: impl std::fmt::Display) -> bool {
        match claim.holds {
            Some(true) => {}
            Some(false) => self.at(span, message),
            None => self.assertions.push(claim.assertion(span, &format!("{message}{}", self.context))),
        }
        claim.holds == Some(false)
    }

    /// The items that fail to compile where a constant is not as it must be.
    pub(crate) fn take_assertions(&mut self) -> Vec<TokenStream> {
        std::mem::take(&mut self.assertions)
    }

    /// How many there are so far.
    pub(crate) fn count(&self) -> usize {
        self.found.as_ref().map_or(0, Vec::len)
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        self.found.get_or_insert_default().push(error);
    }

    /// `None` if nothing is wrong, otherwise the `compile_error!`s, in the order in which a person reads the code.
    pub(crate) fn finish(mut self) -> Option<TokenStream> {
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
        debug_assert!(self.found.is_none() || std::thread::panicking(), "the mistakes were not reported");
    }
}

/// The accepted word that was probably meant: at most two letters off, and not a different word altogether.
pub(crate) fn nearest<'w>(written: &str, accepted: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let written = written.to_lowercase();
    accepted
        .into_iter()
        .map(|word| (distance(&written, word), word))
        .filter(|&(distance, word)| distance <= 2 && distance < word.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

/// The words in order, each in backticks.
pub(crate) fn list<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// What there is to choose from: `the fields are …`, or `the only field is …`.
pub(crate) fn choice<'w>(noun: &str, words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.as_slice() {
        [word] => format!("the only {noun} is `{word}`"),
        words => format!("the {noun}s are {}", list(words.iter().copied())),
    }
}

/// The number of letters to insert, remove, replace or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_word_that_was_meant() {
        let words = ["max", "backoff", "base", "cap"];

        assert_eq!(nearest("mxa", words), Some("max"));
        assert_eq!(nearest("back_off", words), Some("backoff"));
        assert_eq!(nearest("Base", words), Some("base"));
        assert_eq!(nearest("times", words), None);
    }
}
