//! The type of one caller's part of a batch.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, ReturnType, Type};

use crate::fragment::Context;
use crate::types::{argument, named};

/// The part of the output that is for one key: written out if its shape can be told from its names, and otherwise left to the
/// runtime's trait.
pub(super) fn of_one(output: &ReturnType, key: &Type, context: &Context<'_>) -> TokenStream {
    let ReturnType::Type(_, output) = output else { return TokenStream::new() };
    if let Some(one) = written_out(output) {
        return one;
    }
    let krate = context.krate;
    // at the output, which is what is wrong if there is no such type
    let span = output.span().resolved_at(Span::mixed_site());
    quote_spanned!(span=> <#output as #krate::call::BatchOutcome<#key>>::One)
}

fn written_out(output: &Type) -> Option<TokenStream> {
    if let Some(outcomes) = named(output, "Vec") {
        let outcome = argument(outcomes, 0)?;
        return named(outcome, "Result").map(|_| outcome.to_token_stream());
    }
    let answers = argument(named(output, "Result")?, 0)?;
    let one = if let Some(map) = named(answers, "HashMap").or(named(answers, "BTreeMap")) {
        let value = argument(map, 1)?;
        syn::parse_quote_spanned!(Span::mixed_site()=> ::core::option::Option<#value>)
    } else {
        argument(named(argument(named(answers, "Vec")?, 0)?, "Result")?, 0)?.clone()
    };
    let mut outcome = named(output, "Result")?.clone();
    let PathArguments::AngleBracketed(arguments) = &mut outcome.segments.last_mut()?.arguments else { return None };
    *arguments.args.first_mut()? = GenericArgument::Type(one);
    Some(outcome.to_token_stream())
}
