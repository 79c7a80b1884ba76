//! The expansion of an annotated function, as people read it.

use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{AttrStyle, Attribute, Block, File, ImplItem, Item, ItemImpl, ItemTrait, Stmt, TraitItem};

use self::comments::{annotated, beside, head};
use crate::check::source::{Function, Tree, joined, read};

mod comments;

/// The reason why there is no expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The tree has no such function, or several.
    NotFound(String),
    /// The tree cannot be read, or the macro refuses the function.
    Unreadable(String),
}

/// Returns the expansion of the function that is named so in the tree: by its name, the end of its path, or its file and line.
///
/// It has comments with the order of the policies, the worst case and all settings, unless it shall be plain.
///
/// # Errors
///
/// A message if there is no such annotated function, there are several, or the macro refuses it.
pub fn expand(root: &Path, name: &str, plain: bool) -> Result<String, Trouble> {
    let tree = Tree::read(root).map_err(Trouble::Unreadable)?;
    let function = find(&tree, name, root)?;
    let path = if root.is_file() { root.to_owned() } else { root.join(&function.file) };
    let unreadable = |reason: String| Trouble::Unreadable(format!("{}: {reason}", path.display()));
    let text = fs::read_to_string(&path).map_err(|error| unreadable(error.to_string()))?;
    let file = syn::parse_file(&text).map_err(|error| unreadable(error.to_string()))?;
    let mut search = Search { line: function.line, outer: Outer::None, rules: Vec::new(), found: None };
    search.visit_file(&file);
    let found = search.found.ok_or_else(|| unreadable(format!("line {} has no function any more", function.line)))?;

    let place = format!("{}:{}: {}", function.file.display(), function.line, function.title());
    let code = found.expanded(&tree, &function.file, &place)?;
    let beside = beside(&code, &function.name);
    let code = prettyplease::unparse(&code);
    if plain {
        return Ok(code);
    }
    let written = found.attributes.iter().filter_map(|attribute| {
        let policy = resilient_expansion::policy_name(attribute)?;
        (policy != "enforce" && policy != "exempt").then(|| read(policy, attribute))
    });
    let stack = tree.resolved(written.flatten().collect(), &function.file);
    Ok(head(function, path.strip_prefix(".").unwrap_or(&path), &stack, &beside) + &annotated(&code, &stack))
}

/// Returns the one annotated function that is meant.
fn find<'a>(tree: &'a Tree, name: &str, root: &Path) -> Result<&'a Function, Trouble> {
    let named: Vec<&Function> = tree.functions.iter().filter(|function| function.is_named(name)).collect();
    let annotated: Vec<&Function> = named.iter().copied().filter(|function| function.annotated).collect();
    let list = |functions: &[&Function]| {
        let place =
            |function: &&Function| format!("\n  {}:{}  {}", function.file.display(), function.line, path(function));
        functions.iter().map(place).collect::<String>()
    };
    match (&annotated[..], &named[..]) {
        ([function], _) => Ok(function),
        ([], []) => {
            let others = tree.functions.iter().filter(|function| function.annotated);
            let short = name.rsplit("::").next().unwrap_or(name);
            let meant = resilient_words::nearest(short, others.map(|function| function.name.as_str()));
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
            let unread = tree.unread.iter().map(|(file, why)| format!("\n  not read: {}: {why}", file.display()));
            let unread = unread.collect::<Vec<_>>().concat();
            Err(Trouble::NotFound(format!("no function `{name}` in {}{meant}{unread}", root.display())))
        }
        ([], bare) => Err(Trouble::NotFound(format!("`{name}` has no attribute of `resilient`:{}", list(bare)))),
        (several, _) => Err(Trouble::NotFound(format!(
            "several annotated functions are called `{name}`: write more of the path, or the file and the line{}",
            list(several)
        ))),
    }
}

/// Returns the path of the function within its file, with the module that the file is.
fn path(function: &Function) -> String {
    let module = function.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let module = module.filter(|module| !ROOTS.contains(&module.as_str()));
    let parts = module.into_iter().chain(function.within.iter().cloned()).chain([function.name.clone()]);
    parts.collect::<Vec<_>>().join("::")
}

/// The item around a function, without its members.
#[derive(Clone)]
enum Outer {
    None,
    Impl(ItemImpl),
    Trait(ItemTrait),
}

/// The search for the function whose name is in a line.
struct Search {
    line: usize,
    outer: Outer,
    rules: Vec<TokenStream>,
    found: Option<Found>,
}

/// A function as it is written.
struct Found {
    attributes: Vec<Attribute>,
    item: TokenStream,
    outer: Outer,
    /// The arguments of each `#[enforce]` around it, the outermost first.
    rules: Vec<TokenStream>,
}

impl Search {
    fn look(&mut self, attributes: &[Attribute], signature: &syn::Signature, bare: impl FnOnce() -> TokenStream) {
        if signature.ident.span().start().line == self.line && self.found.is_none() {
            let (outer, rules) = (self.outer.clone(), self.rules.clone());
            self.found = Some(Found { attributes: above(attributes), item: bare(), outer, rules });
        }
    }

    fn within(&mut self, attributes: &[Attribute], outer: Outer, visit: impl FnOnce(&mut Self)) {
        let before = self.rules.len();
        self.rules.extend(attributes.iter().filter(|attribute| is_rules(attribute)).map(arguments));
        let outer = std::mem::replace(&mut self.outer, outer);
        visit(self);
        self.outer = outer;
        self.rules.truncate(before);
    }
}

/// Returns the attributes at the beginning of the body.
fn inner(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| matches!(attribute.style, AttrStyle::Inner(_))).cloned().collect()
}

/// Returns the attributes above the function.
fn above(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| matches!(attribute.style, AttrStyle::Outer)).cloned().collect()
}

impl<'ast> Visit<'ast> for Search {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.look(&item.attrs, &item.sig, || {
            syn::ItemFn { attrs: inner(&item.attrs), ..item.clone() }.into_token_stream()
        });
        self.within(&[], Outer::None, |search| visit::visit_item_fn(search, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.look(&item.attrs, &item.sig, || {
            syn::ImplItemFn { attrs: inner(&item.attrs), ..item.clone() }.into_token_stream()
        });
        self.within(&[], Outer::None, |search| visit::visit_impl_item_fn(search, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.look(&item.attrs, &item.sig, || {
            syn::TraitItemFn { attrs: inner(&item.attrs), ..item.clone() }.into_token_stream()
        });
        self.within(&[], Outer::None, |search| visit::visit_trait_item_fn(search, item));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.within(&item.attrs, Outer::None, |search| visit::visit_item_mod(search, item));
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let empty = ItemImpl { attrs: without_rules(&item.attrs), items: Vec::new(), ..item.clone() };
        self.within(&item.attrs, Outer::Impl(empty), |search| visit::visit_item_impl(search, item));
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        let empty = ItemTrait { attrs: without_rules(&item.attrs), items: Vec::new(), ..item.clone() };
        self.within(&item.attrs, Outer::Trait(empty), |search| visit::visit_item_trait(search, item));
    }
}

/// Returns the attributes but for an `#[enforce]`, which holds for all members.
fn without_rules(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| !is_rules(attribute)).cloned().collect()
}

fn is_rules(attribute: &Attribute) -> bool {
    resilient_expansion::policy_name(attribute).is_some_and(|name| name == "enforce")
}

impl Found {
    /// Returns the expansion in a file, within the item that the function is a member of. Messages begin with the place.
    fn expanded(&self, tree: &Tree, source: &Path, place: &str) -> Result<File, Trouble> {
        let refused = |mistakes: Vec<String>| Trouble::Unreadable(format!("{place}: {}", mistakes.join("; ")));
        let (attributes, bare) = (&self.attributes, &self.item);
        let mut item = quote!(#(#attributes)* #bare);
        for rules in &self.rules {
            let container = match self.outer {
                Outer::None => quote!(mod around { #item }),
                Outer::Impl(_) => quote!(impl Type { #item }),
                Outer::Trait(_) => quote!(trait Type { #item }),
            };
            item = inside(accepted(resilient_expansion::expand("enforce", rules.clone(), container)).map_err(refused)?);
        }
        // rules go below the policies, which take them along
        let mut is_rule = true;
        while is_rule && let Some((name, arguments, rest)) = first(item.clone()) {
            is_rule = name == "enforce" || name == "exempt";
            item = accepted(resilient_expansion::expand(&name, arguments, rest)).map_err(refused)?;
        }

        let mut file = self
            .placed(item)
            .map_err(|error| Trouble::Unreadable(format!("{place}: the expansion is no item of Rust: {error}")))?;
        let mut reading = Reading { tree, source, trouble: None };
        reading.visit_file_mut(&mut file);
        match reading.trouble {
            Some(trouble) => Err(trouble),
            // what a profile is composed to
            None => accepted(file.to_token_stream()).map(|_| file).map_err(refused),
        }
    }

    fn placed(&self, output: TokenStream) -> syn::Result<File> {
        let item = match &self.outer {
            Outer::None => return syn::parse2(output),
            Outer::Impl(outer) => {
                let members: ItemImpl = syn::parse2(quote!(impl Type { #output }))?;
                Item::Impl(ItemImpl { items: members.items, ..outer.clone() })
            }
            Outer::Trait(outer) => {
                let members: ItemTrait = syn::parse2(quote!(trait Type { #output }))?;
                Item::Trait(ItemTrait { items: members.items, ..outer.clone() })
            }
        };
        syn::parse2(item.into_token_stream())
    }
}

/// Takes the first attribute of the family off the item: its name, its arguments and the rest of the item.
fn first(item: TokenStream) -> Option<(String, TokenStream, TokenStream)> {
    let parser = |input: ParseStream<'_>| Ok((input.call(Attribute::parse_outer)?, input.parse::<TokenStream>()?));
    let (mut attributes, rest) = parser.parse2(item).ok()?;
    let index = attributes.iter().position(|attribute| resilient_expansion::policy_name(attribute).is_some())?;
    let first = attributes.remove(index);
    let name = resilient_expansion::policy_name(&first)?;
    Some((name, arguments(&first), quote!(#(#attributes)* #rest)))
}

fn arguments(attribute: &Attribute) -> TokenStream {
    match &attribute.meta {
        syn::Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    }
}

/// Returns the members of an item: the tokens in its last braces.
fn inside(item: TokenStream) -> TokenStream {
    match item.into_iter().last() {
        Some(TokenTree::Group(members)) => members.stream(),
        _ => TokenStream::new(),
    }
}

/// Returns the code, or the messages of the macro if it refuses what it was given.
fn accepted(code: TokenStream) -> Result<TokenStream, Vec<String>> {
    let refusals = refusals(&code);
    if refusals.is_empty() { Ok(code) } else { Err(refusals) }
}

/// Fills the bodies that a profile makes, and removes what expands to nothing.
struct Reading<'a> {
    tree: &'a Tree,
    source: &'a Path,
    trouble: Option<Trouble>,
}

impl Reading<'_> {
    /// Returns the body in the place of the call of a profile.
    fn filled(&mut self, statement: Stmt) -> Vec<Stmt> {
        let Stmt::Macro(call) = &statement else { return vec![statement] };
        let mut tokens = call.mac.tokens.clone().into_iter();
        // `search! { [::resilient::__compose] #[resilient(profile = search)] async fn … }`
        let asks =
            |first: TokenTree| matches!(first, TokenTree::Group(group) if group.to_string().contains("__compose"));
        if !tokens.next().is_some_and(asks) {
            return vec![statement];
        }
        let name = joined(&call.mac.path);
        let Some(stack) = self.tree.profile(&name, self.source) else {
            let message = format!("the profile `{name}` is not in this tree: give the folder that defines it");
            self.trouble = Some(Trouble::NotFound(message));
            return vec![statement];
        };
        let profile = &call.mac.path.segments.last().map(|segment| &segment.ident);
        let mistakes = refusals(&resilient_expansion::define(quote!(#profile = #stack)));
        if !mistakes.is_empty() {
            self.trouble = Some(Trouble::Unreadable(format!("the profile `{name}`: {}", mistakes.join("; "))));
            return vec![statement];
        }
        let function: TokenStream = tokens.collect();
        let body = resilient_expansion::compose(quote!({ #stack } #function));
        Block::parse_within.parse2(body).unwrap_or_else(|_| vec![statement])
    }
}

impl VisitMut for Reading<'_> {
    fn visit_file_mut(&mut self, file: &mut File) {
        file.items.retain(|item| !is_nothing(item));
        visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_impl_mut(&mut self, item: &mut ItemImpl) {
        item.items.retain(|member| !matches!(member, ImplItem::Const(constant) if is_marked(&constant.attrs)));
        visit_mut::visit_item_impl_mut(self, item);
    }

    fn visit_item_trait_mut(&mut self, item: &mut ItemTrait) {
        item.items.retain(|member| !matches!(member, TraitItem::Const(constant) if is_marked(&constant.attrs)));
        visit_mut::visit_item_trait_mut(self, item);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        block.stmts.retain(|statement| !matches!(statement, Stmt::Item(item) if is_nothing(item)));
        let mut statements = Vec::new();
        for statement in block.stmts.drain(..) {
            statements.extend(self.filled(statement));
        }
        statements.retain(|statement| !matches!(statement, Stmt::Item(item) if is_nothing(item)));
        block.stmts = statements;
        visit_mut::visit_block_mut(self, block);
    }

    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        // the sign for an attribute that comes late
        attributes
            .retain(|attribute| attribute.path().segments.last().is_none_or(|segment| segment.ident != "composed"));
    }
}

/// Returns whether the item expands to nothing: a `const` that keeps the path of an attribute in use, or a hint for the compiler.
fn is_nothing(item: &Item) -> bool {
    match item {
        // the hint for a function whose companion is misplaced
        Item::Macro(call) => {
            let name = call.mac.path.segments.last().map(|segment| segment.ident.to_string());
            name.is_some_and(|name| name.starts_with("write_associated_in_"))
        }
        Item::Const(constant) if constant.ident == "_" => {
            is_marked(&constant.attrs) || constant.expr.to_token_stream().to_string().contains("__composed")
        }
        _ => false,
    }
}

fn is_marked(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.to_token_stream().to_string().contains("__composed"))
}

/// Returns the messages of the macro, if it refuses what it was given.
fn refusals(code: &TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = code.clone().into_iter().collect();
    let mut refusals = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        // `::core::compile_error! { "…" }`
        match index.checked_sub(2).map(|before| tokens[before].to_string()) {
            Some(name) if name == "compile_error" => {
                let message = syn::parse2::<syn::LitStr>(group.stream());
                refusals.push(message.map_or_else(|_| group.stream().to_string(), |message| message.value()));
            }
            _ => refusals.extend(self::refusals(&group.stream())),
        }
    }
    refusals
}

/// The names of files that are no modules of their own.
const ROOTS: [&str; 3] = ["lib", "main", "mod"];
