//! The values of one attribute: read by the rows of its table, every mistake reported.

use std::time::Duration;

use proc_macro2::Span;
use syn::{Expr, ExprLit, Ident, Lit, Path};

use crate::arguments::{Arguments, Entry, Written};
use crate::constructor::Constructor;
use crate::diagnostic::Errors;
use crate::function::Function;
use crate::key::{Key, Sort};
use crate::reads::{differs_between_calls, reads_nothing_of_the_call, reads_what_can_be_owned};
use crate::value::{self, Known};

/// The arguments of one attribute as settings for one function.
pub(crate) struct Settings<'a> {
    /// The attribute's name as the user wrote it, where messages about the whole attribute point.
    pub(crate) attribute: Ident,
    /// Set if all of it could be understood, so that what is not there is known to be missing.
    pub(crate) understood: bool,
    /// The policy of `with = …`, in place of one with settings.
    pub(crate) with: Option<Expr>,
    /// The name, key or policy of the user's that the state goes by, as it was written.
    pub(crate) identity: Option<String>,
    pub(crate) function: &'a Function,
    /// The path of the runtime crate.
    pub(crate) krate: &'a Path,
    pub(crate) errors: &'a Errors,
    keys: &'static [Key],
    /// Every key that was written, in order, whatever became of its value.
    written: Vec<Ident>,
    values: Vec<(&'static Key, Given<Value>)>,
}

/// A value that was written, and the key that it was written for.
#[derive(Clone)]
pub(crate) struct Given<T> {
    /// The place of the key.
    pub(crate) key: Span,
    pub(crate) value: T,
}

impl<T> Given<T> {
    fn map<U>(self, change: impl FnOnce(T) -> Option<U>) -> Option<Given<U>> {
        Some(Given { key: self.key, value: change(self.value)? })
    }
}

/// The arguments that each attempt gets a clone of.
#[derive(Default, Clone)]
pub(crate) struct Clones {
    pub(crate) names: Vec<Ident>,
    /// Set if those whose type is not `Clone` are borrowed instead.
    pub(crate) if_possible: bool,
}

#[derive(Clone)]
enum Value {
    Count(Known<u32>),
    Duration(Known<Duration>),
    Number(Known<f64>),
    /// A word of the table, with or without quotes.
    Word(&'static str),
    Label(String),
    Flag,
    Names(Vec<Ident>),
    Clones(Clones),
    Expression(Expr),
}

impl<'a> Settings<'a> {
    /// Reads the arguments by the rows of `keys`.
    pub(crate) fn read(
        arguments: Arguments,
        keys: &'static [Key],
        function: &'a Function,
        krate: &'a Path,
        errors: &'a Errors,
    ) -> Self {
        let mut settings = Self {
            identity: arguments.identity(),
            written: arguments.written().to_vec(),
            understood: arguments.understood,
            with: None,
            attribute: arguments.attribute.clone(),
            function,
            krate,
            errors,
            keys,
            values: Vec::new(),
        };
        let entries: Vec<(&Key, Entry)> =
            keys.iter().filter_map(|key| arguments.entry(key.name).map(|entry| (key, entry.clone()))).collect();
        if let Some((key, entry)) = entries.iter().find(|(key, _)| matches!(key.sort, Sort::With)) {
            settings.with = settings.reported(expression(key, entry).and_then(policy_value));
        }
        for (key, entry) in entries {
            if settings.with.is_some() && key.configures {
                errors.at(entry.key.span(), beside_with(key.name));
            } else if !matches!(key.sort, Sort::Crate | Sort::With) {
                let given = settings.reported(settings.value(key, &entry));
                settings.values.extend(given.map(|value| (key, Given { key: entry.key.span(), value })));
            }
        }
        settings
    }

    fn reported<T>(&self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// The value that the row makes of the entry.
    fn value(&self, key: &'static Key, entry: &Entry) -> syn::Result<Value> {
        let alone = matches!(entry.value, Written::Flag);
        match key.sort {
            Sort::Flag if alone => return Ok(Value::Flag),
            Sort::Flag => {
                let message = format!("`{0}` stands alone: write `{0}`, or leave it out", key.name);
                self.errors.at(entry.key.span(), message);
                return Ok(Value::Flag);
            }
            Sort::Clones if alone => {
                return Ok(Value::Clones(Clones { names: self.function.cloneable(), if_possible: true }));
            }
            Sort::Clones => {
                let names = entry.names(key, self.errors);
                return Ok(Value::Clones(Clones { names, if_possible: false }));
            }
            Sort::Names => return Ok(Value::Names(entry.names(key, self.errors))),
            Sort::PerCall => entry.is_no_list()?,
            _ => {}
        }
        let expression = expression(key, entry)?;
        if key.constant {
            reads_nothing_of_the_call(&expression, self.function)?;
        }
        if let (Some(word), Expr::Path(path)) = (key.word, &expression)
            && path.path.is_ident(word)
        {
            return Ok(Value::Word(word));
        }
        if let (Some(word), Some(Lit::Bool(_))) = (key.word, value::literal(&expression)) {
            let message = format!("write `{} = {word}`, or a value as in `{}`", key.name, key.example);
            return Err(syn::Error::new_spanned(&expression, message));
        }
        let name = key.name;
        let refused = |number: Option<f64>| refused(key, number, &expression);
        match key.sort {
            Sort::Count => {
                let count = value::count(name, &expression)?;
                refused(count.literal().map(f64::from))?;
                Ok(Value::Count(count))
            }
            Sort::Duration => {
                let duration = value::duration(&expression)?;
                refused(duration.literal().map(|duration| duration.as_secs_f64()))?;
                Ok(Value::Duration(duration))
            }
            Sort::Ratio | Sort::Number => {
                let ratio = matches!(key.sort, Sort::Ratio);
                let number = if ratio { value::ratio(name, &expression)? } else { value::factor(name, &expression)? };
                refused(number.literal())?;
                Ok(Value::Number(number))
            }
            Sort::Word(words) => value::word(name, &expression, words).map(Value::Word),
            Sort::Label => self.label_of(name, &expression).map(Value::Label),
            Sort::PerCall => differs_between_calls(&expression, self.function).map(|()| Value::Expression(expression)),
            Sort::Expression(check) => check(&expression, self.function).map(|()| Value::Expression(expression)),
            _ => Ok(Value::Expression(expression)),
        }
    }

    fn label_of(&self, key: &str, expression: &Expr) -> syn::Result<String> {
        let name = value::text(key, expression)?;
        if name.value().trim().is_empty() {
            let message = format!(
                "an empty name says nothing in events and errors: write, say, `name = \"{}\"`",
                self.function.name()
            );
            return Err(syn::Error::new(name.span(), message));
        }
        Ok(name.value())
    }

    fn row(&self, key: &str) -> Option<&'static Key> {
        let row = self.keys.iter().find(|row| row.name == key);
        debug_assert!(row.is_some(), "`{key}` is missing from the table");
        row
    }

    fn get(&self, key: &str) -> Option<Given<Value>> {
        let row = self.row(key)?;
        self.values.iter().find(|(given, _)| given.name == row.name).map(|(_, given)| given.clone())
    }

    /// Returns where the key was written, if it was.
    pub(crate) fn span(&self, key: &str) -> Option<Span> {
        let row = self.row(key)?;
        self.written.iter().find(|written| crate::arguments::is(written, row.name)).map(Ident::span)
    }

    /// The place of the key among the arguments, if it was written.
    pub(crate) fn place(&self, key: &str) -> Option<usize> {
        let row = self.row(key)?;
        self.written.iter().position(|written| crate::arguments::is(written, row.name))
    }

    pub(crate) fn count(&self, key: &str) -> Option<Given<Known<u32>>> {
        self.get(key)?.map(|value| if let Value::Count(count) = value { Some(count) } else { None })
    }

    pub(crate) fn duration(&self, key: &str) -> Option<Given<Known<Duration>>> {
        self.get(key)?.map(|value| if let Value::Duration(duration) = value { Some(duration) } else { None })
    }

    pub(crate) fn number(&self, key: &str) -> Option<Given<Known<f64>>> {
        self.get(key)?.map(|value| if let Value::Number(number) = value { Some(number) } else { None })
    }

    /// The word that was written, with or without quotes.
    pub(crate) fn word(&self, key: &str) -> Option<Given<&'static str>> {
        self.get(key)?.map(|value| if let Value::Word(word) = value { Some(word) } else { None })
    }

    pub(crate) fn expression(&self, key: &str) -> Option<Expr> {
        match self.get(key)?.value {
            Value::Expression(expression) => Some(expression),
            _ => None,
        }
    }

    /// The expression as the policy reads it by itself.
    pub(crate) fn own<T>(&self, key: &str, read: impl FnOnce(&str, Expr) -> syn::Result<T>) -> Option<Given<T>> {
        let given = self.get(key)?;
        given.map(|value| match value {
            Value::Expression(expression) => self.reported(read(key, expression)),
            _ => None,
        })
    }

    /// The count that the expression is, within the range of the key, for a policy that reads the key by itself.
    pub(crate) fn count_of(&self, key: &str, expression: &Expr) -> syn::Result<Known<u32>> {
        let count = value::count(key, expression)?;
        if let Some(row) = self.row(key) {
            refused(row, count.literal().map(f64::from), expression)?;
        }
        Ok(count)
    }

    /// Returns where the flag stands, if it does.
    pub(crate) fn flag(&self, key: &str) -> Option<Span> {
        self.get(key).map(|given| given.key)
    }

    pub(crate) fn clones(&self, key: &str) -> Clones {
        match self.get(key).map(|given| given.value) {
            Some(Value::Clones(clones)) => clones,
            _ => Clones::default(),
        }
    }

    /// The name of a variable.
    pub(crate) fn variable(&self, key: &str) -> Option<Ident> {
        match self.expression(key)? {
            Expr::Path(name) => name.path.get_ident().cloned(),
            _ => None,
        }
    }

    pub(crate) fn names(&self, key: &str) -> Vec<Ident> {
        match self.get(key).map(|given| given.value) {
            Some(Value::Names(names)) => names,
            _ => Vec::new(),
        }
    }

    /// The number of calls that counts: the one that is written, or the default. `None` if only the compiler knows it.
    pub(crate) fn known_count(&self, key: &str) -> Option<u32> {
        match self.span(key) {
            Some(_) => self.count(key)?.value.literal(),
            None => self.default_of(key, |expression| value::count(key, expression))?.literal(),
        }
    }

    /// The time that counts: the one that is written, or the default.
    pub(crate) fn duration_or_default(&self, key: &str) -> Option<Known<Duration>> {
        match self.span(key) {
            Some(_) => Some(self.duration(key)?.value),
            None => self.default_of(key, value::duration),
        }
    }

    fn default_of<T>(&self, key: &str, read: impl FnOnce(&Expr) -> syn::Result<T>) -> Option<T> {
        read(&syn::parse_str(self.row(key)?.default?).ok()?).ok()
    }

    /// The name that was written, or the function's.
    pub(crate) fn label(&self) -> String {
        match self.get("name").map(|given| given.value) {
            Some(Value::Label(label)) => label,
            _ => self.function.name().to_string(),
        }
    }

    /// Returns whether the policy has a name of the user's choice.
    pub(crate) fn is_named(&self) -> bool {
        self.with.is_none() && self.span("name").is_some()
    }

    /// Returns whether the policy is that of an argument, or of `self`, that the body must not take along.
    pub(crate) fn reads_arguments(&self) -> bool {
        self.with.as_ref().is_some_and(|with| reads_what_can_be_owned(with, self.function))
    }

    /// The policy with all that the rows set: `Retry::named("search").max(3)`.
    pub(crate) fn constructor(&self, ty: &str) -> Constructor {
        let name = self.label();
        self.with_all_set(self.bare_constructor(ty, "named", &name))
    }

    /// Adds all that the rows set.
    pub(crate) fn with_all_set(&self, mut constructor: Constructor) -> Constructor {
        for (key, given) in &self.values {
            constructor = match (&given.value, key.sets) {
                (Value::Word(word), _) if key.word == Some(word) => match key.word_sets {
                    Some(method) => constructor.choose(key.name, method),
                    None => constructor,
                },
                (Value::Count(count), Some(method)) => constructor.set(key.name, method, count),
                (Value::Duration(duration), Some(method)) => constructor.set(key.name, method, duration),
                (Value::Number(number), Some(method)) => constructor.set(key.name, method, number),
                (Value::Word(word), Some("mode")) => constructor.mode(word, self.krate),
                (Value::Expression(expression), Some(method)) => constructor.call(key.name, method, expression),
                _ => constructor,
            };
        }
        constructor
    }

    /// The policy, or a part of it, that nothing is set of yet: `Backoff::exp("100ms")`.
    pub(crate) fn bare_constructor(&self, ty: &str, function: &str, arguments: &impl quote::ToTokens) -> Constructor {
        Constructor::new(self.krate, ty, function, arguments, self.keys, &self.written)
    }
}

/// Rejects a number outside of the range of the key, if it is known.
fn refused(key: &Key, number: Option<f64>, expression: &Expr) -> syn::Result<()> {
    let refused = key.refuses.iter().find(|refused| number.is_some_and(|number| refused.is(number)));
    refused.map_or(Ok(()), |refused| Err(syn::Error::new_spanned(expression, refused.message)))
}

/// The expression of `key = expression`.
fn expression(key: &Key, entry: &Entry) -> syn::Result<Expr> {
    match &entry.value {
        Written::Expr(expression) => Ok(expression.clone()),
        Written::Flag | Written::Missing | Written::List(_) => {
            let message = format!("`{}` takes a value: write `{}`", key.name, key.example);
            Err(syn::Error::new(entry.key.span(), message))
        }
    }
}

fn beside_with(key: &str) -> String {
    if key == "key" {
        return "`with` brings one policy, and `key` finds one among the function's own: write `with = POLICIES.of(…)` with a `PerKey` of yours, or leave out `with`".to_owned();
    }
    if key == "log_key" {
        return "`with` brings one policy, and `log_key` is for one that is found by its key: write `with = POLICIES.of_logged(…)` with a `PerKey` of yours, or leave out `with`".to_owned();
    }
    if key == "stale_while_revalidate" {
        return "`with` brings a `Coalesce` of which an attribute renews nothing: leave out `with`, or call `run_renewing` of it by hand".to_owned();
    }
    if key == "settings" {
        return "`with` brings one policy, and `settings` is for one that is found by its key: write `with = POLICIES.of_with(…)` with a `PerKey` of yours, or leave out `with`".to_owned();
    }
    format!("`with` uses a policy that has its own settings: set `{key}` there, or leave out `with`")
}

/// The value of `with`, which is no name.
fn policy_value(expression: Expr) -> syn::Result<Expr> {
    match &expression {
        Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) if !name.value().is_empty() => Err(syn::Error::new(
            name.span(),
            format!(
                "`with` takes a policy, such as `with = self.policy`: write `name = {}` for one that goes by its name",
                name.token()
            ),
        )),
        Expr::Lit(_) => {
            Err(syn::Error::new_spanned(expression, "`with` takes a policy: write, say, `with = self.policy`"))
        }
        _ => Ok(expression),
    }
}
