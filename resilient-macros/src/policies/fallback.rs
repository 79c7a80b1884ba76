//! `#[fallback]`: another answer for what failed inside.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, FnArg, GenericArgument, Pat, PathArguments, Type};

use crate::arguments::{Arguments, Key, Positional};
use crate::companion::conditions_of;
use crate::diagnostic::Errors;
use crate::fragment::{Context, Fragment, Value};
use crate::function::Function;
use crate::policies::sharing::{self, Sharing};
use crate::policy::{Facts, Kind, Layer};
use crate::source::{Constructor, Source, declare, operand};
use crate::value::{self, Known};
use crate::when::{When, deciding};

pub(crate) const KIND: Kind = Kind {
    name: "fallback",
    keys: &[
        Key::usage("value", "value = Vec::new()"),
        Key::usage("with", "with = cached_hits"),
        Key::usage("stale", "stale = \"5m\""),
        Key::usage("key", "key = (query, page)"),
        Key::usage("shared_across", "shared_across(token)"),
        Key::usage("when", "when = |error: &MyError| error.is_temporary()"),
        Key::setting("name", "name = \"search\""),
        Key::usage("crate", "crate = ::resilient"),
    ],
    positional: Positional::Write("value"),
    parse,
};

struct Fallback {
    span: Span,
    source: Source,
    when: Option<When>,
    /// If old answers are kept, their key, unless all calls have the same, and where that was written.
    stale: Option<(Option<Expr>, Span)>,
    /// In the order in which they are tried.
    answers: Vec<Answer>,
    /// Whether one of them reads the function's arguments.
    reads_arguments: bool,
}

enum Answer {
    /// The last good outcome.
    Stale,
    /// What a function says.
    With(Expr),
    /// A value, the end of every chain.
    Value(Expr),
}

fn parse(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Vec<Box<dyn Layer>> {
    let span = arguments.attribute.span();
    let [value_at, with_at, stale_at] = ["value", "with", "stale"].map(|key| arguments.place(key));
    let keyed = ["key", "shared_across"].map(|key| (key, arguments.span(key)));
    let stale_span = arguments.span("stale").unwrap_or(span);
    let value_span = arguments.span("value");
    let when = arguments.value("when", errors, |_, when| Ok(When(when)));
    let name = arguments.name(context.function, errors);
    let value = arguments.value("value", errors, |_, value| good_value(value, context.function));
    let with = arguments.value("with", errors, |_, with| chain(with));
    let max_age = arguments.constant("stale", context.function, errors, age);
    let sharing = match stale_at {
        Some(_) => Some(Sharing::parse(arguments, context.function, errors)),
        None => {
            arguments.value("key", errors, |_, key| Ok(key));
            arguments.names("shared_across", errors);
            None
        }
    };
    if value_at.or(with_at).or(stale_at).is_none() && arguments.understood {
        errors.at(span, "fall back to what? write `value = …`, `with = a_function` or `stale = \"5m\"`");
    }
    for (key, span) in keyed {
        if let (None, Some(span)) = (stale_at, span) {
            errors
                .at(span, format!("`{key}` says whose last good outcome to keep: add `stale = \"5m\"`, or remove it"));
        }
    }
    if let (Some(sharing), Some(_)) = (&sharing, context.function.signature.receiver())
        && !sharing.says_whose(None)
    {
        let reason = "an outcome is kept for calls on any `self`, also on one that comes later";
        errors.at(stale_span, format!("{reason}: {}", sharing::ADVICE));
    }
    if let (Some(value), Some(later), Some(span)) = (value_at, with_at.max(stale_at), value_span)
        && value < later
    {
        errors.at(span, "nothing after a `value` is ever tried, for it cannot fail: write it last");
    }

    let call = quote_spanned!(Span::mixed_site()=> named(#name));
    let constructor = Constructor::new("Fallback", call, arguments, context).set("max_age", max_age.as_ref());
    let stale = max_age.and(sharing).map(|sharing| (sharing.key, stale_span));
    let mut answers: Vec<(Option<usize>, Answer)> = Vec::new();
    answers.extend(stale.is_some().then_some((stale_at, Answer::Stale)));
    answers.extend(with.into_iter().flatten().map(|function| (with_at, Answer::With(function))));
    answers.extend(value.map(|value| (value_at, Answer::Value(value))));
    answers.sort_by_key(|(place, _)| *place);
    let answers: Vec<Answer> = answers.into_iter().map(|(_, answer)| answer).collect();
    let reads_arguments = answers.iter().any(|answer| match answer {
        Answer::Stale => false,
        Answer::With(_) => true,
        Answer::Value(value) => value::reads_nothing_of_the_call(value, context.function).is_err(),
    });
    let source = Source::Own { ty: "Fallback", constructor };
    vec![Box::new(Fallback { span, source, when, stale, answers, reads_arguments })]
}

/// A value, which is no `Result` yet, unless the function returns a `Result` of one.
fn good_value(value: Expr, function: &Function) -> syn::Result<Expr> {
    if crate::wording::type_as_written(&function.output).matches("Result<").count() < 2
        && let Expr::Call(call) = &value
        && let Expr::Path(path) = &*call.func
        && call.args.len() == 1
    {
        let inside = call.args.to_token_stream();
        if path.path.is_ident("Ok") {
            return Err(syn::Error::new_spanned(
                &value,
                format!("`value` is what the `Ok` holds: write `value = {inside}`"),
            ));
        }
        if path.path.is_ident("Err") {
            return Err(syn::Error::new_spanned(
                &value,
                "`value` is a good answer in place of the error: for another error, write `with = a_function` that returns it",
            ));
        }
    }
    Ok(value)
}

/// `with = path`, or `with = [first, second]`.
fn chain(with: Expr) -> syn::Result<Vec<Expr>> {
    let functions = match with {
        Expr::Array(array) => array.elems.into_iter().collect(),
        function => vec![function],
    };
    for function in &functions {
        if let Expr::Lit(_) = function {
            return Err(syn::Error::new_spanned(
                function,
                "`with` takes a function of the arguments and the error: write `with = cached_hits`, or `value = …` for a value",
            ));
        }
    }
    Ok(functions)
}

fn age(key: &str, expression: Expr) -> syn::Result<Known<Duration>> {
    let written = expression.span();
    let age = value::duration(key, expression)?;
    match age.literal() {
        Some(Duration::ZERO) => {
            Err(syn::Error::new(written, "an outcome of no age is never there: write, say, `\"5m\"`"))
        }
        _ => Ok(age),
    }
}

/// Whether the type is none of the user's, and no `Result`.
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

/// The good type of a `Result<T, E>` that is written out, and otherwise all of it.
fn good(output: &Type) -> &Type {
    let Type::Path(path) = output else { return output };
    let Some(last) = path.path.segments.last() else { return output };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return output };
    match arguments.args.first() {
        Some(GenericArgument::Type(good)) => good,
        _ => output,
    }
}

impl Fallback {
    fn has_functions(&self) -> bool {
        self.answers.iter().any(|answer| matches!(answer, Answer::With(_)))
    }
}

impl Layer for Fallback {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn span(&self) -> Span {
        self.span
    }

    fn facts(&self) -> Facts {
        Facts { recovers: true, waits: self.has_functions(), reads_arguments: self.reads_arguments, ..Facts::default() }
    }

    fn check(&self, function: &Function, errors: &Errors) {
        if is_no_result(&function.output) {
            let output = crate::wording::type_as_written(&function.output);
            let message = format!(
                "`#[fallback]` replaces the `Err` of a `Result`, and `{}` returns `{output}`: return a `Result`, or remove it",
                function.name()
            );
            errors.over(&function.output, message);
        }
        if self.stale.is_some() {
            let reason = "`stale` keeps the good outcome for later calls, so that it cannot borrow from this one";
            sharing::check_owned(good(&function.output), reason, errors);
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

    fn declare(&self, context: &Context<'_>) -> TokenStream {
        let span = Span::mixed_site();
        let policy = declare(&self.source, context);
        let kept = self.stale.as_ref().map(|(key, _)| {
            let (policy, call) = (&context.policy, sharing::call(key.as_ref()));
            quote_spanned!(span=> let kept_ = #policy.#call.instance(|| ());)
        });
        quote_spanned!(span=> #policy #kept)
    }

    // Input:  outcome
    // Output: 'fallback: {
    //             let failure_ = match fallback_.settle(outcome) {
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
        let policy = &context.policy;
        let (statements, outcome) = (&inside.statements, inside.expression());
        let output = &context.function.output;
        let method = context.function.settle();
        let settle = match deciding(self.when.as_ref(), context) {
            None if inside.settled => quote_spanned!(span=> #policy.#method(#outcome)),
            None => quote_spanned!(span=> #policy.#method::<#output>(#outcome)),
            Some(when) => quote_spanned!(span=> #policy.settle_when(#outcome, #when)),
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
                let krate = at(place, krate);
                let answer = quote_spanned!(place=> #krate::answer::<#output, _, _>(#said).await);
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
                #statements
                let failure_ = match #settle {
                    #krate::Rescue::Accept(outcome_) => break 'fallback #accepted,
                    #krate::Rescue::FallBack(failure_) => failure_,
                };
                #(#tried)*
                #last
            }
        };
        Fragment { statements: TokenStream::new(), value: Value::Expression(value), settled: false, ..inside }
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

/// The tokens, with `place` where the compiler shows them.
fn at(place: Span, tokens: &impl ToTokens) -> TokenStream {
    let located = tokens.to_token_stream().into_iter().map(|mut token| {
        token.set_span(token.span().located_at(place));
        token
    });
    located.collect()
}

fn by_reference(name: &TokenStream, reference: bool, exclusive: bool) -> TokenStream {
    let span = Span::mixed_site();
    match (reference, exclusive) {
        (true, false) => name.clone(),
        (true, true) => quote_spanned!(span=> &*#name),
        (false, _) => quote_spanned!(span=> &#name),
    }
}
