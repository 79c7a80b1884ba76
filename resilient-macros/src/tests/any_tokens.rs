//! The limits of what input may do: make an attribute panic, cost the user the function, or grow faster than what was written.
//!
//! `PROPTEST_CASES=10000 cargo test -p resilient-macros any_` looks longer; `fuzz/fuzz_targets/attributes.rs` asks the same of a
//! fuzzer.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use proptest::prelude::*;
use proptest::sample::select;

use super::expand_attribute as expand;
use super::half_typed::{FUNCTIONS, defines_fetch};
use crate::policies::KINDS;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_arguments_keep_the_function(name in attribute(), arguments in tokens(), function in select(FUNCTIONS)) {
        let (signature, body) = function;
        let output = expand(name, arguments, format!("{signature} {{ {body} }}").parse().unwrap());

        prop_assert!(defines_fetch(output));
    }

    #[test]
    fn any_attributes_around_it_keep_the_function(
        name in attribute(),
        siblings in prop::collection::vec((attribute(), tokens()), 0..4),
        others in tokens(),
    ) {
        let mut item: TokenStream = siblings.into_iter().flat_map(|(name, arguments)| attribute_of(name, arguments)).collect();
        item.extend(attribute_of("other", others));
        item.extend("pub async fn fetch(&self, mut words: Vec<String>) -> Result<u32, Error> { Ok(1) }".parse::<TokenStream>());

        prop_assert!(defines_fetch(expand(name, TokenStream::new(), item)));
    }

    #[test]
    fn any_signature_and_body_keep_the_function(
        name in attribute(),
        arguments in tokens(),
        inputs in tokens(),
        output in tokens(),
        body in tokens(),
    ) {
        let mut item: TokenStream = "async fn fetch".parse().unwrap();
        item.extend([TokenTree::from(Group::new(Delimiter::Parenthesis, inputs))]);
        item.extend(output);
        item.extend([TokenTree::from(Group::new(Delimiter::Brace, body))]);

        prop_assert!(defines_fetch(expand(name, arguments, item)));
    }

    #[test]
    fn any_item_is_still_there(name in attribute(), arguments in tokens(), item in tokens()) {
        let output = expand(name, arguments, item.clone());

        prop_assert!(!defines_fetch(item) || defines_fetch(output));
    }

    #[test]
    fn any_profile_is_taken(definition in tokens(), stack in tokens(), siblings in tokens()) {
        crate::entry::profile::define(definition);
        let mut named: TokenStream = "pub(crate) search =".parse().unwrap();
        named.extend(stack.clone());
        crate::entry::profile::define(named);

        let mut body = attribute_of("resilient", siblings);
        let stack = TokenTree::from(Group::new(Delimiter::Brace, stack));
        body.extend("#[resilient(profile = search, retry(max = 1), without(timeout))] async fn fetch(w: u32) {}".parse::<TokenStream>());
        crate::entry::profile::compose([stack].into_iter().chain(body).collect());
    }

    #[test]
    fn any_item_can_be_derived_for(item in tokens(), marks in tokens(), fields in tokens()) {
        crate::classify::expand(item);
        let mut marked: TokenStream = "enum Error".parse().unwrap();
        let mut variants = attribute_of("throttled", marks);
        variants.extend("Busy".parse::<TokenStream>());
        variants.extend([TokenTree::from(Group::new(Delimiter::Brace, fields))]);
        marked.extend([TokenTree::from(Group::new(Delimiter::Brace, variants))]);
        crate::classify::expand(marked);
    }
}

#[test]
fn the_expansion_grows_as_what_was_written() {
    for (name, arguments) in stacks() {
        let size = |function: String| {
            let function = shaped(&name, &function);
            let output = expand(&name, arguments.clone(), function.parse().unwrap());
            assert!(
                !output.to_string().contains("compile_error"),
                "#[{name}({arguments})] {function}\nbecame\n{output}"
            );
            count(output)
        };
        let statements = |n: usize| {
            size(format!("async fn fetch(w: u32) -> Result<(), E> {{ {} Ok(()) }}", "call(w).await?;".repeat(n)))
        };
        let inputs = |n: usize| {
            let inputs: Vec<String> = (0..n).map(|i| format!("w{i}: &[u32; {i}],")).collect();
            let inputs = inputs.concat();
            size(
                format!("async fn fetch(#[each] w: u32, {inputs}) -> Result<(), E> {{ Ok(()) }}")
                    .replace("#[each]", each(&name)),
            )
        };
        let attributes = |n: usize| {
            size(format!("{} async fn fetch(w: u32) -> Result<(), E> {{ Ok(()) }}", "#[doc = \"a\"]".repeat(n)))
        };
        let generics = |n: usize| {
            let generics: Vec<String> = (0..n).map(|i| format!("T{i}: Clone,")).collect();
            let generics = generics.concat();
            size(format!("async fn fetch<{generics}>(w: u32) -> Result<(), E> {{ Ok(()) }}"))
        };

        assert_linear(&name, "statements", statements);
        assert_linear(&name, "arguments", inputs);
        assert_linear(&name, "attributes", attributes);
        assert_linear(&name, "type parameters", generics);
    }
}

#[test]
fn the_messages_grow_as_the_mistakes() {
    for kind in KINDS {
        assert_linear(kind.name, "unknown keys", |n| {
            let arguments: Vec<String> = (0..n).map(|i| format!("unheard_of_{i} = 1,")).collect();
            let arguments = arguments.concat();
            count(expand(
                kind.name,
                arguments.parse().unwrap(),
                "async fn fetch(w: u32) -> Result<(), E> { Ok(()) }".parse().unwrap(),
            ))
        });
    }
}

/// Twice as much more is written, and twice as many more tokens come of it, whatever there is besides.
fn assert_linear(name: &str, of: &str, size: impl Fn(usize) -> usize) {
    let [one, two, four] = [8, 16, 32].map(size);

    assert_eq!(four - two, 2 * (two - one), "#[{name}] is not linear in its {of}: {one}, {two}, {four}");
}

/// Each attribute with as little as it needs, and a whole stack.
fn stacks() -> Vec<(String, TokenStream)> {
    let function = "async fn fetch(w: u32) -> Result<(), E> { Ok(()) }";
    let mut stacks: Vec<(String, TokenStream)> = KINDS
        .iter()
        .map(|kind| {
            let examples = kind.keys.iter().map(|key| key.example);
            let arguments = [""].into_iter().chain(examples).find(|arguments| {
                let function = shaped(kind.name, function).parse().unwrap();
                let output = expand(kind.name, arguments.parse().unwrap(), function);
                !output.to_string().contains("compile_error")
            });
            let arguments = arguments.unwrap_or_else(|| panic!("no one example of a key makes a `#[{}]`", kind.name));
            (kind.name.to_owned(), arguments.parse().unwrap())
        })
        .collect();
    let listed = r#"fallback(value = ()), timeout(total = "2s", attempt = "400ms"), retry, circuit_breaker, rate_limit("100/s"), bulkhead"#;
    stacks.push(("resilient".to_owned(), listed.parse().unwrap()));
    stacks
}

/// The function as the policy can take it: a batch has keys where the others have one argument.
fn shaped(name: &str, function: &str) -> String {
    if name == "batch" { function.replace("w: u32", "w: Vec<u32>") } else { function.to_owned() }
}

/// The mark that a policy which adds a function needs among many arguments.
fn each(name: &str) -> &'static str {
    if matches!(name, "fan_out" | "batch") { "#[each]" } else { "" }
}

/// The tokens, with those in brackets.
fn count(tokens: TokenStream) -> usize {
    let sizes = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => 2 + count(group.stream()),
        _ => 1,
    });
    sizes.sum()
}

fn attribute_of(name: &str, arguments: TokenStream) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    let inside = [TokenTree::from(name), Group::new(Delimiter::Parenthesis, arguments).into()].into_iter().collect();
    [TokenTree::from(Punct::new('#', Spacing::Alone)), Group::new(Delimiter::Bracket, inside).into()]
        .into_iter()
        .collect()
}

/// An attribute's name.
fn attribute() -> impl Strategy<Value = &'static str> {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).chain(["resilient", "enforce", "exempt"]).collect();
    select(names)
}

/// Tokens of the kind that are written in attributes and functions, in any order.
fn tokens() -> impl Strategy<Value = TokenStream> {
    let stream = |tokens: Vec<Vec<TokenTree>>| -> TokenStream { tokens.into_iter().flatten().collect() };
    let group = move |inside| {
        let delimiters = vec![Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::Brace, Delimiter::None];
        (select(delimiters), prop::collection::vec(inside, 0..5))
            .prop_map(move |(delimiter, inside)| vec![Group::new(delimiter, stream(inside)).into()])
    };
    prop::collection::vec(leaf().prop_recursive(3, 24, 5, group), 0..8).prop_map(stream)
}

fn leaf() -> impl Strategy<Value = Vec<TokenTree>> {
    let examples: Vec<&str> = KINDS.iter().flat_map(|kind| kind.keys.iter().map(|key| key.example)).collect();
    let names: Vec<&str> =
        KINDS.iter().flat_map(|kind| kind.keys.iter().map(|key| key.name).chain([kind.name])).collect();
    prop_oneof![
        select(examples).prop_map(lexed),
        select(names).prop_map(lexed),
        select(WORDS).prop_map(lexed),
        select(SIGNS).prop_map(|sign| vec![Punct::new(sign, Spacing::Alone).into()]),
        select(SIGNS).prop_map(|sign| vec![Punct::new(sign, Spacing::Joint).into()]),
        any::<u64>().prop_map(|number| vec![Literal::u64_unsuffixed(number).into()]),
        "[0-9]{0,20}[.]?[0-9]{0,3} ?(ns|us|ms|s|m|h|d|M|%|/s|/min|)-?"
            .prop_map(|text| vec![Literal::string(&text).into()]),
        any::<String>().prop_map(|text| vec![Literal::string(&text).into()]),
    ]
}

fn lexed(text: &str) -> Vec<TokenTree> {
    text.parse::<TokenStream>().unwrap().into_iter().collect()
}

const SIGNS: &[char] = &['=', ',', '|', '&', '-', ':', ';', '.', '<', '>', '#', '!', '?', '*', '+', '/', '@', '$'];

const WORDS: &[&str] = &[
    "profile = search",
    "<=",
    "any",
    "forbid",
    "mod",
    "trait",
    "self",
    "Self",
    "crate",
    "mut",
    "fn",
    "async",
    "move",
    "if",
    "else",
    "match",
    "impl",
    "dyn",
    "where",
    "for",
    "return",
    "unsafe",
    "const",
    "static",
    "type",
    "_",
    "r#type",
    "fetch",
    "words",
    "n",
    "Error",
    "Result<u32, Error>",
    "Result",
    "'a",
    "'static",
    "->",
    "=>",
    "::",
    "..",
    "..=",
    "5s",
    "1.5",
    "1e999",
    "-3",
    "0",
    "3u64",
    "0x_f",
    "'c'",
    "b\"x\"",
    "true",
    "unlimited",
    "none",
    "off",
    "\"adaptive\"",
    "\"exp\"",
    "|error|",
    "|_: &Error| true",
    "(host, tenant)",
    "#[each]",
    "words: Vec<String>",
    "mut words: Vec<String>",
    "&self",
    "self",
    "&mut self",
    "(a, b): (u32, u32)",
    "impl Clone",
    "dyn",
    "__composed",
    "#[composed]",
    "#[retry(max = 2)]",
    "#[timeout = 3]",
    "#![allow(x)]",
    "async fn fetch() {}",
    "Box::pin(async move { let __ret: Result<u32, Error> = { 1 }; __ret })",
    "<T as Into<U>>::Error",
];
