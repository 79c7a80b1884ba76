//! The modules of each crate know each other in one direction only.
//!
//! A module is a module at the top of the crate, with everything in its folder. It knows another if it names it by a path from
//! `crate`, or by a name that the crate's root hands on. The modules of tests and of models are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Attribute, Item, UseTree};

type Edges = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_macros_know_each_other_in_one_direction() {
    assert_eq!(circles("resilient-macros"), [""; 0]);
}

#[test]
fn the_words_know_each_other_in_one_direction() {
    assert_eq!(circles("resilient-words"), [""; 0]);
}

#[test]
fn the_runtimes_modules_know_each_other_in_one_direction() {
    assert_eq!(circles("resilient-runtime"), [""; 0]);
}

#[test]
fn the_modules_of_the_shared_store_know_each_other_in_one_direction() {
    assert_eq!(circles("resilient-redis"), [""; 0]);
}

#[test]
fn the_operators_modules_know_each_other_in_one_direction() {
    assert_eq!(circles("resilient-ops"), [""; 0]);
}

/// The root of the runtime has the names that most programs need; the attributes beside them are not counted.
#[test]
fn the_root_has_few_names() {
    let lib = parsed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../resilient-runtime/src/lib.rs"));
    let mut names = BTreeMap::new();
    for item in &lib.items {
        if let Item::Use(import) = item
            && !import.attrs.iter().any(|attribute| attribute.path().is_ident("doc"))
            && !matches!(&import.tree, UseTree::Path(path) if path.ident == "resilient_macros")
        {
            hand_on(&import.tree, None, &mut names);
        }
    }

    let names: Vec<&String> = names.keys().collect();
    assert!((20..=50).contains(&names.len()), "{}: {names:?}", names.len());
}

/// Returns each circle of modules as the names on it.
fn circles(package: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join("src");
    let lib = parsed(&root.join("lib.rs"));
    let (mut modules, mut handed_on) = (BTreeSet::new(), BTreeMap::new());
    for item in &lib.items {
        match item {
            Item::Mod(module) if module.content.is_none() && !is_for_tests(&module.attrs) => {
                modules.insert(module.ident.to_string());
            }
            Item::Use(import) => hand_on(&import.tree, None, &mut handed_on),
            _ => {}
        }
    }

    let mut edges = Edges::new();
    for module in &modules {
        let mut known = Known { modules: &modules, handed_on: &handed_on, found: BTreeSet::new() };
        for file in files(&root, module) {
            known.visit_file(&parsed(&file));
        }
        known.found.remove(module);
        edges.insert(module.clone(), known.found);
    }
    modules.iter().filter_map(|module| circle(module, &edges)).collect()
}

/// Returns the shortest way from a module back to itself, once for each circle: from the module whose name is the least.
fn circle(start: &str, edges: &Edges) -> Option<String> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in &edges[way.last()?] {
                if next == start {
                    return way.iter().all(|name| name.as_str() >= start).then(|| way.join(" -> "));
                }
                if seen.insert(next.clone()) {
                    longer.push([way.as_slice(), std::slice::from_ref(next)].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

/// The modules of the crate that one module names.
struct Known<'a> {
    modules: &'a BTreeSet<String>,
    handed_on: &'a BTreeMap<String, String>,
    found: BTreeSet<String>,
}

impl Known<'_> {
    fn find(&mut self, name: &str) {
        let handed_on = self.handed_on.get(name).and_then(|module| self.modules.get(module));
        if let Some(module) = self.modules.get(name).or(handed_on) {
            self.found.insert(module.clone());
        }
    }

    fn imported(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.find(&path.ident.to_string()),
            UseTree::Name(name) => self.find(&name.ident.to_string()),
            UseTree::Rename(name) => self.find(&name.ident.to_string()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.imported(tree)),
            UseTree::Glob(_) => {}
        }
    }
}

impl<'ast> Visit<'ast> for Known<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Mod(module) = item
            && is_for_tests(&module.attrs)
        {
            return;
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        if let UseTree::Path(path) = &import.tree
            && path.ident == "crate"
        {
            self.imported(&path.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments = path.segments.iter();
        if let (Some(first), Some(second)) = (segments.next(), segments.next())
            && first.ident == "crate"
        {
            self.find(&second.ident.to_string());
        }
        syn::visit::visit_path(self, path);
    }
}

/// Records the module that each name of the root comes from.
fn hand_on(tree: &UseTree, module: Option<&str>, names: &mut BTreeMap<String, String>) {
    match (tree, module) {
        (UseTree::Path(path), None) => hand_on(&path.tree, Some(&path.ident.to_string()), names),
        (UseTree::Path(path), Some(module)) => hand_on(&path.tree, Some(module), names),
        (UseTree::Group(group), _) => group.items.iter().for_each(|tree| hand_on(tree, module, names)),
        (UseTree::Name(name), Some(module)) => drop(names.insert(name.ident.to_string(), module.to_owned())),
        (UseTree::Rename(name), Some(module)) => drop(names.insert(name.rename.to_string(), module.to_owned())),
        _ => {}
    }
}

fn files(root: &Path, module: &str) -> Vec<PathBuf> {
    let mut files = vec![root.join(format!("{module}.rs"))];
    let mut folders = vec![root.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap_or_default();
            if ["tests", "tests.rs", "model.rs", "loom_models.rs"].contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

fn parsed(file: &Path) -> syn::File {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Returns whether an item is for tests only: under `#[cfg(test)]`, or under `test` with other conditions that must all hold.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let condition = attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default();
        condition == "test" || condition.starts_with("all (test") || condition.starts_with("all(test")
    })
}
