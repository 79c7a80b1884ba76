//! `#[batch]`: a second function that asks for one key, and shares one call of this one with others.

mod answer;
mod argument;

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, GenericParam, Ident, ReturnType};

use self::argument::{Other, keys, others};
use crate::companion;
use crate::diagnostic::Errors;
use crate::fragment::Context;
use crate::function::{Function, conditions};
use crate::key::{self, Key, Positional, Refused, Sort};
use crate::policy::{Common, Kind, Layer};
use crate::settings::Settings;
use crate::source::{Source, borrow_parts};
use crate::tokens::mentions;
use crate::value::no_literal;

pub(crate) const KIND: Kind = Kind {
    name: "batch",
    keys: &[
        Key::setting("max_size", "max_size = 100", Sort::Count)
            .refuses(&[
                Refused::zero("a batch of zero has room for nobody: write at least `max_size = 2`"),
                Refused::equal(
                    1.0,
                    "a batch of one is a plain call: write at least `max_size = 2`, or remove the attribute",
                ),
            ])
            .sets()
            .default("100")
            .takes("integer or `u32` constant, from 2")
            .means("how many callers are in a batch at the most; it then runs at once"),
        Key::setting("max_wait", "max_wait = \"2ms\"", Sort::Duration)
            .sets()
            .default("\"2ms\"")
            .means("how long the first caller waits for others; `\"0s\"` is until other tasks had a turn. Less if a caller's deadline is closer than twice that"),
        Key::usage("companion", "companion = load_user", Sort::Expression(companion::is_name_of_one))
            .takes("name")
            .absent("the function's with `_one`")
            .means("what the new function is called"),
        Key::usage("group", "group = self.tenant", Sort::Expression(group))
            .takes("expression")
            .absent("the object and the references")
            .means("what calls in a batch agree on"),
        companion::ASSOCIATED,
        key::mode().means("`\"observe\"` and `\"off\"` have each caller make its own call"),
        key::name("name = \"users\"").means("stands in rejections and events"),
        key::with("with = self.batch")
            .takes("`Batch`")
            .absent("a `static` of the function's own")
            .means("a policy of your own; one in a field of `self` has only that object's calls"),
        key::CRATE,
    ],
    positional: Positional::Write("max_size"),
    renamed: &[("name", "companion"), ("key", "group")],
    only_async: Some("single calls await the run that they are gathered in"),
    parse,
};

struct Batch {
    common: Common,
    source: Source,
    name: Ident,
    /// The expression that calls must agree on, in place of their other arguments.
    key: Option<Expr>,
    /// Set if it says that the function belongs to a type.
    associated: bool,
    /// Set if no argument of the attribute was reported.
    understood: bool,
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    vec![Box::new(Batch {
        common: Common::new(KIND.name, settings, None),
        source: Source::new("Batch", settings, settings.constructor("Batch")),
        name: companion::name(settings, "one"),
        key: settings.expression("group"),
        associated: companion::associated(settings),
        understood: settings.understood,
    })]
}

/// Returns what calls in one batch agree on.
fn group(expression: &Expr, _: &Function) -> syn::Result<()> {
    no_literal(
        expression,
        "`group` is what calls in one batch agree on: write, say, `group = self.tenant`, or `group = ()` if it is nothing",
    )
}

impl Layer for Batch {
    fn common(&self) -> &Common {
        &self.common
    }

    fn stands_beside(&self) -> bool {
        true
    }

    fn check(&self, function: &Function, errors: &Errors) {
        companion::check(KIND.name, self.common.span, &self.name, "one", function, errors);
        let keys = keys(function).map_err(|error| errors.push(error)).ok();
        if let ReturnType::Default = function.signature.output {
            errors.at(
                function.name().span(),
                "`#[batch]` gives each caller its part of what this returns, which is nothing: return a `Result<HashMap<K, V>, E>`, or a `Vec<Result<V, E>>` in the order of the keys",
            );
        }
        if let Some(span) = function.borrow_in_output() {
            errors.at(
                span,
                "`#[batch]` gives what this returns to other callers too, so that it cannot borrow from one of them: return owned values, or `Arc`s",
            );
        }
        // a `group` that was not understood may name what calls agree on
        let keys = keys.map(|keys| keys.index).filter(|_| self.understood);
        argument::check(function, keys, self.key.as_ref(), errors);
    }

    // Input:  async fn load(&self, keys: Vec<u64>) -> Result<HashMap<u64, User>, Error> { … }
    // Output: async fn load_one(&self, key_: u64) -> Result<Option<User>, Error> {
    //             static BATCH_: Batch = Batch::named("load");
    //             BATCH_.of(self).run(key_, move |keys_| self.load(keys_)).await
    //         }
    fn companion(&self, context: &Context<'_>) -> Option<TokenStream> {
        let span = Span::mixed_site();
        let (function, name) = (context.function, &self.name);
        let keys = keys(function).ok()?;
        let key_type = keys.key;
        let others = others(function, keys.index, self.key.as_ref());
        let source = &self.source;
        let batch = context.of_layer("batch", 1, source.is_static());
        let (item, entry, declaration) = (source.item(&batch), source.entry(&batch), source.declare(&batch));
        let krate = context.krate;
        let (listed, beside) = (name.unraw().to_string(), function.name().unraw().to_string());
        let declaration = quote_spanned!(span=> #item #krate::listed!(#listed for #beside: #entry); #declaration);
        let (certain, conditional): (Vec<_>, Vec<_>) =
            self.groups(function, &others).into_iter().partition(|(conditions, _)| conditions.is_empty());
        let policy = if conditional.is_empty() { batch.receiver() } else { batch.policy.clone() };
        // each of the statements needs the local, whichever of them are left out
        let bound = (source.is_static() && !conditional.is_empty()).then(|| {
            let reference = batch.reference();
            quote_spanned!(span=> let #policy = #reference;)
        });
        let conditional = conditional
            .into_iter()
            .map(|(conditions, group)| quote_spanned!(span=> #(#conditions)* let #policy = #policy #group;));
        let groups = certain.into_iter().map(|(_, group)| group);
        let output = answer::of_one(&function.signature.output, keys.key, context);
        let inputs = others.iter().map(Other::declare);
        let inputs = argument::insert(inputs, keys.index, quote_spanned!(span=> key_: #key_type));
        let load = load(function, &others, keys.index, self.associated);
        let (generics, _, where_clause) = function.signature.generics.split_for_impl();
        let (visibility, attributes) = (&function.visibility, companion::attributes(function));
        let free = companion::free(function, self.associated, context.krate);
        let documentation = format!(" Asks `{}` for one key, together with others who ask meanwhile.", function.name());
        // what is wrong with the types is reported where they are written
        let key = Ident::new("key_", keys.key.span().resolved_at(span));
        let run = function.reporting("run");
        let wait = quote_spanned!(run.span()=> .await);
        Some(quote_spanned! {span=>
            #free
            #(#attributes)*
            #[doc = #documentation]
            #visibility async fn #name #generics(#(#inputs),*) -> #output
            #where_clause
            {
                #declaration
                #bound
                #(#conditional)*
                #policy #(#groups)*.#run(#key, #load) #wait
            }
        })
    }
}

impl Batch {
    /// The calls that narrow down which calls are batched together: by the key, or the object and the references; and by the types.
    /// Each with the `#[cfg(…)]`s of the argument or parameter that it is for.
    fn groups(&self, function: &Function, others: &[Other<'_>]) -> Vec<(Vec<Attribute>, TokenStream)> {
        let span = Span::mixed_site();
        let mut groups = Vec::new();
        match &self.key {
            Some(key) => {
                let by = Ident::new("by", key.span().resolved_at(span));
                let key = borrow_parts(key);
                groups.push((Vec::new(), quote_spanned!(span=> .#by(#key))));
            }
            None => {
                let own = match &self.source {
                    // one that is the object's has nobody else's calls in it
                    Source::With { policy, .. } => mentions(quote::ToTokens::to_token_stream(policy), "self"),
                    _ => false,
                };
                for other in others.iter().filter(|other| !(own && other.is_receiver())) {
                    let object = other.object();
                    groups.push((other.conditions().to_vec(), quote_spanned!(span=> .of(#object))));
                }
            }
        }
        for parameter in &function.signature.generics.params {
            match parameter {
                GenericParam::Type(parameter) => {
                    let ty = &parameter.ident;
                    groups.push((conditions(&parameter.attrs), quote_spanned!(span=> .typed::<#ty>())));
                }
                GenericParam::Const(parameter) => {
                    let constant = &parameter.ident;
                    groups.push((conditions(&parameter.attrs), quote_spanned!(span=> .by(&#constant))));
                }
                GenericParam::Lifetime(_) => {}
            }
        }
        if companion::is_associated(function, self.associated) {
            groups.push((Vec::new(), quote_spanned!(span=> .typed::<Self>())));
        }
        groups
    }
}

/// Returns what runs the function: itself, if the keys are its only argument, or a closure with the others.
fn load(function: &Function, others: &[Other<'_>], index: usize, associated: bool) -> TokenStream {
    let span = Span::mixed_site();
    let (name, types, path) = (function.name(), companion::types(function), companion::path(function, associated));
    if others.is_empty() {
        return path;
    }
    let passed = others.iter().filter(|other| !other.is_receiver()).map(Other::pass);
    let receiver = others.iter().find(|other| other.is_receiver());
    let position = index - usize::from(receiver.is_some());
    let passed = argument::insert(passed, position, quote_spanned!(span=> keys_));
    match receiver {
        Some(receiver) => {
            let this = receiver.pass();
            quote_spanned!(span=> move |keys_| #this.#name #types(#(#passed),*))
        }
        None => quote_spanned!(span=> move |keys_| #path(#(#passed),*)),
    }
}
