//! `#[hedge]`: further attempts beside one that takes long.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit, LitStr};

use crate::amount::Amount;
use crate::arguments::{Arguments, Key, Positional};
use crate::diagnostic::Errors;
use crate::fragment::{Context, Fragment, Value};
use crate::policy::{Body, Facts, Kind, Layer};
use crate::source::{Constructor, Shareable, declare_shareable, placed};
use crate::value::{self, Known};
use crate::when::{When, deciding};

pub(crate) const KIND: Kind = Kind {
    name: "hedge",
    keys: &[
        Key::setting("after", "after = \"p95\"").or("\"p95\""),
        Key::setting("min_after", "min_after = \"5ms\"").or("\"1ms\"").unless("after"),
        Key::setting("max_after", "max_after = \"500ms\""),
        Key::setting("max", "max = 1").or("1"),
        Key::setting("budget", "budget = \"5%\"").or("\"5%\""),
        Key::setting("mode", "mode = \"observe\"").or("\"enforce\""),
        Key::setting("name", "name = \"search\""),
        Key::setting("key", "key = host"),
        Key::usage("idempotent", "idempotent"),
        Key::usage("clone", "clone(request)"),
        Key::usage("with", "with = self.hedge"),
        Key::usage("when", "when = |error: &MyError| error.is_temporary()"),
        Key::usage("crate", "crate = ::resilient"),
    ],
    positional: Positional::Write("after"),
    parse,
};

struct Hedge {
    span: Span,
    source: Shareable,
    when: Option<When>,
    clones: Vec<Ident>,
    max: Option<u32>,
    delay: Option<(Amount, Span)>,
}

/// When another attempt starts.
enum After {
    Percentile(Known<f64>),
    Delay(Known<Duration>),
}

fn parse(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Vec<Box<dyn Layer>> {
    let span = arguments.attribute.span();
    let idempotent = arguments.flag("idempotent", errors);
    if !idempotent && arguments.understood {
        errors.at(
            span,
            "a hedge runs the body a second time while the first still runs: if that does no harm, say so with `#[hedge(idempotent)]`, and otherwise remove it",
        );
    }
    let when = arguments.value("when", errors, |_, when| Ok(When(when)));
    let clones = arguments.clones(context.function, errors);
    let with = arguments.with(errors);
    let named = arguments.span("name").is_some();
    let key = arguments.key(context.function, errors);
    let after_span = arguments.span("after");
    let settings = settings(arguments, named, context, errors);
    let known = with.is_none();
    let max = settings.max.filter(|_| known);
    let delay = settings.delay.zip(after_span).filter(|_| known);
    let source = Shareable::new("Hedge", with, settings.constructor, named, key);
    vec![Box::new(Hedge { span, source, when, clones, max, delay })]
}

/// What the keys of the policy itself come to.
struct Settings {
    constructor: Constructor,
    max: Option<u32>,
    delay: Option<Amount>,
}

fn settings(arguments: &mut Arguments, named: bool, context: &Context<'_>, errors: &Errors) -> Settings {
    let span = Span::mixed_site();
    let function = context.function;
    let bounds = ["min_after", "max_after"];
    let spans = bounds.map(|key| arguments.span(key));
    let name = arguments.name(function, errors);
    let after = arguments.constant("after", function, errors, after);
    let [min_after, max_after] = bounds.map(|key| arguments.constant(key, function, errors, value::duration));
    let max = arguments.constant("max", function, errors, max);
    let budget = arguments.constant("budget", function, errors, budget);
    let mode = arguments.value("mode", errors, value::mode);

    let delay = match &after {
        Some(After::Delay(delay)) => {
            for (key, span) in bounds.into_iter().zip(spans) {
                if let Some(span) = span {
                    let message = format!("`{key}` bounds a percentile, and this delay is fixed: remove `{key}`");
                    errors.at(span, message);
                }
            }
            Some(Amount::from(delay))
        }
        _ => None,
    };
    let literal = |bound: &Option<Known<Duration>>| bound.as_ref().and_then(Known::literal);
    if let (Some(least), Some(most), [Some(place), _]) = (literal(&min_after), literal(&max_after), spans)
        && least > most
    {
        let message = format!(
            "`min_after` ({}) is longer than `max_after` ({}), so there is no delay between them",
            crate::wording::shown(least),
            crate::wording::shown(most)
        );
        errors.at(place, message);
    }

    let constructor = Constructor::new("Hedge", quote_spanned!(span=> named(#name)), arguments, context);
    let constructor = match &after {
        Some(After::Percentile(percentile)) => constructor.set("after_percentile", Some(percentile)),
        Some(After::Delay(delay)) => constructor.set("after", Some(delay)),
        None => constructor,
    };
    let constructor = constructor.set("min_after", min_after.as_ref()).set("max_after", max_after.as_ref());
    let constructor = constructor.set("max", max.as_ref()).set("budget", budget.as_ref());
    let constructor = if named { constructor.choose("retry_budget_by_name") } else { constructor };
    let max = max.map_or(Some(1), |max| max.literal());
    Settings { constructor: constructor.mode(mode, context), max, delay }
}

fn after(key: &str, expression: Expr) -> syn::Result<After> {
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
    value::duration(key, expression).map(After::Delay)
}

/// What follows the `p`: `95`, `99.9`, or `999` as some people write it.
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

fn max(key: &str, expression: Expr) -> syn::Result<Known<u32>> {
    let written = expression.span();
    let max = value::count(key, expression)?;
    let message = match max.literal() {
        Some(0) => "a hedge of no attempts is no hedge: remove the attribute, or allow at least 1",
        Some(11..) => "more than 10 attempts beside the first are a storm: write at most `max = 10`",
        _ => return Ok(max),
    };
    Err(syn::Error::new(written, message))
}

fn budget(key: &str, expression: Expr) -> syn::Result<Known<f64>> {
    let written = expression.span();
    let budget = value::ratio(key, expression)?;
    let message = match budget.literal() {
        Some(ratio) if ratio < 0.0 => "a budget cannot be negative: write, for instance, `budget = \"5%\"`",
        Some(0.0) => {
            "with a budget of zero nothing is ever started: remove the attribute, or write, for instance, `budget = \"5%\"`"
        }
        Some(ratio) if ratio < 0.0001 => {
            "a budget of less than one attempt in ten thousand calls is none: write at least `budget = \"0.01%\"`"
        }
        Some(ratio) if ratio > 1.0 => {
            "a budget of more than all calls limits nothing: write at most `budget = \"100%\"`"
        }
        _ => return Ok(budget),
    };
    Err(syn::Error::new(written, message))
}

impl Layer for Hedge {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn span(&self) -> Span {
        self.span
    }

    fn facts(&self) -> Facts {
        Facts { repeats: true, hedges: true, further: self.max, delay: self.delay.clone(), ..Facts::default() }
    }

    fn body(&self) -> Body<'_> {
        Body { clones: &self.clones, ..Body::default() }
    }

    fn declare(&self, context: &Context<'_>) -> TokenStream {
        declare_shareable(&self.source, context)
    }

    // Input:  async { statements }
    // Output: let attempt_ = hedge_.run(|| async { statements });
    //         attempt_
    //
    // Each attempt is made by a closure that borrows what it needs. It stands where it is used, so that the compiler expects
    // one that can be called again and says which argument the statements would use up. Where there are layers inside, their
    // statements go into its block.
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let policy = &context.policy;
        let expression = inside.expression();
        let statements = inside.statements;
        let (statements, body) = match inside.value {
            Value::Body(body) => (statements, body),
            _ => (TokenStream::new(), quote_spanned!(span=> async { #statements #expression })),
        };
        let gate = inside.bulkhead.as_ref().map(|bulkhead| quote_spanned!(span=> .unless_busy(#bulkhead)));
        let attempts = match deciding(self.when.as_ref(), context) {
            None => {
                // all of the call in one place, where an outcome without a class is then reported once
                let place = context.function.place_of_outcome();
                let policy = placed(policy.to_token_stream(), place);
                quote_spanned!(place=> #policy #gate.run(|| #body))
            }
            Some(when) => quote_spanned!(span=> #policy #gate.run_when(|| #body, #when)),
        };
        let place = context.function.place_of_outcome();
        let statements = quote_spanned!(span=> #statements let attempt_ = #attempts;);
        let future = quote_spanned!(place=> attempt_);
        let Fragment { settled, borrows, repeated, drop_order, .. } = inside;
        Fragment { statements, value: Value::Future(future), settled, borrows, repeated, drop_order, bulkhead: None }
    }
}
