//! Input that is still being typed: an attribute and a body that break off at any token never cost the editor the function.

use proc_macro2::{Group, TokenStream, TokenTree};

use super::expand_attribute as expand;
use crate::entry::profile;
use crate::policies::KINDS;

const ATTRIBUTES: &[(&str, &str)] = &[
    ("retry", r#"max = 3, backoff = "exp", base = "50ms", cap = LIMIT * 2, factor = -1.5, name = "fetch""#),
    ("retry", "clone(words, more), number = n, when = |error: &Error, _| matches!(error, Error::Down { .. } | _)"),
    ("retry", "with = self.retry.get(0).map(|retry| &**retry).unwrap_or(&FALLBACK), crate = ::resilient::inner"),
    ("timeout", r#"total = "2s", attempt = LIMITS[0] / 2, name = "fetch""#),
    ("timeout", "if FAST { SHORT } else { LONG }"),
    ("circuit_breaker", r#"failure_rate = "50%", window = 10, min_calls = 5, consecutive = off, open_for = "1s""#),
    ("fan_out", "limit = 4, companion = every"),
    ("batch", r#"max_size = 4, max_wait = "2ms", companion = one, group = (self.tenant, words), with = self.batch"#),
    ("resilient", r#"timeout(total = "2s"), retry(max = 3, clone(words)), circuit_breaker, crate = crate::inner"#),
    (
        "resilient",
        "fallback(value = 1), profile = crate::policies::search, retry(clone(words)), without(timeout, retry)",
    ),
    (
        "enforce",
        r#"timeout, retry(max <= 5, base >= "1ms", budget != none), any(cancel, bulkhead(key)), forbid(fan_out), crate = ::x"#,
    ),
    ("exempt", r#"timeout, retry, reason = "none", crate = ::resilient"#),
];

const CONTAINERS: &[&str] = &[
    "#[async_trait] impl<const N: usize> Client<{ N }> where T: Fn() -> u32 { async fn fetch(&self) { if a < b {} } const X: u32 = { 1 }; }",
    "mod api { #![allow(x)] use a::{b, c}; mod tests; struct Y { a: u32 } pub(in a::b) async fn fetch() {} macro_rules! x { () => {} } }",
    "pub unsafe trait Calls: Send { type X; fn plain(&self); default async fn fetch(&self) -> u32 { 1 } x! {} }",
];

const DEFINITION: &str = r#"/** words */ pub(crate) search = timeout(total = "2s"), retry(max = LIMITS[0] / 2, clone(a)), cancel(on = self.stop)"#;

/// Functions of every form, each called `fetch`: the signature and the body.
pub(crate) const FUNCTIONS: &[(&str, &str)] = &[
    ("async fn fetch(&self, words: Vec<String>) -> Result<u32, Error>", "let x = words[0].len()?; Ok(x as u32)"),
    (r#"#[timeout("1s")] #[retry(max = 2)] pub(crate) async fn fetch<T>(mut words: T)"#, "if true { return; } loop {}"),
    (
        "fn fetch<'a>(&'a self) -> Pin<Box<dyn Future<Output = Result<u32, Error>> + Send + 'a>>",
        "Box::pin(async move { let __ret: Result<u32, Error> = { self.call(|| 1).await }; __ret })",
    ),
    ("fn fetch(words: &str) -> usize", "match words { _ => words.len() }"),
];

#[test]
fn a_half_typed_attribute_keeps_the_function() {
    for (name, arguments) in ATTRIBUTES {
        for arguments in prefixes(arguments.parse().unwrap()) {
            for (signature, body) in FUNCTIONS {
                assert_keeps_the_function(name, &arguments, &format!("{signature} {{ {body} }}"));
            }
        }
    }
}

#[test]
fn every_key_may_be_half_typed() {
    for kind in KINDS {
        let examples: Vec<&str> = kind.keys.iter().map(|key| key.example).collect();
        for arguments in examples.iter().copied().chain([&*examples.join(", ")]) {
            for arguments in prefixes(arguments.parse().unwrap()) {
                for (signature, body) in FUNCTIONS {
                    let item = format!("{signature} {{ {body} }}");
                    assert_keeps_the_function(kind.name, &arguments, &item);
                    let listed = format!("{}({arguments})", kind.name).parse().unwrap();
                    assert_keeps_the_function("resilient", &listed, &item);
                }
            }
        }
    }
}

#[test]
fn a_half_typed_body_keeps_the_function() {
    for (signature, body) in FUNCTIONS {
        for body in prefixes(body.parse().unwrap()) {
            for (name, arguments) in ATTRIBUTES {
                assert_keeps_the_function(name, &arguments.parse().unwrap(), &format!("{signature} {{ {body} }}"));
            }
        }
    }
}

#[test]
fn half_typed_rules_keep_what_they_stand_on() {
    for container in CONTAINERS {
        for (name, arguments) in ATTRIBUTES.iter().filter(|(name, _)| matches!(*name, "enforce" | "exempt")) {
            for arguments in prefixes(arguments.parse().unwrap()) {
                let output = expand(name, arguments, container.parse().unwrap());
                assert!(output.to_string().contains("async fn fetch"), "{output}");
            }
        }
        for container in prefixes(container.parse().unwrap()) {
            let rules: TokenStream = "timeout, forbid(retry)".parse().unwrap();
            let output = expand("enforce", rules, container.clone()).to_string();
            for token in ["fetch", "plain", "X"] {
                assert_eq!(
                    output.contains(token),
                    container.to_string().contains(token),
                    "{container}\nbecame\n{output}"
                );
            }
        }
    }
}

#[test]
fn a_half_typed_profile_and_what_uses_it_keep_the_function() {
    for definition in prefixes(DEFINITION.parse().unwrap()) {
        profile::define(definition);
    }
    for stack in prefixes(DEFINITION.parse().unwrap()) {
        for (signature, body) in FUNCTIONS {
            let function: TokenStream = format!(
                "#[retry] #[resilient(profile = search, retry(max = 1), without(timeout))] {signature} {{ {body} }}"
            )
            .parse()
            .unwrap();
            let stack = TokenTree::from(Group::new(proc_macro2::Delimiter::Brace, stack.clone()));
            profile::compose([stack].into_iter().chain(function).collect());
        }
    }
    for input in prefixes("{ retry } #[retry] async fn fetch() { 1 }".parse().unwrap()) {
        profile::compose(input);
    }
}

fn assert_keeps_the_function(name: &str, arguments: &TokenStream, item: &str) {
    let output = expand(name, arguments.clone(), item.parse().unwrap());

    assert!(defines_fetch(output.clone()), "#[{name}({arguments})] {item}\nbecame\n{output}");
}

/// Returns whether a function of this name is among the items.
pub(crate) fn defines_fetch(output: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = output.into_iter().collect();
    tokens.windows(2).any(|pair| pair[0].to_string() == "fn" && pair[1].to_string() == "fetch")
}

/// The tokens up to each token, with brackets closed, as an editor closes them.
fn prefixes(tokens: TokenStream) -> Vec<TokenStream> {
    let mut before = TokenStream::new();
    let mut prefixes = vec![before.clone()];
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            for inside in prefixes_of(group) {
                prefixes.push(before.clone().into_iter().chain([inside]).collect());
            }
        }
        before.extend([token]);
        prefixes.push(before.clone());
    }
    prefixes
}

fn prefixes_of(group: &Group) -> impl Iterator<Item = TokenTree> + use<> {
    let delimiter = group.delimiter();
    prefixes(group.stream()).into_iter().map(move |inside| Group::new(delimiter, inside).into())
}
