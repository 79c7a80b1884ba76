//! The cases of `tests/ui`, expanded here as well: the compiler hides which lines of a macro it runs, and `scripts/coverage.sh macros` wants to know.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser;
use syn::{Attribute, LitStr};

use super::coverage::sources;

#[test]
fn what_the_macros_say_is_what_the_compiler_shows() {
    let (mut said, mut others) = (0, Vec::new());
    for (path, source) in sources("ui") {
        let shown = shown(&path.with_extension("stderr"));

        // what is no Rust reaches no macro, or the compiler says itself what is wrong with it
        let Ok(tokens) = source.parse::<TokenStream>() else { continue };
        let is_half_typed = path.parent().is_some_and(|theme| theme.ends_with("half_typed"));
        for message in messages(Case::default().expand(tokens, 0)).into_iter().filter(|_| !is_half_typed) {
            if !shown.contains(&plain(&message)) {
                others.push(format!("{}: {message}", path.display()));
            }
            said += 1;
        }
    }

    assert!(others.is_empty(), "the compiler does not show:\n{}", others.join("\n"));
    assert!(said > 300, "{said}");
}

/// The compiler's account. Neither line breaks and margins matter nor the spaces that the compiler knows between tokens.
fn shown(path: &Path) -> String {
    plain(&fs::read_to_string(path).unwrap_or_default())
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect()
}

/// A case that is expanded, with the stacks of the profiles that it has defined so far.
#[derive(Default)]
struct Case {
    profiles: HashMap<String, TokenStream>,
}

impl Case {
    /// Returns what the macros in the text expand to, those in what they expand to as well.
    fn expand(&mut self, tokens: TokenStream, depth: usize) -> TokenStream {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut expanded = TokenStream::new();
        let mut at = 0;
        while at < tokens.len() {
            if let [name, TokenTree::Punct(mark), call, ..] = &tokens[at..]
                && mark.as_char() == '!'
                && let Some(body) = self.compose(name, call)
            {
                expanded.extend(self.expand(body, depth + 1));
                at += 3;
                continue;
            }
            let start = at;
            while let [TokenTree::Punct(mark), TokenTree::Group(group), ..] = &tokens[at..]
                && mark.as_char() == '#'
                && group.delimiter() == Delimiter::Bracket
            {
                at += 2;
            }
            let item = at + tokens[at..].iter().position(is_end).map_or(0, |end| end + 1);
            let output = match &tokens[at..] {
                // for a macro of the case, which makes a function of that name
                [TokenTree::Ident(name)] => {
                    let function = quote::quote!(async fn #name(keys: Vec<u32>) -> Found { Ok(HashMap::new()) });
                    self.expand_item(&tokens[start..at], &function.into_iter().collect::<Vec<_>>())
                }
                _ => self.expand_item(&tokens[start..at], &tokens[at..item]),
            };
            if let Some(output) = output.filter(|_| depth < 10) {
                expanded.extend(self.expand(output, depth + 1));
                at = item.max(at);
                continue;
            }
            expanded.extend(tokens[start..at].iter().cloned());
            if let Some(token) = tokens.get(at) {
                match token {
                    TokenTree::Group(group) => {
                        let inner = self.expand(group.stream(), depth);
                        expanded.extend([TokenTree::Group(Group::new(group.delimiter(), inner))]);
                    }
                    other => expanded.extend([other.clone()]),
                }
                at += 1;
            }
        }
        expanded
    }

    /// Expands the first attribute that is ours over the item with the others, or the macro `profile`.
    fn expand_item(&mut self, attributes: &[TokenTree], item: &[TokenTree]) -> Option<TokenStream> {
        if let [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Group(definition)] = item
            && name == "profile"
        {
            return Some(self.define(definition.stream()));
        }
        let parsed = Attribute::parse_outer.parse2(attributes.iter().cloned().collect()).ok()?;
        let mut parsed: Vec<Attribute> = parsed.into_iter().filter_map(resolve).collect();
        let item: TokenStream = item.iter().cloned().collect();
        if item.is_empty() {
            return None;
        }
        let derives = |attribute: &Attribute| {
            attribute.path().is_ident("derive") && attribute.to_token_stream().to_string().contains("Classify")
        };
        if let Some(place) = parsed.iter().position(derives) {
            parsed.remove(place);
            return Some(crate::classify::expand(quote::quote!(#(#parsed)* #item)));
        }
        let place = parsed.iter().position(|attribute| crate::stack::policy_name(attribute).is_some())?;
        let first = parsed.remove(place);
        let arguments = match &first.meta {
            syn::Meta::Path(_) => TokenStream::new(),
            syn::Meta::List(list) => list.tokens.clone(),
            syn::Meta::NameValue(_) => return None,
        };
        let name = crate::stack::policy_name(&first)?.to_string();
        Some(super::expand_attribute(&name, arguments, quote::quote!(#(#parsed)* #item)))
    }

    fn define(&mut self, definition: TokenStream) -> TokenStream {
        let defined = crate::entry::profile::define(definition.clone());
        let tokens: Vec<TokenTree> = definition.into_iter().collect();
        let equals = tokens.iter().position(|token| token.to_string() == "=");
        if let Some(equals) = equals.filter(|equals| *equals > 0) {
            // one that is refused leaves its functions as they are
            let is_refused = !messages(defined.clone()).is_empty();
            let stack: TokenStream = tokens[equals + 1..].iter().cloned().collect();
            let stack = if is_refused { quote::quote!(!) } else { quote::quote!({ #stack }) };
            self.profiles.insert(tokens[equals - 1].to_string(), stack);
        }
        defined
    }

    /// The body that the call of a profile becomes: of its tokens, the first says who is to be called, and the others are the function.
    fn compose(&self, name: &TokenTree, call: &TokenTree) -> Option<TokenStream> {
        let (stack, TokenTree::Group(call)) = (self.profiles.get(&name.to_string())?, call) else { return None };
        Some(crate::entry::profile::compose(
            stack.clone().into_iter().chain(call.stream().into_iter().skip(1)).collect(),
        ))
    }
}

fn is_end(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    }
}

/// The attribute that is there once the compiler has looked at its condition, of which the cases have two.
fn resolve(attribute: Attribute) -> Option<Attribute> {
    if !attribute.path().is_ident("cfg_attr") {
        return Some(attribute);
    }
    let condition = attribute.meta.require_list().ok()?.tokens.to_string();
    let inner: TokenStream =
        condition.strip_prefix("all () ,").or_else(|| condition.strip_prefix("all(),"))?.parse().ok()?;
    Attribute::parse_outer.parse2(quote::quote!(#[#inner])).ok()?.pop()
}

/// The messages of every `compile_error!` that is under no condition.
fn messages(tokens: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            let is_error = at >= 2 && tokens[at - 2].to_string() == "compile_error";
            // before `::core::compile_error!`
            let is_conditional = at >= 8 && tokens[at - 8].to_string().starts_with("[cfg");
            match syn::parse2::<LitStr>(group.stream()) {
                Ok(_) if is_error && is_conditional => {}
                Ok(message) if is_error => found.push(message.value()),
                _ => found.extend(messages(group.stream())),
            }
        }
    }
    found
}
