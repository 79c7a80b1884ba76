//! `derive(Classify)`: the class of an error from the mark on each variant.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Ident, Member, Meta, Path, Token};

use crate::arguments::absolute_path;
use crate::diagnostic::{Errors, list, nearest};

/// What a mark says of a variant, or of a struct as a whole.
enum Mark {
    Transient,
    Permanent,
    /// With the field that says how long.
    Throttled(Option<Member>),
    /// The class of the one field.
    Transparent,
}

const MARKS: &[&str] = &["transient", "permanent", "throttled", "transparent"];

// Input:
//     #[derive(Classify)]
//     enum Error {
//         #[transient] Connect(io::Error),
//         #[throttled(after = wait)] Busy { wait: Duration },
//         #[transparent] Refused(resilient::Error),
//     }
//
// Output:
//     impl Classify for Error {
//         fn class(&self) -> Class {
//             match self {
//                 Self::Connect { .. } => Class::Transient,
//                 Self::Busy { wait: after, .. } => Class::Throttled { after: Option::from(*after) },
//                 Self::Refused { 0: inner, .. } => Classify::class(inner),
//             }
//         }
//
//         fn rejection(&self) -> Option<&resilient::Error> {
//             match self {
//                 Self::Refused { 0: inner, .. } => Classify::rejection(inner),
//                 _ => None,
//             }
//         }
//     }
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::new();
    let krate = krate(&input.attrs, &mut errors);
    let variants = variants(&input, &mut errors);
    let errors = errors.finish();
    // after a mistake the trait is still implemented, so that the one message is the only one
    let variants = if errors.is_some() { Vec::new() } else { variants };
    let implementation = implementation(&input, &krate, &variants, errors.is_some());
    quote_spanned!(Span::mixed_site()=> #errors #implementation)
}

/// A variant, or a struct as a whole, with what its mark says.
struct Variant<'a> {
    pattern: TokenStream,
    mark: Mark,
    fields: &'a Fields,
}

fn variants<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Vec<Variant<'a>> {
    let span = Span::mixed_site();
    let parts: Vec<(TokenStream, &Ident, &[Attribute], &Fields)> = match &input.data {
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
            Vec::new()
        }
    };
    parts
        .into_iter()
        .filter_map(|(pattern, name, attributes, fields)| {
            let mark = mark(name, attributes, fields, errors)?;
            Some(Variant { pattern, mark, fields })
        })
        .collect()
}

/// The one mark among the attributes.
fn mark(name: &Ident, attributes: &[Attribute], fields: &Fields, errors: &mut Errors) -> Option<Mark> {
    let marks: Vec<&Attribute> = attributes.iter().filter(|attribute| is_mark(attribute)).collect();
    match marks.as_slice() {
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
            errors.over(second, format!("`{name}` is marked twice: an error has one class"));
            None
        }
    }
}

pub(crate) fn is_mark(attribute: &Attribute) -> bool {
    MARKS.iter().any(|mark| attribute.path().is_ident(mark))
}

fn parse_mark(name: &Ident, attribute: &Attribute, fields: &Fields) -> syn::Result<Mark> {
    let path = attribute.path();
    if path.is_ident("throttled") {
        return match &attribute.meta {
            Meta::Path(_) => Ok(Mark::Throttled(None)),
            _ => {
                attribute.parse_args_with(|input: ParseStream<'_>| after(input, fields)).map(Some).map(Mark::Throttled)
            }
        };
    }
    if !matches!(attribute.meta, Meta::Path(_)) {
        let mark = path.to_token_stream();
        return Err(syn::Error::new_spanned(
            &attribute.meta,
            format!("`{mark}` takes no arguments: write `#[{mark}]`"),
        ));
    }
    match path {
        _ if path.is_ident("transient") => Ok(Mark::Transient),
        _ if path.is_ident("permanent") => Ok(Mark::Permanent),
        _ if fields.len() == 1 => Ok(Mark::Transparent),
        _ => {
            let message = format!(
                "`#[transparent]` takes the class of the one error inside, and `{name}` has {} fields",
                fields.len()
            );
            Err(syn::Error::new_spanned(attribute, message))
        }
    }
}

/// The field in `#[throttled(after = field)]`.
fn after(input: ParseStream<'_>, fields: &Fields) -> syn::Result<Member> {
    let key: Ident = input.parse()?;
    if key != "after" {
        return Err(syn::Error::new(key.span(), "`throttled` knows one argument: `#[throttled(after = field)]`"));
    }
    input.parse::<Token![=]>()?;
    let field: Member = input.parse()?;
    input.parse::<Option<Token![,]>>()?;
    if fields.members().any(|member| member == field) {
        return Ok(field);
    }
    let names: Vec<String> = fields.members().map(|member| member.to_token_stream().to_string()).collect();
    let written = field.to_token_stream().to_string();
    let message = match nearest(&written, names.iter().map(String::as_str)) {
        _ if names.is_empty() => format!("there is no field `{written}`: this has none"),
        Some(meant) => format!("there is no field `{written}`: did you mean `{meant}`?"),
        None => format!("there is no field `{written}`: the fields are {}", list(names.iter().map(String::as_str))),
    };
    Err(syn::Error::new(field.span(), message))
}

/// The path in `#[classify(crate = ::path)]`, or `::resilient`.
fn krate(attributes: &[Attribute], errors: &mut Errors) -> Path {
    let mut krate = syn::parse_quote_spanned!(Span::mixed_site()=> ::resilient);
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("classify")) {
        let parser = |input: ParseStream<'_>| {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            input.parse::<syn::Expr>()
        };
        match attribute.parse_args_with(parser).and_then(absolute_path) {
            Ok(path) => krate = path,
            Err(error) => errors.push(error),
        }
    }
    krate
}

fn implementation(input: &DeriveInput, krate: &Path, variants: &[Variant<'_>], failed: bool) -> TokenStream {
    let span = Span::mixed_site();
    let mut generics = input.generics.clone();
    let inner = variants.iter().filter(|variant| matches!(variant.mark, Mark::Transparent));
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
    let rejections = inner.map(|Variant { pattern, fields, .. }| {
        let field = fields.members().next();
        quote_spanned!(span=> #pattern { #field: inner, .. } => #krate::Classify::rejection(inner),)
    });
    let mut rejections = rejections.peekable();
    let rejection = rejections.peek().is_some().then(|| {
        let rejections: Vec<TokenStream> = rejections.collect();
        let rest =
            (rejections.len() < variants.len()).then(|| quote_spanned!(span=> _ => ::core::option::Option::None,));
        quote_spanned! {span=>
            fn rejection(&self) -> ::core::option::Option<&#krate::Error> {
                match self {
                    #(#rejections)*
                    #rest
                }
            }
        }
    });
    quote_spanned! {span=>
        #[automatically_derived]
        impl #parameters #krate::Classify for #name #arguments #where_clause {
            fn class(&self) -> #krate::Class {
                #class
            }

            #rejection
        }
    }
}

fn class(variant: &Variant<'_>, krate: &Path) -> TokenStream {
    let span = Span::mixed_site();
    let Variant { pattern, mark, fields } = variant;
    match mark {
        Mark::Transient => quote_spanned!(span=> #pattern { .. } => #krate::Class::Transient,),
        Mark::Permanent => quote_spanned!(span=> #pattern { .. } => #krate::Class::Permanent,),
        Mark::Throttled(None) => {
            quote_spanned!(span=> #pattern { .. } => #krate::Class::Throttled { after: ::core::option::Option::None },)
        }
        Mark::Throttled(Some(field)) => quote_spanned! {span=>
            #pattern { #field: after, .. } => #krate::Class::Throttled { after: ::core::option::Option::from(*after) },
        },
        Mark::Transparent => {
            let field = fields.members().next();
            quote_spanned!(span=> #pattern { #field: inner, .. } => #krate::Classify::class(inner),)
        }
    }
}
