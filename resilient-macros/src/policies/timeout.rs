//! `#[timeout]`: one layer for the call, one for the attempt, or one where it stands.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::Expr;

use crate::amount::Amount;
use crate::arguments::{Arguments, Key, Positional, StandIns};
use crate::diagnostic::Errors;
use crate::fragment::{Context, Fragment, Value, repeat};
use crate::policy::{Facts, Kind, Layer, Level};
use crate::source::{Constructor, Source, declare};
use crate::value::{self, Known};

pub(crate) const KIND: Kind = Kind {
    name: "timeout",
    keys: &[
        Key::setting("limit", "limit = \"2s\""),
        Key::setting("total", "total = \"2s\"").also(StandIns::Outside(&["limit", "attempt"])),
        Key::setting("attempt", "attempt = \"400ms\"").also(StandIns::Inside(&["limit", "total"])),
        Key::setting("name", "name = \"search\""),
        Key::usage("with", "with = self.timeout"),
        Key::usage("crate", "crate = ::resilient"),
    ],
    positional: Positional::Is("limit"),
    parse,
};

struct Timeout {
    span: Span,
    /// Whether the policy is that of an argument, or of `self`, that the body must not take along.
    reads_arguments: bool,
    level: Option<Level>,
    limit: Option<(Amount, Span)>,
    source: Source,
}

fn parse(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Vec<Box<dyn Layer>> {
    let attribute = arguments.attribute.span();
    let keys = ["limit", "total", "attempt"];
    let spans = keys.map(|key| arguments.span(key));
    let with_span = arguments.span("with");
    let with = arguments.with(errors);
    let reads_arguments = with.as_ref().is_some_and(|with| value::reads_what_can_be_owned(with, context.function));
    let limits = keys.map(|key| arguments.constant(key, context.function, errors, limit));
    let name = arguments.name(context.function, errors);
    if let Some(policy) = with {
        let source = Source::With { ty: "Timeout", policy };
        return vec![Box::new(Timeout { span: attribute, reads_arguments, level: None, limit: None, source })];
    }

    let [here, total, attempt] = spans;
    match (here, total.or(attempt)) {
        (Some(_), Some(named)) => {
            errors.at(
                named,
                "give either one duration, or `total` and `attempt`: a bare duration counts where it stands",
            );
            return Vec::new();
        }
        (None, None) if arguments.understood && with_span.is_none() => {
            errors.at(attribute, "how long? write `#[timeout(\"2s\")]`, or `total = …` and `attempt = …`");
        }
        _ => {}
    }
    let attempt_level = if total.is_some() { Level::PlacedAtAttempt } else { Level::Attempt };
    let levels = [None, Some(Level::Call), Some(attempt_level)];
    let layers = limits.into_iter().zip(spans).zip(levels).filter_map(|((limit, span), level)| {
        let (limit, span) = (limit?, span?);
        let known = Some((Amount::from(&limit), span));
        let call = quote_spanned!(Span::mixed_site()=> named(#name, #limit));
        let constructor = Constructor::new("Timeout", call, arguments, context).at(&limit);
        let source = Source::Own { ty: "Timeout", constructor };
        Some(Box::new(Timeout { span, reads_arguments: false, level, limit: known, source }) as Box<dyn Layer>)
    });
    layers.collect()
}

fn limit(key: &str, expression: Expr) -> syn::Result<Known<Duration>> {
    let written = syn::spanned::Spanned::span(&expression);
    let limit = value::duration(key, expression)?;
    match limit.literal() {
        Some(Duration::ZERO) => {
            Err(syn::Error::new(written, "a time-out of zero fails every call: give it some time, or remove it"))
        }
        _ => Ok(limit),
    }
}

impl Layer for Timeout {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn span(&self) -> Span {
        self.span
    }

    // two time-outs of one function are told apart by the level that they say or stand at
    fn local(&self, above: &[Box<dyn Layer>], below: &[Box<dyn Layer>]) -> &'static str {
        let any = |layers: &[Box<dyn Layer>]| layers.iter().any(|layer| layer.name() == KIND.name);
        match self.level {
            Some(Level::Attempt | Level::PlacedAtAttempt) => "attempt_timeout",
            Some(Level::Call) => "total_timeout",
            None if any(above) => "attempt_timeout",
            None if any(below) => "total_timeout",
            None => "timeout",
        }
    }

    fn facts(&self) -> Facts {
        Facts {
            refuses: true,
            reads_arguments: self.reads_arguments,
            limit: self.limit.clone(),
            level: self.level,
            ..Facts::default()
        }
    }

    fn declare(&self, context: &Context<'_>) -> TokenStream {
        declare(&self.source, context)
    }

    // Input:  future
    // Output: timeout_.run(future)
    //
    // Around a retry whose rounds are futures, it watches each of them, so that the loop needs no future of its own:
    //         let mut timeout_ = timeout_.begin();
    //         loop { … retry_.run_within(&mut timeout_, attempt) … }
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let policy = &context.policy;
        if let Value::Rounds { statements, attempt, place } = &inside.value {
            let flatten = inside.settled.then(|| quote_spanned!(span=> .flatten()));
            let round = quote_spanned!(*place=> retry_.run_within(&mut #policy, #attempt));
            let value =
                Value::Expression(repeat(statements, &round, *place, &quote_spanned!(span=> outcome_ #flatten)));
            let before = inside.statements;
            let statements = quote_spanned!(span=> let mut #policy = #policy.begin(); #before);
            return Fragment { statements, value, settled: true, ..inside };
        }
        if let (Value::Future(future), false, true) = (&inside.value, inside.settled, context.in_rounds) {
            let value = Value::Timed { timeout: policy.clone(), future: future.clone() };
            return Fragment { value, settled: true, ..inside };
        }
        inside.within(|future| quote_spanned!(span=> #policy.run(#future)))
    }
}
