//! `#[rate_limit]`: a permit before what is inside, and what the server said about it after.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use resilient_words::{YEAR, in_range, never, not_a_rate, parse_rate};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, Type};

use crate::constructor::Constructor;
use crate::diagnostic::Errors;
use crate::fragment::{Context, Fragment};
use crate::function::Function;
use crate::key::{self, Key, Positional, Refused, Sort};
use crate::policies::fleet;
use crate::policy::{Common, Facts, Kind, Layer};
use crate::reads::reads_what_can_be_owned;
use crate::settings::{Given, Settings};
use crate::source::{Source, shown, with_usage};
use crate::tokens::placed;
use crate::types::{self, without_reference};
use crate::value::{self, Known};
use crate::when::{self, When, annotate, is_result, response_type};

pub(crate) const KIND: Kind = Kind {
    name: "rate_limit",
    keys: &[
        Key::setting("rate", "rate = \"100/s\"", Sort::Own)
            .takes("`\"100/s\"`, `\"5/min\"`, `\"1000/h\"`, `\"10/100ms\"`, or integer or `u32` constant beside `per`")
            .absent("required")
            .means("so many calls in so long"),
        Key::setting("per", "per = \"1s\"", Sort::Own)
            .takes("duration")
            .means("in how long, for a `rate` that is only a number"),
        Key::setting("burst", "burst = 20", Sort::Count)
            .refuses(&[Refused::zero(
                "a burst of zero never lets a call through: write at least 1, which keeps all calls apart",
            )])
            .sets()
            .absent("a second's worth, at least 1; with `weight` a period's worth")
            .means("how many calls, or units of `weight`, may come at once after an idle time"),
        Key::setting("max_wait", "max_wait = \"50ms\"", Sort::Duration).sets().default("\"0s\"").means(
            "how long a call that comes too early may wait; none longer than that or than the deadline allows begins",
        ),
        Key::setting("max_pause", "max_pause = \"60s\"", Sort::Duration)
            .sets()
            .default("\"60s\"")
            .means("the longest pause that the server can ask for; at `\"0s\"` it is not listened to"),
        fleet::key().means("shares the limit with all machines that use the same store and `name`"),
        Key::setting("when_down", "when_down = \"closed\"", Sort::Word(RULES)).absent("`\"local\"`").means(
            "while the store of a shared limit does not answer, each machine lets its share of the rate through (`\"local\"`), the whole rate \
             (`\"open\"`) or no call (`\"closed\"`)",
        ),
        key::mode().means("`\"observe\"` counts and decides, and neither refuses nor waits; `\"off\"` does nothing"),
        key::name("name = \"search\"")
            .means("stands in rejections and events; functions that are given the same name share the limit"),
        key::key().means("a limit for each value of it, as for [`circuit_breaker`](macro@circuit_breaker)"),
        key::log_key(),
        key::settings("settings = plan_of"),
        key::with("with = self.limit").means("a `RateLimit` of your own"),
        key::when().means("says what is throttled, as for [`retry`](macro@retry)"),
        Key::usage("dialect", "dialect = resilient::http::dialect::KUCOIN", Sort::Expression(dialect))
            .takes("a `resilient::http::Dialect`")
            .absent("the general reader")
            .means("the provider's way of saying that it limits a caller: decides in place of `when`, and reads the quota of good responses"),
        Key::usage("weight", "weight = estimate(&prompt)", Sort::Expression(weight))
            .takes("`u64` expression")
            .absent("1")
            .means("how many units of the rate a call takes: tokens, bytes, points; evaluated once a call, and taken by each attempt below a retry"),
        Key::usage("cost", "cost = |answer: &Answer| answer.tokens", Sort::Expression(cost))
            .takes("closure or function of the good answer that returns a `u64` or an `Option<u64>`")
            .absent("the weight")
            .means("what the call has taken in the end: less than the weight goes back, and more is charged to later calls"),
        key::CRATE,
    ],
    positional: Positional::Is("rate"),
    renamed: &[("k", "#[throttle]"), ("max_drop", "#[throttle]")],
    only_async: None,
    parse,
};

/// The words for the runtime's `WhenDown`.
const RULES: &[&str] = &["local", "open", "closed"];

struct RateLimit {
    common: Common,
    identity: Option<String>,
    when: Option<When>,
    dialect: Option<Expr>,
    weight: Option<Expr>,
    cost: Option<Expr>,
}

/// A number of calls in a period.
#[derive(Clone)]
enum Rate {
    /// So many calls in each period.
    Whole(u32, Duration),
    /// So many calls, in a period that `per` says.
    Calls(Known<u32>),
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let constructor = constructor(settings);
    if let (Some(dialect), Some(_)) = (settings.span("dialect"), settings.span("when")) {
        let message = "`dialect` and `when` both say what is throttled: keep one; a `when` of your own can call `classify` of the dialect";
        settings.errors.at(dialect, message);
    }
    if let (Some(cost), None) = (settings.span("cost"), settings.span("weight")) {
        let message =
            "`cost` settles what `weight` has taken: add an estimate, or `weight = 1` to charge all of it afterwards";
        settings.errors.at(cost, message);
    }
    let cost = settings.expression("cost");
    let cost_reads = cost.as_ref().is_some_and(|cost| reads_what_can_be_owned(cost, settings.function));
    let common = Common::new(KIND.name, settings, Source::shareable("RateLimit", settings, constructor));
    vec![Box::new(RateLimit {
        common: Common { reads_arguments: common.reads_arguments || cost_reads, ..common },
        identity: settings.identity.clone(),
        when: settings.expression("when").map(When),
        dialect: settings.expression("dialect"),
        weight: settings.expression("weight"),
        cost,
    })]
}

fn constructor(settings: &Settings<'_>) -> Constructor {
    let constructor = settings.constructor("RateLimit");
    if settings.with.is_some() {
        return constructor;
    }
    let errors = settings.errors;
    let (rate, per) = (settings.own("rate", rate), settings.own("per", period));
    let (calls, per) = match (rate, per) {
        (None, _) => {
            if settings.understood && settings.span("rate").is_none() {
                errors.at(
                    settings.attribute.span(),
                    "how many? write, for instance, `#[rate_limit(\"100/s\")]`, or `#[throttle]` to go by what the server takes",
                );
            }
            return constructor;
        }
        (Some(Given { value: Rate::Whole(calls, period), .. }), None) => {
            (Known::Literal(calls), Known::Literal(period))
        }
        (Some(Given { value: Rate::Whole(..), .. }), Some(per)) => {
            let message =
                "the period is said twice: leave out `per`, or write only the number of calls, as in `rate = 100`";
            errors.at(per.key, message);
            return constructor;
        }
        (Some(Given { value: Rate::Calls(calls), .. }), Some(per)) => (calls, per.value),
        (Some(Given { value: Rate::Calls(calls), key }), None) => {
            // a mistake in `per` has been reported
            if settings.span("per").is_none() {
                errors.at(key, without_period(&calls));
            }
            return constructor;
        }
    };
    if let Some(burst) = settings.count("burst") {
        comes_back(&burst, &calls, &per, errors);
    }
    let constructor = shared(constructor.set_both("rate", "rate", &calls, &per), settings);
    let Some(weight) = settings.expression("weight") else { return constructor };
    let burst = settings.count("burst").map_or_else(|| calls.clone(), |burst| burst.value);
    fits(&weight, &burst, errors);
    // a second's worth of tokens is less than many a call takes
    if settings.span("burst").is_none() { constructor.set("burst", "burst", &calls) } else { constructor }
}

/// Shares the limit, if it is to be.
fn shared(constructor: Constructor, settings: &Settings<'_>) -> Constructor {
    if let (Some(rule), None) = (settings.span("when_down"), settings.span("shared")) {
        let message = "`when_down` is for a limit that machines share: add `shared = FLEET`, or leave it out";
        settings.errors.at(rule, message);
    }
    let constructor = fleet::share(constructor, settings, "limit");
    let (Some(_), Some(rule)) = (settings.expression("shared"), settings.word("when_down")) else { return constructor };
    let variant = match rule.value {
        "open" => "Open",
        "closed" => "Closed",
        _ => "Local",
    };
    let span = Span::mixed_site();
    let (krate, variant) = (settings.krate, syn::Ident::new(variant, span));
    constructor.call("when_down", "when_down", &quote_spanned!(span=> #krate::shared::WhenDown::#variant))
}

/// Refuses a weight that is never let through, where both numbers are literals.
fn fits(weight: &Expr, burst: &Known<u32>, errors: &Errors) {
    let (Some(Lit::Int(written)), Some(burst)) = (value::literal(weight), burst.literal()) else { return };
    if written.base10_parse::<u64>().is_ok_and(|weight| weight > u64::from(burst)) {
        let message = format!(
            "a call of weight {written} is never let through with a burst of {burst}: write `burst = {written}` or more"
        );
        errors.over(weight, message);
    }
}

/// Refuses what is no number of units.
fn weight(expression: &Expr, _: &Function) -> syn::Result<()> {
    let message = match (expression, value::literal(expression)) {
        (_, Some(Lit::Int(number))) if number.base10_digits() == "0" => {
            "a call of weight 0 takes nothing: leave out `weight`, or write how many units it takes"
        }
        (_, Some(Lit::Int(_))) => return Ok(()),
        (Expr::Unary(syn::ExprUnary { op: syn::UnOp::Neg(_), .. }), _) => {
            "`weight` cannot be negative: write how many units a call takes"
        }
        (Expr::Closure(_), _) => {
            "`weight` is evaluated with the arguments in scope: write the expression itself, as in `weight = estimate(&prompt)`"
        }
        (_, Some(_)) => "`weight` is a number of units: write, for instance, `weight = estimate(&prompt)`",
        _ => return Ok(()),
    };
    Err(syn::Error::new_spanned(expression, message))
}

/// Refuses what is no function of one argument.
fn cost(expression: &Expr, _: &Function) -> syn::Result<()> {
    let is_wrong = match expression {
        Expr::Closure(closure) => closure.inputs.len() != 1,
        other => value::literal(other).is_some(),
    };
    if is_wrong {
        let message =
            "`cost` is a function of the answer: write, for instance, `cost = |answer: &Answer| answer.tokens`";
        return Err(syn::Error::new_spanned(expression, message));
    }
    Ok(())
}

fn without_period(calls: &Known<u32>) -> String {
    match calls {
        Known::Literal(calls) => format!("{calls} calls in what time? write `\"{calls}/s\"`, or add `per = \"1s\"`"),
        Known::Const(_) => "so many calls in what time? add, for instance, `per = \"1s\"`".to_owned(),
    }
}

/// Refuses a burst that takes longer than a year to come back, where all its numbers are literals.
fn comes_back(burst: &Given<Known<u32>>, calls: &Known<u32>, per: &Known<Duration>, errors: &Errors) {
    let (Some(most), Some(calls), Some(per)) = (burst.value.literal(), calls.literal(), per.literal()) else { return };
    let allowed = YEAR.as_nanos() * u128::from(calls) / per.as_nanos();
    if u128::from(most) > allowed {
        let message = format!(
            "a burst of {most} takes longer than a year to come back at this rate: write at most `burst = {allowed}`"
        );
        errors.at(burst.key, message);
    }
}

/// Refuses a name in quotes, and a function that returns no response to read.
fn dialect(expression: &Expr, function: &Function) -> syn::Result<()> {
    if let Some(Lit::Str(text)) = value::literal(expression) {
        let name = text.value().to_uppercase();
        let message = format!("a dialect is a constant: write `dialect = resilient::http::dialect::{name}`");
        return Err(syn::Error::new_spanned(expression, message));
    }
    if response_type(&function.output).is_none() {
        let message = "`dialect` reads the response that the function returns: return a `Result` of something named `…Response`, or \
                       call `check` of the dialect in the body";
        return Err(syn::Error::new_spanned(expression, message));
    }
    Ok(())
}

fn rate(key: &str, expression: Expr) -> syn::Result<Rate> {
    match &expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => parse_rate(&text.value())
            .map(|(calls, period)| Rate::Whole(calls, period))
            .map_err(|message| syn::Error::new(text.span(), message)),
        Expr::Unary(syn::ExprUnary { op: syn::UnOp::Neg(_), .. }) => {
            Err(syn::Error::new_spanned(expression, "a rate cannot be negative: write, for instance, `\"100/s\"`"))
        }
        Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => match value::count(key, &expression)? {
            Known::Literal(0) => Err(syn::Error::new_spanned(expression, never())),
            calls => Ok(Rate::Calls(calls)),
        },
        Expr::Lit(_) => Err(syn::Error::new_spanned(expression, not_a_rate())),
        Expr::Binary(division)
            if matches!(division.op, syn::BinOp::Div(_)) && matches!(*division.left, Expr::Lit(_)) =>
        {
            let written = expression.to_token_stream().to_string().replace(' ', "");
            Err(syn::Error::new_spanned(&expression, format!("a rate stands in quotes: write `\"{written}\"`")))
        }
        _ => Ok(Rate::Calls(Known::Const(expression))),
    }
}

fn period(_: &str, expression: Expr) -> syn::Result<Known<Duration>> {
    let period = value::duration(&expression)?;
    match period.literal().map(in_range) {
        Some(Err(message)) => Err(syn::Error::new_spanned(expression, message)),
        _ => Ok(period),
    }
}

impl Layer for RateLimit {
    fn common(&self) -> &Common {
        &self.common
    }

    fn facts(&self) -> Facts {
        Facts { refuses: true, waits: true, identity: self.identity.clone(), ..Facts::default() }
    }

    /// `own RATE_LIMIT_ { weight: "estimate(&prompt)" }` for a call that says its weight.
    fn entry(&self, context: &Context<'_>) -> Option<TokenStream> {
        let source = self.common.source.as_ref()?;
        let mut usage = source.usage();
        if let Some(weight) = &self.weight {
            usage.push(("weight", shown(weight)));
            usage.extend(self.cost.as_ref().map(|cost| ("cost", shown(cost))));
        }
        Some(with_usage(source.entry(context), &usage))
    }

    // let rate_limit_weight_ = weight(estimate(&prompt));
    fn declare(&self, context: &Context<'_>) -> TokenStream {
        let policy = self.common.declare(context);
        let weight = self.weight.as_ref().map(|weight| {
            let (krate, local) = (context.krate, context.beside("weight"));
            let span = weight.span().resolved_at(Span::mixed_site());
            quote_spanned!(span=> let #local = #krate::call::weight(#weight);)
        });
        quote_spanned!(Span::mixed_site()=> #policy #weight)
    }

    // Input:  run((…), future)
    // Output: run((&RATE_LIMIT_, …), future)
    //
    // For a function that returns a response, it also heeds what that says about the quota:
    //         RATE_LIMIT_.when(…).heeding(|response_: &Response| quota_of_value!(response_))
    // and with a dialect:
    //         RATE_LIMIT_.when(dialect).heeding(|response_: &Response| dialect.quota_of(response_))
    // and with a weight and a cost:
    //         RATE_LIMIT_.weighing(rate_limit_weight_).costing(|answer: &Answer| answer.tokens)
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let krate = context.krate;
        let span = Span::mixed_site();
        let by_dialect = self.dialect.clone().map(When);
        let mut policy = context.receiver().into_token_stream();
        if self.weight.is_some() {
            let weight = context.beside("weight");
            policy = quote_spanned!(span=> #policy.weighing(#weight));
        }
        let when = by_dialect.as_ref().or(self.when.as_ref());
        let judged = when::judged(&policy, when, &inside, context);
        let is_judged = judged.is_some();
        let place = context.function.place_of_outcome();
        if !is_judged && self.weight.is_none() && self.cost.is_none() {
            return inside.under(placed(context.reference(), place), context);
        }
        let mut policy = judged.unwrap_or_else(|| placed(policy, place));
        // without a dialect, what remains is a number of calls, and not of units
        let heeds = self.weight.is_none() || self.dialect.is_some();
        if let Some(response) = response_type(&context.function.output).filter(|_| heeds) {
            let quota = match self.dialect.as_ref().map(without_reference) {
                Some(dialect @ Expr::Path(_)) => quote_spanned!(span=> #dialect.quota_of(response_)),
                Some(dialect) => quote_spanned!(span=> (#dialect).quota_of(response_)),
                None => quote_spanned!(span=> #krate::quota_of_value!(response_)),
            };
            policy = quote_spanned!(span=> #policy.heeding(|response_: &#response| #quota));
        }
        if let Some(cost) = &self.cost {
            let place = cost.span().resolved_at(span);
            let cost = typed(cost, context);
            let output = &context.function.output;
            let is_known =
                !is_judged && !inside.gives_settled() && !matches!(output, Type::Infer(_) | Type::ImplTrait(_));
            let outcome = is_known.then(|| quote_spanned!(place=> ::<#output, _, _>));
            policy = quote_spanned!(place=> #policy.costing #outcome(#cost));
        }
        inside.under(policy, context)
    }
}

/// The cost, with a type for a closure's argument that has none: `&` the good answer of a `Result`, otherwise `&` the outcome.
fn typed(cost: &Expr, context: &Context<'_>) -> TokenStream {
    let Expr::Closure(closure) = cost else { return cost.to_token_stream() };
    let (output, krate, span) = (&context.function.output, context.krate, Span::mixed_site());
    let good = match output {
        Type::Path(path) if is_result(output) => types::argument(&path.path, 0).map(ToTokens::to_token_stream),
        _ => None,
    };
    let answer = match good {
        Some(good) => quote_spanned!(span=> &#good),
        None if is_result(output) => quote_spanned!(span=> &<#output as #krate::call::IntoResult>::Value),
        None => quote_spanned!(span=> &#output),
    };
    let mut closure = closure.clone();
    closure.inputs.iter_mut().for_each(|argument| annotate(argument, answer.clone()));
    closure.into_token_stream()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(written: &str) -> Option<(u32, Duration)> {
        parse_rate(written).ok()
    }

    #[test]
    fn rates_are_read_as_they_are_said() {
        let second = Duration::from_secs(1);
        for (written, calls, period) in [
            ("100/s", 100, second),
            ("100 / sec", 100, second),
            ("5/min", 5, second * 60),
            ("5/m", 5, second * 60),
            ("1000/h", 1_000, second * 3_600),
            ("1_000/hour", 1_000, second * 3_600),
            ("50/day", 50, second * 86_400),
            ("10/100ms", 10, second / 10),
            ("3/1m30s", 3, second * 90),
            ("4294967295/ns", u32::MAX, Duration::from_nanos(1)),
        ] {
            assert_eq!(whole(written), Some((calls, period)), "{written}");
        }
    }

    #[test]
    fn what_is_not_a_rate_says_why() {
        for (written, message) in [
            ("100", "write `\"100/s\"`"),
            ("100/", "write `\"100/s\"`"),
            ("0/s", "never lets a call through"),
            ("-5/s", "negative"),
            ("0.5/s", "whole calls"),
            ("/s", "a number of calls and a period"),
            ("many/s", "a number of calls and a period"),
            ("5/secnd", "did you mean `\"5/s\"`"),
            ("5/fortnight", "write one of `ms`"),
            ("5/0s", "a period of zero"),
            ("5/-1s", "negative"),
            ("5/400d", "at most a year"),
            ("5000000000/s", "at most 4294967295"),
            ("adaptive", "write `#[throttle]`"),
            ("adaptve", "write `#[throttle]`"),
            ("", "is not a rate"),
            ("fast", "is not a rate"),
        ] {
            let Err(error) = parse_rate(written) else { panic!("{written}") };
            assert!(error.contains(message), "{written}: {error}");
        }
    }
}
