//! The source of a policy's value: a `static` of the function's own, the one of its name or key, or an expression of the
//! user's.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident};

use crate::constructor::Constructor;
use crate::fragment::{Context, constant};
use crate::function::Function;
use crate::given::Items;
use crate::reads::reads_nothing_of_the_call;
use crate::settings::Settings;
use crate::wording::as_written;

/// The source of a layer's policy, of the runtime's type `ty`.
pub(crate) enum Source {
    /// A `static` of the function's own.
    Own { ty: &'static str, constructor: Constructor },
    /// A value of the user's, that is or derefs to the type.
    With { ty: &'static str, policy: Expr },
    /// The one that an explicit name stands for, which this `static` is if it is the first.
    Named { ty: &'static str, constructor: Constructor },
    /// One for each key, in a `static` of the function's own, or in that which an explicit name stands for.
    Keyed { ty: &'static str, constructor: Constructor, named: bool, keys: Box<Keys> },
}

/// The way from a call to the policy of its key.
pub(crate) struct Keys {
    key: Expr,
    /// Set if the key may be shown.
    logged: bool,
    /// The function that gives a key settings of its own.
    settings: Option<Expr>,
}

impl Source {
    /// The user's own, or what the constructor makes.
    pub(crate) fn new(ty: &'static str, settings: &Settings<'_>, constructor: Constructor) -> Self {
        match settings.with.clone() {
            Some(policy) => Self::With { ty, policy },
            None => Self::Own { ty, constructor },
        }
    }

    /// The same for a policy that several functions can share, or that there can be many of: under the name and the key, if there are any.
    pub(crate) fn shareable(ty: &'static str, settings: &Settings<'_>, constructor: Constructor) -> Self {
        let (named, logged) = (settings.is_named(), settings.flag("log_key"));
        if let Some(place) = logged.filter(|_| settings.span("key").is_none()) {
            settings.errors.at(place, "`log_key` lets events show the key: add `key = …`, or remove it");
        }
        let has_none = settings.with.is_none() && settings.span("key").is_none();
        if let Some(place) = settings.span("settings").filter(|_| has_none) {
            settings.errors.at(place, "`settings` gives a key settings of its own: add `key = …`, or remove it");
        }
        match settings.expression("key").filter(|_| settings.with.is_none()) {
            Some(key) => {
                let own = settings.expression("settings");
                if let Some(own) = &own {
                    takes_the_parts(own, &key, settings);
                }
                let keys = Keys { key, logged: logged.is_some(), settings: own };
                Self::Keyed { ty, constructor, named, keys: Box::new(keys) }
            }
            None if named => Self::Named { ty, constructor },
            None => Self::new(ty, settings, constructor),
        }
    }

    /// The `static` of the policy, if it is the function's own.
    ///
    /// Items ignore hygiene, so the body can see it. No item of the user's ends in an underscore.
    pub(crate) fn item(&self, context: &Context<'_>) -> Option<TokenStream> {
        let (span, krate) = (Span::mixed_site(), context.krate);
        match self {
            Self::Own { ty, constructor } | Self::Named { ty, constructor } => {
                let (policy, ty) = (constant(&context.policy), Ident::new(ty, span));
                Some(quote_spanned!(span=> static #policy: #krate::#ty = #constructor;))
            }
            Self::With { .. } => None,
            Self::Keyed { ty, constructor, .. } => {
                let (policy, ty) = (constant(&context.per_key()), Ident::new(ty, span));
                Some(
                    quote_spanned!(span=> static #policy: #krate::PerKey<#krate::#ty> = #krate::PerKey::new(#constructor);),
                )
            }
        }
    }

    /// The entry in the list of policies: `own RETRY_` for a `static`, `shared RETRY_` if its name was written, and otherwise
    /// `given RETRY_`, with the `static` of the user's that it comes from, as in `given RETRY_ [&RETRIES]`.
    pub(crate) fn entry(&self, context: &Context<'_>) -> TokenStream {
        match self {
            Self::Own { .. } => entry("own", &context.policy),
            Self::With { policy, .. } => {
                let (entry, items) = (entry("given", &context.policy), Items::of(policy, context).listed());
                quote_spanned!(Span::mixed_site()=> #entry #items)
            }
            Self::Named { .. } => entry("shared", &context.policy),
            Self::Keyed { named, .. } => entry(if *named { "shared" } else { "own" }, &context.per_key()),
        }
    }

    /// Returns whether a `static` of the function's own is the policy, so that no statement has to find it.
    pub(crate) fn is_static(&self) -> bool {
        matches!(self, Self::Own { .. })
    }

    /// Returns whether its policy is found by the arguments of a call.
    pub(crate) fn is_of_the_call(&self, function: &Function) -> bool {
        match self {
            Self::Keyed { .. } => true,
            Self::With { policy, .. } => reads_nothing_of_the_call(policy, function).is_err(),
            Self::Own { .. } | Self::Named { .. } => false,
        }
    }

    /// The keys that say how the function uses it, and their values as the list of policies shows them.
    pub(crate) fn usage(&self) -> Vec<(&'static str, String)> {
        let Self::Keyed { keys, .. } = self else { return Vec::new() };
        keys.settings.iter().map(|settings| ("settings", shown(settings))).collect()
    }

    /// The statements that bring it into scope, where more than the [item](Self::item) does: a borrow of the user's own policy,
    /// `let hedge_ = HEDGE_.shared();` for an explicit name, and for a key `let hedge_: &Hedge = &HEDGE_PER_KEY_.of(&key);`, or
    /// `.of_with(&key, |key_, shared_| rules_of(key_, shared_))`.
    ///
    /// The policy of a key is held for the whole call, behind a reference, which futures further in can have copies of.
    pub(crate) fn declare(&self, context: &Context<'_>) -> TokenStream {
        let (span, krate, name) = (Span::mixed_site(), context.krate, &context.policy);
        match self {
            Self::Own { .. } => TokenStream::new(),
            Self::With { ty, policy } => {
                let ty = Ident::new(ty, span);
                let checked = Items::of(policy, context).checked(context);
                let (chosen, policy) = borrow_policy(policy, name);
                quote_spanned!(span=> #checked #chosen let #name: &#krate::#ty = #policy;)
            }
            Self::Named { .. } => {
                let policy = constant(name);
                quote_spanned!(span=> let #name = #policy.shared();)
            }
            Self::Keyed { ty, named, keys, .. } => {
                let Keys { key, logged, settings } = &**keys;
                let of = match (logged, settings) {
                    (false, None) => "of",
                    (false, Some(_)) => "of_with",
                    (true, None) => "of_logged",
                    (true, Some(_)) => "of_logged_with",
                };
                let of = place(key, of);
                let settings = settings.as_ref().map(|settings| asked(settings, key));
                let (ty, local) = (Ident::new(ty, span), context.per_key());
                let policies = constant(&local);
                let key = borrow_parts(key);
                if *named {
                    return quote_spanned! {span=>
                        let #local = #policies.shared();
                        let #name: &#krate::#ty = &#local.#of(#key #settings);
                    };
                }
                quote_spanned!(span=> let #name: &#krate::#ty = &#policies.#of(#key #settings);)
            }
        }
    }
}

/// Refuses a closure that takes other arguments than the parts of the key and the policy.
fn takes_the_parts(own: &Expr, key: &Expr, settings: &Settings<'_>) {
    let Expr::Closure(closure) = own else { return };
    let parts = parts_of(key).map_or(1, |parts| parts.len());
    let (wanted, given) = (parts + 1, closure.inputs.len());
    if given != wanted {
        let key = if parts == 1 { "the key".to_owned() } else { format!("the {parts} parts of the key") };
        let message =
            format!("`settings` is called with {key} and the policy, and so takes {wanted} arguments, not {given}");
        settings.errors.over(own, message);
    }
}

/// The parts of a key that is a tuple.
fn parts_of(key: &Expr) -> Option<Vec<&Expr>> {
    match key {
        Expr::Tuple(tuple) => Some(tuple.elems.iter().collect()),
        Expr::Paren(inside) => parts_of(&inside.expr),
        _ => None,
    }
}

/// The closure that asks for the settings of a key, behind a comma.
///
/// A function is called, so that a `&String` becomes the `&str` that it takes: `, |key_, shared_| plan_of(key_, shared_)`, or with the parts
/// of a tuple `, |key_, shared_| plan_of(key_.0, key_.1, shared_)`. A closure stands as it is, with the parts in a pattern: `, |&(tenant, region), shared| …`.
fn asked(settings: &Expr, key: &Expr) -> TokenStream {
    let span = settings.span().resolved_at(Span::mixed_site());
    let parts = parts_of(key);
    if let Expr::Closure(closure) = settings {
        let Some(parts) = parts else { return quote_spanned!(span=> , #closure) };
        let mut closure = closure.clone();
        let mut inputs = std::mem::take(&mut closure.inputs).into_iter();
        let (patterns, types): (Vec<_>, Vec<_>) = inputs.by_ref().take(parts.len()).map(typed).unzip();
        let shared: Vec<_> = inputs.collect();
        closure.inputs.push(syn::Pat::Verbatim(quote_spanned!(span=> &(#(#patterns,)*): &(#(#types,)*))));
        closure.inputs.extend(shared);
        return quote_spanned!(span=> , #closure);
    }
    let function = operand(settings);
    let arguments = match parts {
        None => quote_spanned!(span=> key_),
        Some(parts) => {
            let parts = (0..parts.len()).map(|part| syn::Member::Unnamed(syn::Index { index: part as u32, span }));
            quote_spanned!(span=> #(key_.#parts),*)
        }
    };
    quote_spanned!(span=> , |key_, shared_| #function(#arguments, shared_))
}

/// A closure's argument as a pattern and its type.
fn typed(argument: syn::Pat) -> (syn::Pat, syn::Type) {
    match argument {
        syn::Pat::Type(typed) => (*typed.pat, *typed.ty),
        pattern => (pattern, syn::parse_quote!(_)),
    }
}

/// `own RETRY_ { settings: "plan_of" }`.
pub(crate) fn with_usage(entry: TokenStream, usage: &[(&str, String)]) -> TokenStream {
    if usage.is_empty() {
        return entry;
    }
    let span = Span::mixed_site();
    let keys = usage.iter().map(|(key, _)| Ident::new(key, span));
    let values = usage.iter().map(|(_, value)| value);
    quote_spanned!(span=> #entry { #(#keys: #values),* })
}

/// The expression as the list of policies shows it, on one line.
pub(crate) fn shown(expression: &Expr) -> String {
    let text = match expression {
        Expr::Closure(closure) => format!("|{}| {}", as_written(&closure.inputs), as_written(&closure.body)),
        other => as_written(other),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `own RETRY_` for the local `retry_`.
pub(crate) fn entry(how: &str, local: &Ident) -> TokenStream {
    let (how, name) = (Ident::new(how, Span::mixed_site()), constant(local));
    quote_spanned!(Span::mixed_site()=> #how #name)
}

/// A borrow of the user's expression, placed there, so that the compiler's caret covers no more.
pub(crate) fn borrow(expression: &Expr) -> TokenStream {
    let span = expression.span().resolved_at(Span::mixed_site());
    let operand = match expression {
        // what binds less than a `&`
        Expr::Assign(_) | Expr::Binary(_) | Expr::Cast(_) | Expr::Closure(_) | Expr::Range(_) => operand(expression),
        _ => expression.to_token_stream(),
    };
    quote_spanned!(span=> &#operand)
}

/// A borrow of a local or an argument.
pub(crate) fn borrow_local(name: &Ident) -> TokenStream {
    let span = name.span().resolved_at(Span::mixed_site());
    quote_spanned!(span=> &#name)
}

/// A borrow of the user's policy, and what must stand before it: one that is chosen by an `if` or a `match` is in a variable first, so
/// that each arm can be a policy or a reference to one.
fn borrow_policy(policy: &Expr, name: &Ident) -> (Option<TokenStream>, TokenStream) {
    match policy {
        Expr::If(_) | Expr::Match(_) | Expr::Block(_) => {
            let chosen = quote_spanned!(Span::mixed_site()=> let #name = #policy;);
            (Some(chosen), borrow_local(name))
        }
        _ => (None, borrow(policy)),
    }
}

/// The user's expression as it must be written before a `(`, a `.` or a `?`: in parentheses, unless it is one operand anyway.
pub(crate) fn operand(expression: &Expr) -> TokenStream {
    let is_one = matches!(
        expression,
        Expr::Array(_)
            | Expr::Await(_)
            | Expr::Call(_)
            | Expr::Field(_)
            | Expr::Group(_)
            | Expr::Index(_)
            | Expr::Lit(_)
            | Expr::Macro(_)
            | Expr::MethodCall(_)
            | Expr::Paren(_)
            | Expr::Path(_)
            | Expr::Try(_)
            | Expr::Tuple(_)
    );
    if is_one {
        return expression.to_token_stream();
    }
    let span = expression.span().resolved_at(Span::mixed_site());
    quote_spanned!(span=> (#expression))
}

/// A borrow of the user's expression, or of each part of a tuple, so that nothing of the caller's is moved into a key.
pub(crate) fn borrow_parts(expression: &Expr) -> TokenStream {
    match expression {
        Expr::Tuple(tuple) => {
            let span = tuple.span().resolved_at(Span::mixed_site());
            let parts = tuple.elems.iter().map(borrow_parts);
            quote_spanned!(span=> &(#(#parts,)*))
        }
        Expr::Paren(inside) => borrow_parts(&inside.expr),
        _ => borrow(expression),
    }
}

/// A name of the macro's own, where the compiler is to report what is wrong with the user's expression.
pub(crate) fn place(expression: &Expr, name: &str) -> Ident {
    Ident::new(name, expression.span().resolved_at(Span::mixed_site()))
}
