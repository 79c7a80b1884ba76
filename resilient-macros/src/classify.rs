//! `derive(Classify)`: the class of an error from the mark on each variant.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Ident, Member, Meta, Path, Token};

use crate::arguments::absolute_path;
use crate::diagnostic::Errors;
use crate::wording::{choice, nearest, type_as_written};

/// The mark of a variant, or of a struct as a whole.
enum Mark {
    /// With the field that says how long to wait.
    Transient(Option<Member>),
    Permanent,
    /// The same.
    Throttled(Option<Member>),
    /// The class of the one field, from which the error can also be made.
    Transparent {
        from: bool,
    },
}

const MARKS: &[&str] = &["transient", "permanent", "throttled", "transparent"];

// Input:
//     #[derive(Classify)]
//     enum Error {
//         #[transient] Connect(io::Error),
//         #[transient(after = wait)] Down { wait: Duration },
//         #[throttled(after = wait)] Busy { wait: Duration },
//         #[transparent] Refused(resilient::Error),
//     }
//
// Output:
//     impl Classify for Error {
//         fn class(&self) -> Class {
//             match self {
//                 Self::Connect { .. } => Class::Transient,
//                 Self::Down { .. } => Class::Transient,
//                 Self::Busy { wait: after, .. } => Class::Throttled { after: From::from(*after_) },
//                 Self::Refused { 0: inner, .. } => Classify::class(inner),
//             }
//         }
//
//         fn rejection(&self) -> Option<&resilient::Error> {
//             match self {
//                 Self::Refused { 0: inner_, .. } => Classify::rejection(inner_),
//                 _ => None,
//             }
//         }
//
//         fn forbids_attempts(&self) -> bool {
//             match self {
//                 Self::Refused { 0: inner_, .. } => Classify::forbids_attempts(inner_),
//                 _ => false,
//             }
//         }
//
//         fn hint(&self) -> Option<Duration> {
//             match self {
//                 Self::Down { wait: after_, .. } => From::from(*after_),
//                 Self::Refused { 0: inner_, .. } => Classify::hint(inner_),
//                 _ => None,
//             }
//         }
//     }
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let errors = Errors::new();
    let krate = krate(&input.attrs, &errors);
    let variants = variants(&input, &errors);
    check_conversions(variants.as_deref().unwrap_or_default(), &errors);
    let errors = errors.finish();
    // after a mistake the trait is still implemented, so that the one message is the only one
    let variants = variants.filter(|_| errors.is_none());
    let implementation = implementation(&input, &krate, variants.as_deref());
    quote_spanned!(Span::mixed_site()=> #errors #implementation)
}

/// A variant, or a struct as a whole, with what its mark says.
struct Variant<'a> {
    pattern: TokenStream,
    mark: Mark,
    fields: &'a Fields,
}

/// The variants, unless one of them has no class.
fn variants<'a>(input: &'a DeriveInput, errors: &Errors) -> Option<Vec<Variant<'a>>> {
    let span = Span::mixed_site();
    let parts: Vec<(TokenStream, &Ident, &[Attribute], &Fields)> = match &input.data {
        Data::Enum(_) if input.attrs.iter().any(is_mark) => {
            for attribute in input.attrs.iter().filter(|attribute| is_mark(attribute)) {
                errors.over(attribute, "each variant of an `enum` has a class of its own: put a mark on every variant");
            }
            return None;
        }
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|variant| {
                let name = &variant.ident;
                (quote_spanned!(span=> Self::#name), name, variant.attrs.as_slice(), &variant.fields)
            })
            .collect(),
        Data::Struct(data) => vec![(quote_spanned!(span=> Self), &input.ident, &input.attrs, &data.fields)],
        Data::Union(data) => {
            let message = "nothing says which field of a union is in use: implement `Classify` by hand";
            errors.at(data.union_token.span, message);
            return None;
        }
    };
    let marked = parts.into_iter().map(|(pattern, name, attributes, fields)| {
        for attribute in fields.iter().flat_map(|field| &field.attrs).filter(|attribute| is_mark(attribute)) {
            errors.over(attribute, format!("a mark is for all of `{name}`: put it before the name"));
        }
        let mark = mark(name, attributes, fields, errors)?;
        Some(Variant { pattern, mark, fields })
    });
    // all of them, so that every mistake is found
    let marked: Vec<Option<Variant<'_>>> = marked.collect();
    marked.into_iter().collect()
}

/// The one mark among the attributes.
fn mark(name: &Ident, attributes: &[Attribute], fields: &Fields, errors: &Errors) -> Option<Mark> {
    let marks: Vec<&Attribute> = attributes.iter().filter(|attribute| is_mark(attribute)).collect();
    match marks.as_slice() {
        // a misspelt mark, which the compiler reports
        [] if attributes.iter().any(is_almost_mark) => None,
        [] => {
            let message = format!(
                "what does `{name}` mean? mark it `#[transient]` (try again), `#[permanent]` (never again), `#[throttled]` (the server asked for less) or `#[transparent]` (as the error inside)"
            );
            errors.at(name.span(), message);
            None
        }
        [attribute] => match parse_mark(name, attribute, fields) {
            Ok(mark) => Some(mark),
            Err(error) => {
                errors.push(error);
                None
            }
        },
        [_, second, ..] => {
            errors.over(second, format!("`{name}` is marked twice: an error has one class, so keep one mark"));
            None
        }
    }
}

/// Refuses a second `#[transparent(from)]` of one type, since nothing says which variant an error of it becomes.
fn check_conversions(variants: &[Variant<'_>], errors: &Errors) {
    let mut known: Vec<(String, String)> = Vec::new();
    for Variant { pattern, mark, fields } in variants {
        let (Mark::Transparent { from: true }, Some(field)) = (mark, fields.iter().next()) else { continue };
        let (ty, name) = (type_as_written(&field.ty), pattern.to_string().replace(' ', "").replace("Self::", ""));
        match known.iter().find(|(other, _)| *other == ty) {
            Some((_, first)) => errors.over(
                &field.ty,
                format!("`{first}` is made from `{ty}` already: keep `(from)` at one of the two, and write `#[transparent]` here"),
            ),
            None => known.push((ty, name)),
        }
    }
}

pub(crate) fn is_mark(attribute: &Attribute) -> bool {
    MARKS.iter().any(|mark| attribute.path().is_ident(mark))
}

fn is_almost_mark(attribute: &Attribute) -> bool {
    attribute.path().get_ident().is_some_and(|name| nearest(&name.to_string(), MARKS.iter().copied()).is_some())
}

fn parse_mark(name: &Ident, attribute: &Attribute, fields: &Fields) -> syn::Result<Mark> {
    let path = attribute.path();
    for (word, with) in [("throttled", Mark::Throttled as fn(Option<Member>) -> Mark), ("transient", Mark::Transient)] {
        if path.is_ident(word) {
            return wait(word, attribute, fields).map(with);
        }
    }
    let from = path.is_ident("transparent") && is_from(attribute);
    if !from && !matches!(attribute.meta, Meta::Path(_)) {
        let mark = path.to_token_stream();
        return Err(syn::Error::new_spanned(
            &attribute.meta,
            if path.is_ident("transparent") {
                "write `#[transparent]`, or `#[transparent(from)]` for a `From` of the error inside".to_owned()
            } else {
                format!("`{mark}` takes no arguments: write `#[{mark}]`")
            },
        ));
    }
    match path {
        _ if path.is_ident("permanent") => Ok(Mark::Permanent),
        _ if fields.len() == 1 => {
            match fields.iter().flat_map(|field| &field.attrs).find(|attribute| attribute.path().is_ident("from")) {
                Some(_) if from => Err(syn::Error::new_spanned(
                    attribute,
                    "`#[from]` makes this conversion too: write `#[transparent]`",
                )),
                _ => Ok(Mark::Transparent { from }),
            }
        }
        _ => {
            let message = format!(
                "`#[transparent]` takes the class of the one error inside, and `{name}` has {} fields: give it another mark, or implement `Classify` by hand",
                fields.len()
            );
            Err(syn::Error::new_spanned(attribute, message))
        }
    }
}

/// The field in `#[throttled(after = field)]` and its like, if there is one.
fn wait(word: &str, attribute: &Attribute, fields: &Fields) -> syn::Result<Option<Member>> {
    match &attribute.meta {
        Meta::Path(_) => Ok(None),
        Meta::List(arguments) => {
            let (key, field) = arguments.parse_args_with(key_and_field).map_err(|error| {
                let message = format!(
                    "write `#[{word}(after = field)]`, with the field that says how long to wait, or just `#[{word}]`"
                );
                syn::Error::new(error.span(), message)
            })?;
            after(word, &key, field, fields).map(Some)
        }
        Meta::NameValue(pair) => Err(syn::Error::new(
            pair.eq_token.span,
            format!("the field goes into parentheses: write `#[{word}(after = field)]`"),
        )),
    }
}

fn key_and_field(input: ParseStream<'_>) -> syn::Result<(Ident, Member)> {
    let key: Ident = input.parse()?;
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(key.span(), "a key without its field"));
    }
    input.parse::<Token![=]>()?;
    let field = input.parse()?;
    input.parse::<Option<Token![,]>>()?;
    Ok((key, field))
}

/// The field, which must be one of the variant's.
fn after(word: &str, key: &Ident, field: Member, fields: &Fields) -> syn::Result<Member> {
    if key != "after" {
        let message = format!("unknown argument `{key}`: `{word}` knows one, `after = field`");
        return Err(syn::Error::new(key.span(), message));
    }
    if fields.members().any(|member| member == field) {
        return Ok(field);
    }
    let names: Vec<String> = fields.members().map(|member| member.to_token_stream().to_string()).collect();
    let written = field.to_token_stream().to_string();
    let message = match nearest(&written, names.iter().map(String::as_str)) {
        _ if names.is_empty() => format!("there is no field `{written}`: this has none"),
        Some(meant) => format!("there is no field `{written}`: did you mean `{meant}`?"),
        None => format!("there is no field `{written}`: {}", choice("field", names.iter().map(String::as_str))),
    };
    Err(syn::Error::new(field.span(), message))
}

/// The path in `#[classify(crate = ::path)]`, or `::resilient`.
fn krate(attributes: &[Attribute], errors: &Errors) -> Path {
    let mut krate = syn::parse_quote_spanned!(Span::mixed_site()=> ::resilient);
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("classify")) {
        let parser = |input: ParseStream<'_>| {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            input.parse::<syn::Expr>()
        };
        let path = attribute.parse_args_with(parser).map_err(|error| {
            syn::Error::new(error.span(), "`classify` knows one argument: write `#[classify(crate = ::resilient)]`")
        });
        match path.and_then(absolute_path) {
            Ok(path) => krate = path,
            Err(error) => errors.push(error),
        }
    }
    krate
}

/// The implementation; without variants, one that only type-checks.
fn implementation(input: &DeriveInput, krate: &Path, variants: Option<&[Variant<'_>]>) -> TokenStream {
    let span = Span::mixed_site();
    let failed = variants.is_none();
    let variants = variants.unwrap_or_default();
    let mut generics = input.generics.clone();
    let inner = variants.iter().filter(|variant| matches!(variant.mark, Mark::Transparent { .. }));
    for field in inner.clone().flat_map(|variant| variant.fields) {
        let ty = &field.ty;
        if input.generics.type_params().next().is_some() {
            generics.make_where_clause().predicates.push(syn::parse_quote_spanned!(span=> #ty: #krate::Classify));
        }
    }
    let name = &input.ident;
    let (parameters, arguments, where_clause) = generics.split_for_impl();
    let class = if failed {
        quote_spanned!(span=> ::core::unreachable!())
    } else {
        let arms = variants.iter().map(|variant| class(variant, krate));
        match variants {
            [] => quote_spanned!(span=> match *self {}),
            _ => quote_spanned!(span=> match self { #(#arms)* }),
        }
    };
    let inner: Vec<&Variant<'_>> = inner.collect();
    let forwards = |method: &str, own: Vec<TokenStream>, otherwise: TokenStream| {
        let method = Ident::new(method, span);
        let arms = inner.iter().map(|Variant { pattern, fields, .. }| {
            let inner = inner_error(fields, krate);
            let field = fields.members().next();
            quote_spanned!(span=> #pattern { #field: inner_, .. } => #inner::#method(inner_),)
        });
        let rest = (inner.len() + own.len() < variants.len()).then(|| quote_spanned!(span=> _ => #otherwise,));
        quote_spanned!(span=> match self { #(#own)* #(#arms)* #rest })
    };
    let none = || quote_spanned!(span=> ::core::option::Option::None);
    let waits: Vec<TokenStream> = variants
        .iter()
        .filter_map(|Variant { pattern, mark, fields }| {
            let Mark::Transient(Some(field)) = mark else { return None };
            let wait = read_wait(field, fields);
            Some(quote_spanned!(span=> #pattern { #field: after_, .. } => #wait,))
        })
        .collect();
    let hint = (!inner.is_empty() || !waits.is_empty()).then(|| {
        let hint = forwards("hint", waits, none());
        quote_spanned! {span=>
            fn hint(&self) -> ::core::option::Option<::core::time::Duration> {
                #hint
            }
        }
    });
    let forwarded = (!inner.is_empty()).then(|| {
        let rejection = forwards("rejection", Vec::new(), none());
        let forbids_attempts = forwards("forbids_attempts", Vec::new(), quote_spanned!(span=> false));
        quote_spanned! {span=>
            fn rejection(&self) -> ::core::option::Option<&#krate::Error> {
                #rejection
            }

            fn forbids_attempts(&self) -> bool {
                #forbids_attempts
            }
        }
    });
    let conversions = variants.iter().filter(|variant| matches!(variant.mark, Mark::Transparent { from: true }));
    let conversions = conversions.map(|variant| conversion(input, variant));
    quote_spanned! {span=>
        #[automatically_derived]
        impl #parameters #krate::Classify for #name #arguments #where_clause {
            fn class(&self) -> #krate::Class {
                #class
            }

            #forwarded

            #hint
        }

        #(#conversions)*
    }
}

/// The `From` of a variant marked `#[transparent(from)]`.
fn conversion(input: &DeriveInput, Variant { pattern, fields, .. }: &Variant<'_>) -> TokenStream {
    let span = Span::mixed_site();
    let name = &input.ident;
    let (parameters, arguments, where_clause) = input.generics.split_for_impl();
    let ty = fields.iter().map(|field| &field.ty).next();
    let variant = match fields.members().next() {
        Some(Member::Named(field)) => quote_spanned!(span=> #pattern { #field: inner_ }),
        _ => quote_spanned!(span=> #pattern(inner_)),
    };
    quote_spanned! {span=>
        #[automatically_derived]
        impl #parameters ::core::convert::From<#ty> for #name #arguments #where_clause {
            fn from(inner_: #ty) -> Self {
                #variant
            }
        }
    }
}

fn class(variant: &Variant<'_>, krate: &Path) -> TokenStream {
    let span = Span::mixed_site();
    let Variant { pattern, mark, fields } = variant;
    match mark {
        Mark::Transient(_) => quote_spanned!(span=> #pattern { .. } => #krate::Class::Transient,),
        Mark::Permanent => quote_spanned!(span=> #pattern { .. } => #krate::Class::Permanent,),
        Mark::Throttled(None) => {
            quote_spanned!(span=> #pattern { .. } => #krate::Class::Throttled { after: ::core::option::Option::None },)
        }
        Mark::Throttled(Some(field)) => {
            let after = read_wait(field, fields);
            quote_spanned!(span=> #pattern { #field: after_, .. } => #krate::Class::Throttled { after: #after },)
        }
        Mark::Transparent { .. } => {
            let inner = inner_error(fields, krate);
            let field = fields.members().next();
            quote_spanned!(span=> #pattern { #field: inner_, .. } => #inner::class(inner_),)
        }
    }
}

/// The wait in the field, with the place of the field's type for a type that is none.
fn read_wait(field: &Member, fields: &Fields) -> TokenStream {
    let span = Span::mixed_site();
    let written = fields.iter().zip(fields.members()).find(|(_, member)| member == field);
    let at_type = written.map_or(span, |(field, _)| field.ty.span().resolved_at(span));
    quote_spanned!(at_type=> ::core::convert::From::from(*after_))
}

/// Returns whether the mark is `#[transparent(from)]`.
fn is_from(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string() == "from")
}

/// The class of the inner error's type, which is spelled out so that it is what the compiler points at.
fn inner_error(fields: &Fields, krate: &Path) -> TokenStream {
    let ty = fields.iter().next().map(|field| &field.ty);
    quote_spanned!(Span::mixed_site()=> <#ty as #krate::Classify>)
}
