//! The stack: the attribute that is expanded first collects its siblings by name, in source order.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Attribute, Ident, Meta, Path};

use crate::arguments::{self, Arguments, Listed, Positional};
use crate::check::check;
use crate::diagnostic::{Errors, list, nearest};
use crate::enforce::{self, Carried, Exemption, Rules, judge};
use crate::expand::expand as expand_layers;
use crate::fragment::Context;
use crate::function::Function;
use crate::policies::{KINDS, kind};
use crate::policy::{Kind, Layer, Level};

/// Expands the attribute `name` and, with it, every sibling that is left on the item.
pub(crate) fn expand(name: &str, arguments: TokenStream, item: TokenStream) -> TokenStream {
    if is_collected(&arguments) {
        return TokenStream::new();
    }
    let mut errors = Errors::new();
    let mut function = match Function::parse(name, item.clone(), &mut errors) {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            return with_errors(errors, item);
        }
    };
    if function.attributes.iter().any(is_marker) {
        errors.at(Span::call_site(), late(name));
        return with_errors(errors, function.undecorated());
    }

    let mut stack = Written::default();
    stack.add(Ident::new(name, Span::call_site()), arguments, &mut errors);
    for (name, arguments) in take_siblings(&mut function) {
        match arguments {
            Ok(arguments) => stack.add(name, arguments, &mut errors),
            Err(error) => errors.push(error),
        }
    }
    let understood = stack.understood(&errors);
    let krate = stack.krate(&mut errors);
    let context = Context { function: &function, krate: &krate };
    let (rules, exemptions) = (std::mem::take(&mut stack.rules), std::mem::take(&mut stack.exemptions));
    let (layers, carried) = stack.layers(&context, &mut errors);
    for layer in &layers {
        layer.check(&function, &mut errors);
    }
    check(&layers, &function, &mut errors);

    // a rule that is broken does not change what the function becomes
    let mut broken = Errors::new();
    if understood {
        function.assertions = judge(&function, &carried, &rules, &exemptions, &mut broken);
    }
    let broken = broken.finish();
    match errors.finish() {
        Some(errors) => {
            let function = function.undecorated();
            quote_spanned!(Span::mixed_site()=> #errors #broken #function)
        }
        None => {
            if !layers.is_empty() {
                mark(&mut function, &krate);
            }
            let clones: Vec<Ident> = layers.iter().flat_map(|layer| layer.body().clones.iter().cloned()).collect();
            function.freeze(&clones);
            let function = expand_layers(&layers, &Context { function: &function, krate: &krate });
            quote_spanned!(Span::mixed_site()=> #broken #function)
        }
    }
}

/// The policies as they were written, outermost first.
#[derive(Default)]
struct Written {
    policies: Vec<(&'static Kind, Arguments)>,
    rules: Vec<Rules>,
    exemptions: Vec<Exemption>,
    krate: Option<Path>,
}

impl Written {
    /// Adds one attribute: a policy, those listed in `#[resilient(…)]`, rules, or an exception to them.
    fn add(&mut self, name: Ident, tokens: TokenStream, errors: &mut Errors) {
        if let Some(kind) = kind(&name.to_string()) {
            self.policies.push((kind, Arguments::parse(name, tokens, kind.keys, kind.positional, errors)));
            return;
        }
        if name == "enforce" {
            self.rules.push(Rules::parse(name.span(), tokens, errors));
            return;
        }
        if name == "exempt" {
            self.exemptions.push(Exemption::parse(name.span(), tokens, errors));
            return;
        }
        let empty = tokens.is_empty();
        for entry in arguments::listed(tokens, errors) {
            match entry {
                Listed::Crate(path) => self.krate = Some(path),
                Listed::Policy(name, arguments) if kind(&name.to_string()).is_some() => {
                    self.add(name, arguments, errors);
                }
                Listed::Policy(name, _) => errors.at(name.span(), unknown_policy(&name.to_string())),
            }
        }
        if empty {
            errors.at(
                name.span(),
                "which policies? write, for instance, `#[resilient(timeout(\"2s\"), retry(max = 3))]`",
            );
        }
    }

    /// The runtime crate's path: the first that some attribute gives, or `::resilient`.
    fn krate(&mut self, errors: &mut Errors) -> Path {
        for (_, arguments) in &mut self.policies {
            let path = arguments.krate(errors);
            self.krate = self.krate.take().or(path);
        }
        let rules = self.rules.iter_mut().map(|rules| rules.krate.take());
        let exemptions = self.exemptions.iter_mut().map(|exemption| exemption.krate.take());
        self.krate = rules.chain(exemptions).fold(self.krate.take(), Option::or);
        self.krate.take().unwrap_or_else(|| syn::parse_quote_spanned!(Span::mixed_site()=> ::resilient))
    }

    /// Whether every policy is known for what it is, so that what is not there is known to be missing.
    fn understood(&self, errors: &Errors) -> bool {
        errors.count() == 0 && self.policies.iter().all(|(_, arguments)| arguments.understood)
    }

    /// The layers, outermost first, each at its level; and the policies as they were written, for the rules.
    fn layers(self, context: &Context<'_>, errors: &mut Errors) -> (Vec<Box<dyn Layer>>, Vec<Carried>) {
        let mut layers: Vec<Box<dyn Layer>> = Vec::new();
        let mut all = Vec::new();
        for (kind, mut arguments) in self.policies {
            let mut carried = Carried::new(kind, &arguments);
            let parsed = (kind.parse)(&mut arguments, context, errors);
            arguments.finish();
            carried.repeats = parsed.iter().any(|layer| layer.facts().repeats);
            layers.extend(parsed);
            all.push(carried);
        }
        // the attempt's part of `timeout(total = …, attempt = …)` belongs innermost, where every policy sees it fire
        layers.sort_by_key(|layer| layer.facts().level == Some(Level::PlacedAtAttempt));
        (layers, all)
    }
}

fn unknown_policy(name: &str) -> String {
    let names = KINDS.iter().map(|kind| kind.name);
    match nearest(name, names.clone()) {
        Some(meant) => format!("unknown policy `{name}`: did you mean `{meant}`?"),
        None => format!("unknown policy `{name}`: the policies are {}", list(names)),
    }
}

/// Takes the attributes of the family off the function, each with its arguments.
fn take_siblings(function: &mut Function) -> Vec<(Ident, syn::Result<TokenStream>)> {
    let (mut siblings, mut collected) = (Vec::new(), Vec::new());
    function.attributes.retain(|attribute| match policy_name(attribute) {
        _ if let Some((name, arguments)) = enforce::last(attribute) => {
            siblings.push((name, Ok(arguments)));
            false
        }
        Some(name) => {
            let arguments = arguments_of(&name, attribute);
            siblings.push((name, arguments));
            collected.push(attribute.path().clone());
            false
        }
        None => true,
    });
    function.collected = collected;
    siblings
}

/// Whether this is what is left of an attribute that has been collected already: `#[retry(__composed)] const _: () = ();`.
pub(crate) fn is_collected(arguments: &TokenStream) -> bool {
    let mut tokens = arguments.clone().into_iter();
    let first = tokens.next();
    first.is_some_and(|token| token.to_string() == "__composed") && tokens.next().is_none()
}

/// The one of the family that the attribute is by its name: `#[retry]`, or `#[resilient::retry]`.
pub(crate) fn policy_name(attribute: &Attribute) -> Option<Ident> {
    let segments: Vec<&Ident> = attribute.path().segments.iter().map(|segment| &segment.ident).collect();
    let name = match segments.as_slice() {
        [name] => name,
        [krate, name] if *krate == "resilient" => name,
        _ => return None,
    };
    let others = ["resilient", "enforce", "exempt"];
    (kind(&name.to_string()).is_some() || others.iter().any(|other| *name == other)).then(|| (*name).clone())
}

fn arguments_of(name: &Ident, attribute: &Attribute) -> syn::Result<TokenStream> {
    match &attribute.meta {
        Meta::Path(_) => Ok(TokenStream::new()),
        Meta::List(arguments) => Ok(arguments.tokens.clone()),
        Meta::NameValue(pair) => {
            let value = pair.value.to_token_stream();
            let arguments = match kind(&name.to_string()).map(|kind| kind.positional) {
                None if name == "enforce" => "timeout, retry(max <= 5)".to_owned(),
                None if name == "exempt" => format!("reason = {value}"),
                Some(Positional::Is(_)) => value.to_string(),
                Some(Positional::Write(key)) => format!("{key} = {value}"),
                None => "timeout(\"2s\"), retry(max = 3)".to_owned(),
            };
            let message = format!("the arguments go into parentheses: write `#[{name}({arguments})]`");
            Err(syn::Error::new(pair.eq_token.span, message))
        }
    }
}

/// Leaves a sign for an attribute that could not be recognised by its name: a renamed one, or one that another macro adds.
///
/// It is expanded after this one, and could only wrap the whole stack from inside the body. The sign is an attribute that
/// expands to nothing, and is left only where there is such an attribute.
fn mark(function: &mut Function, krate: &Path) {
    if function.attributes.iter().all(is_inert) {
        return;
    }
    function.attributes.push(syn::parse_quote_spanned!(Span::mixed_site()=> #[#krate::composed]));
}

fn is_marker(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "composed")
}

/// Whether the attribute is the compiler's own and expands to nothing.
pub(crate) fn is_inert(attribute: &Attribute) -> bool {
    const INERT: &[&str] = &[
        "allow",
        "cfg",
        "cold",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "forbid",
        "inline",
        "must_use",
        "no_mangle",
        "rustfmt",
        "clippy",
        "target_feature",
        "track_caller",
        "warn",
    ];
    attribute.path().segments.first().is_some_and(|first| INERT.iter().any(|name| first.ident == name))
}

fn late(name: &str) -> String {
    format!(
        "the stack of this function is already composed, and `#[{name}]` was not part of it: under another name it is not recognised among its siblings; write it by its own name, put it on top, or list all in one `#[resilient(…)]`"
    )
}

fn with_errors(errors: Errors, item: TokenStream) -> TokenStream {
    let errors = errors.finish();
    quote_spanned!(Span::mixed_site()=> #errors #item)
}
