//! A settings file, read into single settings with their places.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::{Mistake, Refused};
use crate::tune::{Change, Value};

/// The longest file that is read, in bytes.
pub(super) const LONGEST: usize = 1 << 20;

/// One setting, and the place where it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The name of a policy, or the path of a function.
    pub(super) target: String,
    /// The kind of policy, or its name in the stack; none for all policies of the target.
    pub(super) part: Option<String>,
    pub(super) change: Change,
    pub(super) target_at: Place,
    pub(super) part_at: Place,
    pub(super) key_at: Place,
    pub(super) value_at: Place,
}

impl Entry {
    /// A setting that stands in no file.
    pub(super) fn from_code(target: &str, part: Option<&str>, change: Change) -> Self {
        let nowhere = Place::default();
        Self {
            target: target.to_owned(),
            part: part.map(str::to_owned),
            change,
            target_at: nowhere,
            part_at: nowhere,
            key_at: nowhere,
            value_at: nowhere,
        }
    }
}

/// A line and a column, both from one; zero for what is written in no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    pub(super) fn says(self, message: impl Into<String>) -> Mistake {
        Mistake { line: self.line, column: self.column, message: message.into() }
    }
}

/// Reads a file, and every mistake that can be told without the policies.
pub(super) fn read(source: &str, text: &str) -> Result<Vec<Entry>, Refused> {
    if text.len() > LONGEST {
        return Err(Refused::because(source, too_long(text.len())));
    }
    if text.trim().is_empty() {
        let message = "it is empty: to take all settings back, leave the line `[end]` in it";
        return Err(Refused::because(source, message));
    }
    let reader = Reader { text };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mut mistakes: Vec<Mistake> = errors.iter().map(|error| reader.mistake(error)).collect();
        // of one path, each `:` is a mistake of its own
        mistakes.dedup_by(|second, first| second.line == first.line && second.message == first.message);
        return Err(Refused::of(source, mistakes));
    }
    let mut reading = Reading { reader, entries: Vec::new(), mistakes: Vec::new() };
    reading.file(table.get_ref());
    let Reading { entries, mut mistakes, .. } = reading;
    if mistakes.is_empty() {
        return Ok(entries);
    }
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    Err(Refused::of(source, mistakes))
}

pub(super) fn too_long(bytes: usize) -> String {
    format!("it has {bytes} bytes, and settings have at most {LONGEST}: is it the right file?")
}

/// The text, and the places in it.
#[derive(Clone, Copy)]
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn at(self, offset: usize) -> Place {
        let is_boundary = |at: &usize| self.text.is_char_boundary(*at);
        let end = (0..=offset.min(self.text.len())).rev().find(is_boundary).unwrap_or(0);
        let before = &self.text[..end];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }

    fn place(self, span: Option<Range<usize>>) -> Place {
        span.map_or_else(Place::default, |span| self.at(span.start))
    }

    fn of<T>(self, spanned: &Spanned<T>) -> Place {
        self.at(spanned.span().start)
    }

    /// A mistake in the text itself, in the words of the parser where they say what to write.
    fn mistake(self, error: &toml::de::Error) -> Mistake {
        let place = self.place(error.span());
        let line = self.text.lines().nth(place.line.saturating_sub(1)).unwrap_or_default().trim();
        let table = line.strip_prefix('[').map(|table| table.trim_end_matches(']'));
        let message = match (error.message().trim(), table, line.split_once('=')) {
            ("duplicate key", Some(table), _) => {
                format!("the table `[{table}]` is there twice: write all its keys below the first of the two")
            }
            ("duplicate key", None, Some((key, _))) => {
                format!("`{}` is there twice in this table: keep one of the two", key.trim())
            }
            (text, Some(table), _) if text.starts_with("invalid unquoted key") && table.contains("::") => {
                let start = table.rfind("::").unwrap_or_default();
                let (path, part) = table.split_at(table[start..].find('.').map_or(table.len(), |dot| start + dot));
                format!("the path of a function stands in quotes: write `[\"{path}\"{part}]`")
            }
            (text, None, Some((key, value))) if text.starts_with("string values must be quoted") => {
                let (key, value) = (key.trim(), value.trim());
                match value {
                    "" => format!("`{key}` has no value: write one, or remove the line"),
                    _ => format!("a value with letters or signs stands in quotes: write `{key} = \"{value}\"`"),
                }
            }
            (text, ..) => text.to_owned(),
        };
        place.says(message)
    }
}

struct Reading<'a> {
    reader: Reader<'a>,
    entries: Vec<Entry>,
    mistakes: Vec<Mistake>,
}

impl Reading<'_> {
    fn file(&mut self, file: &DeTable<'_>) {
        let last = file.iter().map(|(name, _)| name.span().start).max();
        let end = file.iter().find(|(name, _)| name.get_ref() == END);
        match end {
            None => {
                let message =
                    "the last line is not `[end]`: add it, so that a file of which a part is missing is not applied";
                self.mistakes.push(self.reader.at(self.reader.text.trim_end().len()).says(message));
            }
            Some((name, value)) => {
                if value.get_ref().as_table().is_none_or(|table| !table.is_empty()) || Some(name.span().start) != last {
                    let message = "`[end]` stands last, and has nothing in it: move it below all settings";
                    self.mistakes.push(self.reader.of(name).says(message));
                }
            }
        }
        for (name, value) in file.iter().filter(|(name, _)| name.get_ref() != END) {
            let at = self.reader.of(name);
            match value.get_ref().as_table() {
                Some(table) => self.target(name.get_ref(), at, table),
                None => {
                    let name = name.get_ref();
                    self.mistakes.push(at.says(format!(
                        "`{name}` stands in no table: write the policy and its kind above it, as in `[search.retry]`"
                    )));
                }
            }
        }
    }

    fn target(&mut self, target: &str, target_at: Place, table: &DeTable<'_>) {
        if table.is_empty() {
            let message =
                format!("the table `{target}` is empty: write, say, `[{}.retry]`, or leave it out", quoted(target));
            self.mistakes.push(target_at.says(message));
        }
        for (part, value) in table {
            let part_at = self.reader.of(part);
            let name = part.get_ref();
            let entry = |part: Option<&str>, change, key_at, value_at| Entry {
                target: target.to_owned(),
                part: part.map(str::to_owned),
                change,
                target_at,
                part_at,
                key_at,
                value_at,
            };
            match value.get_ref().as_table() {
                Some(keys) => {
                    for (key, value) in keys {
                        let (key_at, value_at) = (self.reader.of(key), self.reader.of(value));
                        match value_of(value.get_ref()) {
                            Ok(value) => {
                                let change = Change { key: key.get_ref().to_string(), value };
                                self.entries.push(entry(Some(name), change, key_at, value_at));
                            }
                            Err(what) => {
                                let key = key.get_ref();
                                let message = format!("`{key}` takes one value, and this is {what}");
                                self.mistakes.push(value_at.says(message));
                            }
                        }
                    }
                }
                None if name == "mode" => match value_of(value.get_ref()) {
                    Ok(mode) => {
                        let change = Change { key: "mode".to_owned(), value: mode };
                        self.entries.push(entry(None, change, part_at, self.reader.of(value)));
                    }
                    Err(what) => self.mistakes.push(part_at.says(format!("`mode` takes a word, and this is {what}"))),
                },
                None => {
                    let message = format!(
                        "`{name}` needs the kind of policy: write it below `[{}.retry]`, or the like; only `mode` is for all policies of a name",
                        quoted(target)
                    );
                    self.mistakes.push(part_at.says(message));
                }
            }
        }
    }
}

/// The name of a table as it is written: in quotes if it is a path.
pub(super) fn quoted(name: &str) -> String {
    let is_bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare { name.to_owned() } else { format!("\"{name}\"") }
}

fn value_of(value: &DeValue<'_>) -> Result<Value, &'static str> {
    match value {
        DeValue::String(text) => Ok(Value::Text(text.to_string().into())),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(&number.as_str().replace('_', ""), number.radix());
            parsed.map(Value::Integer).map_err(|_| "a number with too many digits")
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().replace('_', "").parse();
            parsed.map(Value::Number).map_err(|_| "no number")
        }
        DeValue::Boolean(flag) => Ok(Value::Flag(*flag)),
        DeValue::Datetime(_) => Err("a date"),
        DeValue::Array(_) => Err("a list"),
        DeValue::Table(_) => Err("a table"),
    }
}

/// The table that ends a file.
const END: &str = "end";
