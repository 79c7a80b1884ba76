//! The expansions as files: each case under `tests/expand` is expanded, printed and compared with its `.expanded.rs`.
//!
//! `UPDATE_EXPECT=1 cargo test -p resilient-macros` rewrites them; review the difference like code. The tests package
//! compiles both files of each case and checks that they do the same.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Item, Stmt};

#[test]
fn expansions_are_as_reviewed() {
    let cases = cases(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/expand")));
    assert!(!cases.is_empty(), "no cases were found");
    let update = std::env::var_os("UPDATE_EXPECT").is_some();

    let mut differing = Vec::new();
    for case in cases {
        let expanded = expand_file(&fs::read_to_string(&case).unwrap());
        let reviewed = case.with_extension("expanded.rs");
        if fs::read_to_string(&reviewed).unwrap_or_default() == expanded {
            continue;
        }
        if update {
            fs::write(&reviewed, expanded).unwrap();
        } else {
            differing.push(format!("{}\n{expanded}", reviewed.display()));
        }
    }

    assert!(differing.is_empty(), "these differ from what was reviewed:\n\n{}", differing.join("\n\n"));
}

#[test]
fn other_macros_can_read_the_expansions() {
    for expanded in files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/expand"))) {
        let code = fs::read_to_string(&expanded).unwrap();

        syn::parse_file(&code).unwrap_or_else(|error| panic!("{}: {error}", expanded.display()));
        syn_2::parse_file(&code).unwrap_or_else(|error| panic!("syn 2: {}: {error}", expanded.display()));
    }
}

#[test]
fn the_locals_of_the_expansions_are_no_names_of_items() {
    struct Locals(Vec<String>);
    impl<'ast> Visit<'ast> for Locals {
        fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
            self.0.push(pattern.ident.to_string());
            syn::visit::visit_pat_ident(self, pattern);
        }
    }
    let locals = |code: &str| {
        let mut locals = Locals(Vec::new());
        locals.visit_file(&syn::parse_file(code).unwrap());
        locals.0
    };

    for case in cases(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/expand"))) {
        let source = fs::read_to_string(&case).unwrap();
        let mut users = locals(&source);
        // what `attempt = n` binds
        users.push("number".to_owned());
        // what `#[async_trait]` binds
        users.extend(["__self", "__ret"].map(str::to_owned));
        for local in locals(&expand_file(&source)) {
            let is_users = users.contains(&local)
                || [format!("|{local}"), format!(", {local}|")].iter().any(|written| source.contains(written));
            assert!(local.ends_with('_') || is_users, "{}: `{local}`", case.display());
        }
    }
}

#[test]
fn two_policies_of_one_kind_are_refused_or_have_locals_of_their_own() {
    let alone = |name: &'static str| match name {
        "timeout" => "timeout(\"9s\")",
        "rate_limit" => "rate_limit(\"9/s\")",
        "hedge" => "hedge(idempotent)",
        "cancel" => "cancel(on = TOKEN)",
        "coalesce" => "coalesce(key = id)",
        "fallback" => "fallback(value = Vec::new())",
        "batch" => "batch(group = ())",
        bare => bare,
    };
    let names: Vec<&str> = crate::policies::KINDS.iter().map(|kind| kind.name).collect();
    let mut taken = 0;
    for twice in &names {
        for between in
            names.iter().map(|name| alone(name)).chain(["", "retry, bulkhead", "bulkhead, retry, rate_limit(\"9/s\")"])
        {
            let twice = alone(twice);
            let later = twice.replace("\"9s\"", "\"1s\"");
            let stack = format!("{twice}, {between}{} {later}", if between.is_empty() { "" } else { "," });
            let function = "async fn fetch(id: Vec<u32>) -> Result<Vec<u32>, Error> { Ok(id) }";
            let output = super::expand_attribute("resilient", stack.parse().unwrap(), function.parse().unwrap());
            let text = output.to_string();
            if text.contains("compile_error") {
                continue;
            }

            let mut locals: Vec<&str> =
                text.match_indices("static ").map(|(at, _)| text[at..].split(' ').nth(1).unwrap()).collect();
            let count = locals.len();
            assert!(count > 0, "{stack}: {text}");
            locals.sort_unstable();
            locals.dedup();
            assert_eq!(locals.len(), count, "{stack}: {text}");
            taken += 1;
        }
    }
    assert!(taken > 3, "{taken}");
}

#[test]
fn every_expansion_still_has_its_case() {
    for expanded in files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/expand"))) {
        let Some(case) = expanded.to_str().and_then(|path| path.strip_suffix(".expanded.rs")) else { continue };

        assert!(Path::new(&format!("{case}.rs")).exists(), "{} has no case", expanded.display());
    }
}

#[test]
fn the_page_about_expansions_quotes_the_example() {
    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let page = Path::new(ROOT).join("docs/expansion.md");
    let example = fs::read_to_string(Path::new(ROOT).join("examples/parallel_search/client.rs")).unwrap();
    let function = search_provider(&example);
    let expanded = expand_file(function);
    let (_, expanded) = expanded.split_once('\n').unwrap();
    let mut quoted = fs::read_to_string(&page).unwrap();
    for (name, code) in [("source", function), ("expansion", expanded)] {
        let (from, to) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let (before, rest) = quoted.split_once(&from).unwrap();
        let (_, after) = rest.split_once(&to).unwrap();
        quoted = format!("{before}{from}```rust,ignore\n{}\n```\n{to}{after}", code.trim());
    }

    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(page, quoted).unwrap();
    } else {
        assert_eq!(
            fs::read_to_string(page).unwrap(),
            quoted,
            "`UPDATE_EXPECT=1 cargo test -p resilient-macros` mends it"
        );
    }
}

/// The annotated function that the page quotes, with its attributes.
fn search_provider(source: &str) -> &str {
    let start = source.find("#[fan_out(").unwrap();
    let end = source[start..].find("\n}\n").unwrap();
    &source[start..start + end + "\n}\n".len()]
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let is_case = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".rs") && !name.ends_with(".expanded.rs")
    };
    files(folder).into_iter().filter(is_case).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn expand_file(source: &str) -> String {
    let mut file = syn::parse_file(source).unwrap();
    ExpandPolicies { profiles: take_profiles(&mut file) }.visit_file_mut(&mut file);
    format!("// @generated from the case beside it\n{}", prettyplease::unparse(&file))
}

/// Expands policies, rules, profiles and `derive(Classify)` as the compiler would, and leaves everything else.
struct ExpandPolicies {
    profiles: HashMap<String, TokenStream>,
}

/// Takes the profiles out of the file, for what is left is what a reader would write by hand.
fn take_profiles(file: &mut syn::File) -> HashMap<String, TokenStream> {
    let mut profiles = HashMap::new();
    file.items.retain(|item| {
        let Item::Macro(call) = item else { return true };
        let definition = call.mac.tokens.to_string();
        if !call.mac.path.is_ident("profile") {
            return true;
        }
        let (name, stack) = definition.split_once('=').unwrap();
        let name = name.rsplit(' ').find(|word| !word.is_empty()).unwrap();
        profiles.insert(name.to_owned(), format!("{{ {stack} }}").parse().unwrap());
        false
    });
    profiles
}

impl VisitMut for ExpandPolicies {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items = file.items.drain(..).flat_map(expand_item).collect();
        syn::visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            *items = items.drain(..).flat_map(expand_item).collect();
        }
        syn::visit_mut::visit_item_mod_mut(self, module);
    }

    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        item.items = item.items.drain(..).flat_map(expand_member).collect();
        syn::visit_mut::visit_item_impl_mut(self, item);
    }

    fn visit_item_trait_mut(&mut self, item: &mut syn::ItemTrait) {
        for member in &mut item.items {
            if let syn::TraitItem::Fn(function) = member
                && let Some(tokens) = expand_first(&mut function.attrs.clone(), function)
            {
                *member = syn::parse2(tokens).unwrap();
            }
        }
        syn::visit_mut::visit_item_trait_mut(self, item);
    }

    /// Drops the statements that expand to nothing.
    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.retain(|statement| match statement {
            Stmt::Item(Item::Const(item)) => !item.attrs.iter().any(is_collected),
            _ => true,
        });
        block.stmts = block.stmts.drain(..).flat_map(|statement| self.fill(statement)).collect();
        syn::visit_mut::visit_block_mut(self, block);
    }
}

impl ExpandPolicies {
    /// The body that the call of a profile becomes.
    fn fill(&self, statement: Stmt) -> Vec<Stmt> {
        let Stmt::Macro(call) = &statement else { return vec![statement] };
        let name = call.mac.path.segments.last().unwrap().ident.to_string();
        let Some(profile) = self.profiles.get(&name) else { return vec![statement] };
        // the first token says who is to be called
        let function = call.mac.tokens.clone().into_iter().skip(1);
        let body = crate::entry::profile::compose(profile.clone().into_iter().chain(function).collect());
        syn::Block::parse_within.parse2(body).unwrap()
    }
}

fn is_collected(attribute: &Attribute) -> bool {
    attribute.to_token_stream().to_string().contains("__composed")
}

fn expand_item(mut item: Item) -> Vec<Item> {
    let attributes = match &mut item {
        Item::Fn(function) => &mut function.attrs,
        Item::Enum(syn::ItemEnum { attrs, .. }) | Item::Struct(syn::ItemStruct { attrs, .. }) => {
            let derives = attrs.iter().any(|attribute| attribute.to_token_stream().to_string().contains("Classify"));
            return if derives { derive(item) } else { vec![item] };
        }
        Item::Impl(syn::ItemImpl { attrs, .. }) | Item::Mod(syn::ItemMod { attrs, .. }) => attrs,
        _ => return vec![item],
    };
    let mut attributes = std::mem::take(attributes);
    match expand_first(&mut attributes, &item) {
        // one attribute may leave another to be expanded
        Some(tokens) => syn::parse2::<syn::File>(tokens).unwrap().items.into_iter().flat_map(expand_item).collect(),
        None => {
            if let Item::Fn(syn::ItemFn { attrs, .. })
            | Item::Impl(syn::ItemImpl { attrs, .. })
            | Item::Mod(syn::ItemMod { attrs, .. }) = &mut item
            {
                *attrs = attributes;
            }
            vec![item]
        }
    }
}

fn expand_member(mut member: syn::ImplItem) -> Vec<syn::ImplItem> {
    let syn::ImplItem::Fn(function) = &mut member else { return vec![member] };
    let mut attributes = std::mem::take(&mut function.attrs);
    match expand_first(&mut attributes, function) {
        Some(tokens) => {
            let members = syn::parse2::<syn::ItemImpl>(quote::quote!(impl Type { #tokens })).unwrap().items;
            members.into_iter().flat_map(expand_member).collect()
        }
        None => {
            function.attrs = attributes;
            vec![member]
        }
    }
}

/// Expands the first of the attributes that is a policy, over the item with the others.
fn expand_first(attributes: &mut Vec<Attribute>, item: &impl ToTokens) -> Option<TokenStream> {
    let index = attributes.iter().position(|attribute| crate::stack::policy_name(attribute).is_some())?;
    let first = attributes.remove(index);
    let name = crate::stack::policy_name(&first)?.to_string();
    let arguments = match first.meta {
        syn::Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    let mut tokens = TokenStream::new();
    for attribute in attributes.iter() {
        attribute.to_tokens(&mut tokens);
    }
    item.to_tokens(&mut tokens);
    Some(super::expand_attribute(&name, arguments, tokens))
}

/// The item without `Classify` in its derives and without its marks, and the implementation beside it.
fn derive(mut item: Item) -> Vec<Item> {
    let implementations: syn::File = syn::parse2(crate::classify::expand(item.to_token_stream())).unwrap();
    Unmark.visit_item_mut(&mut item);
    [item].into_iter().chain(implementations.items).collect()
}

struct Unmark;

impl VisitMut for Unmark {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| !crate::classify::is_mark(attribute));
        for attribute in attributes {
            if attribute.path().is_ident("derive") {
                let derives = attribute
                    .parse_args_with(syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated);
                let kept: Vec<_> = derives.unwrap().into_iter().filter(|path| !path.is_ident("Classify")).collect();
                *attribute = syn::parse_quote!(#[derive(#(#kept),*)]);
            }
        }
    }
}
