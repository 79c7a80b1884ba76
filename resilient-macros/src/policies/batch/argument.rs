//! The arguments of a function over many keys: the keys, and the others, which calls in one batch must agree on.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Attribute, Expr, FnArg, Ident, Pat, Receiver, ReceiverKind, Type};

use crate::diagnostic::Errors;
use crate::function::{Function, conditions, object};
use crate::tokens::mentions;
use crate::types::{Part, argument, named, of_argument, parts, unnamed};

/// The argument with the keys.
pub(super) struct Keys<'f> {
    pub(super) index: usize,
    /// The type of one.
    pub(super) key: &'f Type,
}

/// The keys: the argument marked `#[each]`, or the only one that is a `Vec`.
pub(super) fn keys(function: &Function) -> syn::Result<Keys<'_>> {
    let inputs = &function.signature.inputs;
    let index = match function.each.as_slice() {
        [] => {
            let mut vectors = inputs.iter().enumerate().filter(|(_, input)| key_of(input).is_some());
            match (vectors.next(), vectors.next()) {
                (Some((index, _)), None) => index,
                (None, _) => {
                    return Err(syn::Error::new(function.signature.paren_token.span.join(), SHAPES));
                }
                (Some(_), Some(_)) => {
                    let message = "which argument has the keys? mark it with `#[each]`; the others are the same for all of a batch";
                    return Err(syn::Error::new(function.signature.paren_token.span.join(), message));
                }
            }
        }
        [index] => *index,
        [_, second, ..] => {
            return Err(syn::Error::new_spanned(&inputs[*second], "`#[each]` marks one argument: that with the keys"));
        }
    };
    match key_of(&inputs[index]) {
        None => Err(syn::Error::new_spanned(&inputs[index], SHAPES)),
        Some(key) => match (borrowed(key), unnamed(key)) {
            (Some(reference), _) => Err(syn::Error::new_spanned(
                reference,
                "a key goes to the task of another caller and cannot be borrowed: take owned keys, such as `Vec<String>`",
            )),
            (_, Some(unnamed)) => Err(syn::Error::new_spanned(
                unnamed,
                "`#[batch]` has to name the key's type: give the function a type parameter in place of `impl`",
            )),
            (None, None) => Ok(Keys { index, key }),
        },
    }
}

const SHAPES: &str = "`#[batch]` needs the keys in a `Vec`: take `keys: Vec<K>`, and return a `Result<HashMap<K, V>, E>`, or a `Vec<Result<V, E>>` in the order of the keys";

fn key_of(input: &FnArg) -> Option<&Type> {
    argument(named(of_argument(input)?, "Vec")?, 0)
}

/// A reference in the type that does not live for ever.
fn borrowed(ty: &Type) -> Option<TokenStream> {
    parts(ty).into_iter().find_map(|part| match part {
        Part::Reference(reference) if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") => {
            Some(reference.to_token_stream())
        }
        Part::Lifetime(lifetime) if lifetime.ident != "static" => Some(lifetime.to_token_stream()),
        _ => None,
    })
}

/// Reports the other arguments that calls in one batch could not have in common.
pub(super) fn check(function: &Function, keys: Option<usize>, key: Option<&Expr>, errors: &Errors) {
    let mut incomparable = Vec::new();
    for (index, argument) in function.signature.inputs.iter().enumerate() {
        if Some(index) == keys {
            if let (FnArg::Typed(argument), Some(key)) = (argument, key) {
                not_the_keys(&argument.pat, key, errors);
            }
            continue;
        }
        match argument {
            FnArg::Receiver(receiver) => match &receiver.kind {
                ReceiverKind::Value => errors.over(
                    receiver,
                    "`#[batch]` tells the callers of one object from those of another, and this takes the object away: take `&self`",
                ),
                ReceiverKind::Reference(_, _, Some(_)) => errors.over(receiver, EXCLUSIVE),
                ReceiverKind::Typed(_, ty) if is_exclusive(ty) => errors.over(receiver, EXCLUSIVE),
                _ => {}
            },
            FnArg::Typed(argument) if is_exclusive(&argument.ty) => errors.over(&argument.ty, EXCLUSIVE),
            FnArg::Typed(argument) => {
                let Pat::Ident(pattern) = &*argument.pat else {
                    errors.over(&argument.pat, "`#[batch]` hands this argument on: give it a name, and take it apart in the body");
                    continue;
                };
                let name = &pattern.ident;
                match key {
                    Some(key) if !mentions(key.to_token_stream(), &name.to_string()) => errors.at_if(
                        &conditions(&argument.attrs),
                        name.span(),
                        format!("`group` says what calls in one batch agree on, and leaves out `{name}`: write `group = (…, {name})`"),
                    ),
                    Some(_) if function.signature.receiver().is_none() && name == function.name() => errors.at(
                        name.span(),
                        "an argument that is named like the function would be called in its place: give it another name",
                    ),
                    // without the keys, nobody knows which the others are
                    None if keys.is_some() && !matches!(*argument.ty, Type::Reference(_)) => {
                        incomparable.push((name, conditions(&argument.attrs)));
                    }
                    Some(_) | None => {}
                }
            }
        }
    }
    // those that may not be there are not asked for with the others
    let (certain, conditional): (Vec<_>, Vec<_>) =
        incomparable.into_iter().partition(|(_, conditions)| conditions.is_empty());
    let each = conditional.into_iter().map(|argument| vec![argument]);
    for arguments in [certain].into_iter().chain(each).filter(|arguments| !arguments.is_empty()) {
        incomparable_arguments(function, &arguments, errors);
    }
}

/// Reports arguments that nothing says the callers of one batch agree on.
fn incomparable_arguments(function: &Function, arguments: &[(&Ident, Vec<Attribute>)], errors: &Errors) {
    let [(first, conditions), ..] = arguments else { return };
    let names: Vec<String> = arguments.iter().map(|(name, _)| name.to_string()).collect();
    let this = function.signature.receiver().map(|_| "self.…".to_owned());
    let key: Vec<String> = this.into_iter().chain(names.iter().cloned()).collect();
    let key = if let [only] = key.as_slice() { only.clone() } else { format!("({})", key.join(", ")) };
    let message = format!(
        "calls in one batch run with one `{}`, and nothing says whether theirs are the same: say what they must agree on, `group = {key}`, or take a reference, which is compared by its address",
        names.join("` and one `"),
    );
    errors.at_if(conditions, first.span(), message);
}

/// The keys are not there when it is asked who is batched together.
fn not_the_keys(keys: &Pat, key: &Expr, errors: &Errors) {
    if let Pat::Ident(pattern) = keys
        && mentions(key.to_token_stream(), &pattern.ident.to_string())
    {
        let message = format!(
            "`{}` are the keys, which are what calls in one batch differ in: `group` is what they agree on, such as `group = self.tenant`",
            pattern.ident
        );
        errors.over(key, message);
    }
}

const EXCLUSIVE: &str = "`#[batch]` is for callers at the same time, and they cannot share a `&mut`: take `&`, with a lock inside if it has to change";

fn is_exclusive(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_some())
}

/// An argument beside the keys.
pub(super) enum Other<'f> {
    Receiver(&'f Receiver),
    Argument { name: Ident, ty: &'f Type, conditions: Vec<Attribute> },
}

pub(super) fn others<'f>(function: &'f Function, keys: usize, key: Option<&Expr>) -> Vec<Other<'f>> {
    let inputs = function.signature.inputs.iter().enumerate().filter(|(index, _)| *index != keys);
    inputs.filter_map(|(index, input)| Other::of(function, index, input, key)).collect()
}

impl<'f> Other<'f> {
    fn of(function: &Function, index: usize, input: &'f FnArg, key: Option<&Expr>) -> Option<Self> {
        let argument = match input {
            FnArg::Receiver(receiver) => return Some(Self::Receiver(receiver)),
            FnArg::Typed(argument) => argument,
        };
        let Pat::Ident(pattern) = &*argument.pat else { return None };
        let name = pattern.ident.to_string();
        // one that the function does not use is used here; one that is named like the function would be called in its place
        let is_renamed = (name.starts_with('_') || pattern.ident == *function.name())
            && !key.is_some_and(|key| mentions(key.to_token_stream(), &name));
        let name = if is_renamed {
            format_ident!("argument{index}_", span = Span::mixed_site())
        } else {
            pattern.ident.clone()
        };
        Some(Self::Argument { name, ty: &argument.ty, conditions: conditions(&argument.attrs) })
    }

    pub(super) fn is_receiver(&self) -> bool {
        matches!(self, Self::Receiver(_))
    }

    /// As an argument of the new function.
    pub(super) fn declare(&self) -> TokenStream {
        match self {
            Self::Receiver(receiver) => {
                let receiver = Receiver { attrs: Vec::new(), mutability: None, ..(*receiver).clone() };
                receiver.to_token_stream()
            }
            Self::Argument { name, ty, conditions } => quote_spanned!(Span::mixed_site()=> #(#conditions)* #name: #ty),
        }
    }

    /// As it is handed on.
    pub(super) fn pass(&self) -> TokenStream {
        match self {
            // the user's own token: `self` is hygienic
            Self::Receiver(receiver) => receiver.self_token.to_token_stream(),
            Self::Argument { name, conditions, .. } => quote_spanned!(Span::mixed_site()=> #(#conditions)* #name),
        }
    }

    /// Its `#[cfg(…)]`s.
    pub(super) fn conditions(&self) -> &[Attribute] {
        match self {
            Self::Receiver(_) => &[],
            Self::Argument { conditions, .. } => conditions,
        }
    }

    /// A reference to the object that it is, or refers to.
    pub(super) fn object(&self) -> TokenStream {
        match self {
            Self::Receiver(receiver) => object(receiver, &receiver.self_token.to_token_stream()),
            Self::Argument { name, .. } => name.to_token_stream(),
        }
    }
}

/// The tokens with one more at `index`.
pub(super) fn insert(tokens: impl Iterator<Item = TokenStream>, index: usize, one: TokenStream) -> Vec<TokenStream> {
    let mut all: Vec<TokenStream> = tokens.collect();
    all.insert(index, one);
    all
}
