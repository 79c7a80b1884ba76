//! A look at a source tree: its stacks, and what is risky about them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use self::source::{Function, Tree};
use crate::stack::shown;

pub mod outgoing;
pub mod show;
pub mod source;
pub mod worst;

/// A rule: its name, and the meaning for those who have not met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule {
    /// The name.
    pub name: &'static str,
    /// The level of its findings.
    pub level: Level,
    /// The reason for it.
    pub meaning: &'static str,
}

/// The weight of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Worth a change, or a remark with the reason.
    Warning,
}

/// A place in the tree that a rule is about.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The name of the rule.
    pub rule: &'static str,
    /// The weight.
    pub level: Level,
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// The function.
    pub function: String,
    /// The message.
    pub message: String,
}

/// The stacks of a tree, and the findings.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The number of files.
    pub files: usize,
    /// The number of functions.
    pub functions: usize,
    /// The functions with a stack.
    pub stacks: Vec<Stacked>,
    /// The findings, by file and line.
    pub findings: Vec<Finding>,
    /// The number of findings that a remark silences.
    pub silenced: usize,
    /// The files that could not be read, each with the reason.
    pub unread: Vec<(PathBuf, String)>,
    /// The calls to other programs by client: all of them, and those that no stack protects.
    pub outgoing: BTreeMap<&'static str, (usize, usize)>,
}

/// A function with a stack.
#[derive(Debug, Serialize)]
pub struct Stacked {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// The function, with its type or module.
    pub function: String,
    /// The policies, the outermost first.
    pub stack: Vec<String>,
    /// The number of attempts, if it is known.
    pub attempts: Option<u64>,
    /// The longest time of a call in seconds, if it is known.
    pub worst_case: Option<f64>,
    /// The worst case in words.
    pub worst_case_text: String,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
        })
    }
}

impl Function {
    /// Returns the name with its type or module.
    pub fn title(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{owner}::{}", self.name),
            None => self.name.clone(),
        }
    }

    fn place(&self, policy: &str) -> Option<usize> {
        self.stack.iter().position(|written| written.policy == policy)
    }
}

/// Checks a source tree.
///
/// # Errors
///
/// A message if the folder cannot be read.
pub fn check(root: &Path) -> Result<Report, String> {
    Ok(report(&Tree::read(root)?))
}

/// Returns the report about a tree.
pub fn report(tree: &Tree) -> Report {
    let graph = Graph::of(tree);
    let mut findings = Vec::new();
    for (index, function) in tree.functions.iter().enumerate() {
        of_stack(function, &mut findings);
        nested(tree, &graph, index, &mut findings);
    }
    let protected = graph.below_stacks(tree);
    let mut outgoing: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    for (index, function) in tree.functions.iter().enumerate() {
        let is_protected = protected.contains(&index) || function.exempt;
        for call in &function.outgoing {
            let (all, bare) = outgoing.entry(call.client).or_default();
            *all += 1;
            *bare += usize::from(!is_protected);
        }
        if let (Some(first), false) = (function.outgoing.first(), is_protected) {
            let others = match function.outgoing.len() {
                1 => String::new(),
                count => format!(", and {} more", count - 1),
            };
            let message =
                format!("{} asks another program through {} without a stack{others}", first.call, first.client);
            push(&mut findings, BARE, function, first.line, message);
        }
    }
    let silenced = silence(tree, &mut findings);
    findings.sort_by(|one, other| (&one.file, one.line, one.rule).cmp(&(&other.file, other.line, other.rule)));
    let stacked = tree.functions.iter().filter(|function| !function.stack.is_empty());
    Report {
        files: tree.files,
        functions: tree.functions.len(),
        stacks: stacked.map(stacked_of).collect(),
        findings,
        silenced,
        unread: tree.unread.clone(),
        outgoing,
    }
}

fn stacked_of(function: &Function) -> Stacked {
    let worst = worst::of(&function.stack);
    Stacked {
        file: function.file.clone(),
        line: function.line,
        function: function.title(),
        stack: function.stack.iter().map(|written| written.policy.clone()).collect(),
        attempts: worst::attempts(&function.stack),
        worst_case: worst.time.map(|time| time.as_secs_f64()),
        worst_case_text: worst.text(),
    }
}

/// Returns the number of attempts as the end of a sentence; nothing for one.
pub(crate) fn attempts_in_words(attempts: Option<u64>) -> String {
    match attempts {
        Some(1) => String::new(),
        Some(attempts) => format!(", {attempts} attempts at the most"),
        None => ", attempts without a known limit".to_owned(),
    }
}

fn push(findings: &mut Vec<Finding>, rule: Rule, function: &Function, line: usize, message: String) {
    findings.push(Finding {
        rule: rule.name,
        level: rule.level,
        file: function.file.clone(),
        line,
        function: function.title(),
        message,
    });
}

/// Finds what is risky about one stack.
fn of_stack(function: &Function, findings: &mut Vec<Finding>) {
    let mut find = |rule: Rule, message: String| push(findings, rule, function, function.line, message);
    if let Some(fallback) = function.place("fallback")
        && let Some(outer) = function.stack[..fallback].iter().find(|written| SEES_FAILURES.contains(&&*written.policy))
    {
        find(
            FALLBACK_INSIDE,
            format!(
                "the fallback below `{0}` answers before `{0}` sees a failure, and not for what `{0}` refuses or gives up: move it to the top",
                outer.policy
            ),
        );
    }
    let Some(retry) = function.place("retry") else {
        let waits = function.stack.iter().any(|written| written.policy == "circuit_breaker");
        if waits && function.place("timeout").is_none() && !function.blocks {
            find(NO_LIMIT, "a circuit breaker without a time-out never sees an upstream that hangs: add `#[timeout(\"…\")]` below it".to_owned());
        }
        return;
    };
    let (outside, inside) = (&function.stack[..retry], &function.stack[retry + 1..]);
    let written = &function.stack[retry];
    let has = |part: &[crate::written::Written], policy: &str| part.iter().any(|written| written.policy == policy);
    if !has(outside, "timeout") && !written.has("max_elapsed") {
        find(
            NO_LIMIT,
            if function.blocks {
                "no time limits the call with all its retries: add `max_elapsed = \"…\"` to the retry"
            } else {
                "no time-out limits the call with all its retries: add `#[timeout(total = \"…\")]` above the retry"
            }
            .to_owned(),
        );
    }
    // one that blocks has a time-out of its client's, if any
    if !has(inside, "timeout") && !function.blocks {
        find(
            NO_ATTEMPT_LIMIT,
            "an attempt that hangs leaves no time for another: add `#[timeout(attempt = \"…\")]` below the retry"
                .to_owned(),
        );
    }
    if has(outside, "circuit_breaker") {
        find(BREAKER_ABOVE, "the circuit breaker above the retry sees one outcome for all attempts of a call, so that it opens late: move it below".to_owned());
    }
    if has(outside, "bulkhead") {
        find(
            BULKHEAD_ABOVE,
            "the bulkhead above the retry keeps its permit during the waits between attempts: move it below".to_owned(),
        );
    }
    if has(outside, "rate_limit") {
        find(
            RATE_ABOVE,
            "the rate limit above the retry counts a call once, however many attempts are sent: move it below"
                .to_owned(),
        );
    }
    if written.text("budget") == Some("none") {
        find(NO_BUDGET, "retries without a budget multiply the load of an upstream that is going down".to_owned());
    }
    let worst = worst::of_part(&function.stack, retry);
    let total = outside.iter().rev().filter(|written| written.policy == "timeout").find_map(worst::limit);
    let each = worst::of_part(&function.stack, retry + 1).time;
    if let (Some(time), Some(total), Some(each)) = (worst.time, total, each)
        && time > total
    {
        let fit = worst::fitting(written, each, total);
        let message = format!(
            "{} do not fit into {}: where attempts take as long as they may, there is room for {fit}",
            worst.sum,
            shown(total),
        );
        find(NO_ROOM, message);
    }
}

/// Finds functions with retries that call others with retries.
fn nested(tree: &Tree, graph: &Graph, start: usize, findings: &mut Vec<Finding>) {
    let function = &tree.functions[start];
    let retries = |index: usize| tree.functions[index].place("retry");
    let Some(retry) = retries(start) else { return };
    if function.stack[retry].text("nested") == Some("suppress") {
        return;
    }
    // each function is left once, by the shortest way to it
    let mut seen = HashSet::from([start]);
    let mut ways = std::collections::VecDeque::from([vec![start]]);
    while let Some(way) = ways.pop_front() {
        let last = *way.last().unwrap_or(&start);
        for &callee in graph.callees.get(&last).into_iter().flatten() {
            if !seen.insert(callee) {
                continue;
            }
            let mut further = way.clone();
            further.push(callee);
            if retries(callee).is_some() {
                let counts: Vec<Option<u64>> =
                    [start, callee].map(|index| worst::attempts(&tree.functions[index].stack)).into();
                let arithmetic = match counts[..] {
                    [Some(outer), Some(inner)] => format!("{outer} × {inner} = {} attempts", outer * inner),
                    _ => "their attempts multiply".to_owned(),
                };
                let names: Vec<String> = further.iter().map(|&index| tree.functions[index].title()).collect();
                let message = format!(
                    "retries within retries, {}: {arithmetic}; retry in one place, or write `nested = \"suppress\"` on the outer one",
                    names.join(" → ")
                );
                push(findings, NESTED, function, function.line, message);
            } else {
                ways.push_back(further);
            }
        }
    }
}

/// The calls between the functions of a tree, as far as names tell.
struct Graph {
    callees: HashMap<usize, Vec<usize>>,
}

impl Graph {
    fn of(tree: &Tree) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, function) in tree.functions.iter().enumerate() {
            by_name.entry(&function.name).or_default().push(index);
        }
        let mut callees: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, function) in tree.functions.iter().enumerate() {
            for call in &function.calls {
                // a fan-out and a batch add functions beside theirs
                let name = call.name.as_str();
                let added = name.strip_suffix("_all").or_else(|| name.strip_suffix("_one"));
                let known = by_name.get(name).or_else(|| by_name.get(added?));
                let owner = match call.owner.as_deref() {
                    Some("Self") => function.owner.as_deref(),
                    Some("self" | "super" | "crate") => None,
                    owner => owner,
                };
                let is_meant = |candidate: &usize| {
                    let candidate = &tree.functions[*candidate];
                    owner.is_none_or(|owner| {
                        candidate.owner.as_deref() == Some(owner)
                            || candidate.file.file_stem().is_some_and(|stem| stem == owner)
                            || candidate.file.parent().and_then(Path::file_name).is_some_and(|folder| folder == owner)
                    })
                };
                let meant: Vec<usize> = known.into_iter().flatten().copied().filter(is_meant).collect();
                // of several functions of that name, nobody knows which is called
                if let [callee] = meant[..]
                    && callee != index
                {
                    callees.entry(index).or_default().push(callee);
                }
            }
        }
        Self { callees }
    }

    /// Returns the functions that have a stack, or are called below one.
    fn below_stacks(&self, tree: &Tree) -> HashSet<usize> {
        let mut open: Vec<usize> =
            (0..tree.functions.len()).filter(|&index| !tree.functions[index].stack.is_empty()).collect();
        let mut below: HashSet<usize> = open.iter().copied().collect();
        while let Some(index) = open.pop() {
            for &callee in self.callees.get(&index).into_iter().flatten() {
                if below.insert(callee) {
                    open.push(callee);
                }
            }
        }
        below
    }
}

/// Removes the findings that a remark silences, and finds remarks that are of no use. Returns the number of the former.
fn silence(tree: &Tree, findings: &mut Vec<Finding>) -> usize {
    let mut used = HashSet::new();
    let before = findings.len();
    findings.retain(|finding| {
        let function = tree.functions.iter().find(|function| {
            function.file == finding.file && function.title() == finding.function && function.line <= finding.line
        });
        let first = function.map_or(finding.line, |function| function.first_line);
        let found = tree.remarks.iter().position(|remark| {
            let is_near = (first.saturating_sub(2)..=finding.line).contains(&remark.line);
            remark.file == finding.file && is_near && remark.rule == finding.rule && !remark.reason.is_empty()
        });
        found.is_none_or(|found| {
            used.insert(found);
            false
        })
    });
    let silenced = before - findings.len();
    for (index, remark) in tree.remarks.iter().enumerate().filter(|(index, _)| !used.contains(index)) {
        let _ = index;
        let (rule, message) = if !RULES.iter().any(|rule| rule.name == remark.rule) {
            let names = RULES.map(|rule| rule.name);
            let meant = resilient_words::nearest(&remark.rule, names)
                .map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            (REMARK, format!("there is no rule `{}`{meant}", remark.rule))
        } else if remark.reason.is_empty() {
            (REMARK, format!("the remark gives no reason: write `// resilient: allow({}): reason`", remark.rule))
        } else {
            (REMARK, format!("the remark silences nothing: there is no finding of `{}` here", remark.rule))
        };
        findings.push(Finding {
            rule: rule.name,
            level: rule.level,
            file: remark.file.clone(),
            line: remark.line,
            function: String::new(),
            message,
        });
    }
    silenced
}

const NESTED: Rule = Rule {
    name: "nested-retries",
    level: Level::Warning,
    meaning: "retries in several tiers multiply: three in each of three make 64 attempts",
};
const NO_LIMIT: Rule =
    Rule { name: "no-time-limit", level: Level::Warning, meaning: "a call without a time-out can take for ever" };
const NO_ATTEMPT_LIMIT: Rule = Rule {
    name: "no-attempt-limit",
    level: Level::Warning,
    meaning: "an attempt without a time-out can use up the time of all attempts",
};
const BREAKER_ABOVE: Rule = Rule {
    name: "breaker-above-retry",
    level: Level::Warning,
    meaning: "a circuit breaker decides best on single attempts",
};
const BULKHEAD_ABOVE: Rule = Rule {
    name: "bulkhead-above-retry",
    level: Level::Warning,
    meaning: "a permit that is kept during a wait is missing elsewhere",
};
const RATE_ABOVE: Rule = Rule {
    name: "rate-limit-above-retry",
    level: Level::Warning,
    meaning: "an upstream counts attempts and not calls",
};
const FALLBACK_INSIDE: Rule = Rule {
    name: "fallback-inside",
    level: Level::Warning,
    meaning: "a fallback hides failures from the policies that stand above it",
};
const NO_BUDGET: Rule = Rule {
    name: "no-budget",
    level: Level::Warning,
    meaning: "retries without a budget multiply the load in an outage",
};
const NO_ROOM: Rule = Rule {
    name: "no-room",
    level: Level::Note,
    meaning: "attempts that time out do not all fit into the time of the call",
};
const BARE: Rule = Rule {
    name: "outgoing-without-stack",
    level: Level::Warning,
    meaning: "a call to another program can fail or hang",
};
const REMARK: Rule = Rule {
    name: "useless-remark",
    level: Level::Warning,
    meaning: "a remark that silences nothing hides what will be wrong later",
};

/// Every rule.
pub const RULES: [Rule; 11] = [
    NESTED,
    NO_LIMIT,
    NO_ATTEMPT_LIMIT,
    BREAKER_ABOVE,
    BULKHEAD_ABOVE,
    RATE_ABOVE,
    FALLBACK_INSIDE,
    NO_BUDGET,
    NO_ROOM,
    BARE,
    REMARK,
];

/// The policies that act on a failure.
const SEES_FAILURES: [&str; 4] = ["circuit_breaker", "hedge", "retry", "throttle"];

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<(&'static str, usize)> {
        let mut tree = Tree::default();
        tree.add(Path::new("src/lib.rs"), text);
        assert_eq!(tree.unread, []);
        tree.resolve();
        report(&tree).findings.into_iter().map(|finding| (finding.rule, finding.line)).collect()
    }

    const GOOD: &str = "use resilient::*;
        #[timeout(total = \"5s\")]
        #[retry(max = 2)]
        #[circuit_breaker]
        #[timeout(attempt = \"400ms\")]
        async fn fetch(url: &str) -> R { reqwest::get(url).await }
        ";

    #[test]
    fn a_good_stack_is_no_finding() {
        assert_eq!(findings(GOOD), []);
    }

    #[test]
    fn every_risk_is_found() {
        let with = |attributes: &str| findings(&format!("use resilient::*;\n{attributes}\nasync fn fetch() {{}}"));
        let names = |attributes: &str| with(attributes).into_iter().map(|(rule, _)| rule).collect::<Vec<_>>();
        assert_eq!(names("#[retry]"), ["no-attempt-limit", "no-time-limit"]);
        let whole =
            |outside: &str, retry: &str| names(&format!("#[timeout(\"9s\")] {outside} {retry} #[timeout(\"1s\")]"));
        assert_eq!(whole("#[circuit_breaker]", "#[retry]"), ["breaker-above-retry"]);
        assert_eq!(whole("#[bulkhead(limit = 3)]", "#[retry]"), ["bulkhead-above-retry"]);
        assert_eq!(whole("#[rate_limit(\"9/s\")]", "#[retry]"), ["rate-limit-above-retry"]);
        assert_eq!(whole("", "#[retry(budget = none)]"), ["no-budget"]);
        assert_eq!(whole("", "#[retry(max = 9)]"), ["no-room"]);
        assert_eq!(
            names("#[timeout(\"9s\")] #[retry] #[bulkhead(limit = 3)] #[timeout(\"1900ms\")]"),
            [""; 0],
            "a wait obeys the total"
        );
        assert_eq!(
            names("#[timeout(\"9s\")] #[retry] #[bulkhead(limit = 3, max_wait = \"1s\")] #[timeout(\"1900ms\")]"),
            ["no-room"]
        );
        assert_eq!(
            names("#[timeout(\"9s\")] #[retry(max = 9)] #[bulkhead(limit = 3)] #[timeout(\"1s\")]"),
            ["no-room"]
        );
        assert_eq!(names("#[circuit_breaker]"), ["no-time-limit"]);
        assert_eq!(whole("", "#[retry] #[fallback(value = 0)]"), ["fallback-inside"]);
        assert_eq!(names("#[circuit_breaker] #[fallback(value = 0)] #[timeout(\"1s\")]"), ["fallback-inside"]);
        assert_eq!(names("#[timeout(\"1s\")] #[fallback(function = other)]"), [""; 0], "a time-out for both");
        assert_eq!(whole("#[fallback(value = 0)]", "#[retry]"), [""; 0]);
    }

    #[test]
    fn a_function_that_blocks_is_not_asked_for_time_outs_that_it_cannot_have() {
        let names = |attributes: &str| {
            let found = findings(&format!("use resilient::*;\n{attributes}\nfn fetch() {{}}"));
            found.into_iter().map(|(rule, _)| rule).collect::<Vec<_>>()
        };
        assert_eq!(names("#[retry]"), ["no-time-limit"]);
        assert_eq!(names("#[retry(max_elapsed = \"9s\")]"), [""; 0]);
        assert_eq!(names("#[circuit_breaker]"), [""; 0]);
        assert_eq!(names("#[bulkhead(limit = 3)] #[retry(max_elapsed = \"9s\")]"), ["bulkhead-above-retry"]);
    }

    #[test]
    fn an_attempt_s_time_beside_the_total_stands_innermost() {
        let mut tree = Tree::default();
        tree.add(
            Path::new("lib.rs"),
            "use resilient::*; #[timeout(total = \"9s\", attempt = \"1s\")] #[retry] #[circuit_breaker] async fn fetch() {}",
        );
        tree.resolve();

        let report = report(&tree);

        assert_eq!(report.stacks[0].stack, ["timeout", "retry", "circuit_breaker", "timeout"]);
        assert_eq!(report.stacks[0].worst_case, Some(5.0));
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }

    #[test]
    fn retries_multiply_along_the_calls() {
        let inner = GOOD.to_owned()
            + "async fn between() { fetch(\"x\").await }
               #[timeout(total = \"30s\")] #[retry] #[timeout(attempt = \"6s\")]
               async fn outer() { between().await }";
        let mut tree = Tree::default();
        tree.add(Path::new("lib.rs"), &inner);

        let findings = report(&tree).findings;

        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].message.contains("outer → between → fetch: 4 × 3 = 12 attempts"), "{findings:?}");
        assert_eq!(self::findings(&inner.replace("#[retry]", "#[retry(nested = \"suppress\")]")), []);
    }

    #[test]
    fn a_name_that_several_functions_have_says_nothing() {
        let text = GOOD.to_owned()
            + "mod a { pub async fn send() { super::fetch(\"x\").await } } mod b { pub async fn send() {} }
               #[timeout(total = \"30s\")] #[retry] #[timeout(attempt = \"6s\")]
               async fn outer(x: X) { x.send().await }
               #[timeout(total = \"30s\")] #[retry] #[timeout(attempt = \"6s\")]
               async fn sure() { a::send().await }";
        assert_eq!(findings(&text).len(), 1);
    }

    #[test]
    fn calls_of_every_client_are_seen_without_a_stack() {
        for (imports, call) in [
            ("use reqwest::Client;", "client.get(url).send().await"),
            ("", "reqwest::get(url).await"),
            ("use sqlx::PgPool;", "sqlx::query(\"SELECT 1\").fetch_one(pool).await"),
            ("", "context.client().post(url).json(&x).send().await"),
            ("use sea_orm::EntityTrait;", "Entity::find().filter(x).one(db).await"),
            ("use sea_orm::EntityTrait;", "query.all(&self.db).await"),
            ("use sea_orm::ActiveModelTrait;", "user.update(txn).await"),
            ("use sea_orm::ActiveModelTrait;", "user.insert(&state.db()).await"),
            ("use diesel_async::RunQueryDsl;", "users.filter(x).first(conn).await"),
            ("use reqwest::Client; use sqlx::PgPool;", "transaction.execute(query).await"),
            ("", "sqlx::query!(\"SELECT 1\").execute(pool).await"),
            ("use redis::cmd;", "redis::cmd(\"GET\").query_async(&mut c).await"),
            ("use aws_sdk_s3::Client;", "client.put_object().key(k).send().await"),
            ("use hyper::Client;", "client.request(r).await"),
            ("use tokio_postgres::Client;", "client.query(\"SELECT 1\", &[]).await"),
            ("use tonic::transport::Endpoint;", "endpoint.connect().await"),
            ("use tokio::net::TcpStream;", "TcpStream::connect(a).await"),
        ] {
            let bare = format!("{imports}\nasync fn ask() {{\n{call}; }}");
            assert_eq!(findings(&bare), [("outgoing-without-stack", 3)], "{call}");
            let covered = format!("{bare}\n#[resilient::timeout(\"1s\")] async fn outer() {{ ask().await }}");
            assert_eq!(findings(&covered), [], "{call}");
        }
    }

    #[test]
    fn channels_and_tests_are_no_calls() {
        assert_eq!(findings("use reqwest::Client; async fn ask() { channel.send(1).await; }"), []);
        assert_eq!(
            findings("use sea_orm::EntityTrait; async fn ask() { cache.insert(key).await; items.all(check).await; }"),
            []
        );
        assert_eq!(findings("#[cfg(test)] mod tests { async fn ask() { reqwest::get(u).await; } }"), []);
        assert_eq!(findings("#[tokio::test] async fn ask() { reqwest::get(u).await; }"), []);
    }

    #[test]
    fn attributes_of_other_crates_are_no_policies() {
        assert_eq!(findings("use rstest::*; #[timeout(Duration::from_secs(1))] #[retry] async fn a() {}"), []);
    }

    #[test]
    fn remarks_silence_with_a_reason() {
        let with = |remark: &str| findings(&format!("{remark}\nasync fn ask() {{ reqwest::get(u).await; }}"));
        assert_eq!(with("// resilient: allow(outgoing-without-stack): a tool for one person"), []);
        assert_eq!(
            with("// resilient: allow(outgoing-without-stack)"),
            [("useless-remark", 1), ("outgoing-without-stack", 2)]
        );
        assert_eq!(with("// resilient: allow(no-budget): x"), [("useless-remark", 1), ("outgoing-without-stack", 2)]);
        assert_eq!(with("// resilient: allow(outgoing): x"), [("useless-remark", 1), ("outgoing-without-stack", 2)]);
        assert_eq!(
            findings("use resilient::exempt; #[exempt(reason = \"x\")] async fn ask() { reqwest::get(u).await; }"),
            []
        );
    }

    #[test]
    fn profiles_are_stacks() {
        let profile = "resilient::profile! { pub(crate) outgoing = timeout(total = \"9s\"), retry(max = 2), timeout(attempt = \"1s\") }\n";
        let with = |arguments: &str| {
            let mut tree = Tree::default();
            tree.add(
                Path::new("lib.rs"),
                &format!("{profile} use resilient::resilient; #[resilient({arguments})] async fn f() {{}}"),
            );
            tree.resolve();
            let report = report(&tree);
            let stack = &report.stacks[0];
            (stack.stack.join(" "), stack.attempts, report.findings.len())
        };
        assert_eq!(with("profile = crate::outgoing"), ("timeout retry timeout".to_owned(), Some(3), 0));
        assert_eq!(with("profile = outgoing, retry(max = 1)"), ("timeout retry timeout".to_owned(), Some(2), 0));
        assert_eq!(with("profile = outgoing, without(retry)"), ("timeout timeout".to_owned(), Some(1), 0));
        assert_eq!(
            with("fallback(value = 1), profile = outgoing, bulkhead(limit = 2)").0,
            "fallback timeout retry timeout bulkhead"
        );
    }
}
