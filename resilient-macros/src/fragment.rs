//! The code of a stack while it grows, from the inside out.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Ident, Path, Token, Type};

use crate::function::Function;
use crate::tokens::placed;

/// The context of every layer's expansion.
#[derive(Clone)]
pub(crate) struct Context<'a> {
    pub(crate) function: &'a Function,
    /// The path of the runtime crate.
    pub(crate) krate: &'a Path,
    /// The local that holds the layer's policy, or a call through it.
    pub(crate) policy: Ident,
    /// Set if no statement puts the policy into the local, since a `static` of the function's own holds it.
    is_static: bool,
    /// The layer's place among those of one name, from 1, the outermost.
    pub(crate) nth: usize,
}

impl<'a> Context<'a> {
    pub(crate) fn new(function: &'a Function, krate: &'a Path) -> Self {
        Self { function, krate, policy: local("policy"), is_static: false, nth: 1 }
    }

    /// The same for the `nth` layer of those that are called `name`, whose policy is a `static` of the function's own, or is found by statements.
    pub(crate) fn of_layer(&self, name: &str, nth: usize, is_static: bool) -> Self {
        Self { policy: local(&numbered(name, nth)), is_static, nth, ..*self }
    }

    /// The layer's policy before the name of a method: `RETRY_`, or `retry_` where a local holds it.
    pub(crate) fn receiver(&self) -> Ident {
        if self.is_static { constant(&self.policy) } else { self.policy.clone() }
    }

    /// A reference to the layer's policy: `&RETRY_`, or `retry_` where a local holds it.
    pub(crate) fn reference(&self) -> TokenStream {
        let policy = self.receiver();
        if self.is_static { quote_spanned!(Span::mixed_site()=> &#policy) } else { policy.into_token_stream() }
    }

    /// The local that holds the policies of all keys, of which the layer uses one: `hedge_per_key_`.
    pub(crate) fn per_key(&self) -> Ident {
        self.beside("per_key")
    }

    /// A local beside the one that holds the policy: `rate_limit_weight_`.
    pub(crate) fn beside(&self, name: &str) -> Ident {
        local(&format!("{}_{name}", self.policy.to_string().trim_end_matches('_')))
    }

    /// Another local of the layer's own.
    pub(crate) fn own(&self, name: &str) -> Ident {
        local(&numbered(name, self.nth))
    }
}

/// The name of a local: `retry_` for `retry`.
///
/// Hygiene keeps locals apart, but not a local from an item: in a pattern, the name of a constant, a static or a unit struct
/// that is in scope stands for that item. No such item of the user's ends in an underscore.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("{name}_"), Span::mixed_site())
}

/// The name of the `static` that belongs to a local: `RETRY_` for `retry_`.
///
/// Items ignore hygiene, and no constant of the user's, which a constructor may mention, ends in an underscore.
pub(crate) fn constant(local: &Ident) -> Ident {
    Ident::new(&local.to_string().to_uppercase(), Span::mixed_site())
}

fn numbered(name: &str, nth: usize) -> String {
    if nth == 1 { name.to_owned() } else { format!("{name}{nth}") }
}

/// `let n = attempt_.number();`, in the block of an attempt that is started with its number.
pub(crate) fn number_of_attempt(number: &Ident) -> TokenStream {
    let attempt = attempt();
    quote_spanned!(Span::mixed_site()=> let #number = #attempt.number();)
}

/// The code of a stack so far, from the inside out.
pub(crate) struct Fragment {
    /// Statements that come before the form.
    pub(crate) statements: TokenStream,
    pub(crate) form: Form,
    /// Set if it gives a `Settled` of the outcome, and not the bare outcome.
    pub(crate) settled: bool,
    pub(crate) notes: Notes,
}

/// Notes on the code, for layers further out.
#[derive(Clone)]
pub(crate) struct Notes {
    /// Set if the arguments must be left for something further out.
    pub(crate) borrows: bool,
    /// Set if it is inside a loop that is still to come, so that each round must leave the arguments for the next.
    pub(crate) repeated: bool,
    /// The statement that keeps the order in which the arguments are dropped, for the block that will own them.
    pub(crate) drop_order: Option<TokenStream>,
    /// The bulkhead that it goes through, for whatever further out looks at how busy that is.
    pub(crate) bulkhead: Option<TokenStream>,
}

/// The expression that the statements lead to. In a function that blocks, a closure stands for each future.
pub(crate) enum Form {
    /// The async block of the user's statements.
    Body(TokenStream),
    /// A future.
    Future(TokenStream),
    /// A future under policies, the outermost first; and whether the future gives a `Settled` itself.
    Stack { policies: Vec<TokenStream>, future: TokenStream, settled: bool },
    /// The attempts of a retry.
    Rounds(Box<Rounds>),
    /// An expression, which may await.
    Expression(TokenStream),
}

/// The attempts of a retry, in a loop.
pub(crate) struct Rounds {
    /// Statements at the beginning of each round.
    pub(crate) before: TokenStream,
    pub(crate) attempt: Fragment,
    /// The local that holds the call through the retry.
    pub(crate) retry: Ident,
    /// The call as it settles an outcome: the local, with its hooks if it has any.
    pub(crate) settling: TokenStream,
    /// The retry as a stack is given it; `None` if it is in the attempt's stack already.
    pub(crate) policy: Option<TokenStream>,
    /// The expression that decides on the class in place of the outcome's type.
    pub(crate) when: Option<TokenStream>,
    /// The local that holds the call through a time-out, if one watches over the attempts.
    pub(crate) watch: Option<Ident>,
}

impl Fragment {
    /// Puts a policy around it, which a stack is given as `policy`.
    pub(crate) fn under(self, policy: TokenStream, context: &Context<'_>) -> Self {
        if let Form::Stack { mut policies, future, settled } = self.form {
            policies.insert(0, policy);
            return Self { form: Form::Stack { policies, future, settled }, ..self };
        }
        let settled = self.settled;
        let Self { statements, form, notes, .. } = self.into_future(context);
        let Form::Future(future) = form else { unreachable!("it is a future") };
        let form = Form::Stack { policies: vec![policy], future, settled };
        Self { statements, form, settled: true, notes }
    }

    /// Returns whether the future itself, without the policies around it, gives a `Settled`.
    pub(crate) fn gives_settled(&self) -> bool {
        match &self.form {
            Form::Stack { settled, .. } => *settled,
            _ => self.settled,
        }
    }

    /// Makes another future of the one that it is; of a closure, the expression that calls it.
    pub(crate) fn around(self, context: &Context<'_>, make: impl FnOnce(TokenStream) -> TokenStream) -> Self {
        let fragment = self.into_future(context);
        let Form::Future(future) = fragment.form else { unreachable!("it is a future") };
        let whole = make(future);
        let form = if context.function.blocks { Form::Expression(whole) } else { Form::Future(whole) };
        Self { form, ..fragment }
    }

    /// The statements, and the awaited expression.
    pub(crate) fn awaited(self, context: &Context<'_>) -> (TokenStream, TokenStream) {
        let statements = self.statements;
        match self.form {
            Form::Body(call) | Form::Future(call) if context.function.blocks => (statements, called(&call, context)),
            Form::Body(body) => {
                (quote_spanned!(Span::mixed_site()=> #statements let attempt_ = #body;), awaited(&attempt()))
            }
            Form::Future(future) => (statements, awaited(&future)),
            Form::Stack { policies, future, settled } => {
                let stack = stack(&policies, &future, context);
                let stack = if context.function.blocks { stack } else { awaited(&stack) };
                // what was refused below and what is refused here are one to what is further out
                let flatten = settled.then(|| quote_spanned!(Span::mixed_site()=> .flatten()));
                (statements, quote_spanned!(Span::mixed_site()=> #stack #flatten))
            }
            Form::Rounds(rounds) => (statements, rounds.repeat(context)),
            Form::Expression(expression) => (statements, expression),
        }
    }

    /// The same as a future, in an async block if it is none yet.
    fn into_future(self, context: &Context<'_>) -> Self {
        let span = Span::mixed_site();
        let statements = self.statements;
        let (statements, future) = match self.form {
            Form::Future(future) => (statements, future),
            Form::Body(body) if context.function.blocks => (statements, body),
            form if context.function.blocks => {
                let inside = Self { statements, form, settled: self.settled, notes: self.notes.clone() };
                let (statements, expression) = inside.awaited(context);
                (TokenStream::new(), quote_spanned!(span=> || { #statements #expression }))
            }
            Form::Body(body) => (quote_spanned!(span=> #statements let attempt_ = #body;), attempt()),
            Form::Stack { policies, future, settled: false } => (statements, stack(&policies, &future, context)),
            form => {
                let owns = !self.notes.borrows && !self.notes.repeated;
                let capture = owns.then(|| Token![move](span));
                let here = self.notes.drop_order.clone().filter(|_| owns);
                let drop_order = self.notes.drop_order.clone().filter(|_| !owns);
                let (settled, notes) = (self.settled, Notes { drop_order, ..self.notes.clone() });
                let inside = Self { statements, form, settled, notes: notes.clone() };
                let (statements, expression) = inside.awaited(context);
                let statements = quote_spanned!(span=> let call_ = async #capture { #here #statements #expression };);
                return Self { statements, form: Form::Future(quote_spanned!(span=> call_)), settled, notes };
            }
        };
        Self { statements, form: Form::Future(future), ..self }
    }
}

impl Rounds {
    /// The same with the retry in the attempt's stack, if there is one: it decides there, and the loop has the verdict.
    pub(crate) fn joined(self, context: &Context<'_>) -> Self {
        if matches!(self.attempt.form, Form::Stack { .. }) { self.in_stack(context) } else { self }
    }

    /// The same with a time-out around each attempt, the call through which the local holds.
    pub(crate) fn within(self, timeout: &Ident, context: &Context<'_>) -> Self {
        let rounds = self.in_stack(context);
        let attempt = rounds.attempt.under(quote_spanned!(Span::mixed_site()=> &mut #timeout), context);
        Self { attempt, watch: Some(timeout.clone()), ..rounds }
    }

    fn in_stack(mut self, context: &Context<'_>) -> Self {
        match self.policy.take() {
            Some(policy) => Self { attempt: self.attempt.under(policy, context), ..self },
            None => self,
        }
    }

    /// The loop over the rounds.
    fn repeat(self, context: &Context<'_>) -> TokenStream {
        let span = Span::mixed_site();
        let (krate, before) = (context.krate, self.before);
        // a verdict was decided on in the stack, where the hooks were told
        let retry = if self.policy.is_some() { self.settling } else { self.retry.into_token_stream() };
        let settled = self.attempt.settled;
        let is_settled = settled || matches!(self.attempt.form, Form::Stack { .. });
        let blocks = context.function.blocks;
        let is_short = !blocks && matches!(self.attempt.form, Form::Body(_) | Form::Future(_));
        let (statements, mut outcome) = self.attempt.awaited(context);
        let name = local(if is_settled { "settled" } else { "outcome" });
        let first = (!is_short).then(|| quote_spanned!(span=> let #name = #outcome;));
        if !is_short {
            outcome = name.into_token_stream();
        }
        let wait = match &self.watch {
            _ if blocks => quote_spanned!(span=> delay_.wait()),
            Some(timeout) => quote_spanned!(span=> #timeout.wait(delay_).await),
            None => quote_spanned!(span=> delay_.await),
        };
        let output = context.function.output_at_error();
        // the outcome's type is spelled out where it can be, so that an error that is not classified is reported there
        let verdict = match (self.policy, self.when) {
            (None, _) => quote_spanned!(span=> verdict(#outcome)),
            (_, Some(when)) => quote_spanned!(span=> settle_when(#outcome, #when)),
            _ if settled || matches!(context.function.output, Type::Infer(_)) => {
                let settle = context.function.settle();
                quote_spanned!(span=> #settle(#outcome))
            }
            _ => quote_spanned!(span=> settle::<#output>(#outcome)),
        };
        quote_spanned! {span=>
            loop {
                #before
                #statements
                #first
                let delay_ = match #retry.#verdict {
                    #krate::Verdict::Accept(outcome_) => break outcome_,
                    #krate::Verdict::Retry(delay_) => delay_,
                };
                #wait;
            }
        }
    }
}

/// The future under its policies.
fn stack(policies: &[TokenStream], future: &TokenStream, context: &Context<'_>) -> TokenStream {
    // all of the call in one place, where the compiler then reports a wrong outcome once
    let place = context.function.place_of_outcome();
    let krate = placed(context.krate.to_token_stream(), place);
    let policies = tuple(policies, place);
    if context.function.blocks {
        return quote_spanned!(place=> #krate::blocking::run(#policies, #future));
    }
    let future = placed(future.clone(), place);
    quote_spanned!(place=> #krate::run(#policies, #future))
}

/// The policies as a tuple; more than fit into one stand in a tuple at its end.
fn tuple(policies: &[TokenStream], place: Span) -> TokenStream {
    if policies.len() <= MOST_IN_A_TUPLE {
        return quote_spanned!(place=> (#(#policies,)*));
    }
    let (first, more) = policies.split_at(MOST_IN_A_TUPLE - 1);
    let more = tuple(more, place);
    quote_spanned!(place=> (#(#first,)* #more))
}

/// The runtime takes tuples of so many policies.
const MOST_IN_A_TUPLE: usize = 12;

fn attempt() -> TokenStream {
    quote_spanned!(Span::mixed_site()=> attempt_)
}

/// The closure's outcome.
fn called(closure: &TokenStream, context: &Context<'_>) -> TokenStream {
    let krate = context.krate;
    quote_spanned!(Span::mixed_site()=> #krate::blocking::call(#closure))
}

/// The awaited future.
fn awaited(future: &TokenStream) -> TokenStream {
    // what is wrong with the future is found again where it is awaited
    let place = future.clone().into_iter().last().map_or_else(Span::mixed_site, |last| last.span());
    quote_spanned!(place=> #future.await)
}
