//! `#[retry]`: a loop around what is inside.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprPath, Ident, LitStr, Type};

use crate::amount::Amount;
use crate::arguments::{Arguments, Key, Positional};
use crate::diagnostic::Errors;
use crate::fragment::{Context, Fragment, Value};
use crate::policy::{Body, Facts, Kind, Layer};
use crate::source::{Constructor, Source, borrow, borrow_policy, own, placed};
use crate::value::{self, Known};
use crate::when::{When, deciding};
use crate::wording::{list, nearest};

pub(crate) const KIND: Kind = Kind {
    name: "retry",
    keys: &[
        Key::setting("max", "max = 3").or("3"),
        Key::setting("backoff", "backoff = \"exp_jitter\"").or("\"exp_jitter\""),
        Key::setting("base", "base = \"100ms\"").or("\"100ms\"").unless("backoff"),
        Key::setting("factor", "factor = 1.5").or("2").unless("backoff"),
        Key::setting("cap", "cap = \"10s\"").or("\"10s\"").unless("backoff"),
        Key::setting("jitter", "jitter = \"100ms\""),
        Key::setting("max_elapsed", "max_elapsed = \"30s\""),
        Key::setting("max_hint", "max_hint = \"60s\"").or("\"60s\""),
        Key::setting("budget", "budget = PAYMENTS"),
        Key::setting("on_retry", "on_retry = log_retry"),
        Key::setting("name", "name = \"search\""),
        Key::usage("clone", "clone(request)"),
        Key::usage("attempt", "attempt = n"),
        Key::usage("nested", "nested = \"suppress\"").or("\"allow\""),
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
    /// Whether retries inside it are turned off.
    suppresses: bool,
    /// How many retries there may be, if that is known.
    max: Option<u32>,
    first_delay: Option<Amount>,
    /// Where it says that nothing of its own ends it.
    unbounded: Option<Span>,
}

fn parse(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Vec<Box<dyn Layer>> {
    let span = arguments.attribute.span();
    let when = arguments.value("when", errors, |_, when| Ok(When(when)));
    let clones = arguments.clones(context.function, errors);
    let number = arguments.value("attempt", errors, name);
    let suppresses = arguments.value("nested", errors, nested).unwrap_or_default();
    let with = arguments.with(errors);
    let settings = settings(arguments, context, errors);
    let own = Source::Own { ty: "Retry", constructor: settings.constructor };
    let (source, max, first_delay, unbounded) = match with {
        Some(policy) => (Source::With { ty: "Retry", policy }, None, None, None),
        None => (own, settings.max, settings.first_delay, settings.unbounded),
    };
    vec![Box::new(Retry { span, source, when, clones, number, suppresses, max, first_delay, unbounded })]
}

/// What the keys of the policy itself come to.
struct Settings {
    constructor: Constructor,
    max: Option<u32>,
    first_delay: Option<Amount>,
    unbounded: Option<Span>,
}

fn settings(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Settings {
    let span = Span::mixed_site();
    let unlimited_span = arguments.span("max");
    let function = context.function;
    let named = arguments.span("name").is_some();
    let name = arguments.name(function, errors);
    let max = arguments.constant("max", function, errors, max);
    let max_elapsed = arguments.constant("max_elapsed", function, errors, some_time);
    let max_hint = arguments.constant("max_hint", function, errors, value::duration);
    let budget = arguments.constant("budget", function, errors, budget);
    let on_retry = arguments.constant("on_retry", function, errors, hook);
    let Waits { backoff, first_delay, constant } = waits(arguments, context, errors);
    let unbounded = match (&max, &max_elapsed) {
        (Some(Max::Unlimited), None) => unlimited_span,
        _ => None,
    };
    // whoever gives two retries one name means one client of one server
    let budget = budget.or(named.then_some(Funds::ByName));

    let mut constructor = Constructor::new("Retry", quote_spanned!(span=> named(#name)), arguments, context);
    constructor = match &max {
        Some(Max::Retries(max)) => constructor.set("max", Some(max)),
        Some(Max::Unlimited) => constructor.choose("unlimited"),
        None => constructor,
    };
    constructor = constructor.set("max_elapsed", max_elapsed.as_ref()).set("max_hint", max_hint.as_ref());
    if let Some(backoff) = backoff {
        constructor = constructor.call_at(constant, "backoff", &backoff);
    }
    constructor = match &budget {
        Some(Funds::Shared(budget)) => constructor.call("budget", &borrow(budget)),
        Some(Funds::ByName) => constructor.choose("budget_by_name"),
        Some(Funds::Unlimited) => constructor.choose("without_budget"),
        None => constructor,
    };
    if let Some(hook) = &on_retry {
        constructor = constructor.call("on_retry", hook);
    }
    let max = match &max {
        Some(Max::Retries(max)) => max.literal(),
        Some(Max::Unlimited) => None,
        None => Some(DEFAULT_MAX),
    };
    Settings { constructor, max, first_delay, unbounded }
}

/// Where the budget is, if it is not the policy's own.
enum Funds {
    Shared(Expr),
    ByName,
    Unlimited,
}

fn budget(_: &str, expression: Expr) -> syn::Result<Funds> {
    match &expression {
        Expr::Path(path) if path.path.is_ident("none") => Ok(Funds::Unlimited),
        Expr::Lit(_) => Err(syn::Error::new_spanned(
            expression,
            "`budget` takes a `static` of type `Budget`, or `none`: write `budget = PAYMENTS`",
        )),
        _ => Ok(Funds::Shared(expression)),
    }
}

/// What is told of each retry.
fn hook(_: &str, expression: Expr) -> syn::Result<Expr> {
    match &expression {
        Expr::Lit(_) => Err(syn::Error::new_spanned(
            expression,
            "`on_retry` takes a function of a `&Retrying`: write `on_retry = log_retry`",
        )),
        _ => Ok(expression),
    }
}

/// How many retries there may be.
enum Max {
    Retries(Known<u32>),
    Unlimited,
}

fn max(key: &str, expression: Expr) -> syn::Result<Max> {
    if matches!(&expression, Expr::Path(path) if path.path.is_ident("unlimited")) {
        return Ok(Max::Unlimited);
    }
    let written = expression.span();
    let max = value::count(key, expression)?;
    match max.literal() {
        Some(0) => Err(syn::Error::new(written, "zero retries is no retry: remove the attribute, or allow at least 1")),
        _ => Ok(Max::Retries(max)),
    }
}

fn some_time(key: &str, expression: Expr) -> syn::Result<Known<Duration>> {
    let written = expression.span();
    let time = value::duration(key, expression)?;
    match time.literal() {
        Some(Duration::ZERO) => Err(syn::Error::new(written, format!("`{key}` must be longer than zero"))),
        _ => Ok(time),
    }
}

/// `"suppress"` or `"allow"`.
fn nested(key: &str, expression: Expr) -> syn::Result<bool> {
    let error = || {
        let message = "`nested` is `\"suppress\"`, which turns retries inside this one off, or `\"allow\"`";
        Err(syn::Error::new_spanned(&expression, message))
    };
    if let Expr::Lit(syn::ExprLit { lit: syn::Lit::Bool(_), .. }) = &expression {
        return error();
    }
    match value::text(key, &expression)?.value().as_str() {
        "suppress" => Ok(true),
        "allow" => Ok(false),
        _ => error(),
    }
}

/// The name that the attempt's number is bound to.
fn name(_: &str, expression: Expr) -> syn::Result<Ident> {
    match &expression {
        Expr::Path(ExprPath { qself: None, path, .. }) if path.get_ident().is_some_and(|name| name != "self") => {
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
const DEFAULT_MAX: u32 = 3;
const DEFAULT_BASE: Duration = Duration::from_millis(100);
const DEFAULT_CAP: Duration = Duration::from_secs(10);

/// How long to wait before each retry.
#[derive(Default)]
struct Waits {
    /// The back-off's expression, unless everything is left at its default.
    backoff: Option<TokenStream>,
    /// The shortest first delay, if that is known.
    first_delay: Option<Amount>,
    /// A constant, because of which the runtime may refuse the back-off.
    constant: Option<Span>,
}

fn waits(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Waits {
    let span = Span::mixed_site();
    let settings = ["base", "factor", "cap", "jitter"].map(|key| (key, arguments.span(key)));
    let written = arguments.constant("backoff", context.function, errors, |_, expression| Ok(expression));
    let (base_span, cap_span) = (arguments.span("base"), arguments.span("cap"));
    let base = arguments.constant("base", context.function, errors, value::duration);
    let factor = arguments.constant("factor", context.function, errors, factor);
    let cap = arguments.constant("cap", context.function, errors, value::duration);
    let jitter = arguments.constant("jitter", context.function, errors, value::duration);

    let formula = match &written {
        None => DEFAULT_FORMULA,
        Some(Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })) => match find(text) {
            Ok(formula) => formula,
            Err(error) => {
                errors.push(error);
                return Waits::default();
            }
        },
        Some(Expr::Lit(other)) => {
            errors.over(other, "`backoff` takes a name, such as `\"exp_jitter\"`, a `Backoff` or a function");
            return Waits::default();
        }
        Some(Expr::Path(path)) if let Some(formula) = path.path.get_ident().and_then(formula_called) => {
            let message = format!("a back-off of the table stands in quotes: write `backoff = \"{}\"`", formula.name);
            errors.over(path, message);
            return Waits::default();
        }
        Some(path) => {
            for (key, span) in settings {
                if let Some(span) = span {
                    errors.at(span, format!("`{key}` has no effect on a back-off of your own: set it there"));
                }
            }
            let backoff = Some(own_backoff(path, context));
            return Waits { backoff, constant: Some(path.span()), ..Waits::default() };
        }
    };
    for (key, span) in settings {
        if let (Some(span), false) = (span, formula.settings.contains(&key)) {
            errors.at(span, format!("`{key}` has no effect on the back-off `\"{}\"`: remove it", formula.name));
        }
    }
    let capped = formula.settings.contains(&"cap");
    let literal = |duration: &Option<Known<Duration>>, written: Option<Span>, default| match (duration, written) {
        (Some(known), _) => known.literal(),
        (None, Some(_)) => None,
        (None, None) => Some(default),
    };
    let known_base = literal(&base, base_span, DEFAULT_BASE);
    let known_cap = literal(&cap, cap_span, DEFAULT_CAP);
    if let (Some(base), Some(cap), true) = (known_base, known_cap, capped)
        && base > cap
    {
        let message = format!(
            "`base` ({}) is longer than `cap` ({}): make `base` shorter, or set a longer `cap`",
            crate::wording::shown(base),
            crate::wording::shown(cap)
        );
        errors.at(base_span.or(cap_span).unwrap_or(span), message);
    }
    // no longer than the cap, or that is what gets reported
    let least = base.as_ref().map(Amount::from).or(known_base.map(Amount::literal));
    let first_delay = match formula.first_delay_halves {
        0 => Some(Amount::literal(Duration::ZERO)),
        1 => least.map(Amount::half),
        _ => least,
    };
    if written.is_none() && base.is_none() && factor.is_none() && cap.is_none() && jitter.is_none() {
        return Waits { first_delay, ..Waits::default() };
    }

    let constructor = Ident::new(formula.name, span);
    let first = base.clone().unwrap_or(Known::Literal(DEFAULT_BASE));
    let first = formula.settings.contains(&"base").then_some(first);
    let backoff = Constructor::new("Backoff", quote_spanned!(span=> #constructor(#first)), arguments, context)
        .set("factor", factor.as_ref())
        .set("cap", cap.as_ref())
        .set("jitter", jitter.as_ref());
    let constant = [&base, &cap].into_iter().flatten().find_map(Known::constant);
    Waits { backoff: Some(backoff.into_token_stream()), first_delay, constant }
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

/// The back-off of the table that the name is.
fn formula_called(name: &Ident) -> Option<&'static Formula> {
    FORMULAE.iter().find(|formula| name == formula.name)
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
    let written = expression.to_token_stream();
    let factor = value::factor(key, expression)?;
    match factor.literal() {
        Some(factor) if factor < 1.0 => {
            Err(syn::Error::new_spanned(written, "below 1 the waits would shrink: write at least `factor = 1`"))
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
        Facts {
            repeats: true,
            further: self.max,
            first_delay: self.first_delay.clone(),
            unbounded: self.unbounded,
            ..Facts::default()
        }
    }

    fn body(&self) -> Body<'_> {
        Body { clones: &self.clones, number: self.number.as_ref(), suppresses_retries: self.suppresses }
    }

    // Input:  outcome
    // Output: let mut retry_ = { static POLICY: Retry = …; POLICY.begin() };
    //         loop {
    //             let delay_ = match retry_.settle(outcome) {
    //                 Verdict::Accept(outcome_) => break outcome_,
    //                 Verdict::Retry(delay_) => delay_,
    //             };
    //             delay_.await;
    //         }
    //
    // Under a time-out, if the outcome is that of a `future`: loop { … retry_.run(future) … }, whose rounds are futures.
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let krate = context.krate;
        let (chosen, begin) = match &self.source {
            Source::Own { ty, constructor } => {
                let policy = own(ty, constructor, context);
                (None, quote_spanned!(span=> { #policy POLICY.begin() }))
            }
            Source::With { ty, policy } => {
                let (chosen, policy) = borrow_policy(policy, &context.policy);
                let ty = Ident::new(ty, span);
                (chosen, quote_spanned!(span=> #krate::#ty::begin(#policy)))
            }
        };
        let begin = quote_spanned!(span=> #chosen let mut retry_ = #begin;);
        if let (Some(attempt), true) = (inside.value.future(), context.in_rounds)
            && deciding(self.when.as_ref(), context).is_none()
        {
            // all of it at one place, where the compiler then reports a wrong outcome once
            let place = context.function.place_of_outcome();
            let value = Value::Rounds { statements: inside.statements, attempt: placed(attempt, place), place };
            return Fragment { statements: begin, value, repeated: false, ..inside };
        }
        let (settled, settle) = self.settle(&inside, context);
        let statements = inside.statements;
        let value = quote_spanned! {span=>
            loop {
                #statements
                #settled
                let delay_ = match #settle {
                    #krate::Verdict::Accept(outcome_) => break outcome_,
                    #krate::Verdict::Retry(delay_) => delay_,
                };
                delay_.await;
            }
        };
        Fragment { statements: begin, value: Value::Expression(value), repeated: false, ..inside }
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
            Value::Future(_) | Value::Body(_) | Value::Timed { .. } => (None, outcome),
            Value::Expression(_) | Value::Rounds { .. } => {
                (Some(quote_spanned!(span=> let settled_ = #outcome;)), quote_spanned!(span=> settled_))
            }
        };
        let output = context.function.output_at_error();
        let settle = match deciding(self.when.as_ref(), context) {
            Some(when) => quote_spanned!(span=> retry_.settle_when(#outcome, #when)),
            None if inside.settled || matches!(context.function.output, Type::Infer(_)) => {
                let settle = context.function.settle();
                quote_spanned!(span=> retry_.#settle(#outcome))
            }
            None => quote_spanned!(span=> retry_.settle::<#output>(#outcome)),
        };
        (statement, settle)
    }
}
