//! The stack: the attribute that is expanded first collects its siblings by name, in source order.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Attribute, Ident, Meta, Path};

use crate::arguments::Arguments;
use crate::check::{check, needs_async};
use crate::diagnostic::Errors;
use crate::drop_order;
use crate::enforce::{self, Carried, Exemption, Rules, judge, limits};
use crate::expand::{clones, expand as expand_layers, outside, owns_arguments, statements, this_clone};
use crate::family::{collected, is_inert, is_marker};
use crate::fragment::Context;
use crate::function::Function;
use crate::key::Positional;
use crate::list::{self, Listed};
use crate::policies::{kind, unknown_policy};
use crate::policy::{Kind, Layer, Level};
use crate::profile::{self, Profile};
use crate::settings::Settings;

/// Expands the attribute `name` and, with it, every sibling that is left on the item.
pub(crate) fn expand(name: &str, arguments: TokenStream, item: TokenStream) -> TokenStream {
    if let Some(remains) = collected(&arguments, &item) {
        return remains;
    }
    let errors = Errors::new();
    let mut function = match Function::parse(name, item.clone(), &errors) {
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

    let is_function = errors.count() == 0;
    let first = (Ident::new(name, Span::call_site()), Ok(arguments.clone()));
    let siblings = take_siblings(&mut function);
    let written = Written::new([first].into_iter().chain(siblings), None, &errors);
    if let (Some(profile), true) = (&written.profile, is_function) {
        let profile = profile.clone();
        // every mistake is reported when the profile is there
        errors.discard();
        let name = Ident::new(name, Span::call_site());
        let first = quote_spanned!(Span::mixed_site()=> #[#name(#arguments)]);
        return with_profile(&profile, written, function, first, item);
    }

    let Composed { layers, krate, errors, broken } = written.compose(&mut function, errors);
    // a rule that is broken does not change what the function becomes
    let function = if errors.is_some() {
        function.undecorated()
    } else {
        if !layers.is_empty() {
            mark(&mut function, &krate);
        }
        adapt(&mut function, &layers, &krate);
        if !function.blocks && owns_arguments(&layers) {
            function.name_unnamed();
            let outside = outside(&layers, &Context::new(&function, &krate));
            drop_order::take_patterns(&mut function, &outside);
        }
        expand_layers(&layers, &Context::new(&function, &krate))
    };
    quote_spanned!(Span::mixed_site()=> #errors #broken #function)
}

/// Leaves the body to the profile: what stands outside of it is made here.
fn with_profile(
    profile: &Path,
    mut written: Written,
    mut function: Function,
    first: TokenStream,
    item: TokenStream,
) -> TokenStream {
    let errors = Errors::new();
    let item = with_names(item, &mut function);
    let krate = written.krate(&errors);
    let (layers, _) = written.layers(&Context::new(&function, &krate), &errors);
    let beside: Vec<_> = layers.iter().filter(|layer| layer.stands_beside()).collect();
    for layer in &beside {
        layer.check(&function, &errors);
    }
    needs_async(beside.iter().map(|layer| &***layer), &function, &errors);
    let is_fine = errors.finish().is_none();
    adapt(&mut function, &layers, &krate);
    let context = Context::new(&function, &krate);
    let companions: Vec<TokenStream> = beside.iter().filter_map(|layer| layer.companion(&context)).collect();
    let companions = companions.into_iter().filter(|_| is_fine);
    mark(&mut function, &krate);
    let function = function.with_statements(profile::call(profile, &krate, first, item));
    quote_spanned!(Span::mixed_site()=> #function #(#companions)*)
}

/// The item for the profile to read. It and the function give the same names to the arguments that have none.
fn with_names(item: TokenStream, function: &mut Function) -> TokenStream {
    let errors = Errors::new();
    let again = Function::parse("resilient", item.clone(), &errors);
    errors.discard();
    let Ok(mut again) = again else { return item };
    if !again.each.is_empty() || !again.name_unnamed() {
        return item;
    }
    function.name_unnamed();
    again.undecorated()
}

/// The body of a function that uses a profile, whose attributes are all still there. Without one, the body as it was written.
pub(crate) fn compose(profile: Option<TokenStream>, item: TokenStream) -> TokenStream {
    let errors = Errors::new();
    let mut function = match Function::parse("resilient", item, &errors) {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            return errors.finish().unwrap_or_default();
        }
    };
    let Some(profile) = profile else {
        errors.discard();
        return function.statements().clone();
    };
    let siblings = take_siblings(&mut function);
    let written = Written::new(siblings, Some(profile), &errors);
    let Composed { layers, krate, errors, broken } = written.compose(&mut function, errors);
    let statements = if errors.is_some() {
        function.statements().clone()
    } else {
        adapt(&mut function, &layers, &krate);
        statements(&layers, &Context::new(&function, &krate))
    };
    let assertions = &function.assertions;
    quote_spanned!(Span::mixed_site()=> #errors #broken #(#assertions)* #statements)
}

/// Reports what is wrong with the stack of a profile in itself, and returns where it says that the runtime crate is.
pub(crate) fn check_profile(name: &Ident, stack: TokenStream, errors: &Errors) -> Option<Path> {
    let function = quote_spanned!(name.span()=> async fn #name() -> ::core::result::Result<(), ()> {});
    let mut written = Written::default();
    let mistakes = errors.count();
    if !stack.is_empty() {
        written.add_list(&Ident::new("resilient", name.span()), stack, None, errors);
    }
    if let Some(other) = &written.profile {
        errors.over(other, "a profile cannot use another: write its policies here");
    }
    for (_, arguments) in &written.policies {
        if let Some(key) = arguments.listed() {
            let message = format!(
                "`{key}(…)` names arguments of one function: write it where the profile is used, as in `#[resilient(profile = {name}, {}({key}(…)))]`",
                arguments.attribute
            );
            errors.at(key.span(), message);
        }
    }
    let given = written.krate.clone();
    let Ok(function) = Function::parse("resilient", function, errors) else { return given };
    let krate = written.krate(errors);
    let (layers, _) = written.layers(&Context::new(&function, &krate), errors);
    for layer in layers.iter().filter(|layer| layer.stands_beside()) {
        let name = layer.name();
        let message = format!(
            "`{name}` adds a function beside each that has it, which a profile cannot: write `#[{name}]` on the function"
        );
        errors.at(layer.span(), message);
    }
    for place in layers.iter().filter_map(|layer| layer.output_changed()) {
        errors.at(
            place,
            "this changes what a function returns, which a profile cannot: write it where the profile is used",
        );
    }
    if errors.count() == mistakes {
        check(&layers, &function, errors);
    }
    given
}

/// Changes the signature to what the layers make of it.
fn adapt(function: &mut Function, layers: &[Box<dyn Layer>], krate: &Path) {
    let clones = clones(layers);
    if clones.iter().any(|name| name == "self") {
        function.rename_self(&this_clone());
    }
    function.require_clone(&clones);
    let mut frozen = clones;
    if layers.iter().any(|layer| layer.facts().repeats) {
        frozen.extend(function.changing_references().map(|(binding, _)| binding.ident.clone()));
    }
    function.freeze(&frozen);
    let output = layers.iter().find_map(|layer| layer.output(&Context::new(function, krate)));
    if let Some(output) = output {
        function.returns(output);
    }
}

/// A stack that is complete, and what is wrong with it.
struct Composed {
    layers: Vec<Box<dyn Layer>>,
    krate: Path,
    errors: Option<TokenStream>,
    /// The rules that it breaks.
    broken: Option<TokenStream>,
}

/// The policies as they were written, outermost first.
#[derive(Default)]
struct Written {
    policies: Vec<(&'static Kind, Arguments)>,
    rules: Vec<Rules>,
    exemptions: Vec<Exemption>,
    krate: Option<Path>,
    /// The place of the profile.
    profile: Option<Path>,
}

impl Written {
    /// Returns what the attributes say; a profile is known by now, or is only noted.
    fn new(
        attributes: impl IntoIterator<Item = (Ident, syn::Result<TokenStream>)>,
        profile: Option<TokenStream>,
        errors: &Errors,
    ) -> Self {
        let mut written = Self::default();
        for (name, arguments) in attributes {
            match arguments {
                Ok(arguments) => written.add(name, arguments, profile.as_ref(), errors),
                Err(error) => errors.push(error),
            }
        }
        written
    }

    /// The layers around the function, and everything that is wrong.
    fn compose(mut self, function: &mut Function, errors: Errors) -> Composed {
        let broken = Errors::new();
        let understood = self.understood(&errors);
        if let Some(profile) = &self.profile {
            let context = format!(" (with profile `{}`)", profile::shown(profile));
            errors.add_context(context.clone());
            broken.add_context(context);
        }
        let krate = self.krate(&errors);
        let (rules, exemptions) = (std::mem::take(&mut self.rules), std::mem::take(&mut self.exemptions));
        let (layers, carried) = self.layers(&Context::new(function, &krate), &errors);
        for layer in &layers {
            layer.check(function, &errors);
        }
        check(&layers, function, &errors);
        if understood {
            function.assertions = judge(function, &carried, &rules, &exemptions, &broken);
            function.limits = limits(&carried, &rules, &exemptions);
        }
        function.assertions.extend(errors.take_assertions());
        let errors = errors.finish();
        if errors.is_some() {
            function.assertions.clear();
        }
        Composed { layers, krate, errors, broken: broken.finish() }
    }

    /// Adds one attribute: a policy, those listed in `#[resilient(…)]`, rules, or an exception to them.
    fn add(&mut self, name: Ident, tokens: TokenStream, profile: Option<&TokenStream>, errors: &Errors) {
        if let Some(kind) = kind(&name.to_string()) {
            self.policies.push((kind, kind.arguments(name, tokens, errors)));
        } else if name == "enforce" {
            self.rules.push(Rules::parse(name.span(), tokens, errors));
        } else if name == "exempt" {
            self.exemptions.push(Exemption::parse(name.span(), tokens, errors));
        } else {
            self.add_list(&name, tokens, profile, errors);
        }
    }

    /// Adds what is listed in `#[resilient(…)]`.
    fn add_list(&mut self, name: &Ident, tokens: TokenStream, profile: Option<&TokenStream>, errors: &Errors) {
        if tokens.is_empty() {
            errors.at(
                name.span(),
                "which policies? write, for instance, `#[resilient(timeout(\"2s\"), retry(max = 3))]`",
            );
        }
        let mut list = List::default();
        for entry in list::listed(tokens, errors) {
            match entry {
                Listed::Crate(path) => self.krate = Some(path),
                Listed::Policy(name, arguments) => match kind(&name.to_string()) {
                    Some(kind) => {
                        let arguments = kind.arguments(name, arguments, errors);
                        list.policies.push((kind, arguments));
                    }
                    None => errors.at(name.span(), unknown_policy(&name.to_string())),
                },
                Listed::Profile(path) if self.profile.is_some() || list.profile.is_some() => {
                    errors.over(path, "a function has one profile: define another with the policies of both");
                }
                Listed::Profile(path) => list.profile = Some((list.policies.len(), path)),
                Listed::Without(names) => list.without.extend(names),
            }
        }
        self.add_listed(list, profile, errors);
    }

    fn add_listed(&mut self, list: List, profile: Option<&TokenStream>, errors: &Errors) {
        let List { policies, profile: written, without } = list;
        let Some((place, path)) = written else {
            if let Some(name) = without.first() {
                errors.at(
                    name.span(),
                    "`without` takes policies out of a profile, and there is none: add `profile = …`, or remove it",
                );
            }
            self.policies.extend(policies);
            return;
        };
        if let Some(tokens) = profile {
            let mut profile = Profile::parse(&path, tokens.clone());
            profile.leave_out(&without, errors);
            let (mut above, mut below) = (Vec::new(), Vec::new());
            for (index, (kind, arguments)) in policies.into_iter().enumerate() {
                let added = profile.change(kind, arguments, errors);
                if index < place { above.extend(added) } else { below.extend(added) }
            }
            self.krate = self.krate.take().or(profile.krate);
            self.policies.extend(above.into_iter().chain(profile.policies).chain(below));
        } else {
            self.policies.extend(policies);
        }
        self.profile = Some(path);
    }

    /// The runtime crate's path: the first that some attribute gives, or `::resilient`.
    fn krate(&mut self, errors: &Errors) -> Path {
        for (_, arguments) in &mut self.policies {
            let path = arguments.krate(errors);
            self.krate = self.krate.take().or(path);
        }
        let rules = self.rules.iter_mut().map(|rules| rules.krate.take());
        let exemptions = self.exemptions.iter_mut().map(|exemption| exemption.krate.take());
        self.krate = rules.chain(exemptions).fold(self.krate.take(), Option::or);
        self.krate.take().unwrap_or_else(|| syn::parse_quote_spanned!(Span::mixed_site()=> ::resilient))
    }

    /// Returns whether every policy is known for what it is, so that what is not there is known to be missing.
    fn understood(&self, errors: &Errors) -> bool {
        errors.count() == 0 && self.policies.iter().all(|(_, arguments)| arguments.understood)
    }

    /// The layers, outermost first, each at its level; and the policies as they were written, for the rules.
    fn layers(self, context: &Context<'_>, errors: &Errors) -> (Vec<Box<dyn Layer>>, Vec<Carried>) {
        let mut layers: Vec<Box<dyn Layer>> = Vec::new();
        let mut all = Vec::new();
        for (kind, arguments) in self.policies {
            let mut carried = Carried::new(kind, &arguments);
            let settings = Settings::read(arguments, kind.keys, context.function, context.krate, errors);
            let parsed = (kind.parse)(&settings);
            carried.repeats = parsed.iter().any(|layer| layer.facts().repeats);
            layers.extend(parsed);
            all.push(carried);
        }
        // the attempt's part of `timeout(total = …, attempt = …)` belongs innermost, where every policy sees it fire
        layers.sort_by_key(|layer| layer.facts().level == Some(Level::PlacedAtAttempt));
        (layers, all)
    }
}

/// The entries of one `#[resilient(…)]`.
#[derive(Default)]
struct List {
    policies: Vec<(&'static Kind, Arguments)>,
    /// The profile, and how many policies stand before it.
    profile: Option<(usize, Path)>,
    without: Vec<Ident>,
}

/// Takes the attributes of the family off the function, each with its arguments.
fn take_siblings(function: &mut Function) -> Vec<(Ident, syn::Result<TokenStream>)> {
    let (mut siblings, mut collected) = (Vec::new(), Vec::new());
    function.attributes.retain(|attribute| {
        if let Some((name, _, arguments)) = enforce::last(attribute) {
            siblings.push((name, Ok(arguments)));
            return false;
        }
        let Some(name) = policy_name(attribute) else { return true };
        let arguments = arguments_of(&name, attribute);
        siblings.push((name, arguments));
        collected.push(attribute.path().clone());
        false
    });
    function.collected = collected;
    siblings
}

/// The one of the family that the attribute is by its name: `#[retry]`, or `#[resilient::retry]`.
///
/// The crate may have another name here, or hand its attributes on in a module. Where the attribute is of another family after all,
/// what [`remains`] of it does not compile.
pub(crate) fn policy_name(attribute: &Attribute) -> Option<Ident> {
    let segments = &attribute.path().segments;
    let name = &segments.last()?.ident;
    if segments.len() > 1 && OTHER_FAMILIES.iter().any(|other| segments[0].ident == other) {
        return None;
    }
    let others = ["resilient", "enforce", "exempt"];
    (kind(&name.to_string()).is_some() || others.iter().any(|other| *name == other)).then(|| (*name).clone())
}

/// Crates that have an attribute of the name of one of ours.
const OTHER_FAMILIES: &[&str] = &["ntest", "rstest"];

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

fn late(name: &str) -> String {
    format!(
        "the stack of this function is already composed, and `#[{name}]` was not part of it: under another name it is not recognised among its siblings; write it by its own name, put it on top, or list all in one `#[resilient(…)]`"
    )
}

fn with_errors(errors: Errors, item: TokenStream) -> TokenStream {
    let errors = errors.finish();
    quote_spanned!(Span::mixed_site()=> #errors #item)
}
