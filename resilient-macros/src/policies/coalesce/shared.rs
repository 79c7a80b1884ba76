//! `share`: the callers get an `Arc` of what the body returns.

use proc_macro2::Span;
use quote::quote_spanned;
use syn::{ReturnType, Type};

use crate::diagnostic::Errors;
use crate::fragment::{Context, Form, Fragment};
use crate::function::Function;
use crate::types::unnamed;
use crate::when::is_result;

/// Rejects a function whose signature cannot change.
pub(super) fn check(share: Span, function: &Function, errors: &Errors) {
    if function.is_boxed() {
        errors.at(
            share,
            "`share` changes what the function returns, which a trait has fixed: derive `Clone` for the outcome, or return an `Arc`",
        );
    }
    if let ReturnType::Type(_, output) = &function.signature.output
        && let Some(unnamed) = unnamed(output)
    {
        errors.over(unnamed, "`share` has to name the type that is shared: write it out in place of `impl`");
    }
}

/// Returns what the callers get: `Result<Arc<T>, Arc<E>>`, or `Arc<O>` for any other output.
pub(super) fn output(context: &Context<'_>) -> Type {
    let span = Span::mixed_site();
    let (krate, output) = (context.krate, &context.function.output);
    if !is_result(output) {
        return Type::Verbatim(quote_spanned!(span=> ::std::sync::Arc<#output>));
    }
    Type::Verbatim(quote_spanned!(span=> <#output as #krate::call::Share>::Shared))
}

// Input:  future
// Output: let call_ = async move { share(future.await) };
//         coalesce_.run(call_)
//
// or, around what can refuse, `finish_shared::<Output>(coalesce_.run_settled(call_).await)`
pub(super) fn wrap(inside: Fragment, context: &Context<'_>, renews: Option<Span>) -> Fragment {
    let span = Span::mixed_site();
    let (krate, output) = (context.krate, &context.function.output);
    let policy = &context.policy;
    let (notes, settled) = (inside.notes.clone(), inside.settled);
    let (statements, inner) = inside.awaited(context);
    let shared = match is_result(output) {
        true => quote_spanned!(span=> #krate::call::Share::share(#inner)),
        false if settled => quote_spanned!(span=> ::std::sync::Arc::new(#krate::finish::<#output>(#inner))),
        false => quote_spanned!(span=> ::std::sync::Arc::new(#inner)),
    };
    let settled = settled && is_result(output);
    let inside = Fragment { statements, form: Form::Expression(shared), settled, notes };
    let run = super::run(settled, renews, span);
    let around = inside.around(context, |future| quote_spanned!(span=> #policy.#run(#future)));
    if !settled {
        return around;
    }
    let notes = around.notes.clone();
    let (statements, value) = around.awaited(context);
    let finished = quote_spanned!(span=> #krate::call::finish_shared::<#output>(#value));
    Fragment { statements, form: Form::Expression(finished), settled: false, notes }
}
