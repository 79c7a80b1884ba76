//! `#[fan_out]`: a second function that runs this one over many items.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{
    Expr, FnArg, GenericParam, Ident, Lifetime, LifetimeParam, Pat, PatType, ReturnType, Signature, Type,
    TypeImplTrait, TypeReference,
};

use crate::arguments::{Arguments, Key, Positional};
use crate::diagnostic::Errors;
use crate::fragment::Context;
use crate::function::Function;
use crate::policy::{Kind, Layer};
use crate::source::borrow;
use crate::value::{self, Known};

pub(crate) const KIND: Kind = Kind {
    name: "fan_out",
    keys: &[
        Key::setting("limit", "limit = 16").or("16"),
        Key::setting("name", "name = search_everywhere"),
        Key::usage("crate", "crate = ::resilient"),
    ],
    positional: Positional::Write("limit"),
    parse,
};

struct FanOut {
    span: Span,
    limit: Option<Known<u32>>,
    name: Ident,
}

fn parse(arguments: &mut Arguments, context: &Context<'_>, errors: &mut Errors) -> Vec<Box<dyn Layer>> {
    let span = arguments.attribute.span();
    let limit = arguments.value("limit", errors, limit);
    let name = arguments.value("name", errors, name);
    let name = name.unwrap_or_else(|| format_ident!("{}_all", context.function.name()));
    vec![Box::new(FanOut { span, limit, name })]
}

fn limit(key: &str, expression: Expr) -> syn::Result<Known<u32>> {
    let written = expression.span();
    let limit = value::count(key, expression)?;
    match limit.literal() {
        Some(0) => {
            Err(syn::Error::new(written, "a limit of zero starts nothing and would wait for ever: write at least 1"))
        }
        _ => Ok(limit),
    }
}

fn name(_: &str, expression: Expr) -> syn::Result<Ident> {
    match &expression {
        Expr::Path(path) if path.path.get_ident().is_some_and(|name| name != "self") => {
            Ok(path.path.require_ident()?.clone())
        }
        _ => Err(syn::Error::new_spanned(
            expression,
            "`name` is the name of the new function: write `name = search_all`",
        )),
    }
}

impl Layer for FanOut {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn span(&self) -> Span {
        self.span
    }

    fn stands_beside(&self) -> bool {
        true
    }

    fn check(&self, function: &Function, errors: &mut Errors) {
        if function.is_boxed() {
            errors.at(self.span, "`#[fan_out]` adds a function beside this one, which a trait's `impl` has no room for: put it on an inherent method");
        }
        if self.name == *function.name() {
            let message =
                format!("the new function needs a name of its own: write, for instance, `name = {}_all`", self.name);
            errors.at(self.name.span(), message);
        }
        match item(function) {
            Err(error) => errors.push(error),
            Ok(index) => {
                if let Some(unnamed) = unnamed(&function.signature.inputs[index]) {
                    errors.over(
                        unnamed,
                        "`#[fan_out]` has to name the item's type: give the function a type parameter in place of `impl`",
                    );
                }
            }
        }
        for argument in &function.signature.inputs {
            if let Some(reference) = exclusive(argument) {
                errors.over(
                    reference,
                    "`#[fan_out]` runs several at once, and they cannot share a `&mut`: take `&`, or a value that is cloned for each",
                );
            }
        }
    }

    // Input:  async fn search(api: &Api, #[each] query: &str) -> Output { … }
    // Output: fn search_all<'item>(
    //             api: &Api,
    //             items: impl IntoIterator<Item = &'item str>,
    //         ) -> FanOut<impl Iterator<Item = impl Future<Output = Output>>> {
    //             FanOut::new(items, move |item| search(api, item)).limit(16)
    //         }
    fn companion(&self, context: &Context<'_>) -> Option<TokenStream> {
        let span = Span::mixed_site();
        let (function, krate, name) = (context.function, context.krate, &self.name);
        let signature = &function.signature;
        let index = item(function).ok()?;
        let output = match &signature.output {
            ReturnType::Default => quote_spanned!(span=> ()),
            ReturnType::Type(_, output) => output.to_token_stream(),
        };

        let mut item_type = match &signature.inputs[index] {
            FnArg::Typed(argument) => (*argument.ty).clone(),
            FnArg::Receiver(_) => return None,
        };
        let mut generics = signature.generics.clone();
        if name_lifetimes(&mut item_type) {
            generics.params.insert(0, GenericParam::Lifetime(LifetimeParam::new(item_lifetime())));
        }
        let (generics, _, where_clause) = generics.split_for_impl();
        let items = quote_spanned!(span=> items: impl ::core::iter::IntoIterator<Item = #item_type>);
        let (inputs, passed) = arguments(signature, index, &items);
        let launch = launch(function, &passed);
        let limit = self.limit.as_ref().map(|limit| quote_spanned!(span=> .limit(#limit)));

        let (visibility, conditions) = (&function.visibility, function.attributes_named("cfg"));
        let documentation = format!(" Runs `{}` for each of the items, several at a time.", function.name());
        Some(quote_spanned! {span=>
            #(#conditions)*
            #[doc = #documentation]
            #visibility fn #name #generics(#(#inputs),*) -> #krate::FanOut<
                impl ::core::iter::Iterator<Item = impl ::core::future::Future<Output = #output>>,
            >
            #where_clause
            {
                #krate::FanOut::new(items, #launch) #limit
            }
        })
    }
}

/// The index of the argument that is different for each item: the one marked `#[each]`, or the only one.
fn item(function: &Function) -> syn::Result<usize> {
    let inputs = &function.signature.inputs;
    let candidates = || inputs.iter().enumerate().filter(|(_, input)| matches!(input, FnArg::Typed(_)));
    match function.each.as_slice() {
        [] => {}
        [index] => return Ok(*index),
        [_, second, ..] => {
            return Err(syn::Error::new_spanned(
                &inputs[*second],
                "`#[each]` marks one argument: there is one item a call",
            ));
        }
    }
    let mut typed = candidates();
    match (typed.next(), typed.next()) {
        (Some((index, _)), None) => Ok(index),
        (None, _) => Err(syn::Error::new(function.name().span(), "`#[fan_out]` needs an argument to be the item")),
        (Some(_), Some(_)) => {
            let message = "which argument is the item? mark it with `#[each]`; the others are the same for all";
            Err(syn::Error::new(function.signature.paren_token.span.join(), message))
        }
    }
}

/// An `impl Trait` in the argument's type.
fn unnamed(argument: &FnArg) -> Option<&TypeImplTrait> {
    struct Search<'ast>(Option<&'ast TypeImplTrait>);
    impl<'ast> Visit<'ast> for Search<'ast> {
        fn visit_type_impl_trait(&mut self, found: &'ast TypeImplTrait) {
            self.0.get_or_insert(found);
        }
    }

    let mut search = Search(None);
    search.visit_fn_arg(argument);
    search.0
}

/// A `&mut` in the argument's own type.
fn exclusive(argument: &FnArg) -> Option<TokenStream> {
    match argument {
        FnArg::Receiver(receiver) => {
            let tokens = receiver.to_token_stream();
            tokens.to_string().starts_with("& mut").then_some(tokens)
        }
        FnArg::Typed(argument) => match &*argument.ty {
            Type::Reference(reference) if reference.mutability.is_some() => Some(reference.to_token_stream()),
            _ => None,
        },
    }
}

/// The new function's arguments, and what each call of the old one is given: references as they are, clones of the rest.
fn arguments(signature: &Signature, index: usize, items: &TokenStream) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let span = Span::mixed_site();
    let one = |(position, argument): (usize, &FnArg)| match argument {
        FnArg::Receiver(receiver) => {
            // the user's own token: `self` is hygienic
            let this = &receiver.self_token;
            let passed = if is_reference(receiver) {
                this.to_token_stream()
            } else {
                quote_spanned!(span=> ::core::clone::Clone::clone(&#this))
            };
            (receiver.to_token_stream(), passed)
        }
        FnArg::Typed(_) if position == index => (items.clone(), quote_spanned!(span=> item)),
        FnArg::Typed(PatType { pat, ty, .. }) => {
            let name = match &**pat {
                Pat::Ident(pattern) if pattern.subpat.is_none() => pattern.ident.clone(),
                _ => format_ident!("argument{position}", span = span),
            };
            let passed = match &**ty {
                Type::Reference(_) => quote_spanned!(span=> #name),
                _ => {
                    let name = borrow(&name);
                    quote_spanned!(span=> ::core::clone::Clone::clone(#name))
                }
            };
            (quote_spanned!(span=> #name: #ty), passed)
        }
    };
    signature.inputs.iter().enumerate().map(one).unzip()
}

fn is_reference(receiver: &syn::Receiver) -> bool {
    receiver.to_token_stream().to_string().starts_with('&')
}

/// What runs the function for one item: itself, if the item is its only argument, or a closure with the others.
///
/// Nothing tells an associated function without `self` from a free one, except that it speaks of `Self`.
fn launch(function: &Function, passed: &[TokenStream]) -> TokenStream {
    let span = Span::mixed_site();
    let name = function.name();
    let path = if function.mentions("Self") { quote_spanned!(span=> Self::#name) } else { name.to_token_stream() };
    match (function.signature.receiver(), passed) {
        (Some(_), [receiver, rest @ ..]) => quote_spanned!(span=> move |item| #receiver.#name(#(#rest),*)),
        (None, [_]) => path,
        _ => quote_spanned!(span=> move |item| #path(#(#passed),*)),
    }
}

/// Gives each elided lifetime the item's name, and says whether there was one.
fn name_lifetimes(ty: &mut Type) -> bool {
    struct Name {
        found: bool,
    }
    impl VisitMut for Name {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            if reference.lifetime.is_none() {
                reference.lifetime = Some(item_lifetime());
                self.found = true;
            }
            syn::visit_mut::visit_type_reference_mut(self, reference);
        }

        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident == "_" {
                *lifetime = item_lifetime();
                self.found = true;
            }
        }
    }

    let mut name = Name { found: false };
    name.visit_type_mut(ty);
    name.found
}

fn item_lifetime() -> Lifetime {
    Lifetime::new("'item", Span::mixed_site())
}
