//! `#[circuit_breaker]`: a permit before what is inside, and its outcome reported after.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Expr, ExprLit, Ident, Lit};

use crate::arguments::{Arguments, Key, Positional};
use crate::diagnostic::Errors;
use crate::fragment::{Context, Fragment, Value};
use crate::policy::{Facts, Kind, Layer};
use crate::source::{Constructor, Shareable, declare_shareable, placed};
use crate::value::{self, Known};
use crate::when::{When, deciding};

pub(crate) const KIND: Kind = Kind {
    name: "circuit_breaker",
    keys: &[
        Key::setting("failure_rate", "failure_rate = \"50%\"").or("\"50%\""),
        Key::setting("window", "window = \"10s\"").or("\"10s\"").or_like("100"),
        Key::setting("min_calls", "min_calls = 20").or("20").unless("window"),
        Key::setting("consecutive", "consecutive = 5").or("5"),
        Key::setting("open_for", "open_for = \"1s\"").or("\"1s\""),
        Key::setting("open_max", "open_max = \"30s\"").or("\"30s\"").unless("open_for"),
        Key::setting("probes", "probes = 3").or("3"),
        Key::setting("probe_timeout", "probe_timeout = \"1s\""),
        Key::setting("slow_call", "slow_call = \"1s\""),
        Key::setting("slow_rate", "slow_rate = \"80%\"").or("\"80%\""),
        Key::setting("recover", "recover = \"10s\""),
        Key::setting("throttled", "throttled = \"fail\""),
        Key::setting("mode", "mode = \"observe\"").or("\"enforce\""),
        Key::setting("name", "name = \"payments\""),
        Key::setting("key", "key = host"),
        Key::usage("with", "with = self.breaker"),
        Key::usage("when", "when = |error: &MyError| error.is_temporary()"),
        Key::usage("crate", "crate = ::resilient"),
    ],
    positional: Positional::Write("failure_rate"),
    parse,
};

struct CircuitBreaker {
    span: Span,
    /// Whether the policy is that of an argument, or of `self`, that the body must not take along.
    reads_arguments: bool,
    identity: Option<String>,
    source: Shareable,
    when: Option<When>,
}

/// Over what the failure rate is taken.
enum Window {
    Time(Known<Duration>),
    /// The last so many calls.
    Calls(u32),
}

/// How many failures in a row open it while there are few calls.
enum Consecutive {
    Off,
    Failures(Known<u32>),
}

fn parse(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Vec<Box<dyn Layer>> {
    let identity = arguments.identity();
    let span = arguments.attribute.span();
    let when = arguments.value("when", errors, |_, when| Ok(When(when)));
    let with = arguments.with(errors);
    let reads_arguments = with.as_ref().is_some_and(|with| value::reads_what_can_be_owned(with, context.function));
    let named = arguments.span("name").is_some();
    let key = arguments.key(context.function, errors);
    let constructor = constructor(arguments, context, errors);
    let source = Shareable::new("CircuitBreaker", with, constructor, named, key);
    vec![Box::new(CircuitBreaker { span, reads_arguments, identity, source, when })]
}

fn constructor(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Constructor {
    let span = Span::mixed_site();
    let window_span = arguments.span("window");
    let min_calls_span = arguments.span("min_calls");
    let open_for_span = arguments.span("open_for");
    let (slow_call_span, slow_rate_span) = (arguments.span("slow_call"), arguments.span("slow_rate"));
    let name = arguments.name(context.function, errors);
    let failure_rate = arguments.constant("failure_rate", context.function, errors, rate);
    let window = arguments.constant("window", context.function, errors, window);
    let min_calls = arguments.constant("min_calls", context.function, errors, at_least_one);
    let consecutive = arguments.constant("consecutive", context.function, errors, consecutive);
    let open_for = arguments.constant("open_for", context.function, errors, time);
    let open_max = arguments.constant("open_max", context.function, errors, time);
    let probes = arguments.constant("probes", context.function, errors, at_least_one);
    let probe_timeout = arguments.constant("probe_timeout", context.function, errors, time);
    let slow_call = arguments.constant("slow_call", context.function, errors, time);
    let slow_rate = arguments.constant("slow_rate", context.function, errors, rate);
    let recover = arguments.constant("recover", context.function, errors, time);
    let throttled = arguments.value("throttled", errors, |key, value| value::word(key, &value, &["fail"]));
    let mode = arguments.value("mode", errors, value::mode);

    let min_calls = match (&window, min_calls) {
        (Some(Window::Calls(calls)), Some(Known::Literal(least))) if least > *calls => {
            let message = format!(
                "a window of {calls} calls never holds {least}, so it could never open: make `window` at least {least}, or `min_calls` at most {calls}"
            );
            errors.at(min_calls_span.or(window_span).unwrap_or(span), message);
            None
        }
        // the default of 20 would never be reached
        (Some(Window::Calls(calls)), None) if *calls < 20 => Some(Known::Literal(*calls)),
        (_, min_calls) => min_calls,
    };
    if let (Some(Known::Literal(first)), Some(Known::Literal(longest))) = (&open_for, &open_max)
        && first > longest
    {
        let message = format!(
            "`open_for` ({}) is longer than `open_max` ({}), to which it grows: make it shorter, or `open_max` longer",
            crate::wording::shown(*first),
            crate::wording::shown(*longest)
        );
        errors.at(open_for_span.unwrap_or(span), message);
    }

    if let (None, Some(span)) = (slow_call_span, slow_rate_span) {
        errors.at(
            span,
            "`slow_rate` is a share of the slow calls, and none is slow: say from when on one is, with `slow_call = \"1s\"`",
        );
    }

    let constructor = Constructor::new("CircuitBreaker", quote_spanned!(span=> named(#name)), arguments, context)
        .set("failure_rate", failure_rate.as_ref())
        .set("min_calls", min_calls.as_ref());
    let constructor = match window {
        Some(Window::Calls(calls)) => constructor.set("count_window", Some(&Known::Literal(calls))),
        Some(Window::Time(time)) => constructor.set("window", Some(&time)),
        None => constructor,
    };
    let constructor = match consecutive {
        Some(Consecutive::Failures(failures)) => constructor.set("consecutive", Some(&failures)),
        Some(Consecutive::Off) => constructor.choose("without_consecutive"),
        None => constructor,
    };
    let constructor = constructor
        .set("open_for", open_for.as_ref())
        .set("open_max", open_max.as_ref())
        .set("probes", probes.as_ref())
        .set("probe_timeout", probe_timeout.as_ref())
        .set("slow_call", slow_call.as_ref())
        .set("slow_rate", slow_rate.as_ref())
        .set("recover", recover.as_ref());
    let constructor = if throttled.is_some() { constructor.choose("throttled_fails") } else { constructor };
    constructor.mode(mode, context)
}

/// The rate of failures, or of slow calls.
fn rate(key: &str, expression: Expr) -> syn::Result<Known<f64>> {
    let written = expression.to_token_stream();
    let rate = value::ratio(key, expression)?;
    let (noun, what, example) = match key {
        "slow_rate" => ("slow rate", "be slow", "80%"),
        _ => ("failure rate", "fail", "50%"),
    };
    let message = match rate.literal() {
        Some(rate) if rate < 0.0 => format!("a {noun} cannot be negative: write, say, `\"{example}\"`"),
        Some(0.0) if key == "slow_rate" => {
            "a slow rate of zero would open on any failure, slow or not: write, say, `\"80%\"`".to_owned()
        }
        Some(0.0) => format!("a {noun} of zero would open on every success: write, say, `\"{example}\"`"),
        Some(rate) if rate > 1.0 => {
            format!("more than every call cannot {what}, so it could never open: write at most `\"100%\"`")
        }
        _ => return Ok(rate),
    };
    Err(syn::Error::new_spanned(written, message))
}

fn window(key: &str, expression: Expr) -> syn::Result<Window> {
    if let Expr::Lit(ExprLit { lit: Lit::Int(calls), .. }) = &expression
        && calls.suffix().is_empty()
    {
        let span = calls.span();
        return match calls.base10_parse::<u32>() {
            Ok(calls @ 1..=1024) => Ok(Window::Calls(calls)),
            Ok(0) => Err(syn::Error::new(span, "a window of zero calls never holds a failure: write at least 1")),
            _ => {
                Err(syn::Error::new(span, "a window holds at most 1024 calls: use a time, such as `window = \"10s\"`"))
            }
        };
    }
    time(key, expression).map(Window::Time)
}

fn consecutive(key: &str, expression: Expr) -> syn::Result<Consecutive> {
    match &expression {
        Expr::Path(path) if path.path.is_ident("off") => Ok(Consecutive::Off),
        Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }) => {
            Err(syn::Error::new_spanned(expression, "write `consecutive = off`, or how many failures in a row"))
        }
        _ => at_least_one(key, expression).map(Consecutive::Failures),
    }
}

/// The number of probes is a field of 12 bits.
const MORE_THAN_PROBES: u32 = 4096;

fn at_least_one(key: &str, expression: Expr) -> syn::Result<Known<u32>> {
    let written = syn::spanned::Spanned::span(&expression);
    let count = value::count(key, expression)?;
    match (key, count.literal()) {
        ("consecutive", Some(0)) => Err(syn::Error::new(
            written,
            "no failure at all would open it: write `consecutive = off` to leave the rule out",
        )),
        (_, Some(0)) => Err(syn::Error::new(written, format!("`{key}` must be at least 1"))),
        ("probes", Some(MORE_THAN_PROBES..)) => Err(syn::Error::new(written, "`probes` must be at most 4095")),
        _ => Ok(count),
    }
}

fn time(key: &str, expression: Expr) -> syn::Result<Known<Duration>> {
    let written = syn::spanned::Spanned::span(&expression);
    let time = value::duration(key, expression)?;
    match (key, time.literal()) {
        ("open_for", Some(Duration::ZERO)) => Err(syn::Error::new(
            written,
            "a breaker that is open for no time never protects anything: write, say, `\"1s\"`",
        )),
        ("slow_call", Some(time)) if time < Duration::from_millis(1) => {
            Err(syn::Error::new(written, "calls are measured in whole milliseconds: write at least `\"1ms\"`"))
        }
        (_, Some(Duration::ZERO)) => Err(syn::Error::new(written, format!("`{key}` must be longer than zero"))),
        _ => Ok(time),
    }
}

impl Layer for CircuitBreaker {
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
            identity: self.identity.clone(),
            ..Facts::default()
        }
    }

    fn declare(&self, context: &Context<'_>) -> TokenStream {
        declare_shareable(&self.source, context)
    }

    // Input:  outcome
    // Output: 'call: {
    //             let permit_ = match circuit_breaker_.acquire() {
    //                 Ok(permit_) => permit_,
    //                 Err(rejection_) => break 'call Settled::Rejected(rejection_),
    //             };
    //             Settled::Outcome(permit_.settle(outcome))
    //         }
    //
    // In the rounds of a retry under a time-out: circuit_breaker_.run(future)
    //
    // A `match` with the outcome in its first arm would keep the whole `Result` in the future, 64 bytes more; and what is
    // inside is made only with a permit, or the future would hold it over the wait of a retry outside.
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let krate = context.krate;
        let (policy, call) = (&context.policy, context.label("call"));
        if let (Some(future), true) = (inside.value.future(), context.in_rounds)
            && deciding(self.when.as_ref(), context).is_none()
        {
            let place = context.function.place_of_outcome();
            let future = match inside.value {
                Value::Timed { timeout, future } => {
                    let future = placed(future, place);
                    quote_spanned!(place=> #policy.run_within(#timeout, #future))
                }
                _ => {
                    let run = Ident::new(if inside.settled { "run_settled" } else { "run" }, place);
                    let future = placed(future, place);
                    quote_spanned!(place=> #policy.#run(#future))
                }
            };
            return Fragment { value: Value::Future(future), settled: true, ..inside };
        }
        let outcome = inside.expression();
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
            #call: {
                let permit_ = match #policy.acquire() {
                    ::core::result::Result::Ok(permit_) => permit_,
                    ::core::result::Result::Err(rejection_) => {
                        let refused_ = #krate::Settled::Rejected(rejection_);
                        break #call refused_;
                    }
                };
                #statements
                #settled
            }
        });
        Fragment { statements: TokenStream::new(), value, settled: true, ..inside }
    }
}
