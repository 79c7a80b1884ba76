//! `#[bulkhead]`: at most so many calls at once of what is inside.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit};

use crate::bounds;
use crate::fragment::{Context, Fragment, Notes};
use crate::function::Function;
use crate::key::{self, Key, Positional, Refused, Sort};
use crate::policy::{Common, Facts, Kind, Layer};
use crate::settings::Settings;
use crate::source::Source;
use crate::tokens::placed;
use crate::value::{self, Known};
use crate::when::{self, When};

pub(crate) const KIND: Kind = Kind {
    name: "bulkhead",
    keys: &[
        Key::setting("limit", "limit = 64", Sort::Own)
            .refuses(&[
                Refused::zero("a limit of zero refuses every call: write at least `limit = 1`"),
                bounds::above("`limit` must be at most 1000000; without a limit, remove the attribute"),
            ])
            .default("64")
            .takes("integer or `u32` constant, or `\"aimd\"`, `\"vegas\"`, `\"gradient\"`")
            .means("how many calls run at once, or how that is found out"),
        bounds::MIN,
        bounds::MAX,
        bounds::INITIAL,
        Key::setting("queue", "queue = 64", Sort::Count)
            .sets()
            .absent("the limit")
            .means("how many callers may wait; 0 is nobody"),
        Key::setting("max_wait", "max_wait = \"50ms\"", Sort::Duration)
            .sets()
            .absent("until the deadline, or `\"1s\"` without one")
            .means("how long each waits; `\"0s\"` is not at all"),
        key::mode().means("`\"observe\"` counts and lets everybody in; `\"off\"` does nothing"),
        key::name("name = \"search\"")
            .means("stands in rejections; functions that are given the same name and settings share the places"),
        key::key().means("a bulkhead for each value of it, as for [`circuit_breaker`](macro@circuit_breaker)"),
        key::log_key(),
        key::settings("settings = size_of"),
        Key::usage("weight", "weight = batch.len() as u32", Sort::Expression(weight))
            .default("1")
            .takes("`u32` expression")
            .means("how many places the call takes; more than there are means all of them"),
        Key::usage("priority", "priority = \"low\"", Sort::Own)
            .default("\"high\"")
            .takes("`\"high\"`, `\"low\"`, or an expression of type `Priority`")
            .means("who is served first, and who loses the place in a full queue"),
        key::with("with = self.bulkhead")
            .means("a `Bulkhead` of your own: a `static` shared by several functions, a field, or one of a `PerKey`"),
        Key { example: "when = |error: &MyError| error.is_overload()", ..key::when() }
            .means("with a limit that adapts: what an outcome means, as for [`retry`](macro@retry)"),
        key::CRATE,
    ],
    positional: Positional::Write("limit"),
    renamed: &[("min", "min_limit"), ("max", "max_limit"), ("initial", "initial_limit")],
    only_async: None,
    parse,
};

struct Bulkhead {
    common: Common,
    identity: Option<String>,
    adapts: bool,
    weight: Option<Expr>,
    priority: Option<Priority>,
    when: Option<When>,
}

/// The number of calls at once.
enum Limit {
    Calls(Known<u32>),
    /// By the algorithm of this name.
    Adaptive(&'static str),
}

enum Priority {
    /// The variant of the runtime's `Priority`.
    Word(&'static str),
    Value(Expr),
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let constructor = settings.constructor("Bulkhead");
    let limit = settings.own("limit", |key, expression| limit(key, &expression, settings)).map(|limit| limit.value);
    let fixed = !matches!(limit, Some(Limit::Adaptive(_)));
    let constructor = match limit {
        Some(Limit::Adaptive(algorithm)) => bounds::adaptive(constructor, algorithm, settings),
        limit => {
            bounds::of_fixed(settings);
            match limit {
                Some(Limit::Calls(calls)) => constructor.set("limit", "limit", &calls),
                _ => constructor,
            }
        }
    };
    if let (Some(span), None, true) = (settings.span("when"), &settings.with, fixed) {
        settings.errors.at(
            span,
            "`when` says what an outcome means to a limit that adapts, and this one does not: remove it, or write `limit = \"gradient\"`",
        );
    }
    vec![Box::new(Bulkhead {
        common: Common::new(KIND.name, settings, Source::shareable("Bulkhead", settings, constructor)),
        identity: settings.identity.clone(),
        adapts: settings.with.is_some() || !fixed,
        weight: settings.expression("weight"),
        priority: settings.own("priority", priority).map(|priority| priority.value),
        when: settings.expression("when").map(When),
    })]
}

fn limit(key: &str, expression: &Expr, settings: &Settings<'_>) -> syn::Result<Limit> {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            if let Ok(calls) = text.value().trim().parse::<u32>() {
                return Err(syn::Error::new(text.span(), format!("`limit` takes an integer: write `limit = {calls}`")));
            }
            value::word(key, expression, &["aimd", "vegas", "gradient"]).map(Limit::Adaptive)
        }
        _ => settings.count_of(key, expression).map(Limit::Calls),
    }
}

fn weight(expression: &Expr, _: &Function) -> syn::Result<()> {
    let complaint = match expression {
        Expr::Lit(ExprLit { lit: Lit::Int(weight), .. }) if weight.base10_digits() == "0" => {
            "a weight of zero takes no room: write at least 1"
        }
        Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => return Ok(()),
        Expr::Lit(_) => "`weight` takes a `u32`: write, say, `weight = items.len() as u32`",
        _ => return Ok(()),
    };
    Err(syn::Error::new_spanned(expression, complaint))
}

fn priority(key: &str, expression: Expr) -> syn::Result<Priority> {
    match &expression {
        Expr::Lit(_) => Ok(Priority::Word(match value::word(key, &expression, &["high", "low"])? {
            "low" => "Low",
            _ => "High",
        })),
        _ => Ok(Priority::Value(expression)),
    }
}

impl Layer for Bulkhead {
    fn common(&self) -> &Common {
        &self.common
    }

    fn facts(&self) -> Facts {
        Facts { refuses: true, waits: true, identity: self.identity.clone(), ..Facts::default() }
    }

    // Output: static BULKHEAD_: Bulkhead = …;
    //         let bulkhead_ = BULKHEAD_.entry().weight(weight).priority(priority);
    //
    // The user's expressions are evaluated here, while the arguments are there.
    fn declare(&self, context: &Context<'_>) -> TokenStream {
        let span = Span::mixed_site();
        let declaration = self.common.declare(context);
        if self.weight.is_none() && self.priority.is_none() {
            return declaration;
        }
        let (policy, local) = (context.receiver(), &context.policy);
        let weight = self.weight.as_ref().map(|weight| {
            let method = Ident::new("weight", weight.span().resolved_at(span));
            quote_spanned!(span=> .#method(#weight))
        });
        let priority = self.priority.as_ref().map(|priority| match priority {
            Priority::Word(word) => {
                let (krate, word) = (context.krate, Ident::new(word, span));
                quote_spanned!(span=> .priority(#krate::Priority::#word))
            }
            Priority::Value(value) => {
                let method = Ident::new("priority", value.span().resolved_at(span));
                quote_spanned!(span=> .#method(#value))
            }
        });
        quote_spanned!(span=> #declaration let #local = #policy.entry() #weight #priority;)
    }

    // Input:  run((…), future)
    // Output: run((&BULKHEAD_, …), future), or run((bulkhead_, …), future)
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let entry = &context.policy;
        let (policy, reference, bulkhead) = if self.weight.is_some() || self.priority.is_some() {
            (entry.clone(), entry.to_token_stream(), quote_spanned!(span=> #entry.bulkhead()))
        } else {
            (context.receiver(), context.reference(), context.reference())
        };
        let entered = if self.adapts {
            when::judged(&policy, self.when.as_ref(), &inside, context).unwrap_or_else(|| {
                placed(quote_spanned!(span=> #policy.learning()), context.function.place_of_outcome())
            })
        } else {
            reference
        };
        let wrapped = inside.under(entered, context);
        let notes = Notes { bulkhead: Some(bulkhead), ..wrapped.notes };
        Fragment { notes, ..wrapped }
    }
}
