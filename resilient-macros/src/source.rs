//! Where a policy's value comes from: a `static` of the function's own, or an expression of the user's.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident};

use crate::fragment::Context;
use crate::value::Known;

/// Where a layer's policy comes from.
pub(crate) enum Source {
    /// A `static` of the function's own: its type and its value.
    Own { ty: &'static str, constructor: Constructor },
    /// A value of the user's, that is or derefs to the type.
    With { ty: &'static str, policy: Expr },
}

/// `let name = { static POLICY: Type = constructor; &POLICY };`, or a borrow of the user's own policy.
pub(crate) fn declare(name: &str, source: &Source, context: &Context<'_>) -> TokenStream {
    let span = Span::mixed_site();
    let name = Ident::new(name, span);
    match source {
        Source::Own { ty, constructor } => {
            let policy = own(ty, constructor, context);
            quote_spanned!(span=> let #name = { #policy &POLICY };)
        }
        Source::With { ty, policy } => {
            let (krate, ty, policy) = (context.krate, Ident::new(ty, span), borrow(policy));
            quote_spanned!(span=> let #name: &#krate::#ty = #policy;)
        }
    }
}

/// A borrow of the user's expression, placed there, so that the compiler's caret covers no more.
pub(crate) fn borrow(expression: &impl ToTokens) -> TokenStream {
    let span = expression.span().resolved_at(Span::mixed_site());
    quote_spanned!(span=> &#expression)
}

/// The `static` of a policy.
///
/// It must stand in a block that holds nothing of the user's, because items ignore hygiene.
pub(crate) fn own(ty: &str, constructor: &Constructor, context: &Context<'_>) -> TokenStream {
    let span = Span::mixed_site();
    let (krate, ty) = (context.krate, Ident::new(ty, span));
    quote_spanned!(span=> static POLICY: #krate::#ty = #constructor;)
}

/// An expression like `::resilient::Retry::named("search").max(3)`.
///
/// Where it has a constant of the user's, its tokens are placed at the first of them: that is where the compiler
/// reports one that the constructor refuses.
pub(crate) struct Constructor {
    tokens: TokenStream,
    placed: bool,
}

impl Constructor {
    /// The call of an associated function of the runtime's type `ty`.
    pub(crate) fn new(ty: &str, call: TokenStream, context: &Context<'_>) -> Self {
        let span = Span::mixed_site();
        let (krate, ty) = (context.krate, Ident::new(ty, span));
        Self { tokens: quote_spanned!(span=> #krate::#ty::#call), placed: false }
    }

    /// Adds `.method(value)`, if there is a value.
    pub(crate) fn set<T>(self, method: &str, value: Option<&Known<T>>) -> Self
    where
        Known<T>: ToTokens,
    {
        let Some(value) = value else { return self };
        let span = Span::mixed_site();
        let span = value.constant().map_or(span, |constant| constant.resolved_at(span));
        let Self { tokens, placed } = self.at(value);
        let method = Ident::new(method, span);
        Self { tokens: quote_spanned!(span=> #tokens.#method(#value)), placed }
    }

    /// Adds `.method(argument)`.
    pub(crate) fn call(self, method: &str, argument: &impl ToTokens) -> Self {
        let span = Span::mixed_site();
        let (method, tokens) = (Ident::new(method, span), self.tokens);
        Self { tokens: quote_spanned!(span=> #tokens.#method(#argument)), placed: self.placed }
    }

    /// Adds `.method()`.
    pub(crate) fn choose(self, method: &str) -> Self {
        self.call(method, &TokenStream::new())
    }

    /// Places what there is so far at the value, if that is a constant.
    pub(crate) fn at<T>(mut self, value: &Known<T>) -> Self {
        if let (Some(constant), false) = (value.constant(), self.placed) {
            let at_constant = |mut token: TokenTree| {
                token.set_span(constant.resolved_at(token.span()));
                token
            };
            self.tokens = self.tokens.into_iter().map(at_constant).collect();
            self.placed = true;
        }
        self
    }
}

impl ToTokens for Constructor {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.tokens.to_tokens(tokens);
    }
}
