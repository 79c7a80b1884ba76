//! The way through an `impl`, a trait or a module: to each function inside that may carry policies, the rule is added as an attribute.
//!
//! Only what leads to the functions is read; everything else stays as it is, token by token.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::parse::{ParseBuffer, ParseStream, Parser};
use syn::{Attribute, Ident, Signature, Token, Visibility, token};

use super::is_async;
use crate::diagnostic::Errors;
use crate::enforce::Last;
use crate::family::is_inert;
use crate::function::future_output;

/// The item with `rule` on every function inside that it may be for; `None` if it holds no functions.
pub(crate) fn container(item: TokenStream, rule: &dyn Fn(Last) -> TokenStream) -> Option<TokenStream> {
    let parser = |input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let holds = starts_container(input);
        let is_outline = input.peek(Token![mod]) && input.peek3(Token![;]);
        input.parse::<TokenStream>()?;
        Ok(holds || is_outline)
    };
    if !parser.parse2(item.clone()).ok()? {
        return None;
    }
    let errors = Errors::new();
    let walk = |input: ParseStream<'_>| one(input, rule, &errors);
    let walked = walk.parse2(item.clone());
    let item = match walked {
        Ok(walked) => walked,
        Err(error) => {
            errors.push(error);
            item
        }
    };
    let errors = errors.finish();
    Some(quote_spanned!(Span::mixed_site()=> #errors #item))
}

/// Returns whether an `impl`, a trait or an inline module begins here.
fn starts_container(input: &ParseBuffer<'_>) -> bool {
    let ahead = input.fork();
    // `unsafe impl`, `default impl`, `unsafe auto trait`, `const impl`
    while ahead.peek(Token![unsafe])
        || ahead.peek(Token![default])
        || ahead.peek(Token![auto])
        || ahead.peek(Token![const])
    {
        if ahead.parse::<TokenTree>().is_err() {
            return false;
        }
    }
    ahead.peek(Token![impl])
        || ahead.peek(Token![trait])
        || ahead.peek(Token![mod]) && ahead.peek2(Ident) && ahead.peek3(token::Brace)
}

/// The items of a body.
fn all(body: TokenStream, rule: &dyn Fn(Last) -> TokenStream, errors: &Errors) -> TokenStream {
    let mut walked = TokenStream::new();
    let parser = |input: ParseStream<'_>| {
        for attribute in input.call(Attribute::parse_inner)? {
            attribute.to_tokens(&mut walked);
        }
        while !input.is_empty() {
            walked.extend(one(input, rule, errors)?);
        }
        Ok(())
    };
    match parser.parse2(body.clone()) {
        Ok(()) => walked,
        Err(error) => {
            errors.push(error);
            body
        }
    }
}

/// One item.
fn one(input: ParseStream<'_>, rule: &dyn Fn(Last) -> TokenStream, errors: &Errors) -> syn::Result<TokenStream> {
    let attributes = input.call(Attribute::parse_outer)?;
    let mut item = TokenStream::new();
    for attribute in &attributes {
        attribute.to_tokens(&mut item);
    }
    if attributes.iter().any(is_for_tests) {
        rest(input, &mut item)?;
        return Ok(item);
    }
    if let Some(tokens) = function(input, &attributes, rule)? {
        item.extend(tokens);
    } else if starts_container(&after_visibility(input)) {
        input.parse::<Visibility>()?.to_tokens(&mut item);
        holder(input, rule, &mut item, errors)?;
    } else {
        let ahead = after_visibility(input);
        if ahead.peek(Token![mod]) && ahead.peek3(Token![;]) {
            ahead.parse::<Token![mod]>()?;
            let name: Ident = ahead.parse()?;
            let message = format!(
                "`mod {name};` is in a file of its own, which cannot be seen from here: put an `#[enforce(…)]` on the items in that file"
            );
            errors.at(name.span(), message);
        }
        rest(input, &mut item)?;
    }
    Ok(item)
}

fn after_visibility<'a>(input: &ParseBuffer<'a>) -> ParseBuffer<'a> {
    let ahead = input.fork();
    if ahead.fork().parse::<Visibility>().is_ok() {
        let _ = ahead.parse::<Visibility>();
    }
    ahead
}

/// Returns whether it stands only in tests, which are no part of the product.
fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.meta.require_list().is_ok_and(|condition| condition.tokens.to_string() == "test")
}

/// A function, with the rule if it is one for it; `None` if here is none.
fn function(
    input: ParseStream<'_>,
    attributes: &[Attribute],
    rule: &dyn Fn(Last) -> TokenStream,
) -> syn::Result<Option<TokenStream>> {
    let ahead = input.fork();
    let visibility = ahead.parse::<Visibility>();
    let default = ahead.peek(Token![default]).then(|| ahead.parse::<Token![default]>()).transpose()?;
    let Ok(signature) = ahead.parse::<Signature>() else { return Ok(None) };
    input.parse::<Visibility>()?;
    input.parse::<Option<Token![default]>>()?;
    input.parse::<Signature>()?;
    let rule = due(&signature, attributes).filter(|_| input.peek(token::Brace)).map(rule);
    let visibility = visibility?;
    let mut tokens = quote_spanned!(Span::mixed_site()=> #rule #visibility #default #signature);
    rest(input, &mut tokens)?;
    Ok(Some(tokens))
}

/// Returns when the rule is for such a function: one that returns a future is an `async fn` in other words, and one that blocks may carry
/// policies, among attributes that are not all known.
fn due(signature: &Signature, attributes: &[Attribute]) -> Option<Last> {
    if signature.constness.is_some() {
        return None;
    }
    if !is_async(signature) && future_output(&signature.output).is_some() {
        return Some(Last::Always);
    }
    (is_async(signature) || !attributes.iter().all(is_inert)).then_some(Last::IfCarried)
}

/// An `impl`, a trait or a module, with the rule inside.
fn holder(
    input: ParseStream<'_>,
    rule: &dyn Fn(Last) -> TokenStream,
    item: &mut TokenStream,
    errors: &Errors,
) -> syn::Result<()> {
    let mut angles = 0_i32;
    let mut before = ' ';
    while !input.is_empty() {
        let token: TokenTree = input.parse()?;
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && angles <= 0 => {
                let mut body = Group::new(Delimiter::Brace, all(group.stream(), rule, errors));
                body.set_span(group.span());
                TokenTree::Group(body).to_tokens(item);
                return Ok(());
            }
            TokenTree::Punct(punct) => {
                angles += match punct.as_char() {
                    '<' => 1,
                    // not that of an arrow
                    '>' if before != '-' && before != '=' => -1,
                    _ => 0,
                };
                before = punct.as_char();
                punct.to_tokens(item);
            }
            other => {
                before = ' ';
                other.to_tokens(item);
            }
        }
    }
    Ok(())
}

/// Everything up to the end of an item: its `;`, or the braces of its body.
fn rest(input: ParseStream<'_>, item: &mut TokenStream) -> syn::Result<()> {
    // braces in these are part of a value, or of a list
    let to_semicolon = {
        let ahead = after_visibility(input);
        let is_value = ahead.peek(Token![const]) || ahead.peek(Token![static]) || ahead.peek(Token![type]);
        let is_function = ahead.fork().parse::<Signature>().is_ok();
        (is_value || ahead.peek(Token![use])) && !is_function
    };
    while !input.is_empty() {
        let token: TokenTree = input.parse()?;
        let ends = match &token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !to_semicolon,
            TokenTree::Punct(punct) => punct.as_char() == ';',
            _ => false,
        };
        token.to_tokens(item);
        if ends {
            break;
        }
    }
    Ok(())
}
