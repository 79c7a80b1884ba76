//! `#[measure]`: times what is inside it, and refuses nothing.

use proc_macro2::Span;
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{Expr, Ident, Type};

use crate::fragment::{Context, Form, Fragment};
use crate::key::{self, Key, Positional, Sort};
use crate::policy::{Common, Kind, Layer};
use crate::reads::reads_nothing_of_the_call;
use crate::settings::Settings;
use crate::source::Source;
use crate::value::{self, Known};
use crate::when::{self, When, deciding};
use crate::wording::shown;

pub(crate) const KIND: Kind = Kind {
    name: "measure",
    keys: &[
        Key::setting("buckets", "buckets = [\"10ms\", \"100ms\", \"1s\"]", Sort::Own)
            .takes("durations in brackets")
            .absent("14 from 5 ms to 10 s")
            .means("the upper bounds of the histogram's buckets, each longer than the one before; what takes longer has a bucket anyway"),
        Key::setting("span", "span", Sort::Flag)
            .takes("a word")
            .means("opens a span of the crate `tracing` for each call, too; see below"),
        key::when().means("says the class of an outcome, as for [`retry`](macro@retry)"),
        key::mode().means("`\"observe\"` is as `\"enforce\"`, since nothing is refused; `\"off\"` neither measures nor opens spans"),
        key::name("name = \"search\"").means("stands in the metrics and spans"),
        key::with("with = self.measure").means("a `Measure` of your own"),
        key::CRATE,
    ],
    positional: Positional::Write("buckets"),
    renamed: &[],
    only_async: None,
    parse,
};

struct Measure {
    common: Common,
    when: Option<When>,
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let mut constructor = settings.constructor("Measure");
    if let Some(bounds) = settings.own("buckets", |key, expression| buckets(key, &expression, settings)) {
        let bounds = bounds.value;
        let constant = bounds.iter().find_map(Known::constant);
        let list = quote_spanned!(Span::mixed_site()=> const { &[#(#bounds),*] });
        constructor = constructor.call_at(constant, "buckets", "buckets", &list);
    }
    if settings.flag("span").is_some() {
        constructor = constructor.choose("span", "span");
    }
    vec![Box::new(Measure {
        common: Common::new(KIND.name, settings, Source::new("Measure", settings, constructor)),
        when: settings.expression("when").map(When),
    })]
}

/// The bounds, in rising order as far as they are known.
fn buckets(key: &str, expression: &Expr, settings: &Settings<'_>) -> syn::Result<Vec<Known<std::time::Duration>>> {
    let Expr::Array(list) = expression else {
        let message = format!("`{key}` takes durations in brackets: write `{key} = [\"10ms\", \"100ms\", \"1s\"]`");
        return Err(syn::Error::new_spanned(expression, message));
    };
    if list.elems.is_empty() {
        return Err(syn::Error::new_spanned(
            list,
            format!("`{key}` has at least one duration: write some, or leave it out"),
        ));
    }
    if list.elems.len() > MOST {
        let message = format!("each bucket is a series for each outcome: write at most {MOST} of them");
        return Err(syn::Error::new_spanned(&list.elems[MOST], message));
    }
    let mut bounds: Vec<Known<std::time::Duration>> = Vec::new();
    for written in &list.elems {
        reads_nothing_of_the_call(written, settings.function)?;
        let bound = value::duration(written)?;
        if bound.literal().is_some_and(|bound| bound.is_zero()) {
            return Err(syn::Error::new_spanned(
                written,
                "no call takes no time: write a bucket that is longer than zero",
            ));
        }
        if let (Some(before), Some(bound)) = (bounds.last().and_then(Known::literal), bound.literal())
            && bound <= before
        {
            let message = format!(
                "the buckets rise, and {} is not longer than {}: write each duration once, the shortest first",
                shown(bound),
                shown(before)
            );
            return Err(syn::Error::new_spanned(written, message));
        }
        bounds.push(bound);
    }
    Ok(bounds)
}

/// As many as the runtime takes.
const MOST: usize = 50;

impl Layer for Measure {
    fn common(&self) -> &Common {
        &self.common
    }

    // the name goes by the place, so that a second one does not change that of the first
    fn local(&self, above: &[Box<dyn Layer>], _below: &[Box<dyn Layer>]) -> &'static str {
        if above.iter().any(|layer| layer.facts().repeats) { "attempt_measure" } else { "measure" }
    }

    // Input:  run((…), future)
    // Output: run((MEASURE_.judged(|outcome_| classified!(outcome_)), …), future)
    //
    // Where no policy stands inside, what it returns need not have room for a rejection:
    //         MEASURE_.run_as(future, |outcome_| classified!(outcome_))
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let (krate, policy, output) = (context.krate, context.receiver(), &context.function.output);
        let blocks = context.function.blocks;
        let judge = quote_spanned!(span=> |outcome_| #krate::classified!(outcome_));
        let is_stack = matches!(inside.form, Form::Stack { .. }) && !inside.gives_settled();
        match deciding(self.when.as_ref(), context) {
            Some(_) if is_stack => {
                let policy = when::judging(self.when.as_ref(), &inside, context);
                inside.under(policy, context)
            }
            None if is_stack && !matches!(output, Type::Infer(_) | Type::ImplTrait(_)) => {
                inside.under(quote_spanned!(span=> #policy.judged::<#output>(#judge)), context)
            }
            Some(when) => {
                let place = self.when.as_ref().map_or(span, |when| when.0.span().resolved_at(span));
                let run = Ident::new(if blocks { "call_when" } else { "run_when" }, place);
                inside.around(context, |future| quote_spanned!(place=> #policy.#run(#future, #when)))
            }
            None => {
                let run = Ident::new(if blocks { "call_as" } else { "run_as" }, span);
                inside.around(context, |future| quote_spanned!(span=> #policy.#run(#future, #judge)))
            }
        }
    }
}
