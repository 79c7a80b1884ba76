//! `#[fan_out]`: a second function that runs this one over many items.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{
    Expr, ExprLit, FnArg, GenericParam, Ident, Lifetime, LifetimeParam, Lit, Pat, PatType, Receiver, ReturnType, Type,
    TypeParamBound, TypeReference,
};

use crate::bounds;
use crate::companion;
use crate::constructor::Constructor;
use crate::diagnostic::Errors;
use crate::fragment::Context;
use crate::function::Function;
use crate::key::{self, Key, Positional, Refused, Sort};
use crate::policy::{Common, Kind, Layer};
use crate::settings::{Given, Settings};
use crate::source::borrow_local;
use crate::tokens::{mentions, placed};
use crate::types::{Part, of_argument, parts, unnamed};
use crate::value::{self, Known};
use crate::when::response_type;

pub(crate) const KIND: Kind = Kind {
    name: "fan_out",
    keys: &[
        Key::setting("limit", "limit = 16", Sort::Own)
            .constant(false)
            .refuses(&[Refused::zero("a limit of zero starts nothing and would wait for ever: write at least 1")])
            .default("16")
            .takes("integer, or `\"adaptive\"`, `\"gradient\"`, `\"vegas\"`, `\"aimd\"`")
            .means("how many run at once"),
        bounds::MIN,
        bounds::MAX,
        bounds::INITIAL,
        Key::setting("companion", "companion = search_everywhere", Sort::Expression(companion::is_name_of_all))
            .constant(false)
            .takes("name")
            .absent("the function's with `_all`")
            .means("what the new function is called"),
        Key::setting("stream", "stream", Sort::Flag)
            .takes("a word")
            .means("adds one that takes a `Stream`, too: named as the function, or as `companion`, with `_stream`"),
        Key::setting("dedup", "dedup", Sort::Flag)
            .takes("a word")
            .means("runs equal items once, and gives each a clone of the outcome"),
        Key::setting("executor", "executor = \"spawn\"", Sort::Word(&["task", "spawn", "blocking"]))
            .default("\"task\"")
            .means("what an item runs on: the caller's task, a task of its own, a thread for blocking work"),
        companion::ASSOCIATED,
        key::CRATE,
    ],
    positional: Positional::Write("limit"),
    renamed: &[
        ("name", "companion"),
        ("on", "executor"),
        ("min", "min_limit"),
        ("max", "max_limit"),
        ("initial", "initial_limit"),
    ],
    only_async: Some("bodies that block run one after the other on a thread"),
    parse,
};

struct FanOut {
    common: Common,
    limit: Option<Limit<Constructor>>,
    name: Ident,
    /// The name of the function that takes a stream.
    stream: Option<Ident>,
    dedup: bool,
    /// Set if it says that the function belongs to a type.
    associated: bool,
    on: On,
}

/// The number of items at once.
enum Limit<A> {
    Items(Known<u32>),
    /// By the algorithm: its name, or what makes the limit.
    Adaptive(A),
}

/// The executor of an item.
enum On {
    /// The task of the caller.
    Task,
    /// A task of its own, and where the argument was written.
    Spawn(Span),
    /// A thread for blocking work.
    Blocking(Span),
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let limit = match settings.own("limit", |key, expression| limit(key, &expression, settings)) {
        Some(Given { value: Limit::Adaptive(algorithm), .. }) => {
            let [min, max, initial] = bounds::in_order(settings);
            let arguments = quote_spanned!(Span::mixed_site()=> #min, #max, #initial);
            let limit = settings.bare_constructor("FanOutLimit", algorithm, &arguments);
            Some(Limit::Adaptive(limit.at(&min).at(&max).at(&initial)))
        }
        fixed => {
            bounds::of_fixed(settings);
            match fixed.map(|limit| limit.value) {
                Some(Limit::Items(items)) => Some(Limit::Items(items)),
                _ => None,
            }
        }
    };
    let stem = settings
        .expression("companion")
        .map_or_else(|| settings.function.name().to_string(), |_| companion::name(settings, "").to_string());
    vec![Box::new(FanOut {
        common: Common::new(KIND.name, settings, None),
        limit,
        name: companion::name(settings, "all"),
        stream: settings.flag("stream").map(|_| format_ident!("{stem}_stream")),
        dedup: settings.flag("dedup").is_some(),
        associated: companion::associated(settings),
        on: match settings.word("executor") {
            Some(Given { value: "spawn", key }) => On::Spawn(key),
            Some(Given { value: "blocking", key }) => On::Blocking(key),
            _ => On::Task,
        },
    })]
}

fn limit(key: &str, expression: &Expr, settings: &Settings<'_>) -> syn::Result<Limit<&'static str>> {
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = expression else {
        return settings.count_of(key, expression).map(Limit::Items);
    };
    if let Ok(items) = text.value().trim().parse::<u32>() {
        return Err(syn::Error::new(text.span(), format!("`limit` takes an integer: write `limit = {items}`")));
    }
    let algorithm = value::word(key, expression, &["adaptive", "aimd", "vegas", "gradient"])?;
    Ok(Limit::Adaptive(if algorithm == "adaptive" { "gradient" } else { algorithm }))
}

impl Layer for FanOut {
    fn common(&self) -> &Common {
        &self.common
    }

    fn stands_beside(&self) -> bool {
        true
    }

    fn check(&self, function: &Function, errors: &Errors) {
        companion::check(KIND.name, self.common.span, &self.name, "all", function, errors);
        match item(function) {
            Err(error) => errors.push(error),
            Ok(index) => {
                if let Some(unnamed) = of_argument(&function.signature.inputs[index]).and_then(unnamed) {
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
            } else if let On::Spawn(_) | On::Blocking(_) = self.on
                && let Some((reference, instead)) = borrowed(argument)
            {
                let message = format!(
                    "`{}` runs each item in a task that may outlive what is borrowed here: {instead}",
                    if let On::Spawn(_) = self.on { "on = \"spawn\"" } else { "on = \"blocking\"" },
                );
                errors.over(reference, message);
            }
        }
    }

    // Input:  async fn search(api: &Api, #[each] query: &str) -> Output { … }
    // Output: fn search_all<'item_>(
    //             api: &Api,
    //             items_: impl IntoIterator<Item = &'item_ str>,
    //         ) -> FanOut<Counted<impl Iterator<Item = impl Future<Output = Output>>>> {
    //             static FAN_OUT_: FanOutPolicy = FanOutPolicy::named("search").limit(16);
    //             listed!("search_all": own FAN_OUT_);
    //             FanOut::new(items_, move |item_| search(api, item_))
    //                 .counted(&FAN_OUT_, |outcome_| class_of_outcome!(outcome_))
    //                 .limit(16)
    //         }
    fn companion(&self, context: &Context<'_>) -> Option<TokenStream> {
        let all = self.over(&Items::Iterator, context)?;
        let stream = match &self.stream {
            Some(_) => self.over(&Items::Stream, context),
            None => None,
        };
        let free = companion::free(context.function, self.associated, context.krate);
        Some(quote_spanned!(Span::mixed_site()=> #free #all #stream))
    }
}

/// The source of the items.
enum Items {
    Iterator,
    Stream,
}

impl FanOut {
    /// The function that runs this one over `items`.
    fn over(&self, items: &Items, context: &Context<'_>) -> Option<TokenStream> {
        let span = Span::mixed_site();
        let (function, krate) = (context.function, context.krate);
        let name = match items {
            Items::Iterator => &self.name,
            Items::Stream => self.stream.as_ref()?,
        };
        let signature = &function.signature;
        let index = item(function).ok()?;
        let mut output = match &signature.output {
            ReturnType::Default => syn::parse_quote_spanned!(span=> ()),
            ReturnType::Type(_, output) => (**output).clone(),
        };

        let mut item_type = match &signature.inputs[index] {
            FnArg::Typed(argument) => (*argument.ty).clone(),
            FnArg::Receiver(_) => return None,
        };
        let mut generics = signature.generics.clone();
        let elided = name_lifetimes(&mut item_type);
        let belongs = signature.receiver().is_some() || companion::is_associated(function, self.associated);
        let parameters = if belongs { parameters_of_the_impl(&item_type, &signature.generics) } else { Vec::new() };
        // What an argument's type implies, an iterator's does not.
        for lifetime in lifetimes(&item_type) {
            for parameter in generics
                .type_params_mut()
                .filter(|parameter| mentions(item_type.to_token_stream(), &parameter.ident.to_string()))
            {
                parameter.bounds.push(TypeParamBound::Lifetime(lifetime.clone()));
            }
            for parameter in &parameters {
                generics.make_where_clause().predicates.push(syn::parse_quote_spanned!(span=> #parameter: #lifetime));
            }
        }
        if elided {
            generics.params.insert(0, GenericParam::Lifetime(LifetimeParam::new(item_lifetime())));
            // an elided lifetime in the output is that of the one argument that has one
            if signature.receiver().is_none() {
                name_lifetimes(&mut output);
            }
        }
        let (generics, _, where_clause) = generics.split_for_impl();
        let argument = match items {
            Items::Iterator => quote_spanned!(span=> items_: impl ::core::iter::IntoIterator<Item = #item_type>),
            Items::Stream => quote_spanned!(span=> items_: impl #krate::futures::Stream<Item = #item_type>),
        };
        let (inputs, passed) = arguments(function, index, &argument);
        let at = self.demanding(function).map_or(span, |place| place.resolved_at(span));
        let child = quote_spanned!(at=> impl ::core::future::Future<Output = #output>);
        let (input, constructor) = match items {
            Items::Iterator => (quote_spanned!(at=> impl ::core::iter::Iterator<Item = #child>), "new"),
            Items::Stream => {
                let krate = placed(krate.to_token_stream(), at);
                (quote_spanned!(at=> #krate::fan::Streamed<impl #krate::futures::Stream<Item = #child>>), "from_stream")
            }
        };
        let counting = placed(krate.to_token_stream(), at);
        let input = quote_spanned!(at=> #counting::fan::Counted<#input>);
        let (input, limit, declaration) = self.limited(input, at, context);
        let (constructor, launch) = (Ident::new(constructor, at), self.launch(function, &passed, context));

        let (visibility, attributes) = (&function.visibility, companion::attributes(function));
        let documentation = match items {
            Items::Iterator => format!(" Runs `{}` for each of the items, several at a time.", function.name()),
            Items::Stream => {
                format!(" Runs `{}` for each of the items that come from a stream, several at a time.", function.name())
            }
        };
        let (policy, counted) = (self.policy(name, context), counted(at, context));
        let krate = placed(krate.to_token_stream(), at);
        let fan_out = quote_spanned!(at=> #krate::FanOut);
        let set = quote_spanned!(at=> #fan_out::#constructor(items_, #launch) #counted #limit);
        let returned = quote_spanned!(at=> #fan_out<#input>);
        // Whoever wants one of the two need not want the other.
        let unused = self.stream.is_some().then(|| quote_spanned!(span=> #[allow(dead_code)]));
        Some(quote_spanned! {span=>
            #(#attributes)*
            #[doc = #documentation]
            #unused
            #visibility fn #name #generics(#(#inputs),*) -> #returned
            #where_clause
            {
                #declaration
                #policy
                #set
            }
        })
    }

    /// The input within the limit, the call that sets it, and what is to be declared for that.
    fn limited(&self, input: TokenStream, at: Span, context: &Context<'_>) -> (TokenStream, TokenStream, TokenStream) {
        let (span, krate) = (Span::mixed_site(), context.krate);
        match &self.limit {
            None => (input, TokenStream::new(), TokenStream::new()),
            Some(Limit::Items(limit)) => (input, quote_spanned!(at=> .limit(#limit)), TokenStream::new()),
            Some(Limit::Adaptive(limit)) => {
                let adaptive = context.function.reporting("adaptive");
                (
                    quote_spanned!(span=> #krate::fan::Adapting<#input>),
                    quote_spanned!(span=> .#adaptive(&FAN_OUT_LIMIT_)),
                    quote_spanned!(span=> static FAN_OUT_LIMIT_: #krate::FanOutLimit = #limit;),
                )
            }
        }
    }

    /// The policy that counts the items, and its entry in the list.
    fn policy(&self, companion: &Ident, context: &Context<'_>) -> TokenStream {
        let (span, krate, function) = (Span::mixed_site(), context.krate, context.function);
        let name = function.name().unraw().to_string();
        let limit = match &self.limit {
            None => quote_spanned!(span=> .limit(#krate::FanOut::DEFAULT_LIMIT)),
            Some(Limit::Items(Known::Literal(limit))) => {
                let limit = Literal::u32_unsuffixed(*limit);
                quote_spanned!(span=> .limit(#limit))
            }
            // a parameter of the function's, say, which no `static` can see
            Some(Limit::Items(Known::Const(_))) => TokenStream::new(),
            Some(Limit::Adaptive(_)) => quote_spanned!(span=> .adaptive(&FAN_OUT_LIMIT_)),
        };
        let place = self.common.span.resolved_at(span);
        let listing = placed(krate.to_token_stream(), place);
        let companion = companion.unraw().to_string();
        let listed = quote_spanned!(place=> #listing::listed!(#companion for #name: own FAN_OUT_););
        quote_spanned! {span=>
            static FAN_OUT_: #krate::FanOutPolicy = #krate::FanOutPolicy::named(#name) #limit;
            #listed
        }
    }

    /// Returns what runs the function for one item, where and as often as it should.
    fn launch(&self, function: &Function, passed: &[TokenStream], context: &Context<'_>) -> TokenStream {
        let (span, krate) = (Span::mixed_site(), context.krate);
        let launch = launch(function, passed, self.associated);
        let at = self.demanding(function).unwrap_or(span);
        let launch = match self.on {
            On::Task => launch,
            On::Spawn(_) => call_at(krate, "spawned", &launch, at),
            On::Blocking(_) => call_at(krate, "spawned_blocking", &launch, at),
        };
        if self.dedup { call_at(krate, "deduplicated", &launch, at) } else { launch }
    }

    /// Returns where it is said that items must be told apart, or be sent to other threads, if that is said. The compiler finds what does not
    /// fit twice, in the call and in the type that is returned, and says so once if both are at one place.
    fn demanding(&self, function: &Function) -> Option<Span> {
        match self.on {
            On::Spawn(on) | On::Blocking(on) => Some(on),
            On::Task if self.dedup => match &function.signature.inputs[item(function).ok()?] {
                FnArg::Typed(argument) => Some(argument.ty.span()),
                FnArg::Receiver(_) => None,
            },
            On::Task => None,
        }
    }
}

/// The call that has the policy count, placed where an output that does not fit is reported.
fn counted(at: Span, context: &Context<'_>) -> TokenStream {
    let (span, krate) = (Span::mixed_site(), context.krate);
    let class = quote_spanned!(span=> #krate::class_of_outcome!(outcome_));
    let class = if response_type(&context.function.output).is_some() {
        quote_spanned! {span=>
            match outcome_ {
                ::core::result::Result::Ok(value_) => #krate::classify_value!(value_).class,
                ::core::result::Result::Err(_) => #class,
            }
        }
    } else {
        class
    };
    let counted = Ident::new("counted", at);
    quote_spanned!(span=> .#counted(&FAN_OUT_, |outcome_| #class))
}

/// The call of a function of the runtime, all of it where the compiler is to report what does not fit.
fn call_at(krate: &syn::Path, function: &str, argument: &TokenStream, place: Span) -> TokenStream {
    let span = place.resolved_at(Span::mixed_site());
    let (krate, function) = (placed(krate.to_token_stream(), place), Ident::new(function, span));
    quote_spanned!(span=> #krate::fan::#function(#argument))
}

/// Returns what a task of its own cannot borrow, and what to write in its place.
fn borrowed(argument: &FnArg) -> Option<(TokenStream, &'static str)> {
    match argument {
        FnArg::Receiver(receiver) => {
            let this = receiver.to_token_stream();
            (is_reference(receiver) || this.to_string().contains(": &"))
                .then_some((this, "write `self: Arc<Self>`, or `self` if it is cheap to clone"))
        }
        FnArg::Typed(PatType { ty, .. }) => match &**ty {
            Type::Reference(TypeReference { lifetime: Some(lifetime), .. }) if lifetime.ident == "static" => None,
            Type::Reference(reference) => {
                Some((reference.to_token_stream(), "take it by value, as a `String` or an `Arc`, say"))
            }
            _ => None,
        },
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
fn arguments(function: &Function, index: usize, items: &TokenStream) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let span = Span::mixed_site();
    let one = |(position, argument): (usize, &FnArg)| {
        let conditions = companion::conditions_of(argument);
        let (declared, passed) = one_argument(function, position, argument, (position == index).then_some(items));
        (quote_spanned!(span=> #(#conditions)* #declared), quote_spanned!(span=> #(#conditions)* #passed))
    };
    function.signature.inputs.iter().enumerate().map(one).unzip()
}

/// As an argument of the new function, and as each call of the old one is given it.
fn one_argument(
    function: &Function,
    position: usize,
    argument: &FnArg,
    items: Option<&TokenStream>,
) -> (TokenStream, TokenStream) {
    let span = Span::mixed_site();
    match (argument, items) {
        (FnArg::Receiver(receiver), _) => {
            // the user's own token: `self` is hygienic
            let this = &receiver.self_token;
            let passed = if is_reference(receiver) {
                this.to_token_stream()
            } else {
                quote_spanned!(span=> ::core::clone::Clone::clone(&#this))
            };
            let receiver = Receiver { attrs: Vec::new(), mutability: None, ..receiver.clone() };
            (receiver.to_token_stream(), passed)
        }
        (FnArg::Typed(_), Some(items)) => (items.clone(), quote_spanned!(span=> item_)),
        (FnArg::Typed(PatType { pat, ty, .. }), None) => {
            let name = match &**pat {
                // one that is named like the function would be called in its place
                Pat::Ident(pattern) if pattern.subpat.is_none() && pattern.ident != *function.name() => {
                    pattern.ident.clone()
                }
                _ => format_ident!("argument{position}_", span = span),
            };
            let passed = match &**ty {
                Type::Reference(_) => quote_spanned!(span=> #name),
                _ => {
                    let name = borrow_local(&name);
                    quote_spanned!(span=> ::core::clone::Clone::clone(#name))
                }
            };
            (quote_spanned!(span=> #name: #ty), passed)
        }
    }
}

fn is_reference(receiver: &syn::Receiver) -> bool {
    receiver.to_token_stream().to_string().starts_with('&')
}

/// Returns what runs the function for one item: itself, if the item is its only argument, or a closure with the others.
fn launch(function: &Function, passed: &[TokenStream], associated: bool) -> TokenStream {
    let span = Span::mixed_site();
    let (name, types, path) = (function.name(), companion::types(function), companion::path(function, associated));
    match (function.signature.receiver(), passed) {
        (Some(_), [receiver, rest @ ..]) => quote_spanned!(span=> move |item_| #receiver.#name #types(#(#rest),*)),
        (None, [_]) => path,
        _ => quote_spanned!(span=> move |item_| #path(#(#passed),*)),
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

        // those of a function are its own
        fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}
    }

    let mut name = Name { found: false };
    name.visit_type_mut(ty);
    name.found
}

/// The lifetimes of the references in the type, but for those inside of functions.
fn lifetimes(ty: &Type) -> Vec<Lifetime> {
    let mut lifetimes: Vec<Lifetime> = Vec::new();
    for part in parts(ty) {
        if let Part::Reference(TypeReference { lifetime: Some(lifetime), .. }) = part
            && lifetime.ident != "static"
            && !lifetimes.contains(lifetime)
        {
            lifetimes.push(lifetime.clone());
        }
    }
    lifetimes
}

/// Names in the type that may be a parameter of the `impl` around the function, whose generics cannot be seen from here. The bound does
/// no harm if it is a type.
fn parameters_of_the_impl(ty: &Type, own: &syn::Generics) -> Vec<Ident> {
    struct Search {
        found: Vec<Ident>,
    }
    impl<'ast> Visit<'ast> for Search {
        fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
            if let Some(ident) = path.path.get_ident() {
                let name = ident.to_string();
                let is_named_like_one = name.starts_with(|first: char| first.is_ascii_uppercase())
                    && !["Self", "String"].contains(&name.as_str());
                if is_named_like_one && !self.found.contains(ident) {
                    self.found.push(ident.clone());
                }
            }
            syn::visit::visit_type_path(self, path);
        }
    }

    let mut search = Search { found: Vec::new() };
    search.visit_type(ty);
    search.found.retain(|found| own.type_params().all(|parameter| parameter.ident != *found));
    search.found
}

fn item_lifetime() -> Lifetime {
    Lifetime::new("'item_", Span::mixed_site())
}
