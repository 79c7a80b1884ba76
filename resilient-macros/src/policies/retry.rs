//! `#[retry]`: a loop around what is inside.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprClosure, Ident, Lit, Path, Type};

use crate::amount::Amount;
use crate::fragment::{Context, Form, Fragment, Notes, Rounds};
use crate::function::Function;
use crate::key::{self, Key, Positional, Refused, Sort};
use crate::policy::{Body, Common, Facts, Kind, Layer};
use crate::settings::{Clones, Settings};
use crate::source::{Source, borrow};
use crate::tokens::placed;
use crate::value::{self, Known, no_literal};
use crate::when::{self, Hook, When, deciding};
use crate::wording::{list, nearest, other_formula, shown};

pub(crate) const KIND: Kind = Kind {
    name: "retry",
    keys: &[
        Key::setting("max", "max = 3", Sort::Count)
            .or_word_for("unlimited", "unlimited")
            .refuses(&[Refused::zero("zero retries is no retry: remove the attribute, or allow at least 1")])
            .sets()
            .default("3")
            .takes("integer or `u32` constant, or `unlimited`")
            .means("how many *re*-tries at the most; `unlimited` needs a `max_elapsed` or a time-out above"),
        Key::setting("max_elapsed", "max_elapsed = \"30s\"", Sort::Duration)
            .refuses(&[Refused::zero("`max_elapsed` must be longer than zero")])
            .sets()
            .means("no retry begins later than this after the call began"),
        Key::setting("max_hint", "max_hint = \"60s\"", Sort::Duration)
            .sets()
            .default("\"60s\"")
            .means("a server that asks for a longer wait ends the call"),
        Key::setting("backoff", "backoff = \"exp_jitter\"", Sort::Own)
            .default("\"exp_jitter\"")
            .takes("name, function or `Backoff` constant")
            .means("the formula, see `resilient::Backoff`"),
        Key::setting("base", "base = \"100ms\"", Sort::Duration)
            .default("\"100ms\"")
            .unless("backoff")
            .means("the first wait of most formulae"),
        Key::setting("factor", "factor = 1.5", Sort::Number)
            .refuses(&[Refused::below(1.0, "below 1 the waits would shrink: write at least `factor = 1`")])
            .default("2")
            .unless("backoff")
            .takes("number or `f64` constant, at least 1")
            .means("the growth of the exponential ones"),
        Key::setting("cap", "cap = \"10s\"", Sort::Duration)
            .default("\"10s\"")
            .unless("backoff")
            .means("the longest wait, before jitter"),
        Key::setting("jitter", "jitter = \"100ms\"", Sort::Duration)
            .absent("the base")
            .means("the most that `\"exp_jitter\"` adds"),
        Key::setting("throttled_base", "throttled_base = \"1s\"", Sort::Duration)
            .sets()
            .absent("the base")
            .means("the base after a throttled outcome for which the server has named no time"),
        Key::setting("throttled_cap", "throttled_cap = \"30s\"", Sort::Duration)
            .sets()
            .absent("the cap")
            .means("the cap after such an outcome"),
        Key::setting("budget", "budget = PAYMENTS", Sort::Expression(budget))
            .or_word_for("none", "without_budget")
            .takes("path of a `static Budget`, or `none`")
            .absent("one of its own")
            .means("pays for the retries, see `resilient::Budget`"),
        Key::usage("on_retry", "on_retry = log_retry", Sort::Expression(hook))
            .takes("closure or function of `&Retrying`, and of the error by reference if it likes")
            .means("is called before each wait; see below"),
        Key::usage("on_give_up", "on_give_up = |given_up, error| count(given_up.why, error)", Sort::Expression(hook))
            .takes("closure or function of `&GivingUp`, and of the error by reference if it likes")
            .means("is called when a failure that was worth another attempt ends the call"),
        Key::usage("nested", "nested = \"suppress\"", Sort::Own)
            .default("\"allow\"")
            .takes("`\"allow\"` or `\"suppress\"`")
            .means("whether retries inside the body retry too"),
        key::clone().means(
            "cloned for each attempt; alone, all that the body owns and uses, and a reference to those whose type is not `Clone`. An `impl Trait` or a type parameter among their types gets the bound `Clone`",
        ),
        key::number().means("the attempt's number from zero, for the body"),
        key::when().means("decides instead; see below"),
        key::mode().means("`\"observe\"` counts the calls that it would have retried, and retries none; `\"off\"` does nothing"),
        key::name("name = \"search\"").means("stands in events; retries that are given the same name share a budget"),
        key::with("with = self.retry").means("a `Retry` of your own: a `static`, or a field of `self`"),
        key::CRATE,
    ],
    positional: Positional::Write("max"),
    renamed: &[("attempt", "number")],
    only_async: None,
    parse,
};

struct Retry {
    common: Common,
    when: Option<When>,
    clones: Clones,
    number: Option<Ident>,
    /// Set if retries inside it are turned off.
    suppresses: bool,
    /// The hooks: the method of the call that takes it, and the user's function.
    hooks: Vec<(&'static str, Hook)>,
    /// The number of retries that there may be, if that is known.
    max: Option<u32>,
    first_delay: Option<Amount>,
    /// The place that says that nothing of its own ends it.
    unbounded: Option<Span>,
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let Waits { backoff, first_delay, constant } = waits(settings);
    let mut constructor = settings.constructor("Retry");
    if let Some(backoff) = backoff {
        constructor = constructor.call_at(constant, "backoff", "backoff", &backoff);
    }
    constructor = match settings.expression("budget") {
        Some(budget) => constructor.call("budget", "budget", &borrow(&budget)),
        // whoever gives two retries one name means one client of one server
        None if settings.is_named() && settings.span("budget").is_none() => {
            constructor.choose("budget", "budget_by_name")
        }
        None => constructor,
    };
    let unlimited = settings.word("max").filter(|_| settings.span("max_elapsed").is_none());
    let is_own = settings.with.is_none();
    vec![Box::new(Retry {
        common: Common::new(KIND.name, settings, Source::new("Retry", settings, constructor)),
        when: settings.expression("when").map(When),
        clones: settings.clones("clone"),
        number: settings.variable("number"),
        suppresses: settings.own("nested", nested).is_some_and(|given| given.value),
        hooks: [("on_retry", "Retrying"), ("on_give_up", "GivingUp")]
            .into_iter()
            .filter_map(|(key, told)| Some((key, Hook { told, function: settings.expression(key)? })))
            .collect(),
        max: settings.known_count("max").filter(|_| is_own),
        first_delay: first_delay.filter(|_| is_own),
        unbounded: unlimited.map(|word| word.key),
    })]
}

fn budget(expression: &Expr, _: &Function) -> syn::Result<()> {
    no_literal(expression, "`budget` takes a `static` of type `Budget`, or `none`: write `budget = PAYMENTS`")
}

fn hook(expression: &Expr, _: &Function) -> syn::Result<()> {
    let message = "a hook takes a function of what happened, and of the error if it likes: write `|retrying, error| …`, or the path of a function";
    no_literal(expression, message)?;
    match expression {
        Expr::Closure(closure) if !(1..=2).contains(&closure.inputs.len()) => {
            Err(syn::Error::new_spanned(closure, message))
        }
        Expr::Closure(ExprClosure { asyncness: Some(word), .. }) => Err(syn::Error::new(
            word.span,
            "a hook is called and not awaited: leave out `async`, and spawn a task if it takes long",
        )),
        _ => Ok(()),
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
/// The waits before each retry.
#[derive(Default)]
struct Waits {
    /// The back-off's expression, unless everything is left at its default.
    backoff: Option<TokenStream>,
    /// The shortest first delay, if that is known.
    first_delay: Option<Amount>,
    /// A constant, because of which the runtime may refuse the back-off.
    constant: Option<Span>,
}

fn waits(settings: &Settings<'_>) -> Waits {
    let written: Vec<(&str, Span)> =
        ["base", "factor", "cap", "jitter"].into_iter().filter_map(|key| Some((key, settings.span(key)?))).collect();
    let formula = match settings.expression("backoff") {
        None => DEFAULT_FORMULA,
        Some(Expr::Lit(literal)) => match find(&literal.lit) {
            Ok(formula) => formula,
            Err(error) => {
                settings.errors.push(error);
                return Waits::default();
            }
        },
        Some(own) => {
            if let Expr::Path(path) = &own
                && let Some(formula) = path.path.get_ident().and_then(formula_called)
            {
                let message =
                    format!("a back-off of the table stands in quotes: write `backoff = \"{}\"`", formula.name);
                settings.errors.over(path, message);
                return Waits::default();
            }
            for (key, span) in written {
                let message = format!("`{key}` has no effect on a back-off of your own: set it there");
                settings.errors.at(span, message);
            }
            if is_function(&own) {
                for key in ["throttled_base", "throttled_cap"] {
                    if let Some(span) = settings.span(key) {
                        let message = format!("`{key}` has no effect on a back-off that is a function: remove it");
                        settings.errors.at(span, message);
                    }
                }
            }
            let backoff = Some(own_backoff(&own, settings.krate));
            return Waits { backoff, constant: Some(own.span()), ..Waits::default() };
        }
    };
    for (key, span) in written.iter().filter(|(key, _)| !formula.settings.contains(key)) {
        let message = format!("`{key}` has no effect on the back-off `\"{}\"`: remove it", formula.name);
        settings.errors.at(*span, message);
    }
    let (base, cap) = (settings.duration_or_default("base"), settings.duration_or_default("cap"));
    let literal = |duration: &Option<Known<Duration>>| duration.as_ref().and_then(Known::literal);
    if let (Some(base), Some(cap), true) = (literal(&base), literal(&cap), formula.settings.contains(&"cap"))
        && base > cap
    {
        let message = format!(
            "`base` ({}) is longer than `cap` ({}): make `base` shorter, or set a longer `cap`",
            shown(base),
            shown(cap)
        );
        let place = settings.span("base").or(settings.span("cap")).unwrap_or_else(Span::mixed_site);
        settings.errors.at(place, message);
    }
    throttled(settings, formula);
    // no longer than the cap, or that is what gets reported
    let least = base.as_ref().map(Amount::from);
    let first_delay = match formula.first_delay_halves {
        0 => Some(Amount::literal(Duration::ZERO)),
        1 => least.map(Amount::half),
        _ => least,
    };
    if settings.expression("backoff").is_none() && written.is_empty() {
        return Waits { first_delay, ..Waits::default() };
    }
    let first = base.clone().filter(|_| formula.settings.contains(&"base"));
    let mut backoff = settings.bare_constructor("Backoff", formula.name, &first);
    if let Some(factor) = settings.number("factor") {
        backoff = backoff.set("factor", "factor", &factor.value);
    }
    for key in ["cap", "jitter"] {
        if let Some(time) = settings.duration(key) {
            backoff = backoff.set(key, key, &time.value);
        }
    }
    let constant = [base, settings.duration("cap").map(|cap| cap.value)].iter().flatten().find_map(Known::constant);
    Waits { backoff: Some(backoff.into_token_stream()), first_delay, constant }
}

/// Reports times after a throttle that the formula has not, or that are shorter than those after another failure.
fn throttled(settings: &Settings<'_>, formula: &Formula) {
    let literal = |key: &str| settings.duration(key).and_then(|time| time.value.literal());
    for (throttled, key) in [("throttled_base", "base"), ("throttled_cap", "cap")] {
        let Some(span) = settings.span(throttled) else { continue };
        if !formula.settings.contains(&key) {
            let message = format!("`{throttled}` has no effect on the back-off `\"{}\"`: remove it", formula.name);
            settings.errors.at(span, message);
        } else if let (Some(longer), Some(plain)) =
            (literal(throttled), settings.duration_or_default(key).as_ref().and_then(Known::literal))
            && longer < plain
        {
            let message = format!(
                "`{throttled}` ({}) is shorter than `{key}` ({}), and a throttle needs longer than another failure: make it longer, or remove it",
                shown(longer),
                shown(plain)
            );
            settings.errors.at(span, message);
        }
    }
    let cap = if settings.span("throttled_cap").is_some() { "throttled_cap" } else { "cap" };
    let longest = settings.duration_or_default(cap).as_ref().and_then(Known::literal);
    if let (Some(base), Some(longest), true) = (literal("throttled_base"), longest, formula.settings.contains(&"cap"))
        && base > longest
    {
        let message = format!(
            "`throttled_base` ({}) is longer than `{cap}` ({}): make it shorter, or set a longer `throttled_cap`",
            shown(base),
            shown(longest)
        );
        settings.errors.at(settings.span("throttled_base").unwrap_or_else(Span::mixed_site), message);
    }
}

/// Returns whether it is a function of the retry's number, as a snake-case path is; anything else is a `Backoff`.
fn is_function(expression: &Expr) -> bool {
    match expression {
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            name.starts_with(|first: char| first.is_lowercase() || first == '_')
        }),
        Expr::Closure(_) => true,
        _ => false,
    }
}

fn own_backoff(expression: &Expr, krate: &Path) -> TokenStream {
    if !is_function(expression) {
        return expression.to_token_stream();
    }
    quote_spanned!(Span::mixed_site()=> #krate::Backoff::custom(#expression))
}

/// The back-off of the table that the name is.
fn formula_called(name: &Ident) -> Option<&'static Formula> {
    FORMULAE.iter().find(|formula| name == formula.name)
}

fn find(literal: &Lit) -> syn::Result<&'static Formula> {
    let Lit::Str(text) = literal else {
        let message = "`backoff` takes a name, such as `\"exp_jitter\"`, a `Backoff` or a function";
        return Err(syn::Error::new_spanned(literal, message));
    };
    let written = text.value();
    let names = FORMULAE.iter().map(|formula| formula.name);
    FORMULAE.iter().find(|formula| formula.name == written).ok_or_else(|| {
        let message = match other_formula(&written).or_else(|| nearest(&written, names.clone())) {
            Some(meant) => format!("unknown back-off `\"{written}\"`: did you mean `\"{meant}\"`?"),
            None => format!("unknown back-off `\"{written}\"`: the back-offs are {}", list(names)),
        };
        syn::Error::new(text.span(), message)
    })
}

impl Retry {
    /// The call with its hooks, if it has any: `retry_.on_retry(on_retry_)`.
    fn told(&self, settled: bool, context: &Context<'_>) -> TokenStream {
        let output = &context.function.output;
        self.hooks.iter().fold(context.policy.to_token_stream(), |call, (name, hook)| {
            // an unfit function is reported where it is written
            let place = hook.function.span().resolved_at(Span::mixed_site());
            let method = if settled { format_ident!("{name}_settled", span = place) } else { Ident::new(name, place) };
            let types = (!matches!(output, Type::Infer(_) | Type::ImplTrait(_)))
                .then(|| quote_spanned!(place=> ::<#output, _, _>));
            let local = placed(context.own(name).into_token_stream(), place);
            quote_spanned!(place=> #call.#method #types(#local))
        })
    }
}

impl Layer for Retry {
    fn common(&self) -> &Common {
        &self.common
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
        Body {
            clones: &self.clones.names,
            if_possible: self.clones.if_possible,
            suppresses_retries: self.suppresses,
            ..Body::default()
        }
    }

    // Input:  outcome
    // Output: let on_retry_ = &(|retrying, error| …);
    //         let mut retry_ = RETRY_.begin();
    //         loop {
    //             // in a stack: let settled_ = run((&mut retry_, …), attempt_).await; match retry_.verdict(settled_)
    //             let delay_ = match retry_.on_retry(on_retry_).settle(outcome) {
    //                 Verdict::Accept(outcome_) => break outcome_,
    //                 Verdict::Retry(delay_) => delay_,
    //             };
    //             delay_.await;
    //         }
    //
    // In a function that blocks, the call is from `begin_blocking`, and `delay_.wait()` stands at the end of the loop.
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let (policy, call) = (context.receiver(), &context.policy);
        // before the loop, in which clones of the arguments stand for them
        let hooks = self.hooks.iter().map(|(name, hook)| {
            let (local, function) = (context.own(name), hook.tokens(context));
            quote_spanned!(span=> let #local = &#function;)
        });
        let begin = Ident::new(if context.function.blocks { "begin_blocking" } else { "begin" }, span);
        let begin = quote_spanned!(span=> #(#hooks)* let mut #call = #policy.#begin(););
        let number = self.number.as_ref().map(|number| quote_spanned!(span=> let #number = #call.attempt();));
        let (settled, notes) = (inside.settled, Notes { repeated: false, ..inside.notes.clone() });
        let when = deciding(self.when.as_ref(), context);
        let told = self.told(true, context);
        let in_stack = match when::judged(&told, self.when.as_ref(), &inside, context) {
            Some(judged) => judged,
            None if !self.hooks.is_empty() => told,
            None => placed(quote_spanned!(span=> &mut #call), context.function.place_of_outcome()),
        };
        let settling = self.told(settled, context);
        let rounds = Rounds {
            settling,
            before: quote_spanned!(span=> #number),
            attempt: inside,
            retry: call.clone(),
            policy: Some(in_stack),
            when,
            watch: None,
        };
        Fragment { statements: begin, form: Form::Rounds(Box::new(rounds.joined(context))), settled, notes }
    }
}
