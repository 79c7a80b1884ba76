//! `#[rate_limit]`: a permit before what is inside, and what the server said about it after.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit};

use crate::arguments::{Arguments, Key, Positional};
use crate::diagnostic::Errors;
use crate::fragment::{Context, Fragment, Value};
use crate::policy::{Facts, Kind, Layer};
use crate::source::{Constructor, Shareable, declare_shareable};
use crate::value::{self, Known};
use crate::when::{When, deciding, response_type};
use crate::wording::nearest;

pub(crate) const KIND: Kind = Kind {
    name: "rate_limit",
    keys: &[
        // a usage, because beside `with` it may say which kind of limit that is
        Key::usage("rate", "rate = \"100/s\""),
        Key::setting("per", "per = \"1s\""),
        Key::setting("burst", "burst = 20"),
        Key::setting("max_wait", "max_wait = \"50ms\"").or("\"0s\""),
        Key::setting("max_pause", "max_pause = \"60s\"").or("\"60s\""),
        Key::setting("k", "k = 2.0"),
        Key::setting("max_drop", "max_drop = 0.9"),
        Key::setting("mode", "mode = \"observe\"").or("\"enforce\""),
        Key::setting("name", "name = \"search\""),
        Key::setting("key", "key = host"),
        Key::usage("with", "with = self.limit"),
        Key::usage("when", "when = |error: &MyError| error.is_temporary()"),
        Key::usage("crate", "crate = ::resilient"),
    ],
    positional: Positional::Is("rate"),
    parse,
};

/// The longest time that a limit reckons with.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

struct RateLimit {
    span: Span,
    /// Whether the policy is that of an argument, or of `self`, that the body must not take along.
    reads_arguments: bool,
    identity: Option<String>,
    source: Shareable,
    when: Option<When>,
    /// Whether it adapts to what the server takes, and so knows neither a rate nor a wait.
    adaptive: bool,
}

/// What stands in place of `"100/s"`.
#[derive(Clone)]
enum Rate {
    Adaptive,
    /// So many calls in each period.
    Whole(u32, Duration),
    /// So many calls, in a period that `per` says.
    Calls(Known<u32>),
}

fn parse(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Vec<Box<dyn Layer>> {
    let identity = arguments.identity();
    let span = arguments.attribute.span();
    let rate_span = arguments.span("rate");
    let when = arguments.value("when", errors, |_, when| Ok(When(when)));
    let rate = arguments.constant("rate", context.function, errors, rate);
    let adaptive = matches!(rate, Some(Rate::Adaptive));
    let with = arguments.with(errors);
    let reads_arguments = with.as_ref().is_some_and(|with| value::reads_what_can_be_owned(with, context.function));
    match (&with, rate_span) {
        (Some(_), Some(span)) if !adaptive && rate.is_some() => errors.at(
            span,
            "`with` uses a policy that has its own settings: set the rate there, or leave out `with`",
        ),
        (None, None) if arguments.understood => errors.at(
            span,
            "how many? write, for instance, `#[rate_limit(\"100/s\")]`, or `#[rate_limit(\"adaptive\")]` to go by what the server takes",
        ),
        _ => {}
    }
    let named = arguments.span("name").is_some();
    let key = arguments.key(context.function, errors);
    let constructor = constructor(arguments, rate, rate_span, context, errors);
    let ty = if adaptive { "Throttle" } else { "RateLimit" };
    let source = Shareable::new(ty, with, constructor, named, key);
    vec![Box::new(RateLimit { span, reads_arguments, identity, source, when, adaptive })]
}

fn constructor(
    arguments: &mut Arguments,
    rate: Option<Rate>,
    rate_span: Option<Span>,
    context: &Context<'_>,
    errors: &Errors,
) -> Constructor {
    let span = Span::mixed_site();
    for_the_other_kind(arguments, rate.as_ref(), errors);
    let per_span = arguments.span("per");
    let burst_span = arguments.span("burst");
    let name = arguments.name(context.function, errors);
    let per = arguments.constant("per", context.function, errors, period);
    let burst = arguments.constant("burst", context.function, errors, burst);
    let max_wait = arguments.constant("max_wait", context.function, errors, value::duration);
    let max_pause = arguments.constant("max_pause", context.function, errors, value::duration);
    let k = arguments.constant("k", context.function, errors, k);
    let max_drop = arguments.constant("max_drop", context.function, errors, max_drop);
    let mode = arguments.value("mode", errors, value::mode);

    let adaptive = matches!(rate, Some(Rate::Adaptive));
    let ty = if adaptive { "Throttle" } else { "RateLimit" };
    let constructor = Constructor::new(ty, quote_spanned!(span=> named(#name)), arguments, context)
        .set("k", k.as_ref())
        .set("max_drop", max_drop.as_ref());
    let rate = match (rate, per) {
        (Some(Rate::Whole(calls, period)), None) => Some((Known::Literal(calls), Known::Literal(period))),
        (Some(Rate::Whole(..)), Some(_)) => {
            let message =
                "the period is said twice: leave out `per`, or write only the number of calls, as in `rate = 100`";
            errors.at(per_span.unwrap_or(span), message);
            None
        }
        (Some(Rate::Calls(calls)), Some(per)) => Some((calls, per)),
        (Some(Rate::Calls(calls)), None) => {
            // a mistake in `per` has been reported
            if per_span.is_none() {
                let message = match calls {
                    Known::Literal(calls) => {
                        format!("{calls} calls in what time? write `\"{calls}/s\"`, or add `per = \"1s\"`")
                    }
                    Known::Const(_) => "so many calls in what time? add, for instance, `per = \"1s\"`".to_owned(),
                };
                errors.at(rate_span.unwrap_or(span), message);
            }
            None
        }
        (Some(Rate::Adaptive) | None, _) => None,
    };
    let constructor = match rate {
        Some((calls, per)) => {
            if let (Some(burst), Some(span)) = (&burst, burst_span) {
                comes_back(burst, &calls, &per, span, errors);
            }
            constructor.set_both("rate", &calls, &per)
        }
        None => constructor,
    };
    let constructor = constructor
        .set("burst", burst.as_ref())
        .set("max_wait", max_wait.as_ref())
        .set("max_pause", max_pause.as_ref());
    constructor.mode(mode, context)
}

/// Refuses a burst that takes longer than a year to come back, where all its numbers are literals.
fn comes_back(burst: &Known<u32>, calls: &Known<u32>, per: &Known<Duration>, span: Span, errors: &Errors) {
    let (Some(burst), Some(calls), Some(per)) = (burst.literal(), calls.literal(), per.literal()) else { return };
    let most = YEAR.as_nanos() * u128::from(calls) / per.as_nanos();
    if u128::from(burst) > most {
        let message = format!(
            "a burst of {burst} takes longer than a year to come back at this rate: write at most `burst = {most}`"
        );
        errors.at(span, message);
    }
}

/// Reports the keys that mean nothing to the kind of limit that was asked for.
fn for_the_other_kind(arguments: &Arguments, rate: Option<&Rate>, errors: &Errors) {
    match rate {
        Some(Rate::Adaptive) => {
            for key in ["per", "burst", "max_wait", "max_pause"] {
                if let Some(span) = arguments.span(key) {
                    let message = format!(
                        "`{key}` belongs to a rate, and `\"adaptive\"` has none: leave it out, or write a rate, such as `\"100/s\"`"
                    );
                    errors.at(span, message);
                }
            }
        }
        Some(_) => {
            for (key, value) in [("k", "2.0"), ("max_drop", "0.9")] {
                if let Some(span) = arguments.span(key) {
                    let message = format!(
                        "`{key}` belongs to the adaptive limit: write `#[rate_limit(\"adaptive\", {key} = {value})]`, or leave it out"
                    );
                    errors.at(span, message);
                }
            }
        }
        None => {}
    }
}

fn rate(key: &str, expression: Expr) -> syn::Result<Rate> {
    match &expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            parse_rate(&text.value()).map_err(|message| syn::Error::new(text.span(), message))
        }
        Expr::Unary(syn::ExprUnary { op: syn::UnOp::Neg(_), .. }) => {
            Err(syn::Error::new_spanned(expression, "a rate cannot be negative: write, for instance, `\"100/s\"`"))
        }
        Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => {
            let written = expression.span();
            match value::count(key, expression)? {
                Known::Literal(0) => Err(syn::Error::new(written, never())),
                calls => Ok(Rate::Calls(calls)),
            }
        }
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

fn parse_rate(written: &str) -> Result<Rate, String> {
    if written == "adaptive" {
        return Ok(Rate::Adaptive);
    }
    let Some((calls, period)) = written.split_once('/') else {
        let number = written.trim();
        return Err(match nearest(number, ["adaptive"]) {
            _ if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') => {
                format!("a rate needs its period: write `\"{number}/s\"`")
            }
            Some(adaptive) => format!("unknown rate `\"{number}\"`: did you mean `\"{adaptive}\"`?"),
            None => {
                format!("`\"{number}\"` is not a rate: write, for instance, `\"100/s\"`, `\"5/min\"` or `\"adaptive\"`")
            }
        });
    };
    let (calls, period) = (calls.trim(), period.trim());
    if calls.starts_with('-') {
        return Err(format!("a rate cannot be negative: write, for instance, `\"100/{period}\"`"));
    }
    let digits = calls.replace('_', "");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(match digits.parse::<f64>() {
            Ok(_) => {
                format!("a rate counts whole calls, and `{calls}` is none: choose a longer period, as in `\"1/2s\"`")
            }
            Err(_) => not_a_rate().to_owned(),
        });
    }
    match digits.parse::<u32>() {
        Ok(0) => Err(never().to_owned()),
        Ok(calls) => parse_period(&digits, period).map(|period| Rate::Whole(calls, period)),
        Err(_) => Err(format!("a rate is at most {} calls in a period: choose a shorter period", u32::MAX)),
    }
}

fn parse_period(calls: &str, period: &str) -> Result<Duration, String> {
    if period.is_empty() {
        return Err(format!("a rate needs its period: write `\"{calls}/s\"`"));
    }
    let time = match value::unit(period) {
        Some(unit) => unit,
        None if period.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
            value::parse_duration(period)?
        }
        None => {
            return Err(match value::nearest_unit(period) {
                Some(unit) => format!("unknown period `{period}`: did you mean `\"{calls}/{unit}\"`?"),
                None => format!(
                    "unknown period `{period}`: write one of `ms`, `s`, `min`, `h` and `d`, or a time such as `100ms`"
                ),
            });
        }
    };
    in_range(time).map_err(str::to_owned)
}

fn period(key: &str, expression: Expr) -> syn::Result<Known<Duration>> {
    let written = expression.span();
    let period = value::duration(key, expression)?;
    match period.literal().map(in_range) {
        Some(Err(message)) => Err(syn::Error::new(written, message)),
        _ => Ok(period),
    }
}

fn in_range(period: Duration) -> Result<Duration, &'static str> {
    match period {
        Duration::ZERO => Err("a period of zero is no limit: write, for instance, `\"100/s\"`"),
        period if period > YEAR => Err("a period is at most a year: write, say, `\"100/d\"`"),
        period => Ok(period),
    }
}

const fn never() -> &'static str {
    "a rate of zero never lets a call through: write at least 1, as in `\"1/min\"`"
}

const fn not_a_rate() -> &'static str {
    "a rate is a number of calls and a period: write, for instance, `\"100/s\"` or `\"5/min\"`"
}

fn burst(key: &str, expression: Expr) -> syn::Result<Known<u32>> {
    let written = expression.span();
    let burst = value::count(key, expression)?;
    match burst.literal() {
        Some(0) => Err(syn::Error::new(
            written,
            "a burst of zero never lets a call through: write at least 1, which keeps all calls apart",
        )),
        _ => Ok(burst),
    }
}

fn k(key: &str, expression: Expr) -> syn::Result<Known<f64>> {
    let written = expression.to_token_stream();
    let k = value::factor(key, expression)?;
    match k.literal() {
        Some(number) if number < 1.0 => Err(syn::Error::new_spanned(
            written,
            "with a `k` below 1 it would drop calls that the server takes: write at least 1, such as `k = 2.0`",
        )),
        _ => Ok(k),
    }
}

fn max_drop(key: &str, expression: Expr) -> syn::Result<Known<f64>> {
    let written = expression.to_token_stream();
    let share = value::factor(key, expression)?;
    match share.literal() {
        Some(number) if number > 1.0 => Err(syn::Error::new_spanned(
            written,
            "`max_drop` is a share of the calls: write at most 1, such as `max_drop = 0.9`, which still makes every tenth",
        )),
        Some(number) if number <= 0.0 => Err(syn::Error::new_spanned(
            written,
            "with a `max_drop` of zero nothing would ever be dropped: write, for instance, `max_drop = 0.9`, or `mode = \"off\"`",
        )),
        _ => Ok(share),
    }
}

impl Layer for RateLimit {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn span(&self) -> Span {
        self.span
    }

    fn facts(&self) -> Facts {
        Facts {
            refuses: true,
            reads_arguments: self.reads_arguments,
            waits: !self.adaptive,
            identity: self.identity.clone(),
            ..Facts::default()
        }
    }

    fn declare(&self, context: &Context<'_>) -> TokenStream {
        declare_shareable(&self.source, context)
    }

    // Input:  outcome
    // Output: 'limited: {
    //             let permit_ = match rate_limit_.acquire().await {
    //                 Ok(permit_) => permit_,
    //                 Err(rejection_) => break 'limited Settled::Rejected(rejection_),
    //             };
    //             Settled::Outcome(permit_.settle(outcome))
    //         }
    //
    // As with the circuit breaker, and for the same reasons; the label is another, because one that shadows a label is
    // warned of. The adaptive limit never waits.
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let krate = context.krate;
        let (policy, limited) = (&context.policy, context.label("limited"));
        let waits = (!self.adaptive).then(|| quote_spanned!(span=> .await));
        let heeded = self.heed(&inside, context);
        let outcome = if heeded.is_some() { quote_spanned!(span=> outcome_) } else { inside.expression() };
        let statements = &inside.statements;
        let settled = match deciding(self.when.as_ref(), context) {
            None => {
                let settle = context.function.settle();
                quote_spanned!(span=> permit_.#settle(#outcome))
            }
            Some(when) => quote_spanned!(span=> permit_.settle_when(#outcome, #when)),
        };
        let settled = if inside.settled { settled } else { quote_spanned!(span=> #krate::Settled::Outcome(#settled)) };
        let value = Value::Expression(quote_spanned! {span=>
            #limited: {
                let permit_ = match #policy.acquire()#waits {
                    ::core::result::Result::Ok(permit_) => permit_,
                    ::core::result::Result::Err(rejection_) => {
                        let refused_ = #krate::Settled::Rejected(rejection_);
                        break #limited refused_;
                    }
                };
                #statements
                #heeded
                #settled
            }
        });
        Fragment { statements: TokenStream::new(), value, settled: true, ..inside }
    }
}

impl RateLimit {
    /// For a function that returns a response: what its headers say about the quota, before the outcome is settled.
    fn heed(&self, inside: &Fragment, context: &Context<'_>) -> Option<TokenStream> {
        if self.adaptive {
            return None;
        }
        response_type(&context.function.output)?;
        let span = Span::mixed_site();
        let (krate, outcome) = (context.krate, inside.expression());
        let answer = quote_spanned!(span=> ::core::result::Result::Ok(response_));
        let answer = if inside.settled { quote_spanned!(span=> #krate::Settled::Outcome(#answer)) } else { answer };
        Some(quote_spanned! {span=>
            let outcome_ = #outcome;
            if let #answer = &outcome_ {
                permit_.heed(#krate::quota_of_value!(response_));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(written: &str) -> Option<(u32, Duration)> {
        match parse_rate(written) {
            Ok(Rate::Whole(calls, period)) => Some((calls, period)),
            _ => None,
        }
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
        assert!(matches!(parse_rate("adaptive"), Ok(Rate::Adaptive)));
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
            ("adaptve", "did you mean `\"adaptive\"`"),
            ("", "is not a rate"),
            ("fast", "is not a rate"),
        ] {
            let Err(error) = parse_rate(written) else { panic!("{written}") };
            assert!(error.contains(message), "{written}: {error}");
        }
    }
}
