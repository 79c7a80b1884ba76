//! The expression that makes a policy.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Ident, Path};

use crate::key::Key;
use crate::tokens::placed;
use crate::value::Known;

/// An expression like `::resilient::Retry::named("search").max(3)`, its methods in the order of the table.
///
/// If it has a constant of the user's, its tokens are placed at the first of them: that is where the compiler
/// reports one that the constructor refuses.
///
/// A method is placed at the key that asks for it, so that an editor shows its documentation there.
pub(crate) struct Constructor {
    beginning: TokenStream,
    calls: Vec<Call>,
    /// The place of a constant that the beginning depends on.
    constant: Option<Span>,
    keys: &'static [Key],
    written: Vec<Ident>,
}

struct Call {
    /// The place of its key in the table.
    row: usize,
    method: Ident,
    argument: TokenStream,
    /// The place of a constant that the method may refuse.
    constant: Option<Span>,
}

impl Constructor {
    /// The call of an associated function of the runtime's type `ty`, for an attribute with these keys.
    pub(crate) fn new(
        krate: &Path,
        ty: &str,
        function: &str,
        arguments: &impl ToTokens,
        keys: &'static [Key],
        written: &[Ident],
    ) -> Self {
        let span = Span::mixed_site();
        let (ty, function) = (Ident::new(ty, span), Ident::new(function, span));
        let beginning = quote_spanned!(span=> #krate::#ty::#function(#arguments));
        Self { beginning, calls: Vec::new(), constant: None, keys, written: written.to_vec() }
    }

    /// Adds `.method(value)`, which `key` asks for.
    pub(crate) fn set<T>(self, key: &str, method: &str, value: &Known<T>) -> Self
    where
        Known<T>: ToTokens,
    {
        self.call_at(value.constant(), key, method, value)
    }

    /// Adds `.method(first, second)`, which `key` asks for.
    pub(crate) fn set_both<T, U>(self, key: &str, method: &str, first: &Known<T>, second: &Known<U>) -> Self
    where
        Known<T>: ToTokens,
        Known<U>: ToTokens,
    {
        let constant = first.constant().or(second.constant());
        let span = constant.map_or_else(Span::mixed_site, |constant| constant.resolved_at(Span::mixed_site()));
        self.call_at(constant, key, method, &quote_spanned!(span=> #first, #second))
    }

    /// Adds `.method(argument)`, placed at `constant` if there is one that the method may refuse.
    pub(crate) fn call_at(mut self, constant: Option<Span>, key: &str, method: &str, argument: &impl ToTokens) -> Self {
        let row = self.keys.iter().position(|row| row.name == key).unwrap_or(self.keys.len());
        let hygiene = Span::mixed_site();
        let written = self.written.iter().find(|written| **written == *key).map(Ident::span);
        let place = written.or(constant).map_or(hygiene, |place| place.resolved_at(hygiene));
        let call = Call { row, method: Ident::new(method, place), argument: argument.to_token_stream(), constant };
        self.calls.push(call);
        self
    }

    /// Adds `.method(argument)`.
    pub(crate) fn call(self, key: &str, method: &str, argument: &impl ToTokens) -> Self {
        self.call_at(None, key, method, argument)
    }

    /// Adds `.mode(Mode::Observe)`, or whatever the variant is.
    pub(crate) fn mode(self, mode: &str, krate: &Path) -> Self {
        let span = Span::mixed_site();
        let variant = match mode {
            "enforce" => "Enforce",
            "observe" => "Observe",
            _ => "Off",
        };
        let variant = Ident::new(variant, span);
        self.call("mode", "mode", &quote_spanned!(span=> #krate::Mode::#variant))
    }

    /// Adds `.method()`.
    pub(crate) fn choose(self, key: &str, method: &str) -> Self {
        self.call(key, method, &TokenStream::new())
    }

    /// Places the beginning at the value, if that is a constant.
    pub(crate) fn at<T>(mut self, value: &Known<T>) -> Self {
        self.constant = self.constant.or(value.constant());
        self
    }
}

impl ToTokens for Constructor {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut calls: Vec<&Call> = self.calls.iter().collect();
        calls.sort_by_key(|call| call.row);
        let mut is_placed = self.constant.is_some();
        let mut chain = match self.constant {
            Some(place) => placed(self.beginning.clone(), place),
            None => self.beginning.clone(),
        };
        for Call { method, argument, constant, .. } in calls {
            if let (Some(place), false) = (constant, is_placed) {
                chain = placed(chain, *place);
                is_placed = true;
            }
            let span = constant.map_or_else(Span::mixed_site, |place| place.resolved_at(Span::mixed_site()));
            chain = quote_spanned!(span=> #chain.#method(#argument));
        }
        chain.to_tokens(tokens);
    }
}
