//! Checks of a function whose body runs more than once.

use proc_macro2::Ident;
use syn::{FnArg, ReceiverKind, TypeReference};

use crate::diagnostic::Errors;
use crate::expand::clones;
use crate::function::Function;
use crate::policy::Layer;
use crate::types::exclusive_reference;
use crate::wording::{choice, nearest};

/// Reports every argument, receiver or output that a second run of the body could not have.
pub(crate) fn check(layers: &[Box<dyn Layer>], function: &Function, errors: &Errors) {
    let clones = clones(layers);
    for ident in &clones {
        let mut arguments = function.this.iter().chain(&function.bindings);
        if !arguments.any(|binding| binding.ident == *ident) {
            errors.at(ident.span(), no_such_argument(ident, function));
        }
    }
    let Some(repeating) = layers.iter().find(|layer| layer.facts().repeats) else {
        return;
    };
    let name = repeating.name();
    for binding in function.owned().filter(|binding| binding.mutable) {
        let ident = &binding.ident;
        if !clones.contains(ident) {
            let message = format!(
                "the second attempt would see what the first did to `{ident}`: write `#[{name}(clone({ident}))]`, or take it without `mut`"
            );
            errors.at_if(&binding.conditions, ident.span(), message);
        }
    }
    let hedge = layers.iter().find(|layer| layer.facts().hedges);
    if let Some(reference) = function.mutable_reference_in_output() {
        let message = if hedge.is_some() {
            "`#[hedge]` cannot return a `&mut`: two attempts would hold the borrow at once; return an owned value"
                .to_owned()
        } else {
            format!(
                "`#[{name}]` cannot return a `&mut`: the first attempt's borrow would still hold when the second begins; return an owned value"
            )
        };
        errors.over(reference, message);
    } else if let (Some((lent, span)), None) = (function.exclusive_borrow_in_output(), hedge) {
        let message = format!(
            "`#[{name}]` cannot return what borrows from `{lent}`: the first attempt's borrow would still hold when the second begins; return an owned value, or retry in the function that calls this one"
        );
        errors.at(span, message);
    }
    if hedge.is_some() {
        for argument in &function.signature.inputs {
            exclusive(argument, errors);
        }
    }
}

/// A `&mut` that two attempts would hold at once.
fn exclusive(argument: &FnArg, errors: &Errors) {
    match argument {
        FnArg::Receiver(receiver) => {
            let by_reference = matches!(receiver.kind, ReceiverKind::Reference(_, _, Some(_)));
            if by_reference || mutable_reference(argument).is_some() {
                errors.over(
                    receiver,
                    "`#[hedge]` runs two attempts at once, and they cannot both have `&mut self`: take `&self`, with a lock or an atomic for what changes",
                );
            }
        }
        FnArg::Typed(_) => {
            if let Some(reference) = mutable_reference(argument) {
                errors.over(
                    reference,
                    "`#[hedge]` runs two attempts at once, and they cannot both have this `&mut`: take it by `&`, or return what changes",
                );
            }
        }
    }
}

fn mutable_reference(argument: &FnArg) -> Option<&TypeReference> {
    match argument {
        FnArg::Receiver(receiver) => match &receiver.kind {
            ReceiverKind::Typed(_, ty) => exclusive_reference(ty),
            _ => None,
        },
        FnArg::Typed(argument) => exclusive_reference(&argument.ty),
    }
}

fn no_such_argument(ident: &Ident, function: &Function) -> String {
    if ident == "self" {
        return "all attempts share what `self` refers to: leave it out".to_owned();
    }
    let names: Vec<String> = function.bindings.iter().map(|binding| binding.ident.to_string()).collect();
    if names.is_empty() {
        return format!("`{ident}` is not an argument: `{}` has none to clone", function.name());
    }
    match nearest(&ident.to_string(), names.iter().map(String::as_str)) {
        Some(meant) => format!("`{ident}` is not an argument: did you mean `{meant}`?"),
        None => format!("`{ident}` is not an argument: {}", choice("argument", names.iter().map(String::as_str))),
    }
}
