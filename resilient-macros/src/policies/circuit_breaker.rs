//! `#[circuit_breaker]`: a permit before what is inside, and its outcome reported after.

use std::time::Duration;

use proc_macro2::Span;
use syn::{Expr, ExprLit, Lit};

use crate::constructor::Constructor;
use crate::fragment::{Context, Fragment};
use crate::key::{self, Key, Positional, Refused, Sort};
use crate::policies::fleet;
use crate::policy::{Common, Facts, Kind, Layer};
use crate::settings::Settings;
use crate::source::Source;
use crate::value::{self, Known};
use crate::when::{self, When};
use crate::wording::shown;

pub(crate) const KIND: Kind = Kind {
    name: "circuit_breaker",
    keys: &[
        Key::setting("failure_rate", "failure_rate = \"50%\"", Sort::Ratio)
            .refuses(&[
                Refused::below(0.0, "a failure rate cannot be negative: write, say, `\"50%\"`"),
                Refused::zero("a failure rate of zero would open on every success: write, say, `\"50%\"`"),
                Refused::above(1.0, "more than every call cannot fail, so it could never open: write at most `\"100%\"`"),
            ])
            .sets()
            .default("\"50%\"")
            .takes("ratio, `\"50%\"` or `0.5`")
            .means("opens at this share of failures in the window, or more"),
        Key::setting("window", "window = \"10s\"", Sort::Own)
            .default("\"10s\"")
            .or_like("100")
            .takes("duration, or integer up to 1024")
            .means("the time, or the number of calls, that is looked back on"),
        Key::setting("min_calls", "min_calls = 20", Sort::Count)
            .refuses(&[Refused::zero("`min_calls` must be at least 1")])
            .default("20")
            .unless("window")
            .means("below so many calls in the window the rate does not count"),
        Key::setting("consecutive", "consecutive = 5", Sort::Count)
            .or_word_for("off", "without_consecutive")
            .refuses(&[Refused::zero("no failure at all would open it: write `consecutive = off` to leave the rule out")])
            .sets()
            .default("5")
            .takes("integer or `u32` constant, or `off`")
            .means("with fewer calls, so many failures in a row open it"),
        Key::setting("open_for", "open_for = \"1s\"", Sort::Duration)
            .refuses(&[Refused::zero("a breaker that is open for no time never protects anything: write, say, `\"1s\"`")])
            .sets()
            .default("\"1s\"")
            .means("how long it refuses, give or take a tenth; doubles after twelve failed probings, or at once if some probes succeed"),
        Key::setting("open_max", "open_max = \"30s\"", Sort::Duration)
            .refuses(&[Refused::zero("`open_max` must be longer than zero")])
            .sets()
            .default("\"30s\"")
            .unless("open_for")
            .means("up to which that grows"),
        Key::setting("probes", "probes = 3", Sort::Count)
            .refuses(&[
                Refused::zero("`probes` must be at least 1"),
                // a field of 12 bits
                Refused::above(4095.0, "`probes` must be at most 4095"),
            ])
            .sets()
            .default("3")
            .means("how many calls it tries at once before it decides; unless it is written, one goes alone and then the other two"),
        Key::setting("probe_timeout", "probe_timeout = \"1s\"", Sort::Duration)
            .refuses(&[Refused::zero("`probe_timeout` must be longer than zero")])
            .sets()
            .absent("`open_for`")
            .means("after which a probe that hangs has failed"),
        Key::setting("slow_call", "slow_call = \"1s\"", Sort::Duration)
            .refuses(&[Refused::below(0.001, "calls are measured in whole milliseconds: write at least `\"1ms\"`")])
            .sets()
            .takes("duration, at least `\"1ms\"`")
            .means("how long a call takes that is slow, whatever its outcome; calls are timed only with it"),
        Key::setting("slow_rate", "slow_rate = \"80%\"", Sort::Ratio)
            .refuses(&[
                Refused::below(0.0, "a slow rate cannot be negative: write, say, `\"80%\"`"),
                Refused::zero("a slow rate of zero would open on any failure, slow or not: write, say, `\"80%\"`"),
                Refused::above(1.0, "more than every call cannot be slow, so it could never open: write at most `\"100%\"`"),
            ])
            .sets()
            .default("\"80%\"")
            .means("opens at this share of slow calls as well; needs `slow_call`"),
        Key::setting("recover", "recover = \"10s\"", Sort::Duration)
            .refuses(&[Refused::zero("`recover` must be longer than zero")])
            .sets()
            .means("after the probes, lets more and more calls through over this time before it closes"),
        Key::setting("throttled", "throttled = \"fail\"", Sort::Word(&["fail"]))
            .absent("not a failure")
            .means("counts throttled errors as failures"),
        fleet::key().means("opens, probes and closes it together with all machines that use the same store and `name`"),
        key::mode().means("`\"observe\"` counts and decides, and refuses nothing; `\"off\"` does nothing"),
        key::when().means("says what is a failure, as for [`retry`](macro@retry)"),
        key::name("name = \"payments\"")
            .means("stands in rejections and events; functions that are given the same name share the breaker"),
        key::key().means("a breaker for each value of it, see below"),
        key::log_key(),
        key::settings("settings = rules_of"),
        key::with("with = self.breaker")
            .means("a `CircuitBreaker` of your own: a `static` shared by several functions, a field, or one of a `PerKey`"),
        key::CRATE,
    ],
    positional: Positional::Write("failure_rate"),
    renamed: &[],
    only_async: None,
    parse,
};

struct CircuitBreaker {
    common: Common,
    identity: Option<String>,
    when: Option<When>,
}

/// Over what the failure rate is taken.
enum Window {
    Time(Known<Duration>),
    /// The last so many calls.
    Calls(u32),
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let constructor = constructor(settings);
    vec![Box::new(CircuitBreaker {
        common: Common::new(KIND.name, settings, Source::shareable("CircuitBreaker", settings, constructor)),
        identity: settings.identity.clone(),
        when: settings.expression("when").map(When),
    })]
}

fn constructor(settings: &Settings<'_>) -> Constructor {
    check_times(settings);
    let mut constructor = settings.constructor("CircuitBreaker");
    if settings.word("throttled").is_some() {
        constructor = constructor.choose("throttled", "throttled_fails");
    }
    constructor = fleet::share(constructor, settings, "circuit breaker");
    let window = settings.own("window", window).map(|window| window.value);
    let min_calls = match (&window, settings.count("min_calls").map(|least| least.value)) {
        (Some(Window::Calls(calls)), Some(Known::Literal(least))) if least > *calls => {
            let message = format!(
                "a window of {calls} calls never holds {least}, so it could never open: make `window` at least {least}, or `min_calls` at most {calls}"
            );
            settings.errors.at(settings.span("min_calls").unwrap_or_else(Span::mixed_site), message);
            None
        }
        // the default would never be reached
        (Some(Window::Calls(calls)), None) if settings.known_count("min_calls").is_some_and(|least| *calls < least) => {
            Some(Known::Literal(*calls))
        }
        (_, min_calls) => min_calls,
    };
    if let Some(least) = min_calls {
        constructor = constructor.set("min_calls", "min_calls", &least);
    }
    match window {
        Some(Window::Calls(calls)) => constructor.set("window", "count_window", &Known::Literal(calls)),
        Some(Window::Time(time)) => constructor.set("window", "window", &time),
        None => constructor,
    }
}

/// Reports times and rates that do not go together.
fn check_times(settings: &Settings<'_>) {
    if let (Some(first), Some(longest)) = (settings.duration("open_for"), settings.duration("open_max"))
        && let (Some(from), Some(to)) = (first.value.literal(), longest.value.literal())
        && from > to
    {
        let message = format!(
            "`open_for` ({}) is longer than `open_max` ({}), to which it grows: make it shorter, or `open_max` longer",
            shown(from),
            shown(to)
        );
        settings.errors.at(first.key, message);
    }
    if let (None, Some(span), None) = (settings.span("slow_call"), settings.span("slow_rate"), &settings.with) {
        settings.errors.at(
            span,
            "`slow_rate` is a share of the slow calls, and none is slow: say from when on one is, with `slow_call = \"1s\"`",
        );
    }
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
    let time = value::duration(&expression)?;
    match time.literal() {
        Some(Duration::ZERO) => Err(syn::Error::new_spanned(expression, format!("`{key}` must be longer than zero"))),
        _ => Ok(Window::Time(time)),
    }
}

impl Layer for CircuitBreaker {
    fn common(&self) -> &Common {
        &self.common
    }

    fn facts(&self) -> Facts {
        Facts { refuses: true, identity: self.identity.clone(), ..Facts::default() }
    }

    // Input:  run((…), future)
    // Output: run((&CIRCUIT_BREAKER_, …), future)
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let policy = when::judging(self.when.as_ref(), &inside, context);
        inside.under(policy, context)
    }
}
