//! `#[fallback]`: another answer for what failed inside.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, FnArg, Pat, Type};

use crate::companion::conditions_of;
use crate::diagnostic::Errors;
use crate::fragment::{Context, Form, Fragment};
use crate::function::Function;
use crate::key::{self, Key, Positional, Refused, Sort};
use crate::policies::sharing::{self, Sharing};
use crate::policy::{Common, Facts, Kind, Layer};
use crate::reads::reads_nothing_of_the_call;
use crate::settings::Settings;
use crate::source::{Source, entry, operand};
use crate::tokens::placed;
use crate::types;
use crate::when::{When, deciding};
use crate::wording::type_as_written;

pub(crate) const KIND: Kind = Kind {
    name: "fallback",
    keys: &[
        Key::usage("value", "value = Vec::new()", Sort::Expression(good_value))
            .takes("expression of the good type")
            .means("evaluated when it is needed; the end of the chain"),
        Key::usage("function", "function = cached_hits", Sort::Own)
            .takes("path, or `[path, path]`")
            .means("functions, `async` or not, of the arguments by reference and the error, which return what this one returns"),
        Key::usage("stale", "stale = \"5m\"", Sort::Duration)
            .constant(true)
            .refuses(&[Refused::zero("an outcome of no age is never there: write, say, `\"5m\"`")])
            .means("gives the last good outcome back while it was kept no longer ago"),
        Key { configures: false, example: "key = (query, page)", ..key::key() }
            .takes("expression that is `Hash`")
            .means("which calls have one last good outcome; needed for `stale` if the function has arguments that are not in `shared_across`"),
        Key::usage("shared_across", "shared_across(token)", Sort::Names)
            .takes("arguments, or `self`")
            .means("calls that differ in them may have one last good outcome all the same"),
        key::when().means("says what falls back, as for [`retry`](macro@retry)"),
        key::mode().means("`\"observe\"` counts what would have fallen back; `\"off\"` does nothing"),
        key::name("name = \"search\"").means("stands in events"),
        key::CRATE,
    ],
    positional: Positional::Write("value"),
    renamed: &[("with", "function")],
    only_async: None,
    parse,
};

struct Fallback {
    common: Common,
    when: Option<When>,
    /// If old answers are kept, their key, unless all calls have the same, and where that was written.
    stale: Option<(Option<Expr>, Span)>,
    /// In the order in which they are tried.
    answers: Vec<Answer>,
}

enum Answer {
    /// The last good outcome.
    Stale,
    /// The answer of a function.
    With(Expr),
    /// A value, the end of every chain.
    Value(Expr),
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let Settings { errors, function, .. } = *settings;
    let span = settings.attribute.span();
    let [value_at, function_at, stale_at] = ["value", "function", "stale"].map(|key| settings.place(key));
    if value_at.or(function_at).or(stale_at).is_none() && settings.understood {
        errors.at(span, "fall back to what? write `value = …`, `function = a_function` or `stale = \"5m\"`");
    }
    if let (Some(value), Some(later), Some(span)) = (value_at, function_at.max(stale_at), settings.span("value"))
        && value < later
    {
        errors.at(span, "nothing after a `value` is ever tried, for it cannot fail: write it last");
    }
    let stale = stale(settings);

    let mut constructor = settings.constructor("Fallback");
    if let Some(max_age) = settings.duration("stale") {
        constructor = constructor.set("stale", "max_age", &max_age.value);
    }
    let mut answers: Vec<(Option<usize>, Answer)> = Vec::new();
    answers.extend(stale.is_some().then_some((stale_at, Answer::Stale)));
    let functions = settings.own("function", |_, functions| chain(functions)).map(|functions| functions.value);
    answers.extend(functions.into_iter().flatten().map(|function| (function_at, Answer::With(function))));
    answers.extend(settings.expression("value").map(|value| (value_at, Answer::Value(value))));
    answers.sort_by_key(|(place, _)| *place);
    let answers: Vec<Answer> = answers.into_iter().map(|(_, answer)| answer).collect();
    let reads_arguments = answers.iter().any(|answer| match answer {
        Answer::Stale => false,
        Answer::With(_) => true,
        Answer::Value(value) => reads_nothing_of_the_call(value, function).is_err(),
    });
    let common = Common::new(KIND.name, settings, Source::Own { ty: "Fallback", constructor });
    let when = settings.expression("when").map(When);
    vec![Box::new(Fallback { common: Common { reads_arguments, ..common }, when, stale, answers })]
}

/// The key of the outcomes that are kept, unless all calls have the same, and where `stale` was written.
fn stale(settings: &Settings<'_>) -> Option<(Option<Expr>, Span)> {
    let Some(span) = settings.span("stale") else {
        for key in ["key", "shared_across"] {
            if let Some(span) = settings.span(key) {
                let message =
                    format!("`{key}` says whose last good outcome to keep: add `stale = \"5m\"`, or remove it");
                settings.errors.at(span, message);
            }
        }
        return None;
    };
    let sharing = Sharing::parse(settings);
    if settings.function.signature.receiver().is_some() && !sharing.says_whose(None) {
        let reason = "an outcome is kept for calls on any `self`, also on one that comes later";
        settings.errors.at(span, format!("{reason}: {}", sharing::ADVICE));
    }
    settings.duration("stale").map(|_| (sharing.key, span))
}

/// A value, which is no `Result` yet, unless the function returns a `Result` of one.
fn good_value(value: &Expr, function: &Function) -> syn::Result<()> {
    if type_as_written(&function.output).matches("Result<").count() < 2
        && let Expr::Call(call) = value
        && let Expr::Path(path) = &*call.func
        && call.args.len() == 1
    {
        let inside = call.args.to_token_stream();
        if path.path.is_ident("Ok") {
            return Err(syn::Error::new_spanned(
                value,
                format!("`value` is what the `Ok` holds: write `value = {inside}`"),
            ));
        }
        if path.path.is_ident("Err") {
            return Err(syn::Error::new_spanned(
                value,
                "`value` is a good answer in place of the error: for another error, write `function = a_function` that returns it",
            ));
        }
    }
    Ok(())
}

/// `function = path`, or `function = [first, second]`.
fn chain(with: Expr) -> syn::Result<Vec<Expr>> {
    let functions = match with {
        Expr::Array(array) => array.elems.into_iter().collect(),
        function => vec![function],
    };
    for function in &functions {
        if let Expr::Lit(_) = function {
            return Err(syn::Error::new_spanned(
                function,
                "`function` takes a function of the arguments and the error: write `function = cached_hits`, or `value = …` for a value",
            ));
        }
    }
    Ok(functions)
}

/// Returns whether the type is none of the user's, and no `Result`.
///
/// The compiler knows of all others; it would report these three times, once for each thing that is done with the outcome.
fn is_no_result(output: &Type) -> bool {
    const KNOWN: &[&str] = &[
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
        "usize", "str", "String", "Vec", "Option", "HashMap", "HashSet",
    ];
    match output {
        Type::Tuple(_) | Type::Reference(_) | Type::Array(_) => true,
        Type::Path(path) => path.path.segments.last().is_some_and(|last| KNOWN.iter().any(|known| last.ident == known)),
        _ => false,
    }
}

impl Fallback {
    fn has_functions(&self) -> bool {
        self.answers.iter().any(|answer| matches!(answer, Answer::With(_)))
    }
}

impl Layer for Fallback {
    fn common(&self) -> &Common {
        &self.common
    }

    fn facts(&self) -> Facts {
        Facts { recovers: true, waits: self.has_functions(), ..Facts::default() }
    }

    fn check(&self, function: &Function, errors: &Errors) {
        if is_no_result(&function.output) {
            let output = type_as_written(&function.output);
            let message = format!(
                "`#[fallback]` replaces the `Err` of a `Result`, and `{}` returns `{output}`: return a `Result`, or remove it",
                function.name()
            );
            errors.over(&function.output, message);
        }
        if self.stale.is_some() {
            let reason = "`stale` keeps the good outcome for later calls, so that it cannot borrow from this one";
            let output = &function.output;
            let good = if let Type::Path(path) = output { types::argument(&path.path, 0) } else { None };
            sharing::check_owned(good.unwrap_or(output), reason, errors);
        }
        if !self.has_functions() {
            return;
        }
        for argument in &function.signature.inputs {
            if let FnArg::Typed(argument) = argument
                && !matches!(&*argument.pat, Pat::Ident(pattern) if pattern.subpat.is_none())
            {
                errors.over(
                    &argument.pat,
                    "the function that is fallen back to gets the arguments by reference: give this one a name",
                );
            }
        }
    }

    /// `open FALLBACK_` where functions answer, whose time nothing here limits.
    fn entry(&self, context: &Context<'_>) -> Option<TokenStream> {
        Some(entry(if self.has_functions() { "open" } else { "own" }, &context.policy))
    }

    fn declare(&self, context: &Context<'_>) -> TokenStream {
        let span = Span::mixed_site();
        let policy = self.common.declare(context);
        let kept = self.stale.as_ref().map(|(key, _)| {
            let (policy, call) = (context.receiver(), sharing::call(key.as_ref()));
            quote_spanned!(span=> let kept_ = #policy.#call.instance(|| ());)
        });
        quote_spanned!(span=> #policy #kept)
    }

    // Input:  outcome
    // Output: 'fallback: {
    //             let watch_ = FALLBACK_.begin();
    //             let failure_ = match watch_.settle(outcome) {
    //                 Rescue::Accept(outcome_) => break 'fallback outcome_,
    //                 Rescue::FallBack(failure_) => failure_,
    //             };
    //             if let Ok(value_) = answer(cached(query, failure_.error())).await {
    //                 break 'fallback failure_.with(value_);
    //             }
    //             failure_.unanswered()
    //         }
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let krate = context.krate;
        let policy = context.receiver();
        let notes = inside.notes.clone();
        let settled = inside.settled;
        let (statements, outcome) = inside.awaited(context);
        let output = &context.function.output;
        let method = context.function.settle();
        let settle = match deciding(self.when.as_ref(), context) {
            None if settled => quote_spanned!(span=> watch_.#method(#outcome)),
            None => {
                let output = context.function.output_at_error();
                quote_spanned!(span=> watch_.#method::<#output>(#outcome))
            }
            Some(when) => quote_spanned!(span=> watch_.settle_when(#outcome, #when)),
        };
        let accepted = match &self.stale {
            // what cannot be kept is reported where keeping was asked for
            Some((_, place)) => {
                let place = place.resolved_at(span);
                quote_spanned!(place=> kept_.keep(outcome_))
            }
            None => quote_spanned!(span=> outcome_),
        };
        let passed = passed(context.function);
        let recalled = self.stale.as_ref().map(|(_, place)| {
            let place = place.resolved_at(span);
            quote_spanned!(place=> kept_.recall())
        });
        let tried = self.answers.iter().map(|answer| match answer {
            Answer::Stale => quote_spanned! {span=>
                if let ::core::option::Option::Some(value_) = #recalled {
                    break 'fallback failure_.stale(value_);
                }
            },
            Answer::With(function) => {
                let place = function.span().resolved_at(span);
                let function = operand(function);
                let said = quote_spanned!(place=> #function(#(#passed,)* failure_.error()));
                let krate = placed(krate.to_token_stream(), place);
                let answer = if context.function.blocks {
                    quote_spanned!(place=> #krate::blocking::answered::<#output>(#said))
                } else {
                    quote_spanned!(place=> #krate::call::answer::<#output, _, _>(#said).await)
                };
                quote_spanned! {span=>
                    if let ::core::result::Result::Ok(value_) = #answer {
                        break 'fallback failure_.with(value_);
                    }
                }
            }
            Answer::Value(_) => TokenStream::new(),
        });
        let last = match self.answers.last() {
            Some(Answer::Value(value)) => {
                quote_spanned!(value.span().resolved_at(span)=> failure_.value(#value))
            }
            _ => quote_spanned!(span=> failure_.unanswered()),
        };
        let value = quote_spanned! {span=>
            'fallback: {
                let watch_ = #policy.begin();
                #statements
                let failure_ = match #settle {
                    #krate::call::Rescue::Accept(outcome_) => break 'fallback #accepted,
                    #krate::call::Rescue::FallBack(failure_) => failure_,
                };
                #(#tried)*
                #last
            }
        };
        let statements = TokenStream::new();
        Fragment { statements, form: Form::Expression(value), settled: false, notes }
    }
}

/// The arguments by reference.
fn passed(function: &Function) -> Vec<TokenStream> {
    let one = |argument: &FnArg| {
        let (conditions, reference) = (conditions_of(argument), passed_one(function, argument));
        quote_spanned!(Span::mixed_site()=> #(#conditions)* #reference)
    };
    function.signature.inputs.iter().map(one).collect()
}

fn passed_one(function: &Function, argument: &FnArg) -> TokenStream {
    match argument {
        FnArg::Receiver(receiver) => {
            let written = receiver.to_token_stream().to_string();
            by_reference(&function.this(receiver), written.starts_with('&'), written.starts_with("& mut"))
        }
        FnArg::Typed(argument) => {
            let name = match &*argument.pat {
                Pat::Ident(pattern) => pattern.ident.to_token_stream(),
                other => other.to_token_stream(),
            };
            match &*argument.ty {
                Type::Reference(reference) => by_reference(&name, true, reference.mutability.is_some()),
                _ => by_reference(&name, false, false),
            }
        }
    }
}

fn by_reference(name: &TokenStream, reference: bool, exclusive: bool) -> TokenStream {
    let span = Span::mixed_site();
    match (reference, exclusive) {
        (true, false) => name.clone(),
        (true, true) => quote_spanned!(span=> &*#name),
        (false, _) => quote_spanned!(span=> &#name),
    }
}
