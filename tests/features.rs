//! The names of the runtime's features, compared with the versions in the manifests.

use toml::{Table, Value};

#[test]
fn a_feature_for_another_crate_has_the_version_of_that_crate_in_its_name() {
    let wrong: Vec<_> =
        features().filter(|feature| !feature.is_named_well()).map(|feature| feature.to_string()).collect();

    assert!(wrong.is_empty(), "the versions are those of the manifests:\n{}", wrong.join("\n"));
}

#[test]
fn a_name_without_a_version_stands_for_the_newest() {
    let names = table(RUNTIME, "features");
    let versioned: Vec<_> = features().filter(Feature::is_named_well).collect();

    for (name, parts) in &names {
        let mut versions: Vec<_> = versioned.iter().filter(|feature| feature.crate_name() == name).collect();
        versions.sort_by_key(|feature| feature.numbers());
        let Some(newest) = versions.last() else { continue };

        assert_eq!(strings(parts), [newest.name.as_str()], "what `{name}` stands for");
    }
}

/// A feature that turns on an optional dependency.
struct Feature {
    name: String,
    version: String,
}

impl Feature {
    fn is_named_well(&self) -> bool {
        self.name.ends_with(&format!("-{}", self.version))
    }

    fn crate_name(&self) -> &str {
        &self.name[..self.name.len() - self.version.len() - 1]
    }

    fn numbers(&self) -> Vec<u32> {
        self.version.split('-').map(|number| number.parse().unwrap()).collect()
    }
}

impl std::fmt::Display for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` should end in `-{}`", self.name, self.version)
    }
}

/// Returns the features that turn on a crate, the first of their dependencies, but for those in [`UNVERSIONED`].
fn features() -> impl Iterator<Item = Feature> {
    let dependencies = table(RUNTIME, "dependencies");
    let Value::Table(workspace) = table(WORKSPACE, "workspace").remove("dependencies").unwrap() else {
        panic!("no table of dependencies")
    };
    table(RUNTIME, "features").into_iter().filter(|(name, _)| !UNVERSIONED.contains(&name.as_str())).filter_map(
        move |(name, parts)| {
            let dependency = strings(&parts).iter().find_map(|part| part.strip_prefix("dep:"))?;
            let version = version(&dependencies[dependency]).or_else(|| version(&workspace[dependency])).unwrap();
            Some(Feature { name, version: breaking(version) })
        },
    )
}

fn version(dependency: &Value) -> Option<&str> {
    dependency.as_str().or_else(|| dependency.get("version")?.as_str())
}

/// Returns the numbers of a version whose change breaks users: `1` of `1.8.1`, `0-13` of `0.13.5`.
fn breaking(version: &str) -> String {
    let mut numbers = version.split('.');
    match (numbers.next().unwrap(), numbers.next()) {
        ("0", Some(minor)) => format!("0-{minor}"),
        (major, _) => major.to_owned(),
    }
}

fn table(manifest: &str, name: &str) -> Table {
    match manifest.parse::<Table>().unwrap().remove(name) {
        Some(Value::Table(table)) => table,
        other => panic!("`{name}` is no table: {other:?}"),
    }
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect()
}

const RUNTIME: &str = include_str!("../resilient-runtime/Cargo.toml");
const WORKSPACE: &str = include_str!("../Cargo.toml");

/// Our own crates and those that have had one version for years, or of which no type is in our API.
const UNVERSIONED: [&str; 6] = ["chaos", "config", "listed", "macros", "serde", "tracing"];
