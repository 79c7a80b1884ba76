//! The arguments of an attribute: parsed against the table of its keys, every mistake reported.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, LitStr, Path, Token, token};

use crate::diagnostic::Errors;
use crate::function::Function;
use crate::value;
use crate::wording::{list, nearest};

/// A key that an attribute accepts.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// How it is written, for messages.
    pub(crate) example: &'static str,
    /// Whether it configures the policy, and so conflicts with a `with = …` that brings a configured one.
    pub(crate) configures: bool,
    /// What counts where it is not written, if that is the same for every function.
    pub(crate) default: Option<&'static str>,
    /// The key beside which that does not count.
    pub(crate) unless: Option<&'static str>,
    /// A value of another sort than the example's.
    pub(crate) other: Option<&'static str>,
    /// What means the same as this one in some places of a stack.
    pub(crate) stand_ins: Option<StandIns>,
}

/// The keys that mean the same as another, depending on where a retry stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StandIns {
    /// If nothing above repeats.
    Outside(&'static [&'static str]),
    /// If nothing below repeats.
    Inside(&'static [&'static str]),
}

impl Key {
    /// A key that is part of the policy's configuration.
    pub(crate) const fn setting(name: &'static str, example: &'static str) -> Self {
        Self { name, example, configures: true, default: None, unless: None, other: None, stand_ins: None }
    }

    /// A key that says how this function uses the policy.
    pub(crate) const fn usage(name: &'static str, example: &'static str) -> Self {
        Self { configures: false, ..Self::setting(name, example) }
    }

    /// The value of the example.
    pub(crate) fn example_value(&self) -> &'static str {
        self.example.split_once(" = ").map_or(self.example, |(_, value)| value)
    }

    /// With what counts where it is not written, for the rules of `#[enforce]`.
    pub(crate) const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// With a key beside which its default does not count.
    pub(crate) const fn unless(self, key: &'static str) -> Self {
        Self { unless: Some(key), ..self }
    }

    /// With a value of another sort, for the rules of `#[enforce]`.
    pub(crate) const fn or_like(self, other: &'static str) -> Self {
        Self { other: Some(other), ..self }
    }

    /// With the keys that mean the same in some places, for the rules of `#[enforce]`.
    pub(crate) const fn also(self, stand_ins: StandIns) -> Self {
        Self { stand_ins: Some(stand_ins), ..self }
    }
}

/// An argument as it was written, with its value if it has one.
pub(crate) struct Setting {
    pub(crate) key: Ident,
    pub(crate) value: Option<Expr>,
}

/// The arguments of one attribute. Every key of its table must be taken, or the macro's own tests fail.
pub(crate) struct Arguments {
    /// The attribute's name as the user wrote it, where messages about the whole attribute point.
    pub(crate) attribute: Ident,
    /// Whether all of it could be understood, so that what is not there is known to be missing.
    pub(crate) understood: bool,
    entries: Vec<Entry>,
    /// Every key that was written, whether it has been taken or not.
    written: Vec<Ident>,
    keys: &'static [Key],
    #[cfg(test)]
    taken: Vec<&'static str>,
}

#[derive(Clone)]
struct Entry {
    key: Ident,
    value: Value,
}

#[derive(Clone)]
enum Value {
    Flag,
    /// Nothing yet, after `key =`.
    Missing,
    Expr(Expr),
    List(TokenStream),
}

impl Arguments {
    /// Parses `tokens` against `keys`; a value without a key is one for `positional`.
    pub(crate) fn parse(
        attribute: Ident,
        tokens: TokenStream,
        keys: &'static [Key],
        positional: Positional,
        errors: &Errors,
    ) -> Self {
        let mistakes = errors.count();
        let mut entries = Vec::new();
        for written in split(tokens, errors) {
            match written {
                Written::Entry(entry) => match (&entry.value, positional) {
                    // a lone name that is no key is a constant, unless it is a keyword
                    (Value::Flag, Positional::Is(key)) if !keys.iter().any(|known| entry.key == known.name) => {
                        let key = Ident::new(key, entry.key.span());
                        match syn::parse2(entry.key.to_token_stream()) {
                            Ok(constant) => entries.push(Entry { key, value: Value::Expr(constant) }),
                            Err(_) => errors.push(incomplete(entry.key)),
                        }
                    }
                    _ => entries.push(entry),
                },
                Written::Positional(value) => match positional {
                    Positional::Is(key) => {
                        let key = Ident::new(key, syn::spanned::Spanned::span(&value));
                        entries.push(Entry { key, value: Value::Expr(value) });
                    }
                    Positional::Write(key) => {
                        let example = keys.iter().find(|known| known.name == key).map_or("", |known| known.example);
                        let written = value.to_token_stream();
                        let unquoted = written.to_string().trim_matches('"').to_owned();
                        // a number in quotes, for a key that takes a bare one
                        let bare = unquoted.parse::<u32>().is_ok() && !example.contains('"');
                        let value = if bare { unquoted } else { written.to_string() };
                        errors.over(written, format!("a value needs its key: write `{key} = {value}`"));
                    }
                },
            }
        }

        let mut arguments = Self {
            attribute,
            understood: true,
            entries: Vec::new(),
            written: Vec::new(),
            keys,
            #[cfg(test)]
            taken: Vec::new(),
        };
        for entry in entries {
            arguments.accept(entry, errors);
        }
        arguments.understood = errors.count() == mistakes;
        arguments
    }

    fn accept(&mut self, entry: Entry, errors: &Errors) {
        let name = entry.key.unraw().to_string();
        if !self.keys.iter().any(|key| key.name == name) {
            errors.at(entry.key.span(), unknown_key(&name, self.keys));
            return;
        }
        if let Some(first) = self.entries.iter().find(|earlier| earlier.key == entry.key) {
            let message = match &first.value {
                Value::Expr(value) => {
                    format!("`{name}` is already set, to `{}`: keep one of the two", value.to_token_stream())
                }
                _ => format!("`{name}` is already there: merge the two into one"),
            };
            errors.at(entry.key.span(), message);
            return;
        }
        self.written.push(entry.key.clone());
        self.entries.push(entry);
    }

    /// Every key that was written.
    pub(crate) fn written(&self) -> &[Ident] {
        &self.written
    }

    fn take(&mut self, key: &'static str) -> Option<Entry> {
        #[cfg(test)]
        {
            assert!(self.keys.iter().any(|known| known.name == key), "`{key}` is missing from the table");
            self.taken.push(key);
        }
        let index = self.entries.iter().position(|entry| entry.key.unraw() == key)?;
        Some(self.entries.remove(index))
    }

    fn example(&self, key: &str) -> &'static str {
        self.keys.iter().find(|known| known.name == key).map_or("", |known| known.example)
    }

    /// The value of `key = value`, parsed by `parse`.
    pub(crate) fn value<T>(
        &mut self,
        key: &'static str,
        errors: &Errors,
        parse: impl FnOnce(&str, Expr) -> syn::Result<T>,
    ) -> Option<T> {
        let Entry { key: written, value } = self.take(key)?;
        match value {
            Value::Expr(expression) => match parse(key, expression) {
                Ok(value) => return Some(value),
                Err(error) => errors.push(error),
            },
            Value::Flag | Value::Missing | Value::List(_) => {
                errors.at(written.span(), format!("`{key}` takes a value: write `{}`", self.example(key)));
            }
        }
        None
    }

    /// Whether `key` was written, which stands alone.
    pub(crate) fn flag(&mut self, key: &'static str, errors: &Errors) -> bool {
        let Some(Entry { key: written, value }) = self.take(key) else { return false };
        if !matches!(value, Value::Flag) {
            errors.at(written.span(), format!("`{key}` stands alone: write `{key}`, or leave it out"));
        }
        true
    }

    /// The value of `key = value` for the initialiser of a `static`, which can see neither `self` nor the arguments.
    pub(crate) fn constant<T>(
        &mut self,
        key: &'static str,
        function: &Function,
        errors: &Errors,
        parse: impl FnOnce(&str, Expr) -> syn::Result<T>,
    ) -> Option<T> {
        self.value(key, errors, |key, expression| {
            value::reads_nothing_of_the_call(&expression, function)?;
            parse(key, expression)
        })
    }

    /// The names in `key(a, b)`.
    pub(crate) fn names(&mut self, key: &'static str, errors: &Errors) -> Vec<Ident> {
        let Some(Entry { key: written, value }) = self.take(key) else {
            return Vec::new();
        };
        let example = self.example(key);
        let tokens = match value {
            Value::List(tokens) => tokens,
            Value::Expr(value) => {
                let value = value.to_token_stream();
                errors.at(written.span(), format!("`{key}` takes names in parentheses: write `{key}({value})`"));
                return Vec::new();
            }
            Value::Flag | Value::Missing => {
                errors.at(written.span(), format!("`{key}` takes names in parentheses: write `{example}`"));
                return Vec::new();
            }
        };
        let parser = |input: ParseStream<'_>| input.parse_terminated(Ident::parse_any, Token![,]);
        match parser.parse2(tokens) {
            Ok(names) if names.is_empty() => {
                errors.at(written.span(), format!("`{key}` names nothing: write `{example}`"));
            }
            Ok(names) => return distinct(names, errors),
            Err(error) => errors.at(error.span(), format!("`{key}` takes names between commas: write `{example}`")),
        }
        Vec::new()
    }

    /// The arguments that each attempt gets a clone of: those in `clone(a, b)`, or all that the body owns for `clone` alone.
    pub(crate) fn clones(&mut self, function: &Function, errors: &Errors) -> Vec<Ident> {
        let alone = self.entries.iter().any(|entry| entry.key == "clone" && matches!(entry.value, Value::Flag));
        if alone {
            self.take("clone");
            return function.cloneable();
        }
        self.names("clone", errors)
    }

    /// The place of `key` among the arguments, if it was written.
    pub(crate) fn place(&self, key: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key.unraw() == key)
    }

    /// The span of `key`, if it was written.
    pub(crate) fn span(&self, key: &str) -> Option<Span> {
        self.entries.iter().map(|entry| &entry.key).find(|written| written.unraw() == key).map(Ident::span)
    }

    /// The policy value of `with = …`, and an error for each setting beside it.
    pub(crate) fn with(&mut self, errors: &Errors) -> Option<Expr> {
        let with = self.value("with", errors, policy_value)?;
        for entry in &self.entries {
            let name = entry.key.unraw().to_string();
            if self.keys.iter().any(|key| key.name == name && key.configures) {
                let message = if name == "key" {
                    "`with` brings one policy, and `key` finds one among the function's own: write `with = POLICIES.of(…)` with a `PerKey` of yours, or leave out `with`".to_owned()
                } else {
                    format!("`with` uses a policy that has its own settings: set `{name}` there, or leave out `with`")
                };
                errors.at(entry.key.span(), message);
            }
        }
        self.entries.retain(|entry| !self.keys.iter().any(|key| entry.key.unraw() == key.name && key.configures));
        Some(with)
    }

    /// The name, key or value of the user's that the policy's state goes by, as it was written.
    pub(crate) fn identity(&self) -> Option<String> {
        let parts = self.entries.iter().filter(|entry| ["name", "key", "with"].iter().any(|key| entry.key == key));
        let parts: Vec<String> = parts
            .filter_map(|entry| match &entry.value {
                Value::Expr(value) => Some(format!("{} = {}", entry.key, value.to_token_stream())),
                _ => None,
            })
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// The expression of `key = …`, which is evaluated once a call.
    pub(crate) fn key(&mut self, function: &Function, errors: &Errors) -> Option<Expr> {
        let listed = self.entries.iter().find_map(|entry| match &entry.value {
            Value::List(parts) if entry.key == "key" => Some((entry.key.span(), parts.to_string())),
            _ => None,
        });
        if let Some((span, parts)) = listed {
            self.take("key");
            errors.at(span, format!("`key` takes an expression: write `key = ({parts})`"));
            return None;
        }
        self.value("key", errors, |_, key| value::differs_between_calls(key, function))
    }

    /// The text of `name = "…"`, or the function's own name.
    pub(crate) fn name(&mut self, function: &Function, errors: &Errors) -> String {
        let name = self.value("name", errors, |key, value| {
            let name = value::text(key, &value)?;
            if name.value().trim().is_empty() {
                let message = format!(
                    "an empty name says nothing in events and errors: write, say, `name = \"{}\"`",
                    function.name()
                );
                return Err(syn::Error::new(name.span(), message));
            }
            Ok(name)
        });
        name.map_or_else(|| function.name().to_string(), |name| name.value())
    }

    /// The path of `crate = ::path`.
    pub(crate) fn krate(&mut self, errors: &Errors) -> Option<Path> {
        self.value("crate", errors, |_, expression| absolute_path(expression))
    }

    /// What was written, for the rules of `#[enforce]`.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let setting = |entry: &Entry| Setting {
            key: entry.key.clone(),
            value: match &entry.value {
                Value::Expr(value) => Some(value.clone()),
                Value::Flag | Value::Missing | Value::List(_) => None,
            },
        };
        self.entries.iter().map(setting).collect()
    }

    /// The first key that is followed by a list.
    pub(crate) fn listed(&self) -> Option<&Ident> {
        self.entries.iter().find(|entry| matches!(entry.value, Value::List(_))).map(|entry| &entry.key)
    }

    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Has mistakes in the names and literals reported at `place`; what the compiler finds in other values stays where it is.
    pub(crate) fn relocate(&mut self, place: Span) {
        self.attribute.set_span(place);
        self.written.iter_mut().for_each(|key| key.set_span(place));
        for entry in &mut self.entries {
            entry.key.set_span(place);
            if let Value::Expr(Expr::Lit(literal)) = &mut entry.value {
                literal.lit.set_span(place);
            }
        }
    }

    /// Replaces the arguments of `policies`, which are all of one kind, by those of the same name; others are added.
    ///
    /// Of several policies, a `name` picks the one that has it, and any other key the one that has that key.
    pub(crate) fn replace(policies: &mut [&mut Self], by: Self, errors: &Errors) {
        let named = by.text_of("name");
        let mut bearers =
            (0..policies.len()).filter(|index| named.is_some() && policies[*index].text_of("name") == named);
        let bearer = bearers.next().filter(|_| bearers.next().is_none() && policies.len() > 1);
        let mut sharing = (0..policies.len()).filter(|index| {
            policies[*index].entries.iter().any(|entry| by.entries.iter().any(|new| new.key == entry.key))
        });
        let only = if policies.len() == 1 { Some(0) } else { sharing.next().filter(|_| sharing.next().is_none()) };
        for new in by.entries {
            if bearer.is_some() && new.key == "name" {
                continue;
            }
            let holders: Vec<usize> = (0..policies.len())
                .filter(|index| policies[*index].entries.iter().any(|entry| entry.key == new.key))
                .collect();
            let placed = match (bearer, holders.as_slice()) {
                (Some(bearer), _) => vec![bearer],
                (None, [holder]) => vec![*holder],
                // it says where the crate is, for all of them
                (None, all) if new.key == "crate" => all.to_vec(),
                (None, []) => only.into_iter().collect(),
                (None, _) => Vec::new(),
            };
            if placed.is_empty() {
                let (attribute, name) = (&by.attribute, new.key.unraw());
                let how_many = if holders.is_empty() { "in none of them" } else { "in more than one" };
                errors.at(
                    new.key.span(),
                    format!(
                        "which `{attribute}` of the profile is meant? `{name}` is {how_many}: write it in the profile, or say which by its `name`"
                    ),
                );
            }
            for index in placed {
                policies[index].set(new.clone(), &by.attribute);
            }
        }
        for policy in policies {
            policy.understood &= by.understood;
        }
    }

    /// Sets an argument in place of the one of its key, if there is one, as the attribute at that place does.
    fn set(&mut self, new: Entry, attribute: &Ident) {
        if new.key == "with" && !self.entries.iter().any(|entry| entry.key == "with") {
            // it brings its settings
            let configures = |key: &Ident| self.keys.iter().any(|known| *key == known.name && known.configures);
            self.entries.retain(|entry| !configures(&entry.key));
        }
        self.attribute = attribute.clone();
        self.written.retain(|key| *key != new.key);
        self.written.push(new.key.clone());
        match self.entries.iter_mut().find(|entry| entry.key == new.key) {
            Some(entry) => *entry = new,
            None => self.entries.push(new),
        }
    }

    /// The value of `key` as it was written.
    fn text_of(&self, key: &str) -> Option<String> {
        self.entries.iter().find(|entry| entry.key == key).and_then(|entry| match &entry.value {
            Value::Expr(value) => Some(value.to_token_stream().to_string()),
            _ => None,
        })
    }

    /// A check on the macro itself: a key that is accepted must also be used.
    #[cfg(test)]
    pub(crate) fn finish(self) {
        for key in self.keys {
            assert!(self.taken.contains(&key.name), "`{}` is accepted and ignored", key.name);
        }
    }
}

/// The value of `with`, which is no name.
fn policy_value(_: &str, expression: Expr) -> syn::Result<Expr> {
    match &expression {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) if !name.value().is_empty() => Err(syn::Error::new(
            name.span(),
            format!(
                "`with` takes a policy, such as `with = self.policy`: write `name = {}` for one that goes by its name",
                name.to_token_stream()
            ),
        )),
        Expr::Lit(_) => {
            Err(syn::Error::new_spanned(expression, "`with` takes a policy: write, say, `with = self.policy`"))
        }
        _ => Ok(expression),
    }
}

/// The names without repetitions, each of which is a mistake.
fn distinct(names: impl IntoIterator<Item = Ident>, errors: &Errors) -> Vec<Ident> {
    let mut distinct = Vec::new();
    for name in names {
        if distinct.contains(&name) {
            errors.at(name.span(), format!("`{name}` is named twice: once is enough"));
        } else {
            distinct.push(name);
        }
    }
    distinct
}

/// One of the policies listed in `#[resilient(…)]`, or an argument for all of them.
pub(crate) enum Listed {
    Policy(Ident, TokenStream),
    /// The stack of that name.
    Profile(Path),
    /// The policies of the profile that are left out.
    Without(Vec<Ident>),
    Crate(Path),
}

/// The entries of `#[resilient(…)]`, in their order.
pub(crate) fn listed(tokens: TokenStream, errors: &Errors) -> Vec<Listed> {
    let mut all = Vec::new();
    for written in split(tokens, errors) {
        match written {
            Written::Entry(Entry { key, value: Value::Expr(value) }) if key == "profile" => match profile_path(value) {
                Ok(path) => all.push(Listed::Profile(path)),
                Err(error) => errors.push(error),
            },
            Written::Entry(Entry { key, value }) if key == "profile" => {
                let name = match value {
                    Value::List(name) if !name.is_empty() => name.to_string().trim_matches('"').to_owned(),
                    _ => "search".to_owned(),
                };
                errors.at(key.span(), format!("`profile` takes the name of a `profile!`: write `profile = {name}`"));
            }
            Written::Entry(Entry { key, value: Value::List(names) }) if key == "without" => {
                let parser = |input: ParseStream<'_>| input.parse_terminated(Ident::parse_any, Token![,]);
                match parser.parse2(names) {
                    Ok(names) if !names.is_empty() => all.push(Listed::Without(distinct(names, errors))),
                    _ => errors.at(key.span(), "`without` takes policies between commas: write `without(retry)`"),
                }
            }
            Written::Entry(Entry { key, .. }) if key == "without" => {
                errors.at(key.span(), "`without` takes policies in parentheses: write `without(retry)`");
            }
            Written::Entry(Entry { key, value: Value::List(arguments) }) => all.push(Listed::Policy(key, arguments)),
            Written::Entry(Entry { key, value: Value::Flag }) => all.push(Listed::Policy(key, TokenStream::new())),
            Written::Entry(Entry { key, value: Value::Expr(value) }) if key == "crate" => match absolute_path(value) {
                Ok(path) => all.push(Listed::Crate(path)),
                Err(error) => errors.push(error),
            },
            Written::Entry(Entry { key, value: Value::Expr(value) }) => {
                let value = value.to_token_stream();
                let needed = match crate::policies::kind(&key.to_string()).map(|kind| kind.positional) {
                    Some(Positional::Write(first)) => format!("{first} = {value}"),
                    _ => value.to_string(),
                };
                errors
                    .at(key.span(), format!("the arguments of a policy go into parentheses: write `{key}({needed})`"));
            }
            Written::Entry(Entry { key, value: Value::Missing }) => {
                errors.at(key.span(), format!("the arguments of a policy go into parentheses: write `{key}(…)`"));
            }
            Written::Positional(value) => {
                errors.over(&value, "list policies here: `#[resilient(timeout(\"2s\"), retry(max = 3))]`");
            }
        }
    }
    all
}

fn profile_path(value: Expr) -> syn::Result<Path> {
    let message = match value {
        Expr::Path(syn::ExprPath { qself: None, path, .. })
            if path.segments.iter().all(|segment| segment.arguments.is_none()) && !path.is_ident("self") =>
        {
            return Ok(path);
        }
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(ref text), .. }) => {
            format!("a profile is named without quotes: write `profile = {}`", text.value())
        }
        _ => "`profile` takes the name of a `profile!`: write `profile = search`".to_owned(),
    };
    Err(syn::Error::new_spanned(value, message))
}

/// A path that means the same wherever the macro is used.
pub(crate) fn absolute_path(expression: Expr) -> syn::Result<Path> {
    match expression {
        Expr::Path(path)
            if path.path.leading_colon.is_some()
                || ["crate", "$crate"].iter().any(|root| path.path.segments[0].ident == root) =>
        {
            Ok(path.path)
        }
        other => Err(syn::Error::new_spanned(
            other,
            "`crate` takes an absolute path: start it with `::` or `crate`, as in `crate = ::resilient`",
        )),
    }
}

/// What a value without a key means.
#[derive(Clone, Copy)]
pub(crate) enum Positional {
    /// It is the value of this key.
    Is(&'static str),
    /// It is a mistake; this key was probably meant.
    Write(&'static str),
}

enum Written {
    Entry(Entry),
    Positional(Expr),
}

/// The entries between the commas.
fn split(tokens: TokenStream, errors: &Errors) -> Vec<Written> {
    between_commas(tokens, parse_entry, errors)
}

/// What `entry` parses between the commas; after one that it cannot parse, goes on behind the next comma.
pub(crate) fn between_commas<T>(
    tokens: TokenStream,
    entry: impl Fn(ParseStream<'_>) -> syn::Result<T>,
    errors: &Errors,
) -> Vec<T> {
    let mut written = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match entry(input) {
                Ok(entry) if input.is_empty() || input.peek(Token![,]) => written.push(entry),
                Ok(_) => {
                    errors.push(input.error("a comma is missing: arguments are separated by `,`"));
                    skip_entry(input)?;
                }
                Err(error) => {
                    errors.push(error);
                    skip_entry(input)?;
                }
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        errors.push(error);
    }
    written
}

fn parse_entry(input: ParseStream<'_>) -> syn::Result<Written> {
    not_an_entry(input)?;
    let is_key = input.peek(Ident::peek_any)
        && (input.peek2(Token![=]) && !input.peek2(Token![==])
            || input.peek2(token::Paren)
            || input.peek2(Token![,])
            || input.fork().call(|ahead| Ident::parse_any(ahead).map(|_| ahead.is_empty()))?);
    if !is_key {
        return parse_value(input).map(Written::Positional);
    }
    let key = Ident::parse_any(input)?;
    let value = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) { Value::Missing } else { Value::Expr(parse_value(input)?) }
    } else if input.peek(token::Paren) {
        let content;
        syn::parenthesized!(content in input);
        Value::List(content.parse()?)
    } else {
        Value::Flag
    };
    Ok(Written::Entry(Entry { key, value }))
}

/// The mistakes that can be told from the first tokens of an entry.
fn not_an_entry(input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(Token![,]) {
        return Err(input.error("nothing stands before this comma: remove it"));
    }
    if input.peek(Token![=]) {
        return Err(input.error("a value needs its key: write it before the `=`"));
    }
    if input.peek(LitStr) && input.peek2(Token![=]) {
        let key: LitStr = input.parse()?;
        return Err(syn::Error::new(key.span(), format!("a key has no quotes: write `{} = …`", key.value())));
    }
    let joined_otherwise =
        input.peek2(Token![==]) || input.peek2(Token![=>]) || input.peek2(Token![:]) && !input.peek2(Token![::]);
    if input.peek(Ident::peek_any) && joined_otherwise {
        let key = Ident::parse_any(input)?;
        return Err(input.error(format!("a key and its value are joined by `=`: write `{key} = …`")));
    }
    Ok(())
}

fn parse_value(input: ParseStream<'_>) -> syn::Result<Expr> {
    let start = input.fork();
    let value = input.parse().map_err(|error: syn::Error| {
        // the end of the arguments is no place that the user could see
        if error.to_string().starts_with("unexpected end of input") {
            let mut value = TokenStream::new();
            while !start.is_empty() && !start.peek(Token![,]) {
                value.extend(start.parse::<TokenTree>());
            }
            let written = value.to_string().replace(' ', "");
            return match crate::value::percent(&written) {
                Some(_) => {
                    syn::Error::new_spanned(value, format!("a percentage stands in quotes: write `\"{written}\"`"))
                }
                None => incomplete(value),
            };
        }
        error
    })?;
    Ok(match value {
        // what came through a `macro_rules!` fragment
        Expr::Group(group) => *group.expr,
        value => value,
    })
}

fn incomplete(value: impl ToTokens) -> syn::Error {
    syn::Error::new_spanned(value, "this value is not complete: something is missing at its end")
}

fn skip_entry(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn unknown_key(name: &str, keys: &[Key]) -> String {
    let is_key = |name: &str| keys.iter().any(|key| key.name == name);
    if let Some((_, meant, says)) = OTHER_WORDS.iter().find(|(word, meant, _)| *word == name && is_key(meant)) {
        return format!("unknown argument `{name}`: write `{meant}`, {says}");
    }
    match nearest(name, keys.iter().map(|key| key.name)) {
        Some(meant) => format!("unknown argument `{name}`: did you mean `{meant}`?"),
        None => format!("unknown argument `{name}`: the arguments are {}", list(keys.iter().map(|key| key.name))),
    }
}

/// Words that other libraries have for a key, the key, and what it is here.
const OTHER_WORDS: &[(&str, &str, &str)] = &[
    ("attempts", "max", "which counts the attempts after the first one"),
    ("max_attempts", "max", "which counts the attempts after the first one"),
    ("tries", "max", "which counts the attempts after the first one"),
    ("max_tries", "max", "which counts the attempts after the first one"),
    ("retries", "max", "which counts the attempts after the first one"),
    ("max_retries", "max", "which counts the attempts after the first one"),
    ("max_retry_attempts", "max", "which counts the attempts after the first one"),
    ("times", "max", "which counts the attempts after the first one"),
    ("delay", "base", "the wait before the first retry"),
    ("initial_delay", "base", "the wait before the first retry"),
    ("min_delay", "base", "the wait before the first retry"),
    ("initial_interval", "base", "the wait before the first retry"),
    ("wait", "base", "the wait before the first retry"),
    ("interval", "base", "the wait before the first retry"),
    ("max_delay", "cap", "the longest wait before its jitter"),
    ("max_interval", "cap", "the longest wait before its jitter"),
    ("max_backoff", "cap", "the longest wait before its jitter"),
    ("multiplier", "factor", "by which each wait is longer than the one before"),
    ("max_duration", "max_elapsed", "the time after which no retry begins"),
    ("max_elapsed_time", "max_elapsed", "the time after which no retry begins"),
    ("retry_if", "when", "which says the class of an outcome"),
    ("retry_on", "when", "which says the class of an outcome"),
    ("predicate", "when", "which says the class of an outcome"),
    ("condition", "when", "which says the class of an outcome"),
    ("notify", "on_retry", "which is called before each retry"),
    ("failure_threshold", "failure_rate", "a share of the calls, or `consecutive`, failures in a row"),
    ("threshold", "failure_rate", "a share of the calls, or `consecutive`, failures in a row"),
    ("failure_rate_threshold", "failure_rate", "a share of the calls"),
    ("minimum_throughput", "min_calls", "the calls that there must be before the rate counts"),
    ("minimum_number_of_calls", "min_calls", "the calls that there must be before the rate counts"),
    ("sliding_window_size", "window", "a time, or a number of calls"),
    ("sampling_duration", "window", "a time, or a number of calls"),
    ("break_duration", "open_for", "the time for which it stays open"),
    ("reset_timeout", "open_for", "the time for which it stays open"),
    ("recovery_timeout", "open_for", "the time for which it stays open"),
    ("wait_duration_in_open_state", "open_for", "the time for which it stays open"),
    ("half_open_max_calls", "probes", "the calls that decide whether it closes"),
    ("max_concurrent_calls", "limit", "how many run at once"),
    ("max_concurrent", "limit", "how many run at once"),
    ("max_concurrency", "limit", "how many run at once"),
    ("max_parallelization", "limit", "how many run at once"),
    ("concurrency", "limit", "how many run at once"),
    ("permits", "limit", "how many run at once"),
    ("max_wait_duration", "max_wait", "how long a call waits at the most"),
    ("max_queuing_actions", "queue", "how many calls wait at the most"),
    ("queue_size", "queue", "how many calls wait at the most"),
    ("duration", "limit", "or nothing before the time"),
    ("time", "limit", "or nothing before the time"),
    ("after_percentile", "after", "a percentile or a time"),
    ("ttl", "stale", "how old an answer may be"),
    ("ttl", "hold", "how long an outcome is kept for further calls"),
    ("default", "value", "which takes the place of the failed outcome"),
    ("function", "with", "a function that gives another answer"),
    ("token", "on", "the token that stops the call"),
    ("batch_size", "max_size", "how many callers are in a batch at the most"),
    ("fallback", "with", "a function that gives another answer"),
];
