//! The functions of a source tree, with their stacks, their calls and what they ask other programs for.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, ExprAwait, ExprCall, ExprMethodCall, ItemFn, ItemImpl, ItemMod, ItemUse, Token, UseTree,
};

use super::outgoing::{self, Outgoing};
use crate::written::{self, Argument, Value, Written};

/// A source tree.
#[derive(Debug, Default)]
pub struct Tree {
    /// The functions, in the order of files and lines.
    pub functions: Vec<Function>,
    /// The number of files that were read.
    pub files: usize,
    /// The files that could not be read, each with the reason.
    pub unread: Vec<(PathBuf, String)>,
    /// The remarks that silence findings.
    pub remarks: Vec<Remark>,
    profiles: Vec<Profile>,
}

/// A `profile!`.
#[derive(Debug)]
struct Profile {
    name: String,
    file: PathBuf,
    within: Vec<String>,
    stack: Vec<Written>,
    tokens: TokenStream,
}

/// A function that is not a test.
#[derive(Debug)]
pub struct Function {
    /// The file, from the root of the tree on.
    pub file: PathBuf,
    /// The line of its first attribute, or of its name if it has none.
    pub first_line: usize,
    /// The line of its name.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// The type or the module that it belongs to.
    pub owner: Option<String>,
    /// The modules, types and traits of the file that it stands in, the outermost first.
    pub within: Vec<String>,
    /// Is true if an attribute has the name of one of the family, whether or not the file imports it from there.
    pub annotated: bool,
    /// Its policies, the outermost first.
    pub stack: Vec<Written>,
    /// The functions and methods that it calls.
    pub calls: Vec<Call>,
    /// Its calls to other programs.
    pub outgoing: Vec<Outgoing>,
    /// Is true if it has an `#[exempt]`.
    pub exempt: bool,
    /// Is true if it is no `async fn`, so that nothing can interrupt it.
    pub blocks: bool,
    /// The profile that it uses, if the tree has none of that name.
    pub missing_profile: Option<String>,
}

/// A call in the body of a function.
#[derive(Debug, Clone)]
pub struct Call {
    /// The name of the function.
    pub name: String,
    /// The part of its path before the name, if it is written.
    pub owner: Option<String>,
    /// The line.
    pub line: usize,
}

/// A remark `// resilient: allow(rule): reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// The rule.
    pub rule: String,
    /// The reason; empty if none is given.
    pub reason: String,
}

impl Tree {
    /// Reads all files of Rust below a folder, or one file. Build results, hidden folders, tests, benchmarks and examples are left out.
    ///
    /// # Errors
    ///
    /// A message if the folder cannot be read, or has no file of Rust.
    pub fn read(root: &Path) -> Result<Self, String> {
        let mut files = Vec::new();
        if root.is_file() {
            files.push(root.to_owned());
        } else {
            find(root, &mut files).map_err(|error| format!("cannot read {}: {error}", root.display()))?;
        }
        files.sort();
        if files.is_empty() {
            return Err(format!("there is no file of Rust in {}", root.display()));
        }
        let named = |file: PathBuf| {
            let name = match file.strip_prefix(root) {
                Ok(name) if !name.as_os_str().is_empty() => name.to_owned(),
                _ => file.clone(),
            };
            (name, fs::read_to_string(&file).map_err(|error| error.to_string()))
        };
        Ok(Self::of(files.into_iter().map(named)))
    }

    /// Reads files: the name of each, and its text or the reason why there is none.
    pub fn of(files: impl IntoIterator<Item = (PathBuf, Result<String, String>)>) -> Self {
        let mut tree = Self::default();
        for (name, text) in files {
            match text {
                Ok(text) => tree.add(&name, &text),
                Err(reason) => tree.unread.push((name, reason)),
            }
        }
        tree.resolve();
        tree
    }

    /// Adds the text of a file.
    pub fn add(&mut self, name: &Path, text: &str) {
        self.files += 1;
        let file = match syn::parse_file(text) {
            Ok(file) => file,
            Err(error) => {
                let place = error.span().start();
                self.unread.push((name.to_owned(), format!("line {}: {error}", place.line)));
                return;
            }
        };
        self.remarks.extend(remarks(name, text));
        let mut crates = Crates::default();
        crates.visit_file(&file);
        let mut reader = Reader { file: name, crates: &crates, owner: None, within: Vec::new(), tree: self };
        reader.visit_file(&file);
    }

    /// Puts the policies of profiles in the place of their names, and each time-out of an attempt where it counts.
    pub fn resolve(&mut self) {
        let mut functions = std::mem::take(&mut self.functions);
        for function in &mut functions {
            function.missing_profile =
                profile_of(&function.stack).filter(|name| self.near(name, &function.file).is_none()).map(str::to_owned);
            function.stack = self.resolved(std::mem::take(&mut function.stack), &function.file);
        }
        self.functions = functions;
    }

    /// Returns the policies of a function in the file, with those of profiles in the place of their names, and each time-out of an attempt where it counts.
    pub fn resolved(&self, stack: Vec<Written>, file: &Path) -> Vec<Written> {
        let mut stack = self.with_profile(stack, file);
        // beside a `total`, it is written above the retry, and stands innermost
        let repeats = stack.iter().rposition(|written| matches!(written.policy.as_str(), "retry" | "hedge"));
        if let Some(stray) = stack[..repeats.unwrap_or(0)].iter().position(is_attempt) {
            let attempt = stack.remove(stray);
            stack.push(attempt);
        }
        stack
    }

    /// Returns the tokens of the stack of the profile that has that path in the file.
    pub fn profile(&self, path: &str, file: &Path) -> Option<&TokenStream> {
        self.near(path, file).map(|profile| &profile.tokens)
    }

    /// Returns the profile of that path. Of several, it is the one in the modules that the path names, and then the one whose file is
    /// next to the function's, as each crate can have one.
    fn near(&self, path: &str, file: &Path) -> Option<&Profile> {
        let mut modules: Vec<&str> = path.split("::").collect();
        let name = modules.pop()?;
        let apart = |profile: &&Profile| {
            let place = profile.file.with_extension("");
            let folders = place.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
            let places: Vec<String> = folders.chain(profile.within.iter().cloned()).collect();
            let named = modules.iter().filter(|module| places.iter().any(|place| place == *module)).count();
            let common = file.components().zip(profile.file.components()).take_while(|(one, other)| one == other);
            (Reverse(named), Reverse(common.count()), profile.within.len())
        };
        self.profiles.iter().filter(|profile| profile.name == name).min_by_key(apart)
    }

    fn with_profile(&self, mut stack: Vec<Written>, file: &Path) -> Vec<Written> {
        let is_composed = |written: &Written| written.policy == "resilient";
        let Some(place) = stack.iter().position(is_composed) else { return stack };
        let profile = profile_of(&stack).and_then(|name| self.near(name, file));
        stack.remove(place);
        let mut profile = profile.map(|profile| profile.stack.clone()).unwrap_or_default();
        // policies that the profile has as well change parts of it; the others stay where they are written
        let same = |one: &Written, other: &Written| one.policy == other.policy && is_attempt(one) == is_attempt(other);
        let mut kept = Vec::new();
        let mut before = place;
        for (index, written) in stack.into_iter().enumerate() {
            if written.policy == "without" {
                profile.retain(|policy| !written.has(&policy.policy));
                before -= usize::from(index < place);
            } else if let Some(changed) = profile.iter_mut().find(|policy| same(policy, &written)) {
                let keys: Vec<&str> = written.arguments.iter().map(|argument| argument.key.as_str()).collect();
                changed.arguments.retain(|argument| !keys.contains(&argument.key.as_str()));
                changed.arguments.extend(written.arguments);
                before -= usize::from(index < place);
            } else {
                kept.push(written);
            }
        }
        kept.splice(before..before, profile);
        kept
    }
}

/// Returns the name of the profile of a stack.
fn profile_of(stack: &[Written]) -> Option<&str> {
    stack.iter().find(|written| written.policy == "resilient")?.text("profile")
}

fn is_attempt(written: &Written) -> bool {
    written.policy == "timeout" && written.has("attempt")
}

impl Function {
    /// Returns whether the name is that of the function: `search`, `Api::search`, `client::search` or `src/client.rs:12`.
    pub fn is_named(&self, name: &str) -> bool {
        if let Some((file, line)) = name.rsplit_once(':')
            && let Ok(line) = line.parse::<usize>()
        {
            // from the root of the tree on, or from further out
            let is_file = self.file.ends_with(file) || Path::new(file).ends_with(&self.file);
            return is_file && (self.first_line..=self.line).contains(&line);
        }
        let plain = |part: &str| part.trim_start_matches("r#").to_owned();
        let mut wanted: Vec<String> =
            name.split("::").filter(|part| !["", "crate", "self", "super"].contains(part)).map(plain).collect();
        if wanted.pop() != Some(plain(&self.name)) {
            return false;
        }
        let file = self.file.with_extension("");
        let folders = file.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let mut parts = folders.chain(self.within.iter().cloned()).map(|part| plain(&part));
        // the path that a `use` makes may leave modules out
        wanted.iter().all(|wanted| parts.any(|part| part == *wanted))
    }
}

/// Returns the remarks of a file.
fn remarks(file: &Path, text: &str) -> Vec<Remark> {
    let read = |(index, line): (usize, &str)| {
        let (_, rest) = line.split_once("// resilient: allow(")?;
        let (rule, reason) = rest.split_once(')')?;
        let reason = reason.trim_start_matches(':').trim().to_owned();
        Some(Remark { file: file.to_owned(), line: index + 1, rule: rule.trim().to_owned(), reason })
    };
    text.lines().enumerate().filter_map(read).collect()
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        // a link may lead back
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !name.starts_with('.') && !LEFT_OUT.contains(&name.as_str()) {
                find(&path, files)?;
            }
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The crates that a file names, and the names that it has from `resilient`.
#[derive(Debug, Default)]
pub(crate) struct Crates {
    named: Vec<String>,
    imported: Vec<String>,
    all: bool,
}

impl Crates {
    /// Returns whether the file names the crate, or one that begins so.
    pub(crate) fn has(&self, name: &str) -> bool {
        name.is_empty() || self.named.iter().any(|named| named.starts_with(name))
    }

    fn import(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.import(&path.tree),
            UseTree::Name(name) => self.imported.push(name.ident.to_string()),
            UseTree::Rename(rename) => self.imported.push(rename.rename.to_string()),
            UseTree::Glob(_) => self.all = true,
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree)),
        }
    }

    /// Returns the policy that an attribute stands for.
    fn policy(&self, attribute: &Attribute) -> Option<String> {
        let path = attribute.path();
        let name = path.segments.last()?.ident.to_string();
        let first = path.segments.first()?.ident.to_string();
        let ours =
            if path.segments.len() > 1 { first == "resilient" } else { self.all || self.imported.contains(&name) };
        (ours && POLICIES.contains(&name.as_str())).then_some(name)
    }
}

impl<'ast> Visit<'ast> for Crates {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let tree = match &item.tree {
            UseTree::Path(path) => {
                self.named.push(path.ident.to_string());
                (path.ident == "resilient").then_some(&*path.tree)
            }
            _ => None,
        };
        if let Some(tree) = tree {
            self.import(tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1
            && let Some(first) = path.segments.first()
        {
            self.named.push(first.ident.to_string());
        }
        visit::visit_path(self, path);
    }
}

struct Reader<'a> {
    file: &'a Path,
    crates: &'a Crates,
    owner: Option<String>,
    within: Vec<String>,
    tree: &'a mut Tree,
}

impl Reader<'_> {
    fn function(&mut self, attributes: &[Attribute], signature: &syn::Signature, block: Option<&Block>) {
        let name = &signature.ident;
        if attributes.iter().any(is_test) {
            return;
        }
        let mut stack = Vec::new();
        for attribute in attributes {
            if let Some(policy) = self.crates.policy(attribute) {
                stack.extend(read(policy, attribute));
            }
        }
        let exempt = stack.iter().any(|written: &Written| written.policy == "exempt");
        stack.retain(|written| written.policy != "exempt");
        let line = name.span().start().line;
        let mut body = Body { crates: self.crates, calls: Vec::new(), outgoing: Vec::new() };
        if let Some(block) = block {
            body.visit_block(block);
        }
        self.tree.functions.push(Function {
            file: self.file.to_owned(),
            first_line: attributes
                .iter()
                .map(|attribute| attribute.span().start().line)
                .min()
                .unwrap_or(line)
                .min(line),
            line,
            name: name.to_string(),
            owner: self.owner.clone(),
            within: self.within.clone(),
            annotated: attributes.iter().any(|attribute| resilient_expansion::policy_name(attribute).is_some()),
            stack,
            calls: body.calls,
            outgoing: body.outgoing,
            exempt,
            blocks: signature.asyncness.is_none(),
            missing_profile: None,
        });
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.attrs, &item.sig, Some(&item.block));
        // functions within the body are functions, too
        visit::visit_block(self, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.attrs, &item.sig, Some(&item.block));
        visit::visit_block(self, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.attrs, &item.sig, Some(block));
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        self.within.extend(name.clone());
        let outer = std::mem::replace(&mut self.owner, name);
        visit::visit_item_impl(self, item);
        if self.owner.is_some() {
            self.within.pop();
        }
        self.owner = outer;
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.within.push(item.ident.to_string());
        visit::visit_item_trait(self, item);
        self.within.pop();
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.attrs.iter().any(is_test) {
            return;
        }
        self.within.push(item.ident.to_string());
        let outer = self.owner.replace(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.owner = outer;
        self.within.pop();
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.segments.last().is_some_and(|segment| segment.ident == "profile")
            && let Some((name, stack, tokens)) = profile(&call.tokens)
        {
            let (file, within) = (self.file.to_owned(), self.within.clone());
            self.tree.profiles.push(Profile { name, file, within, stack, tokens });
        }
    }
}

/// Returns the path as text.
pub(crate) fn joined(path: &syn::Path) -> String {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::")
}

/// Reads the name and the policies of a `profile!`.
fn profile(tokens: &TokenStream) -> Option<(String, Vec<Written>, TokenStream)> {
    let parser = |input: syn::parse::ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<syn::Visibility>()?;
        let name: syn::Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        let stack: TokenStream = input.parse()?;
        Ok((name.to_string(), stack))
    };
    let (name, tokens) = parser.parse2(tokens.clone()).ok()?;
    let policies = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone()).ok()?;
    let stack = policies.iter().filter_map(|policy| written::policy(policy).ok()).flat_map(split).collect();
    Some((name, stack, tokens))
}

/// Reads an attribute: one policy, or those of `#[resilient(…)]`.
pub(crate) fn read(policy: String, attribute: &Attribute) -> Vec<Written> {
    let expressions = match &attribute.meta {
        syn::Meta::List(list) => {
            Punctuated::<Expr, Token![,]>::parse_terminated.parse2(list.tokens.clone()).unwrap_or_default()
        }
        _ => Punctuated::new(),
    };
    if policy != "resilient" {
        return split(Written { policy, arguments: written::arguments(&expressions) });
    }
    let mut stack = Vec::new();
    for expression in &expressions {
        match expression {
            // `crate = …` concerns no stack
            Expr::Assign(assign) if !matches!(&*assign.left, Expr::Path(key) if key.path.is_ident("profile")) => {}
            Expr::Assign(assign) => {
                let name = match &*assign.right {
                    Expr::Path(path) => Some(joined(&path.path)),
                    _ => None,
                };
                let argument = Argument { key: "profile".to_owned(), value: name.map(Value::Text) };
                stack.push(Written { policy: policy.clone(), arguments: vec![argument] });
            }
            other => stack.extend(written::policy(other).ok().into_iter().flat_map(split)),
        }
    }
    stack
}

/// Makes two time-outs of one that has both places.
fn split(written: Written) -> Vec<Written> {
    if written.policy == "timeout" && written.has("total") && written.has("attempt") {
        let only = |left: &str| Written {
            policy: written.policy.clone(),
            arguments: written.arguments.iter().filter(|argument| argument.key != left).cloned().collect(),
        };
        vec![only("attempt"), only("total")]
    } else {
        vec![written]
    }
}

fn is_test(attribute: &Attribute) -> bool {
    let path = attribute.path();
    let is_cfg_test = || {
        path.is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.clone().into_iter().any(|token| token.to_string() == "test"))
    };
    path.segments.last().is_some_and(|segment| segment.ident == "test") || is_cfg_test()
}

/// The calls of a body.
struct Body<'a> {
    crates: &'a Crates,
    calls: Vec<Call>,
    outgoing: Vec<Outgoing>,
}

impl<'ast> Visit<'ast> for Body<'_> {
    fn visit_expr_await(&mut self, awaited: &'ast ExprAwait) {
        self.outgoing.extend(outgoing::of(&awaited.base, self.crates));
        visit::visit_expr_await(self, awaited);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(path) = &*call.func {
            let mut segments = path.path.segments.iter().rev();
            if let Some(name) = segments.next() {
                let owner = segments.next().map(|segment| segment.ident.to_string());
                self.calls.push(Call { name: name.ident.to_string(), owner, line: name.ident.span().start().line });
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let line = call.method.span().start().line;
        self.calls.push(Call { name: call.method.to_string(), owner: None, line });
        visit::visit_expr_method_call(self, call);
    }

    fn visit_item_fn(&mut self, _: &'ast ItemFn) {}
}

/// The folders whose code serves no calls.
pub(crate) const LEFT_OUT: [&str; 6] = ["target", "tests", "benches", "examples", "fuzz", "vendor"];
const POLICIES: [&str; 15] = [
    "timeout",
    "retry",
    "circuit_breaker",
    "bulkhead",
    "rate_limit",
    "throttle",
    "hedge",
    "coalesce",
    "fallback",
    "cancel",
    "fan_out",
    "batch",
    "measure",
    "resilient",
    "exempt",
];
