//! The store through which machines share a policy.

use proc_macro2::Span;
use quote::quote_spanned;
use syn::Expr;
use syn::spanned::Spanned;

use crate::constructor::Constructor;
use crate::function::Function;
use crate::key::{Key, Sort};
use crate::settings::Settings;
use crate::types::without_reference;

/// The key that names it.
pub(crate) const fn key() -> Key {
    Key::setting("shared", "shared = FLEET", Sort::Expression(store))
        .takes("name of a `static` that is a `resilient::shared::Store`, such as one of `resilient-redis`")
}

/// Shares the policy, which users call `noun`, if it is to be.
pub(crate) fn share(constructor: Constructor, settings: &Settings<'_>, noun: &str) -> Constructor {
    let errors = settings.errors;
    let Some(place) = settings.span("shared") else { return constructor };
    if let (Some(key), None) = (settings.span("key"), settings.span("log_key")) {
        errors.at(key, "the store knows each key by its text, which must be one that may be shown: add `log_key`");
    } else if settings.span("name").is_none() {
        let message = format!("machines know a shared {noun} by its name: add, for instance, `name = \"search\"`");
        errors.at(place, message);
    }
    let Some(store) = settings.expression("shared") else { return constructor };
    let store = without_reference(&store);
    let reference = quote_spanned!(Span::mixed_site()=> &#store);
    constructor.call_at(Some(store.span()), "shared", "shared_through", &reference)
}

/// Refuses an expression that is no name of a `static`.
fn store(expression: &Expr, _: &Function) -> syn::Result<()> {
    if matches!(without_reference(expression), Expr::Path(_)) {
        return Ok(());
    }
    let message = "`shared` takes the name of a `static`: write, for instance, `shared = FLEET`, with `static FLEET: Store = Store::named(\"shop\");`";
    Err(syn::Error::new_spanned(expression, message))
}
