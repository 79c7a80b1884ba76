//! The code of a stack while it grows, from the inside out.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{Ident, Lifetime, Path, Token};

use crate::function::Function;

/// What every layer's expansion may need.
pub(crate) struct Context<'a> {
    pub(crate) function: &'a Function,
    /// The path of the runtime crate.
    pub(crate) krate: &'a Path,
    /// Whether a time-out stands directly above the retry, and so watches each round if that is a future.
    pub(crate) in_rounds: bool,
    /// The local that holds the layer's policy.
    pub(crate) policy: Ident,
    /// The layer's place among those of one name, from 1, the outermost.
    pub(crate) nth: usize,
}

impl<'a> Context<'a> {
    pub(crate) fn new(function: &'a Function, krate: &'a Path) -> Self {
        Self { function, krate, in_rounds: false, policy: local("policy"), nth: 1 }
    }

    /// The same for the `nth` layer of those that are called `name`.
    pub(crate) fn of_layer(&self, name: &str, nth: usize) -> Self {
        Self { policy: local(&numbered(name, nth)), nth, ..*self }
    }

    /// Another local of the layer's own.
    pub(crate) fn own(&self, name: &str) -> Ident {
        local(&numbered(name, self.nth))
    }

    /// The layer's own label of that name. A label may not shadow another.
    pub(crate) fn label(&self, name: &str) -> Lifetime {
        Lifetime::new(&format!("'{}", numbered(name, self.nth)), Span::mixed_site())
    }
}

/// The name of a local: `retry_` for `retry`.
///
/// Hygiene keeps locals apart, but not a local from an item: in a pattern, the name of a constant, a static or a unit struct
/// that is in scope stands for that item. No such item of the user's ends in an underscore.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("{name}_"), Span::mixed_site())
}

fn numbered(name: &str, nth: usize) -> String {
    if nth == 1 { name.to_owned() } else { format!("{name}{nth}") }
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
    /// Whether it is inside a loop that is still to come, so that each round must leave the arguments for the next.
    pub(crate) repeated: bool,
    /// The statement that keeps the order in which the arguments are dropped, for the block that will own them.
    pub(crate) drop_order: Option<TokenStream>,
    /// The bulkhead that it goes through, for whatever further out looks at how busy that is.
    pub(crate) bulkhead: Option<TokenStream>,
}

/// The expression that gives the outcome.
pub(crate) enum Value {
    /// A future that still has to be awaited.
    Future(TokenStream),
    /// An expression that may await within.
    Expression(TokenStream),
    /// A future that a time-out runs, which the local `timeout` holds.
    Timed { timeout: Ident, future: TokenStream },
    /// A retry's attempt, a future to make and run again and again; and the place of what runs it.
    Rounds { statements: TokenStream, attempt: TokenStream, place: Span },
    /// The async block of the user's statements, which nothing stands around yet.
    Body(TokenStream),
}

impl Value {
    /// The future, if it is one.
    pub(crate) fn future(&self) -> Option<TokenStream> {
        match self {
            Self::Future(future) | Self::Body(future) => Some(future.clone()),
            Self::Timed { timeout, future } => Some(quote_spanned!(Span::mixed_site()=> #timeout.run(#future))),
            Self::Expression(_) | Self::Rounds { .. } => None,
        }
    }
}

impl Fragment {
    /// The awaited value.
    pub(crate) fn expression(&self) -> TokenStream {
        let span = Span::mixed_site();
        match &self.value {
            Value::Future(future) => {
                // what is wrong with the future is found again where it is awaited
                let place = future.clone().into_iter().last().map_or(span, |last| last.span());
                quote_spanned!(place=> #future.await)
            }
            Value::Expression(expression) => expression.clone(),
            Value::Rounds { statements, attempt, place } => {
                let round = quote_spanned!(*place=> retry_.run(#attempt));
                repeat(statements, &round, *place, &quote_spanned!(span=> outcome_))
            }
            Value::Body(_) | Value::Timed { .. } => {
                let future = self.value.future();
                quote_spanned!(span=> #future.await)
            }
        }
    }

    /// Puts a future that yields a `Settled` of what it runs around this.
    pub(crate) fn within(self, wrap: impl FnOnce(TokenStream) -> TokenStream) -> Self {
        let settled = self.settled;
        let around = self.around(wrap);
        let value = match around.value {
            Value::Future(wrapped) if settled => {
                Value::Expression(quote_spanned!(Span::mixed_site()=> #wrapped.await.flatten()))
            }
            value => value,
        };
        Self { value, settled: true, ..around }
    }

    /// Puts a future that yields what it runs around this.
    pub(crate) fn around(self, wrap: impl FnOnce(TokenStream) -> TokenStream) -> Self {
        let (settled, borrows, repeated) = (self.settled, self.borrows, self.repeated);
        let bulkhead = self.bulkhead.clone();
        let (statements, future, drop_order) = self.into_future();
        Self { statements, value: Value::Future(wrap(future)), settled, borrows, repeated, drop_order, bulkhead }
    }

    /// The statements and a future of the value, put into an async block if it is not one yet; and the order that is still to be kept.
    fn into_future(self) -> (TokenStream, TokenStream, Option<TokenStream>) {
        let span = Span::mixed_site();
        if let Some(future) = self.value.future() {
            return (self.statements, future, self.drop_order);
        }
        let capture = (!self.borrows && !self.repeated).then(|| Token![move](span));
        let (here, further_out) =
            if capture.is_some() { (self.drop_order.as_ref(), None) } else { (None, self.drop_order.clone()) };
        let (statements, expression) = (&self.statements, self.expression());
        let call = quote_spanned! {span=>
            let call_ = async #capture {
                #here
                #statements
                #expression
            };
        };
        (call, quote_spanned!(span=> call_), further_out)
    }
}

/// The loop over the rounds, which ends with `end`, an expression of `outcome_`.
pub(crate) fn repeat(statements: &TokenStream, round: &TokenStream, place: Span, end: &TokenStream) -> TokenStream {
    let span = Span::mixed_site();
    let round = quote_spanned!(place=> #round.await);
    quote_spanned! {span=>
        loop {
            #statements
            if let ::core::option::Option::Some(outcome_) = #round {
                break #end;
            }
        }
    }
}
