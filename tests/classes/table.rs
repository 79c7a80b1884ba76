//! The tables of `docs/classes.md`.

use std::error::Error;
use std::sync::Mutex;
use std::{env, fs, iter};

use resilient::{Class, Classify};

/// The rows of one client's table.
pub(crate) struct Table {
    client: &'static str,
    rows: Vec<[String; 4]>,
    mistakes: Vec<String>,
}

impl Table {
    pub(crate) fn of(client: &'static str) -> Self {
        Self { client, rows: Vec::new(), mistakes: Vec::new() }
    }

    /// Adds a fault. `comes` is what the page shows of the error, and must be in the messages of its chain.
    ///
    /// The class must be the same where the error's type has been erased.
    pub(crate) fn add(
        &mut self,
        fault: &str,
        error: &(impl Classify + Error + 'static),
        comes: &str,
        class: Class,
        why: &str,
    ) {
        self.add_apart(fault, error, comes, class, class, why);
    }

    /// Adds a fault, part of whose meaning is lost where the error's type has been erased.
    pub(crate) fn add_apart(
        &mut self,
        fault: &str,
        error: &(impl Classify + Error + 'static),
        comes: &str,
        class: Class,
        behind_dyn: Class,
        why: &str,
    ) {
        let messages = messages(error);
        let hint = error.hint().map(|hint| format!(", not before {hint:?}")).unwrap_or_default();
        let found = error.class();
        if found != class {
            self.mistakes.push(format!("{fault}: {found:?} instead of {class:?}: {messages}"));
        }
        let erased = (error as &(dyn Error + 'static)).class();
        if erased != behind_dyn {
            self.mistakes
                .push(format!("{fault}: {erased:?} instead of {behind_dyn:?} behind a `dyn Error`: {messages}"));
        }
        if !messages.contains(comes) {
            self.mistakes.push(format!("{fault}: no `{comes}` in {messages}"));
        }
        let class = match class {
            Class::Throttled { after: Some(after) } => format!("throttled for {after:?}"),
            class => format!("{class}{hint}"),
        };
        let comes = if comes.is_empty() { "it varies".to_owned() } else { format!("`{}`", comes.replace('|', "/")) };
        self.rows.push([fault, &comes, &class, why].map(str::to_owned));
    }

    /// Asserts that each fault has its class, and that the page says so.
    #[track_caller]
    pub(crate) fn check(self) {
        static PAGE: Mutex<()> = Mutex::new(());
        const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/classes.md");

        assert!(self.mistakes.is_empty(), "{}:\n{}", self.client, self.mistakes.join("\n"));
        let _turn = PAGE.lock();
        let page = fs::read_to_string(PATH).unwrap();
        let (begin, end) = (format!("<!-- {} -->\n", self.client), format!("<!-- end of {} -->", self.client));
        let (before, rest) = page.split_once(&begin).expect("a place on the page");
        let (table, after) = rest.split_once(&end).expect("an end of the place");
        let rows = self.rows.iter().map(|row| format!("| {} |\n", row.join(" | ")));
        let expected: String =
            iter::once("| fault | what comes | class | why |\n|---|---|---|---|\n".to_owned()).chain(rows).collect();
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(PATH, [before, &begin, &expected, &end, after].concat()).unwrap();
        } else {
            assert_eq!(table, expected, "docs/classes.md; UPDATE_EXPECT=1 writes it anew");
        }
    }
}

/// The messages of an error and its sources.
fn messages(error: &(dyn Error + 'static)) -> String {
    let chain = iter::successors(Some(error), |error| (*error).source());
    chain.take(16).map(ToString::to_string).collect::<Vec<_>>().join(" ← ")
}
