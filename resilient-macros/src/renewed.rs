//! Checks of a function whose body may run behind its calls.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{FnArg, ReceiverKind, Type};

use crate::diagnostic::Errors;
use crate::function::{Function, borrow_in};
use crate::policy::Layer;

/// Reports everything that a run behind the calls would borrow from one of them.
pub(crate) fn check(layers: &[Box<dyn Layer>], function: &Function, errors: &Errors) {
    let Some(renewing) = layers.iter().position(|layer| layer.facts().renews.is_some()) else { return };
    let Some(key) = layers[renewing].facts().renews else { return };
    if let Some(above) = layers[..renewing].iter().find(|above| above.facts().repeats) {
        let name = above.name();
        let message = format!(
            "`{KEY}` stands below `#[{name}]`, whose attempts borrow the arguments that a run behind the call must own: move `#[coalesce]` above it"
        );
        errors.at(key, message);
    }
    for reading in layers.iter().filter(|layer| layer.common().reads_arguments) {
        let name = reading.name();
        let message = format!(
            "`#[{name}]` reads the arguments after the body has begun, and a run behind the call must own them: move it to a function that calls this one, or remove `{KEY}`"
        );
        errors.at(reading.span(), message);
    }
    for below in &layers[renewing + 1..] {
        if below.common().source.as_ref().is_some_and(|source| source.is_of_the_call(function)) {
            let name = below.name();
            let message = format!(
                "this `#[{name}]` has a policy for each call, which a run behind the call would borrow: move it above `#[coalesce]`, or into a function that this one calls"
            );
            errors.at(below.span(), message);
        }
    }
    for borrowed in function.signature.inputs.iter().filter_map(borrowed) {
        errors.at(
            borrowed,
            format!("`{KEY}` runs the body behind the call, which may be over by then with all that it lent: take an owned value here, an `Arc`, or what is `'static`"),
        );
    }
}

/// The place at which an argument borrows.
fn borrowed(argument: &FnArg) -> Option<Span> {
    match argument {
        FnArg::Typed(typed) => borrow_in(&typed.ty),
        FnArg::Receiver(receiver) => match &receiver.kind {
            ReceiverKind::Reference(..) => Some(receiver.span()),
            ReceiverKind::Typed(_, ty) => borrow_in(ty as &Type),
            _ => None,
        },
    }
}

const KEY: &str = "stale_while_revalidate";
