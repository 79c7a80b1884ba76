//! `#[retry]`: a loop around what is inside.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprPath, Ident, LitStr, Type};

use super::{Body, Facts, Kind, Layer, Source};
use crate::arguments::{Arguments, Key, Positional};
use crate::diagnostic::{Errors, list, nearest};
use crate::expand::{Context, Fragment, Value, own};
use crate::function::Function;
use crate::value::{self, Known};
use crate::when::When;

pub(crate) const KIND: Kind = Kind {
    name: "retry",
    keys: &[
        Key::setting("max", "max = 3"),
        Key::setting("backoff", "backoff = \"exp_jitter\""),
        Key::setting("base", "base = \"100ms\""),
        Key::setting("factor", "factor = 2"),
        Key::setting("cap", "cap = \"10s\""),
        Key::setting("jitter", "jitter = \"100ms\""),
        Key::setting("name", "name = \"search\""),
        Key::usage("clone", "clone(request)"),
        Key::usage("attempt", "attempt = n"),
        Key::usage("with", "with = self.retry"),
        Key::usage("when", "when = |error: &MyError| error.is_temporary()"),
        Key::usage("crate", "crate = ::resilient"),
    ],
    positional: Positional::Write("max"),
    parse,
};

struct Retry {
    span: Span,
    source: Source,
    when: Option<When>,
    clones: Vec<Ident>,
    number: Option<Ident>,
    first_delay: Option<Duration>,
}

fn parse(arguments: &mut Arguments, context: &Context<'_>, errors: &mut Errors) -> Vec<Box<dyn Layer>> {
    let span = arguments.attribute.span();
    let when = arguments.value("when", errors, |_, when| Ok(When(when)));
    let clones = arguments.names("clone", errors);
    let number = arguments.value("attempt", errors, name);
    let with = arguments.with(errors);
    let (constructor, first_delay) = constructor(arguments, context, errors);
    let (source, first_delay) = match with {
        Some(policy) => (Source::With(policy), None),
        None => (Source::Own { ty: "Retry", constructor }, first_delay),
    };
    vec![Box::new(Retry { span, source, when, clones, number, first_delay })]
}

fn constructor(
    arguments: &mut Arguments,
    context: &Context<'_>,
    errors: &mut Errors,
) -> (TokenStream, Option<Duration>) {
    let span = Span::mixed_site();
    let name = arguments.value("name", errors, |key, value| value::text(key, &value));
    let name = name.map_or_else(|| context.function.name().to_string(), |name| name.value());
    let max = arguments.value("max", errors, max).map(|max| quote_spanned!(span=> .max(#max)));
    let (backoff, first_delay) = backoff(arguments, context, errors);
    let backoff = backoff.map(|backoff| quote_spanned!(span=> .backoff(#backoff)));
    (quote_spanned!(span=> named(#name) #max #backoff), first_delay)
}

fn max(key: &str, expression: Expr) -> syn::Result<Known<u32>> {
    if matches!(&expression, Expr::Path(path) if path.path.is_ident("unlimited")) {
        let message = "nothing would ever stop an unlimited retry: give a number, such as `max = 10`";
        return Err(syn::Error::new_spanned(expression, message));
    }
    let written = expression.span();
    let max = value::count(key, expression)?;
    match max.literal() {
        Some(0) => Err(syn::Error::new(written, "zero retries is no retry: remove the attribute, or allow at least 1")),
        _ => Ok(max),
    }
}

/// The name that the attempt's number is bound to.
fn name(_: &str, expression: Expr) -> syn::Result<Ident> {
    match &expression {
        Expr::Path(ExprPath { qself: None, path, .. }) if path.get_ident().is_some() => {
            Ok(path.require_ident()?.clone())
        }
        _ => Err(syn::Error::new_spanned(
            expression,
            "`attempt` names a variable for the attempt's number: write `attempt = n`",
        )),
    }
}

/// A back-off of the table: the constructor's name, and which settings change it.
struct Formula {
    name: &'static str,
    settings: &'static [&'static str],
    /// The shortest first delay in halves of the base.
    first_delay_halves: u32,
}

const fn formula(name: &'static str, settings: &'static [&'static str], first_delay_halves: u32) -> Formula {
    Formula { name, settings, first_delay_halves }
}

const FORMULAE: &[Formula] = &[
    formula("none", &[], 0),
    formula("fixed", &["base"], 2),
    formula("linear", &["base", "cap"], 2),
    formula("fibonacci", &["base", "cap"], 2),
    formula("exp", &["base", "cap", "factor"], 2),
    formula("exp_jitter", &["base", "cap", "factor", "jitter"], 2),
    formula("full_jitter", &["base", "cap", "factor"], 0),
    formula("equal_jitter", &["base", "cap", "factor"], 1),
    formula("decorrelated", &["base", "cap"], 2),
    formula("decorrelated_v2", &["base", "cap"], 0),
];

const DEFAULT_FORMULA: &Formula = &FORMULAE[5];
const DEFAULT_BASE: Duration = Duration::from_millis(100);
const DEFAULT_CAP: Duration = Duration::from_secs(10);

/// The back-off's expression, unless everything is left at its default, and its shortest first delay.
fn backoff(
    arguments: &mut Arguments,
    context: &Context<'_>,
    errors: &mut Errors,
) -> (Option<TokenStream>, Option<Duration>) {
    let span = Span::mixed_site();
    let settings = ["base", "factor", "cap", "jitter"].map(|key| (key, arguments.span(key)));
    let written = arguments.value("backoff", errors, |_, expression| Ok(expression));
    let base_span = arguments.span("base");
    let base = arguments.value("base", errors, value::duration);
    let factor = arguments.value("factor", errors, factor);
    let cap = arguments.value("cap", errors, value::duration);
    let jitter = arguments.value("jitter", errors, value::duration);

    let formula = match &written {
        None => DEFAULT_FORMULA,
        Some(Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })) => match find(text) {
            Ok(formula) => formula,
            Err(error) => {
                errors.push(error);
                return (None, None);
            }
        },
        Some(path) => {
            for (key, span) in settings {
                if let Some(span) = span {
                    errors.at(span, format!("`{key}` has no effect on a back-off of your own: set it there"));
                }
            }
            return (Some(own_backoff(path, context)), None);
        }
    };
    for (key, span) in settings {
        if let (Some(span), false) = (span, formula.settings.contains(&key)) {
            errors.at(span, format!("`{key}` has no effect on the back-off `\"{}\"`: remove it", formula.name));
        }
    }
    let capped = formula.settings.contains(&"cap");
    let literal = |duration: &Option<Known<Duration>>, default| match duration {
        Some(known) => known.literal(),
        None => Some(default),
    };
    let (known_base, known_cap) = (literal(&base, DEFAULT_BASE), literal(&cap, DEFAULT_CAP));
    if let (Some(base), Some(cap), true) = (known_base, known_cap, capped)
        && base > cap
    {
        let message = format!(
            "`base` ({}) is longer than `cap` ({}): make `base` shorter, or set a longer `cap`",
            value::shown(base),
            value::shown(cap)
        );
        errors.at(base_span.or(arguments.span("cap")).unwrap_or(arguments.attribute.span()), message);
    }
    let first_delay = known_base.map(|base| {
        let base = if capped { base.min(known_cap.unwrap_or(Duration::MAX)) } else { base };
        base / 2 * formula.first_delay_halves
    });
    if written.is_none() && base.is_none() && factor.is_none() && cap.is_none() && jitter.is_none() {
        return (None, first_delay);
    }

    let constructor = Ident::new(formula.name, span);
    let base = formula.settings.contains(&"base").then(|| base.unwrap_or(Known::Literal(DEFAULT_BASE)));
    let factor = factor.map(|factor| quote_spanned!(span=> .factor(#factor)));
    let cap = cap.map(|cap| quote_spanned!(span=> .cap(#cap)));
    let jitter = jitter.map(|jitter| quote_spanned!(span=> .jitter(#jitter)));
    let krate = context.krate;
    (Some(quote_spanned!(span=> #krate::Backoff::#constructor(#base) #factor #cap #jitter)), first_delay)
}

/// A snake-case path is a function of the retry's number; anything else is a `Backoff`.
fn own_backoff(expression: &Expr, context: &Context<'_>) -> TokenStream {
    let is_function = match expression {
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            name.starts_with(|first: char| first.is_lowercase() || first == '_')
        }),
        Expr::Closure(_) => true,
        _ => false,
    };
    if !is_function {
        return expression.to_token_stream();
    }
    let krate = context.krate;
    quote_spanned!(Span::mixed_site()=> #krate::Backoff::custom(#expression))
}

fn find(text: &LitStr) -> syn::Result<&'static Formula> {
    let written = text.value();
    let names = FORMULAE.iter().map(|formula| formula.name);
    FORMULAE.iter().find(|formula| formula.name == written).ok_or_else(|| {
        let message = match nearest(&written, names.clone()) {
            Some(meant) => format!("unknown back-off `\"{written}\"`: did you mean `\"{meant}\"`?"),
            None => format!("unknown back-off `\"{written}\"`: the back-offs are {}", list(names)),
        };
        syn::Error::new(text.span(), message)
    })
}

fn factor(key: &str, expression: Expr) -> syn::Result<Known<f64>> {
    let written = expression.span();
    let factor = value::factor(key, expression)?;
    match factor.literal() {
        Some(factor) if factor < 1.0 => {
            Err(syn::Error::new(written, "below 1 the waits would shrink: write at least `factor = 1`"))
        }
        _ => Ok(factor),
    }
}

impl Layer for Retry {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn span(&self) -> Span {
        self.span
    }

    fn facts(&self) -> Facts {
        Facts { repeats: true, first_delay: self.first_delay, ..Facts::default() }
    }

    fn body(&self) -> Body<'_> {
        Body { clones: &self.clones, number: self.number.as_ref() }
    }

    fn check(&self, function: &Function, errors: &mut Errors) {
        for ident in &self.clones {
            if !function.bindings.iter().any(|binding| binding.ident == *ident) {
                errors.at(ident.span(), no_such_argument(ident, function));
            }
        }
        for binding in function.bindings.iter().filter(|binding| binding.mutable && !binding.reference) {
            let ident = &binding.ident;
            if !self.clones.contains(ident) {
                let message = format!(
                    "the second attempt would see what the first did to `{ident}`: write `#[retry(clone({ident}))]`, or take it without `mut`"
                );
                errors.at(ident.span(), message);
            }
        }
        if let Some(receiver) = function.consumed_self() {
            errors.over(
                receiver,
                "`#[retry]` runs the body again, and the first attempt may use up `self`: take `&self` or `self: Arc<Self>`",
            );
        }
        if let Some(reference) = function.mutable_reference_in_output() {
            errors.over(
                reference,
                "`#[retry]` cannot return a `&mut`: the first attempt's borrow would still hold when the second begins; return an owned value",
            );
        }
    }

    // Input:  outcome
    // Output: let mut retry = { static POLICY: Retry = …; POLICY.begin() };
    //         loop {
    //             let delay = match retry.settle(outcome) {
    //                 Verdict::Accept(outcome) => break outcome,
    //                 Verdict::Retry(delay) => delay,
    //             };
    //             delay.await;
    //         }
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let krate = context.krate;
        let begin = match &self.source {
            Source::Own { ty, constructor } => {
                let policy = own(ty, constructor, context);
                quote_spanned!(span=> { #policy POLICY.begin() })
            }
            Source::With(policy) => quote_spanned!(span=> #policy.begin()),
        };
        let (settled, settle) = self.settle(&inside, context);
        let statements = inside.statements;
        let value = quote_spanned! {span=>
            loop {
                #statements
                #settled
                let delay = match #settle {
                    #krate::Verdict::Accept(outcome) => break outcome,
                    #krate::Verdict::Retry(delay) => delay,
                };
                delay.await;
            }
        };
        Fragment {
            statements: quote_spanned!(span=> let mut retry = #begin;),
            value: Value::Expression(value),
            settled: inside.settled,
        }
    }
}

impl Retry {
    /// The call of `settle`, and the statement before it that a longer expression for the outcome gets.
    ///
    /// The outcome's type is spelled out where it can be, so that an error that is not classified is reported there.
    fn settle(&self, inside: &Fragment, context: &Context<'_>) -> (Option<TokenStream>, TokenStream) {
        let span = Span::mixed_site();
        let outcome = inside.expression();
        let (statement, outcome) = match &inside.value {
            Value::Future(_) => (None, outcome),
            Value::Expression(_) => {
                (Some(quote_spanned!(span=> let settled = #outcome;)), quote_spanned!(span=> settled))
            }
        };
        let output = &context.function.output;
        let settle = match &self.when {
            Some(when) => {
                let when = when.tokens(context);
                quote_spanned!(span=> retry.settle_when(#outcome, #when))
            }
            None if inside.settled || matches!(output, Type::Infer(_)) => quote_spanned!(span=> retry.settle(#outcome)),
            None => quote_spanned!(span=> retry.settle::<#output>(#outcome)),
        };
        (statement, settle)
    }
}

fn no_such_argument(ident: &Ident, function: &Function) -> String {
    let names: Vec<String> = function.bindings.iter().map(|binding| binding.ident.to_string()).collect();
    if names.is_empty() {
        return format!("`{ident}` is not an argument: `{}` has none to clone", function.name());
    }
    match nearest(&ident.to_string(), names.iter().map(String::as_str)) {
        Some(meant) => format!("`{ident}` is not an argument: did you mean `{meant}`?"),
        None => format!("`{ident}` is not an argument: the arguments are {}", list(names.iter().map(String::as_str))),
    }
}
