//! `#[hedge]`: further attempts beside one that takes long.

use std::time::Duration;

use proc_macro2::Span;
use quote::{ToTokens, quote_spanned};
use syn::{Expr, ExprLit, Ident, Lit, LitStr};

use crate::amount::Amount;
use crate::fragment::{Context, Form, Fragment, Notes, local, number_of_attempt};
use crate::key::{self, Key, Positional, Refused, Sort};
use crate::policy::{Body, Common, Facts, Kind, Layer};
use crate::settings::{Clones, Given, Settings};
use crate::source::Source;
use crate::tokens::placed;
use crate::value::{self, Known};
use crate::when::{When, deciding};
use crate::wording::shown;

pub(crate) const KIND: Kind = Kind {
    name: "hedge",
    keys: &[
        Key::usage("idempotent", "idempotent", Sort::Flag)
            .takes("a word")
            .absent("required")
            .means("says that the body may run twice at once"),
        Key::setting("after", "after = \"p95\"", Sort::Own)
            .default("\"p95\"")
            .takes("percentile such as `\"p95\"`, from `\"p50\"` to `\"p99.9\"`, or duration")
            .means("after how long the next attempt starts"),
        Key::setting("min_after", "min_after = \"5ms\"", Sort::Duration)
            .sets()
            .default("\"1ms\"")
            .unless("after")
            .means("the least delay that a percentile leads to"),
        Key::setting("max_after", "max_after = \"500ms\"", Sort::Duration).sets().means("the most"),
        Key::setting("max", "max = 1", Sort::Count)
            .refuses(&[
                Refused::zero("a hedge of no attempts is no hedge: remove the attribute, or allow at least 1"),
                Refused::above(10.0, "more than 10 attempts beside the first are a storm: write at most `max = 10`"),
            ])
            .sets()
            .default("1")
            .means("how many attempts beside the first, each after the delay again; at most 10"),
        Key::setting("ratio", "ratio = \"5%\"", Sort::Ratio)
            .refuses(&[
                Refused::below(0.0, "a share cannot be negative: write, for instance, `ratio = \"5%\"`"),
                Refused::zero(
                    "with a share of zero nothing is ever started: remove the attribute, or write, for instance, `ratio = \"5%\"`",
                ),
                Refused::below(
                    0.0001,
                    "a share of less than one attempt in ten thousand calls is none: write at least `ratio = \"0.01%\"`",
                ),
                Refused::above(1.0, "a share of more than all calls limits nothing: write at most `ratio = \"100%\"`"),
            ])
            .sets()
            .default("\"5%\"")
            .means("further attempts as a share of the calls that had to wait; a hundred are saved up at most"),
        key::mode().means("`\"observe\"` counts what it would start; `\"off\"` does nothing"),
        key::name("name = \"search\"").means(
            "stands in events; functions that are given the same name and settings share what is learnt and the budget, and draw on the budget of the retries of that name too",
        ),
        key::key().means("a hedge for each value of it, as for [`circuit_breaker`](macro@circuit_breaker)"),
        key::log_key(),
        key::settings("settings = rules_of"),
        key::clone().means(
            "each attempt gets a clone of these, or of all that the body owns, and may use it up, as for [`retry`](macro@retry)",
        ),
        key::number().means("the attempt's number from zero, for the body: each can go to another server"),
        key::with("with = self.hedge")
            .means("a `Hedge` of your own: a `static` shared by several functions, a field, or one of a `PerKey`"),
        key::when().means("what an outcome means, as for [`retry`](macro@retry)"),
        key::CRATE,
    ],
    positional: Positional::Write("after"),
    renamed: &[("budget", "ratio")],
    only_async: Some("a body that blocks keeps the thread from starting another attempt"),
    parse,
};

struct Hedge {
    common: Common,
    when: Option<When>,
    clones: Clones,
    number: Option<Ident>,
    max: Option<u32>,
    delay: Option<(Amount, Span)>,
}

/// When another attempt starts.
enum After {
    Percentile(Known<f64>),
    Delay(Known<Duration>),
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let span = settings.attribute.span();
    if settings.flag("idempotent").is_none() && settings.understood {
        settings.errors.at(
            span,
            "a hedge runs the body a second time while the first still runs: if that does no harm, say so with `#[hedge(idempotent)]`, and otherwise remove it",
        );
    }
    check_bounds(settings);
    let after = settings.own("after", after);
    let delay = match &after {
        Some(Given { value: After::Delay(delay), key }) => {
            for key in ["min_after", "max_after"] {
                if let Some(span) = settings.span(key) {
                    let message = format!("`{key}` bounds a percentile, and this delay is fixed: remove `{key}`");
                    settings.errors.at(span, message);
                }
            }
            Some((Amount::from(delay), *key))
        }
        _ => None,
    };
    let constructor = settings.constructor("Hedge");
    let constructor = match after.map(|after| after.value) {
        Some(After::Percentile(percentile)) => constructor.set("after", "after_percentile", &percentile),
        Some(After::Delay(delay)) => constructor.set("after", "after", &delay),
        None => constructor,
    };
    let constructor =
        if settings.is_named() { constructor.choose("name", "retry_budget_by_name") } else { constructor };
    vec![Box::new(Hedge {
        common: Common::new(KIND.name, settings, Source::shareable("Hedge", settings, constructor)),
        when: settings.expression("when").map(When),
        clones: settings.clones("clone"),
        number: settings.variable("number"),
        max: settings.known_count("max").filter(|_| settings.with.is_none()),
        delay,
    })]
}

/// Reports bounds of the delay with nothing between them.
fn check_bounds(settings: &Settings<'_>) {
    let (Some(least), Some(most)) = (settings.duration("min_after"), settings.duration("max_after")) else { return };
    if let (Some(from), Some(to)) = (least.value.literal(), most.value.literal())
        && from > to
    {
        let message = format!(
            "`min_after` ({}) is longer than `max_after` ({}), so there is no delay between them",
            shown(from),
            shown(to)
        );
        settings.errors.at(least.key, message);
    }
}

fn after(_: &str, expression: Expr) -> syn::Result<After> {
    if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &expression
        && let Some(percent) = text.value().trim().strip_prefix(['p', 'P'])
    {
        return percentile(text, percent);
    }
    if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &expression
        && let Some(percent) = text.value().trim().strip_suffix('%')
    {
        return Err(syn::Error::new(text.span(), format!("a percentile is written `\"p{percent}\"`")));
    }
    if let Expr::Lit(ExprLit { lit: Lit::Int(_) | Lit::Float(_), .. }) = &expression {
        let message = "`after` takes a percentile or a duration: write `after = \"p95\"` or `after = \"50ms\"`";
        return Err(syn::Error::new_spanned(expression, message));
    }
    value::duration(&expression).map(After::Delay)
}

/// Returns what follows the `p`: `95`, `99.9`, or `999` as some people write it.
fn percentile(text: &LitStr, percent: &str) -> syn::Result<After> {
    let message = match percent.parse::<f64>() {
        Ok(percentile) if (50.0..=99.9).contains(&percentile) => {
            return Ok(After::Percentile(Known::Literal(percentile)));
        }
        Ok(999.0) => "a percentile is between 50 and 99.9: write `\"p99.9\"`".to_owned(),
        Ok(_) => {
            format!("a percentile is between 50 and 99.9, and `{percent}` is not: write, for instance, `\"p95\"`")
        }
        Err(_) => format!("`{}` is no percentile: write, for instance, `\"p95\"`", text.value()),
    };
    Err(syn::Error::new(text.span(), message))
}

impl Layer for Hedge {
    fn common(&self) -> &Common {
        &self.common
    }

    fn facts(&self) -> Facts {
        Facts { repeats: true, hedges: true, further: self.max, delay: self.delay.clone(), ..Facts::default() }
    }

    fn body(&self) -> Body<'_> {
        Body {
            clones: &self.clones.names,
            if_possible: self.clones.if_possible,
            number: self.number.as_ref(),
            ..Body::default()
        }
    }

    // Input:  async { statements }
    // Output: HEDGE_.run(|| async { statements })
    //
    // Each attempt is made by a closure that borrows what it needs. It stands where it is used, so that the compiler expects
    // one that can be called again and says which argument the statements would use up. Where there are layers inside, their
    // statements go into its block. Where the body wants its number:
    //         HEDGE_.run(numbered(|attempt_| async { let n = attempt_.number(); statements }))
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let policy = context.receiver();
        let (notes, settled) = (inside.notes.clone(), inside.settled);
        let body = match inside.form {
            Form::Body(body) => body,
            _ => {
                let (statements, expression) = inside.awaited(context);
                let number = self.number.as_ref().map(number_of_attempt);
                quote_spanned!(span=> async { #number #statements #expression })
            }
        };
        let krate = context.krate;
        let attempt = |place: Span| match &self.number {
            None => quote_spanned!(place=> || #body),
            Some(_) => {
                let attempt = local("attempt");
                quote_spanned!(place=> #krate::call::numbered(|#attempt| #body))
            }
        };
        let gate = notes.bulkhead.as_ref().map(|bulkhead| quote_spanned!(span=> .unless_busy(#bulkhead)));
        let attempts = match deciding(self.when.as_ref(), context) {
            None => {
                // all of the call in one place, where an outcome without a class is then reported once
                let place = context.function.place_of_outcome();
                let (policy, attempt) = (placed(policy.to_token_stream(), place), attempt(place));
                quote_spanned!(place=> #policy #gate.run(#attempt))
            }
            Some(when) => {
                let attempt = attempt(span);
                quote_spanned!(span=> #policy #gate.run_when(#attempt, #when))
            }
        };
        let place = context.function.place_of_outcome();
        let statements = quote_spanned!(span=> let attempt_ = #attempts;);
        let form = Form::Future(quote_spanned!(place=> attempt_));
        Fragment { statements, form, settled, notes: Notes { bulkhead: None, ..notes } }
    }
}
