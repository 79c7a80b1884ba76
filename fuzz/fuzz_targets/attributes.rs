//! An attribute above a function: no tokens may make the macro panic, or cost the user the function.
//!
//! An input is text: the attribute in its first line, as `retry(max = 3)`, and the item below it in the other lines. `profile`
//! there is a definition. `compose` is the call that a profile makes, with its stack and the function that uses it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proc_macro2::{TokenStream, TokenTree};

fuzz_target!(|input: &str| {
    let Some((attribute, item)) = input.split_once('\n') else { return };
    let (name, arguments) = attribute.split_once('(').unwrap_or((attribute, ")"));
    let (Ok(arguments), Ok(item)) = (arguments.trim_end().trim_end_matches(')').parse(), item.parse::<TokenStream>())
    else {
        return;
    };
    match name {
        "Classify" => drop(resilient_expansion::classify(item.clone())),
        "profile" => drop(resilient_expansion::define(item.clone())),
        "compose" => drop(resilient_expansion::compose(item.clone())),
        _ => {}
    }
    if !resilient_expansion::names().any(|known| known == name) {
        return;
    }

    let functions = functions(item.clone());
    let output = resilient_expansion::expand(name, arguments, item);

    let still = self::functions(output);
    assert!(functions.iter().all(|name| still.contains(name)), "{functions:?} became {still:?}");
});

/// Returns the names of the functions among the items.
fn functions(items: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = items.into_iter().collect();
    tokens.windows(2).filter(|pair| pair[0].to_string() == "fn").map(|pair| pair[1].to_string()).collect()
}
