//! `cargo resilient expand` on the reviewed expansions, and on a tree of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cargo_resilient::check::source::Tree;
use cargo_resilient::expand::expand;
use quote::ToTokens;
use syn::Item;

#[test]
fn the_code_is_that_of_the_attributes() {
    let cases = cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expand"));
    let mut expanded = 0;
    for case in cases {
        let reviewed = fs::read_to_string(case.with_extension("expanded.rs")).unwrap();
        let reviewed = syn::parse_file(&reviewed).unwrap().to_token_stream().to_string();
        for function in annotated(&case) {
            let code = expand(&case, &function, true).unwrap_or_else(|trouble| panic!("{function}: {trouble:?}"));

            for item in syn::parse_file(&code).unwrap().items {
                let parts = match item {
                    Item::Impl(item) => item.items.iter().map(|member| member.to_token_stream().to_string()).collect(),
                    Item::Trait(item) => item.items.iter().map(|member| member.to_token_stream().to_string()).collect(),
                    item => vec![item.to_token_stream().to_string()],
                };
                for part in parts {
                    assert!(reviewed.contains(&part), "{function}:\n{code}");
                }
            }
            expanded += 1;
        }
    }
    assert!(expanded > 50, "{expanded}");
}

#[test]
fn every_policy_has_its_settings_above_it() {
    for case in cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expand")) {
        for function in annotated(&case) {
            let text = expand(&case, &function, false).unwrap();
            // an exception to a rule alone
            if text.contains("\n// It has no policy.\n") {
                continue;
            }

            let code = text.lines().skip_while(|line| !line.starts_with("// Worst case"));
            let lines: Vec<&str> = code.skip(1).skip_while(|line| line.starts_with("//   ")).collect();
            assert!(!lines[0].starts_with("// "), "{function}: {text}");
            for (index, line) in lines.iter().enumerate().filter(|(_, line)| is_note(line)) {
                let next = lines[index..].iter().map(|line| line.trim_start()).find(|line| !line.starts_with("//"));
                let next = next.unwrap_or_default();
                assert!(next.starts_with("static ") || next.starts_with("let "), "{function}: {line}: {next}");
            }
            let count = lines.iter().filter(|line| is_note(line)).count();
            assert!(count > 0, "{function}: {text}");
            let without = lines.iter().filter(|line| !line.trim_start().starts_with("// ")).copied();
            let plain = expand(&case, &function, true).unwrap();
            assert_eq!(without.collect::<Vec<_>>(), plain.lines().collect::<Vec<_>>(), "{function}");
        }
    }
}

#[test]
fn comments_have_the_order_the_worst_case_and_all_settings() {
    let folder = tree();

    let output = run(folder.path(), &["price"]);

    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let (head, code) = text.split_once("impl Prices").unwrap();
    assert_eq!(
        head,
        "// `Prices::price`, src/prices.rs:6\n\
         // The outermost first: timeout (total), retry, timeout (attempt), the body.\n\
         // Worst case of a call, 3 attempts at the most: 3 × 400ms + 500ms of waits = 1.7s.\n"
    );
    for (settings, code_below) in [
        (
            "        // timeout (total): total = \"2s\"\n        //     by default: mode = \"enforce\", name: the function's\n",
            "        static TOTAL_TIMEOUT_: ",
        ),
        (
            "        // retry: max = 2, number = n\n        //     by default: max_hint = \"60s\", backoff = \"exp_jitter\", base = \"100ms\", factor = 2,\n        \
             //       cap = \"10s\", jitter: the base, throttled_base: the base, throttled_cap: the cap,\n        \
             //       budget: one of its own, nested = \"allow\", when: the error's class, mode = \"enforce\",\n        \
             //       name: the function's\n        \
             //     without: max_elapsed, on_retry, on_give_up, clone\n",
            "        static RETRY_: ",
        ),
    ] {
        assert!(code.contains(&(settings.to_owned() + code_below)), "{text}");
    }
    assert!(code.contains("/// Asks for a price.") && code.contains("let number = n;"), "{text}");
}

#[test]
fn the_page_quotes_the_beginning_of_it() {
    let folder = tree();
    let text = String::from_utf8(run(folder.path(), &["price"]).stdout).unwrap();
    let (quoted, _) = text.split_once("        // timeout (attempt)").unwrap();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/planner.md")).unwrap();

    assert!(page.contains(quoted), "docs/planner.md lacks\n{quoted}");
}

#[test]
fn functions_are_found_by_more_of_their_path() {
    let folder = tree();
    let code = |name: &str| run(folder.path(), &[name]).status.code();
    for name in [
        "Prices::price",
        "prices::price",
        "crate::prices::Prices::price",
        "src/prices.rs:6",
        "prices.rs:4",
        "./src/prices.rs:6",
    ] {
        assert_eq!(code(name), Some(0), "{name}");
    }
    assert_eq!(code("other::price"), Some(1));
    assert_eq!((code("inner::ask"), code("Stock::ask"), code("ask")), (Some(0), Some(0), Some(1)));
}

#[test]
fn functions_beside_it_are_named() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expand/fan_out/stream.rs");

    let text = expand(&case, &annotated(&case)[0], false).unwrap();

    assert!(text.contains("\n// Beside it: `measure_all`, `measure_stream`.\n"), "{text}");
}

#[test]
fn the_profile_of_the_same_crate_counts() {
    let folder = tempfile::tempdir().unwrap();
    for (member, time) in [("a", "1s"), ("b", "2s"), ("c", "3s")] {
        let text = format!(
            "resilient::profile! {{ outgoing = timeout(\"{time}\") }}\n#[resilient::resilient(profile = outgoing)]\nasync fn {member}() -> Result<(), Error> {{ Ok(()) }}\n"
        );
        fs::create_dir_all(folder.path().join(member).join("src")).unwrap();
        fs::write(folder.path().join(member).join("src/lib.rs"), text).unwrap();
    }

    for (member, seconds) in [("a", 1), ("b", 2), ("c", 3)] {
        let text = expand(folder.path(), member, false).unwrap();
        assert!(text.contains(&format!("Duration::from_secs({seconds})")), "{text}");
        assert!(text.contains(&format!("// Worst case of a call: {seconds}s.\n")), "{text}");
    }
}

#[test]
fn profiles_are_found_by_their_path_and_in_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lib.rs");
    let text = "use resilient::*;
        profile! { search = timeout(\"1s\") }
        mod nested { resilient::profile! { pub(crate) search = timeout(\"2s\") } }
        #[resilient(profile = search)] async fn plain() -> Result<(), Error> { Ok(()) }
        #[resilient(profile = nested::search)] async fn by_path() -> Result<(), Error> { Ok(()) }
        async fn outer() {
            profile! { local = timeout(\"3s\") }
            #[resilient(profile = local)] async fn in_a_body() -> Result<(), Error> { Ok(()) }
        }";
    fs::write(&file, text).unwrap();

    for (function, seconds) in [("plain", 1), ("by_path", 2), ("in_a_body", 3)] {
        let text = expand(&file, function, false).unwrap();
        assert!(text.contains(&format!("Duration::from_secs({seconds})")), "{text}");
        assert!(text.contains(&format!("    // timeout: limit = \"{seconds}s\"\n")), "{text}");
    }
}

#[test]
fn two_policies_of_a_kind_and_inner_attributes_stay_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lib.rs");
    let text = "use resilient::*;
        #[rate_limit(\"9/s\", name = \"a\")]
        #[rate_limit(\"90/min\", name = \"b\", key = host)]
        async fn ask(host: &str) -> Result<(), Error> { #![allow(unused)] Ok(()) }";
    fs::write(&file, text).unwrap();

    let text = expand(&file, "ask", false).unwrap();

    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    let parts = [
        "    // rate_limit: rate = \"9/s\"",
        "static RATE_LIMIT_:",
        "    // rate_limit: rate = \"90/min\"",
        "static RATE_LIMIT2_PER_KEY_:",
    ];
    assert!(parts.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{text}");
    assert!(text.contains("unused"), "{text}");
}

#[test]
fn what_is_not_found_is_said() {
    let folder = tree();
    for (arguments, code, said) in [
        (
            &["prise"][..],
            1,
            "error: no function `prise` in .; did you mean `price`?\n  not read: src/broken.rs: line 1: cannot parse string into token stream\n",
        ),
        (
            &["ask"],
            1,
            "error: several annotated functions are called `ask`: write more of the path, or the file and the line\n  src/stock.rs:5  stock::Stock::ask\n  src/stock.rs:10  stock::inner::ask\n",
        ),
        (&["bare"], 1, "error: `bare` has no attribute of `resilient`:\n  src/stock.rs:13  stock::bare\n"),
        (&["lost"], 1, "error: the profile `nowhere` is not in this tree: give the folder that defines it\n"),
        (
            &["refused"],
            2,
            "error: src/stock.rs:17: refused: zero retries is no retry: remove the attribute, or allow at least 1\n",
        ),
        (&["faulty"], 2, "error: the profile `wrong`: unknown policy `retri`: did you mean `retry`?\n"),
    ] {
        let output = run(folder.path(), arguments);

        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let folder = folder.path().display().to_string();
        assert_eq!(String::from_utf8(output.stderr).unwrap().replace(&folder, "FOLDER"), said);
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let nowhere = run(&folder.path().join("no"), &["price"]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(String::from_utf8(nowhere.stderr).unwrap().starts_with("error: cannot read "));
}

fn is_note(line: &str) -> bool {
    let policies = ["timeout", "retry", "circuit_breaker", "hedge", "bulkhead", "rate_limit", "throttle", "cancel"];
    let more = ["coalesce", "fallback", "fan_out", "batch", "measure"];
    let Some(text) = line.trim_start().strip_prefix("// ") else { return false };
    policies.iter().chain(&more).any(|policy| {
        text.strip_prefix(policy).is_some_and(|rest| rest.is_empty() || rest.starts_with(':') || rest.starts_with(" ("))
    })
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            cases.extend(self::cases(&path));
        } else if !path.to_string_lossy().ends_with(".expanded.rs") {
            cases.push(path);
        }
    }
    cases.sort();
    cases
}

/// Returns the places of the annotated functions of a file.
fn annotated(case: &Path) -> Vec<String> {
    let tree = Tree::read(case).unwrap();
    assert_eq!(tree.unread, []);
    let annotated = tree.functions.iter().filter(|function| function.annotated);
    annotated.map(|function| format!("{}:{}", function.file.display(), function.line)).collect()
}

fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    for (name, text) in [
        (
            "src/policies.rs",
            "resilient::profile! { pub(crate) outgoing = timeout(total = \"2s\"), retry(max = 3), timeout(attempt = \"400ms\") }\n\
             resilient::profile! { pub(crate) wrong = retri }\n",
        ),
        (
            "src/prices.rs",
            "use resilient::resilient;\n\nimpl Prices {\n    #[resilient(profile = crate::policies::outgoing, retry(max = 2, number = n))]\n    \
             /// Asks for a price.\n    pub async fn price(&self, id: u64) -> Result<u64, Error> {\n        let number = n;\n        ask(id, number).await\n    }\n}\n",
        ),
        (
            "src/stock.rs",
            "use resilient::*;\n\nimpl Stock {\n    #[timeout(\"1s\")]\n    async fn ask(&self) -> Result<(), Error> { Ok(()) }\n}\n\nmod inner {\n    \
             #[timeout(\"1s\")]\n    async fn ask() -> Result<(), Error> { Ok(()) }\n}\n\nasync fn bare() {}\n\
             #[resilient(profile = nowhere)]\nasync fn lost() -> Result<(), Error> { Ok(()) }\n\
             #[retry(max = 0)]\nasync fn refused() -> Result<(), Error> { Ok(()) }\n\
             #[resilient(profile = wrong)]\nasync fn faulty() -> Result<(), Error> { Ok(()) }\n",
        ),
        ("src/broken.rs", "fn (\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resilient"));
    let command = command.args(["resilient", "expand"]).args(arguments);
    if folder.exists() { command.current_dir(folder) } else { command.arg(folder) }.output().unwrap()
}
