//! The arguments of an attribute: parsed against the table of its keys, every mistake reported.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, LitStr, Path, Token, token};

use crate::diagnostic::Errors;
use crate::key::{Key, Positional, Table};
use crate::wording::{as_written, list, nearest, other_word};

/// An argument as it was written, with its value if it has one.
pub(crate) struct Setting {
    pub(crate) key: Ident,
    pub(crate) value: Option<Expr>,
}

/// The arguments of one attribute. Every key of its table must be taken, or the macro's own tests fail.
pub(crate) struct Arguments {
    /// The attribute's name as the user wrote it, where messages about the whole attribute point.
    pub(crate) attribute: Ident,
    /// Set if all of it could be understood, so that what is not there is known to be missing.
    pub(crate) understood: bool,
    entries: Vec<Entry>,
    /// Every key that was written, whether it has been taken or not.
    written: Vec<Ident>,
    keys: &'static [Key],
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Written,
}

#[derive(Clone)]
pub(crate) enum Written {
    Flag,
    /// Nothing yet, after `key =`.
    Missing,
    Expr(Expr),
    List(TokenStream),
}

impl Arguments {
    /// Parses `tokens` against `keys`; a value without a key is one for `positional`.
    pub(crate) fn parse(attribute: Ident, tokens: TokenStream, table: Table, errors: &Errors) -> Self {
        let Table { keys, positional, .. } = table;
        let mistakes = errors.count();
        let mut entries = Vec::new();
        for written in split(tokens, errors) {
            match written {
                Argument::Entry(entry) => match (&entry.value, positional) {
                    // a lone name that is no key is a constant, unless it is a keyword
                    (Written::Flag, Positional::Is(key)) if !keys.iter().any(|known| entry.key == known.name) => {
                        let key = Ident::new(key, entry.key.span());
                        match syn::parse2(entry.key.to_token_stream()) {
                            Ok(constant) => entries.push(Entry { key, value: Written::Expr(constant) }),
                            Err(_) => errors.push(incomplete(entry.key)),
                        }
                    }
                    _ => entries.push(entry),
                },
                Argument::Positional(value) => match positional {
                    Positional::Is(key) => {
                        let key = Ident::new(key, syn::spanned::Spanned::span(&value));
                        entries.push(Entry { key, value: Written::Expr(value) });
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

        let mut arguments =
            Self { attribute, understood: true, entries: Vec::new(), written: Vec::new(), keys: table.keys };
        for entry in entries {
            arguments.accept(entry, table.renamed, errors);
        }
        arguments.understood = errors.count() == mistakes;
        arguments
    }

    fn accept(&mut self, entry: Entry, renamed: &[(&str, &str)], errors: &Errors) {
        let name = entry.key.unraw().to_string();
        if let Some((_, new)) = renamed.iter().find(|(old, _)| *old == name)
            && !(self.keys.iter().any(|key| key.name == name) && matches!(entry.value, Written::Expr(Expr::Lit(_))))
        {
            if new.starts_with('#') {
                errors.at(entry.key.span(), format!("`{name}` belongs to `{new}`: write it there, or leave it out"));
                return;
            }
            let value = match &entry.value {
                Written::Expr(value) => format!(" = {}", as_written(value)),
                Written::List(names) => format!("({names})"),
                Written::Flag | Written::Missing => " = …".to_owned(),
            };
            errors.at(entry.key.span(), format!("`{name}` is called `{new}` here: write `{new}{value}`"));
            return;
        }
        if !self.keys.iter().any(|key| key.name == name) {
            errors.at(entry.key.span(), unknown_key(&name, self.keys));
            return;
        }
        if let Some(first) = self.entries.iter().find(|earlier| earlier.key == entry.key) {
            let message = match &first.value {
                Written::Expr(value) => {
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

    /// The argument of this name, if it was written.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| is(&entry.key, key))
    }

    /// The name, key or value of the user's that the policy's state goes by, as it was written.
    pub(crate) fn identity(&self) -> Option<String> {
        let parts = self.entries.iter().filter(|entry| ["name", "key", "with"].iter().any(|key| entry.key == key));
        let parts: Vec<String> = parts
            .filter_map(|entry| match &entry.value {
                Written::Expr(value) => Some(format!("{} = {}", entry.key, value.to_token_stream())),
                _ => None,
            })
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// The path of `crate = ::path`.
    pub(crate) fn krate(&self, errors: &Errors) -> Option<Path> {
        let entry = self.entry("crate")?;
        let path = match &entry.value {
            Written::Expr(path) => absolute_path(path.clone()),
            _ => Err(syn::Error::new(entry.key.span(), "`crate` takes a value: write `crate = ::resilient`")),
        };
        path.map_err(|error| errors.push(error)).ok()
    }

    /// Returns what was written, for the rules of `#[enforce]`.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let setting = |entry: &Entry| Setting {
            key: entry.key.clone(),
            value: match &entry.value {
                Written::Expr(value) => Some(value.clone()),
                Written::Flag | Written::Missing | Written::List(_) => None,
            },
        };
        self.entries.iter().map(setting).collect()
    }

    /// The first key that is followed by a list.
    pub(crate) fn listed(&self) -> Option<&Ident> {
        self.entries.iter().find(|entry| matches!(entry.value, Written::List(_))).map(|entry| &entry.key)
    }

    /// Returns whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Has mistakes in the names and literals reported at `place`; what the compiler finds in other values stays where it is.
    pub(crate) fn relocate(&mut self, place: Span) {
        self.attribute.set_span(place);
        self.written.iter_mut().for_each(|key| key.set_span(place));
        for entry in &mut self.entries {
            entry.key.set_span(place);
            if let Written::Expr(Expr::Lit(literal)) = &mut entry.value {
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
            Written::Expr(value) => Some(value.to_token_stream().to_string()),
            _ => None,
        })
    }
}

impl Entry {
    /// The names in `key(a, b)`.
    pub(crate) fn names(&self, row: &Key, errors: &Errors) -> Vec<Ident> {
        let (key, example) = (row.name, row.example);
        let tokens = match &self.value {
            Written::List(tokens) => tokens.clone(),
            Written::Expr(value) => {
                let value = value.to_token_stream();
                errors.at(self.key.span(), format!("`{key}` takes names in parentheses: write `{key}({value})`"));
                return Vec::new();
            }
            Written::Flag | Written::Missing => {
                errors.at(self.key.span(), format!("`{key}` takes names in parentheses: write `{example}`"));
                return Vec::new();
            }
        };
        let parser = |input: ParseStream<'_>| input.parse_terminated(Ident::parse_any, Token![,]);
        match parser.parse2(tokens) {
            Ok(names) if names.is_empty() => {
                errors.at(self.key.span(), format!("`{key}` names nothing: write `{example}`"));
            }
            Ok(names) => return distinct(names, errors),
            Err(error) => errors.at(error.span(), format!("`{key}` takes names between commas: write `{example}`")),
        }
        Vec::new()
    }

    /// Refuses `key(a, b)`, where a tuple was meant.
    pub(crate) fn is_no_list(&self) -> syn::Result<()> {
        let Written::List(parts) = &self.value else { return Ok(()) };
        let message = format!("`{0}` takes an expression: write `{0} = ({parts})`", self.key);
        Err(syn::Error::new(self.key.span(), message))
    }
}

/// Returns whether the key is called so, with or without an `r#`.
pub(crate) fn is(key: &Ident, name: &str) -> bool {
    key.unraw() == name
}

/// The names without repetitions, each of which is a mistake.
pub(crate) fn distinct(names: impl IntoIterator<Item = Ident>, errors: &Errors) -> Vec<Ident> {
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

pub(crate) enum Argument {
    Entry(Entry),
    Positional(Expr),
}

/// The entries between the commas.
pub(crate) fn split(tokens: TokenStream, errors: &Errors) -> Vec<Argument> {
    between_commas(tokens, parse_entry, errors)
}

/// Returns what `entry` parses between the commas; after one that it cannot parse, goes on behind the next comma.
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

fn parse_entry(input: ParseStream<'_>) -> syn::Result<Argument> {
    not_an_entry(input)?;
    let is_key = input.peek(Ident::peek_any)
        && (input.peek2(Token![=]) && !input.peek2(Token![==])
            || input.peek2(token::Paren)
            || input.peek2(Token![,])
            || input.fork().call(|ahead| Ident::parse_any(ahead).map(|_| ahead.is_empty()))?);
    if !is_key {
        return parse_value(input).map(Argument::Positional);
    }
    let key = Ident::parse_any(input)?;
    let value = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) { Written::Missing } else { Written::Expr(parse_value(input)?) }
    } else if input.peek(token::Paren) {
        let content;
        syn::parenthesized!(content in input);
        Written::List(content.parse()?)
    } else {
        Written::Flag
    };
    Ok(Argument::Entry(Entry { key, value }))
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
            return match resilient_words::percent(&written) {
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
    if BUILT.iter().any(|(built, of)| *built == name && is_key(of)) {
        return format!(
            "`{name}` is no argument: build the policy in a `static`, with `.{name}(…)`, and write `with = …`; a settings file has it as well"
        );
    }
    if let Some((meant, says)) = other_word(name, is_key) {
        return format!("unknown argument `{name}`: write `{meant}`, {says}");
    }
    match nearest(name, keys.iter().map(|key| key.name)) {
        Some(meant) => format!("unknown argument `{name}`: did you mean `{meant}`?"),
        None => format!("unknown argument `{name}`: the arguments are {}", list(keys.iter().map(|key| key.name))),
    }
}

/// Settings that only a builder has, each with a key that its policy has beside it.
const BUILT: &[(&str, &str)] = &[("open_growth", "open_for"), ("open_jitter", "open_for")];
