//! `#[bulkhead]`: at most so many calls at once of what is inside.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit};

use crate::arguments::{Arguments, Key, Positional};
use crate::bounds::{Bounds, permits};
use crate::diagnostic::Errors;
use crate::fragment::{Context, Fragment};
use crate::policy::{Facts, Kind, Layer};
use crate::source::{Constructor, Shareable, declare_shareable};
use crate::value::{self, Known};
use crate::when::{When, deciding};

pub(crate) const KIND: Kind = Kind {
    name: "bulkhead",
    keys: &[
        Key::setting("limit", "limit = 64").or("64"),
        Key::setting("min", "min = 1"),
        Key::setting("max", "max = 200"),
        Key::setting("initial", "initial = 20"),
        Key::setting("queue", "queue = 64"),
        Key::setting("max_wait", "max_wait = \"50ms\""),
        Key::setting("mode", "mode = \"observe\"").or("\"enforce\""),
        Key::setting("name", "name = \"search\""),
        Key::setting("key", "key = host"),
        Key::usage("weight", "weight = batch.len() as u32").or("1"),
        Key::usage("priority", "priority = \"low\"").or("\"high\""),
        Key::usage("with", "with = self.bulkhead"),
        Key::usage("when", "when = |error: &MyError| error.is_overload()"),
        Key::usage("crate", "crate = ::resilient"),
    ],
    positional: Positional::Write("limit"),
    parse,
};

struct Bulkhead {
    span: Span,
    /// Whether the policy is that of an argument, or of `self`, that the body must not take along.
    reads_arguments: bool,
    identity: Option<String>,
    source: Shareable,
    adapts: bool,
    weight: Option<Expr>,
    priority: Option<Priority>,
    when: Option<When>,
}

/// How many calls at once.
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

fn parse(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Vec<Box<dyn Layer>> {
    let identity = arguments.identity();
    let span = arguments.attribute.span();
    let when_span = arguments.span("when");
    let when = arguments.value("when", errors, |_, when| Ok(When(when)));
    let weight = arguments.value("weight", errors, weight);
    let priority = arguments.value("priority", errors, priority);
    let with = arguments.with(errors);
    let reads_arguments = with.as_ref().is_some_and(|with| value::reads_what_can_be_owned(with, context.function));
    let named = arguments.span("name").is_some();
    let key = arguments.key(context.function, errors);
    let (constructor, fixed) = constructor(arguments, context, errors);
    if let (Some(span), None, true) = (when_span, &with, fixed) {
        errors.at(
            span,
            "`when` says what an outcome means to a limit that adapts, and this one does not: remove it, or write `limit = \"gradient\"`",
        );
    }
    let adapts = with.is_some() || !fixed;
    let source = Shareable::new("Bulkhead", with, constructor, named, key);
    vec![Box::new(Bulkhead { span, reads_arguments, identity, source, adapts, weight, priority, when })]
}

/// The constructor, and whether its limit is fixed.
fn constructor(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> (Constructor, bool) {
    let span = Span::mixed_site();
    let name = arguments.name(context.function, errors);
    let limit = arguments.constant("limit", context.function, errors, limit);
    let bounds = Bounds::parse(arguments, context, errors);
    let queue = arguments.constant("queue", context.function, errors, value::count);
    let max_wait = arguments.constant("max_wait", context.function, errors, value::duration);
    let mode = arguments.value("mode", errors, value::mode);

    let constructor = Constructor::new("Bulkhead", quote_spanned!(span=> named(#name)), arguments, context);
    let fixed = !matches!(limit, Some(Limit::Adaptive(_)));
    let constructor = match limit {
        Some(Limit::Adaptive(algorithm)) => {
            let [min, max, initial] = bounds.of_adaptive(span, errors);
            let constructor = constructor.at(&min).at(&max).at(&initial);
            constructor.call(algorithm, &quote_spanned!(span=> #min, #max, #initial))
        }
        limit => {
            bounds.of_fixed(errors);
            match limit {
                Some(Limit::Calls(calls)) => constructor.set("limit", Some(&calls)),
                _ => constructor,
            }
        }
    };
    let constructor = constructor.set("queue", queue.as_ref()).set("max_wait", max_wait.as_ref());
    (constructor.mode(mode, context), fixed)
}

fn limit(key: &str, expression: Expr) -> syn::Result<Limit> {
    match &expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            if let Ok(calls) = text.value().trim().parse::<u32>() {
                return Err(syn::Error::new(text.span(), format!("`limit` takes an integer: write `limit = {calls}`")));
            }
            value::word(key, &expression, &["aimd", "vegas", "gradient"]).map(Limit::Adaptive)
        }
        _ => permits(key, expression).map(Limit::Calls),
    }
}

fn weight(_: &str, expression: Expr) -> syn::Result<Expr> {
    let complaint = match &expression {
        Expr::Lit(ExprLit { lit: Lit::Int(weight), .. }) if weight.base10_digits() == "0" => {
            "a weight of zero takes no room: write at least 1"
        }
        Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => return Ok(expression),
        Expr::Lit(_) => "`weight` takes a `u32`: write, say, `weight = items.len() as u32`",
        _ => return Ok(expression),
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
            waits: true,
            identity: self.identity.clone(),
            ..Facts::default()
        }
    }

    // Output: let bulkhead_ = { static POLICY: Bulkhead = …; &POLICY };
    //         let bulkhead_ = bulkhead_.entry().weight(weight).priority(priority);
    //
    // The user's expressions are evaluated here, while the arguments are there.
    fn declare(&self, context: &Context<'_>) -> TokenStream {
        let span = Span::mixed_site();
        let declaration = declare_shareable(&self.source, context);
        if self.weight.is_none() && self.priority.is_none() {
            return declaration;
        }
        let policy = &context.policy;
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
        quote_spanned!(span=> #declaration let #policy = #policy.entry() #weight #priority;)
    }

    // Input:  future
    // Output: bulkhead_.run(future)
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let policy = &context.policy;
        let entry = self.weight.is_some() || self.priority.is_some();
        let bulkhead = if entry { quote_spanned!(span=> #policy.bulkhead()) } else { quote_spanned!(span=> #policy) };
        let wrapped = if self.adapts {
            match deciding(self.when.as_ref(), context) {
                None => {
                    let run = context.function.reporting("run_adaptive");
                    inside.within(|future| quote_spanned!(span=> #policy.#run(#future)))
                }
                Some(when) => inside.within(|future| quote_spanned!(span=> #policy.run_adaptive_when(#future, #when))),
            }
        } else {
            inside.within(|future| quote_spanned!(span=> #policy.run(#future)))
        };
        Fragment { bulkhead: Some(bulkhead), ..wrapped }
    }
}
