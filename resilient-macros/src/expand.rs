//! The expansion: the stack's layers around the user's statements.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path, Token};

use crate::function::Function;
use crate::policy::{Layer, Source};
use crate::value::Known;

/// What every layer's expansion may need.
pub(crate) struct Context<'a> {
    pub(crate) function: &'a Function,
    /// The path of the runtime crate.
    pub(crate) krate: &'a Path,
}

/// The code of a stack so far, from the inside out.
pub(crate) struct Fragment {
    /// Statements that come before the value.
    pub(crate) statements: TokenStream,
    pub(crate) value: Value,
    /// Whether the value is a `Settled<Outcome>` rather than the bare outcome.
    pub(crate) settled: bool,
    /// Whether the arguments must be left for something further out.
    pub(crate) borrows: bool,
}

/// The expression that gives the outcome.
pub(crate) enum Value {
    /// A future that still has to be awaited.
    Future(TokenStream),
    /// An expression that may await within.
    Expression(TokenStream),
}

impl Fragment {
    /// The awaited value.
    pub(crate) fn expression(&self) -> TokenStream {
        match &self.value {
            Value::Future(future) => quote_spanned!(Span::mixed_site()=> #future.await),
            Value::Expression(expression) => expression.clone(),
        }
    }

    /// Puts a future that yields a `Settled` of what it runs around this.
    pub(crate) fn within(self, wrap: impl FnOnce(TokenStream) -> TokenStream) -> Self {
        let span = Span::mixed_site();
        let (settled, borrows) = (self.settled, self.borrows);
        let (statements, future) = self.into_future();
        let wrapped = wrap(future);
        let value = if settled {
            Value::Expression(quote_spanned!(span=> #wrapped.await.flatten()))
        } else {
            Value::Future(wrapped)
        };
        Self { statements, value, settled: true, borrows }
    }

    /// The statements and a future of the value, put into an async block if it is not one yet.
    fn into_future(self) -> (TokenStream, TokenStream) {
        let span = Span::mixed_site();
        match self.value {
            Value::Future(future) => (self.statements, future),
            Value::Expression(expression) => {
                let capture = (!self.borrows).then(|| Token![move](span));
                let statements = self.statements;
                let call = quote_spanned! {span=>
                    let call = async #capture {
                        #statements
                        #expression
                    };
                };
                (call, quote_spanned!(span=> call))
            }
        }
    }
}

/// The whole output: the function with its stack inside, and the layers' companions.
///
/// ```text
/// // Input:
/// #[timeout(total = "2s")]
/// #[retry(max = 3)]
/// async fn fetch(id: u64) -> Result<User, Error> { statements }
///
/// // Output:
/// async fn fetch(id: u64) -> Result<User, Error> {
///     let timeout = { static POLICY: Timeout = …; &POLICY };
///     let call = async move {
///         let mut retry = { static POLICY: Retry = …; POLICY.begin() };
///         loop {
///             let attempt = async { statements };
///             let delay = match retry.settle(attempt.await) {
///                 Verdict::Accept(outcome) => break outcome,
///                 Verdict::Retry(delay) => delay,
///             };
///             delay.await;
///         }
///     };
///     finish(timeout.run(call).await)
/// }
/// ```
pub(crate) fn expand(layers: &[Box<dyn Layer>], context: &Context<'_>) -> TokenStream {
    let declarations = layers.iter().map(|layer| layer.declare(context));
    let stack = layers.iter().rev().fold(attempt(layers, context), |inside, layer| layer.wrap(inside, context));
    let (statements, value) = (&stack.statements, finish(&stack, layers, context));
    let function = if layers.iter().all(|layer| layer.stands_beside()) {
        context.function.undecorated()
    } else {
        context.function.with_statements(quote_spanned! {Span::mixed_site()=>
            #(#declarations)*
            #statements
            #value
        })
    };
    let companions = layers.iter().filter_map(|layer| layer.companion(context));
    quote_spanned!(Span::mixed_site()=> #function #(#companions)*)
}

/// One run of the body.
///
/// It borrows the arguments if there may be another run, or something that reads them later, and owns them otherwise. A cloned argument is moved in, so that
/// the future owns it and need not be able to share it.
fn attempt(layers: &[Box<dyn Layer>], context: &Context<'_>) -> Fragment {
    let span = Span::mixed_site();
    let clones = layers.iter().flat_map(|layer| layer.body().clones.iter().map(|ident| clone_of(ident, context)));
    let (outside, inside): (Vec<_>, Vec<_>) = clones.unzip();
    let numbers = layers.iter().filter_map(|layer| {
        let number = layer.body().number?;
        let retry = Ident::new(layer.name(), span);
        Some(quote_spanned!(span=> let #number = #retry.attempt();))
    });
    let borrows = layers.iter().any(|layer| layer.facts().reads_arguments);
    let repeats = layers.iter().any(|layer| layer.facts().repeats);
    let capture = (!repeats && !borrows).then(|| Token![move](span));
    let mut body = context.function.attempt(capture, inside.into_iter().collect());
    if layers.iter().any(|layer| layer.body().suppresses_retries) {
        let krate = context.krate;
        body = quote_spanned!(span=> #krate::without_retries(#body));
    }
    Fragment {
        statements: quote_spanned! {span=>
            #(#numbers)*
            #(#outside)*
            let attempt = #body;
        },
        value: Value::Future(quote_spanned!(span=> attempt)),
        settled: false,
        borrows,
    }
}

/// A clone for one attempt, and the move of it into the attempt's future.
fn clone_of(ident: &Ident, context: &Context<'_>) -> (TokenStream, TokenStream) {
    let span = Span::mixed_site();
    let mutable = context.function.bindings.iter().any(|binding| binding.ident == *ident && binding.mutable);
    let mutability = mutable.then(|| Token![mut](span));
    let borrowed = borrow(ident);
    (
        quote_spanned!(span=> let #ident = ::core::clone::Clone::clone(#borrowed);),
        quote_spanned!(span=> let #mutability #ident = #ident;),
    )
}

/// The function's last expression.
fn finish(stack: &Fragment, layers: &[Box<dyn Layer>], context: &Context<'_>) -> TokenStream {
    let value = stack.expression();
    if !stack.settled {
        return value;
    }
    let (krate, output) = (context.krate, context.function.output_at_error());
    let span = Span::mixed_site();
    // an error type without room for a rejection is the business of the policy that rejects
    let refuses = layers.iter().find(|layer| layer.facts().refuses).map_or(span, |layer| layer.span());
    let finish = quote_spanned!(refuses.resolved_at(span)=> #krate::finish);
    match stack.value {
        Value::Future(_) => quote_spanned!(span=> #finish::<#output>(#value)),
        Value::Expression(_) => quote_spanned! {span=>
            let settled = #value;
            #finish::<#output>(settled)
        },
    }
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
