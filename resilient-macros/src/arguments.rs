//! The arguments of an attribute: parsed against the table of its keys, every mistake reported.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Path, Token, token};

use crate::diagnostic::{Errors, list, nearest};

/// A key that an attribute accepts.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// How it is written, for messages.
    pub(crate) example: &'static str,
    /// Whether it configures the policy, and so conflicts with a `with = …` that brings a configured one.
    pub(crate) configures: bool,
}

impl Key {
    /// A key that is part of the policy's configuration.
    pub(crate) const fn setting(name: &'static str, example: &'static str) -> Self {
        Self { name, example, configures: true }
    }

    /// A key that says how this function uses the policy.
    pub(crate) const fn usage(name: &'static str, example: &'static str) -> Self {
        Self { name, example, configures: false }
    }
}

/// The arguments of one attribute. Every key of its table must be taken, or the macro's own tests fail.
pub(crate) struct Arguments {
    /// The attribute's name as the user wrote it, where messages about the whole attribute point.
    pub(crate) attribute: Ident,
    entries: Vec<Entry>,
    keys: &'static [Key],
    #[cfg(debug_assertions)]
    taken: Vec<&'static str>,
}

struct Entry {
    key: Ident,
    value: Value,
}

enum Value {
    Flag,
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
        errors: &mut Errors,
    ) -> Self {
        let mut entries = Vec::new();
        for written in split(tokens, errors) {
            match written {
                Written::Entry(entry) => entries.push(match (entry.value, positional) {
                    // a lone name that is no key is a constant
                    (Value::Flag, Positional::Is(key)) if !keys.iter().any(|known| entry.key == known.name) => {
                        let key = Ident::new(key, entry.key.span());
                        let constant = Path::from(entry.key);
                        Entry { key, value: Value::Expr(syn::parse_quote!(#constant)) }
                    }
                    (value, _) => Entry { key: entry.key, value },
                }),
                Written::Positional(value) => match positional {
                    Positional::Is(key) => {
                        let key = Ident::new(key, syn::spanned::Spanned::span(&value));
                        entries.push(Entry { key, value: Value::Expr(value) });
                    }
                    Positional::Write(key) => {
                        let value = value.to_token_stream();
                        errors.over(&value, format!("a value needs its key: write `{key} = {value}`"));
                    }
                },
            }
        }

        let mut arguments = Self {
            attribute,
            entries: Vec::new(),
            keys,
            #[cfg(debug_assertions)]
            taken: Vec::new(),
        };
        for entry in entries {
            arguments.accept(entry, errors);
        }
        arguments
    }

    fn accept(&mut self, entry: Entry, errors: &mut Errors) {
        let name = entry.key.unraw().to_string();
        if !self.keys.iter().any(|key| key.name == name) {
            errors.at(entry.key.span(), unknown_key(&name, self.keys));
            return;
        }
        if let Some(first) = self.entries.iter().find(|earlier| earlier.key == entry.key) {
            let both = [first.key.to_token_stream(), entry.key.to_token_stream()];
            errors.over(both.into_iter().collect::<TokenStream>(), format!("`{name}` is set twice"));
            return;
        }
        self.entries.push(entry);
    }

    fn take(&mut self, key: &'static str) -> Option<Entry> {
        debug_assert!(self.keys.iter().any(|known| known.name == key), "`{key}` is missing from the table");
        #[cfg(debug_assertions)]
        self.taken.push(key);
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
        errors: &mut Errors,
        parse: impl FnOnce(&str, Expr) -> syn::Result<T>,
    ) -> Option<T> {
        let Entry { key: written, value } = self.take(key)?;
        match value {
            Value::Expr(expression) => match parse(key, expression) {
                Ok(value) => return Some(value),
                Err(error) => errors.push(error),
            },
            Value::Flag | Value::List(_) => {
                errors.at(written.span(), format!("`{key}` takes a value: write `{}`", self.example(key)));
            }
        }
        None
    }

    /// The names in `key(a, b)`.
    pub(crate) fn names(&mut self, key: &'static str, errors: &mut Errors) -> Vec<Ident> {
        let Some(Entry { key: written, value }) = self.take(key) else {
            return Vec::new();
        };
        let Value::List(tokens) = value else {
            errors.at(written.span(), format!("`{key}` takes names in parentheses: write `{}`", self.example(key)));
            return Vec::new();
        };
        let parser = |input: ParseStream<'_>| input.parse_terminated(Ident::parse_any, Token![,]);
        match parser.parse2(tokens) {
            Ok(names) if names.is_empty() => {
                errors.at(written.span(), format!("`{key}` names nothing: write `{}`", self.example(key)));
            }
            Ok(names) => return names.into_iter().collect(),
            Err(error) => errors.push(error),
        }
        Vec::new()
    }

    /// The span of `key`, if it was written.
    pub(crate) fn span(&self, key: &str) -> Option<Span> {
        self.entries.iter().map(|entry| &entry.key).find(|written| written.unraw() == key).map(Ident::span)
    }

    /// The policy value of `with = …`, and an error for each setting beside it.
    pub(crate) fn with(&mut self, errors: &mut Errors) -> Option<Expr> {
        let with = self.value("with", errors, |_, expression| Ok(expression))?;
        for entry in &self.entries {
            let name = entry.key.unraw().to_string();
            if self.keys.iter().any(|key| key.name == name && key.configures) {
                let message =
                    format!("`with` uses a policy that has its own settings: set `{name}` there, or leave out `with`");
                errors.at(entry.key.span(), message);
            }
        }
        self.entries.retain(|entry| !self.keys.iter().any(|key| entry.key.unraw() == key.name && key.configures));
        Some(with)
    }

    /// The path of `crate = ::path`.
    pub(crate) fn krate(&mut self, errors: &mut Errors) -> Option<Path> {
        self.value("crate", errors, |_, expression| absolute_path(expression))
    }

    /// A check on the macro itself: a key that is accepted must also be used.
    pub(crate) fn finish(self) {
        #[cfg(debug_assertions)]
        for key in self.keys {
            assert!(self.taken.contains(&key.name), "`{}` is accepted and ignored", key.name);
        }
    }
}

/// One of the policies listed in `#[resilient(…)]`, or an argument for all of them.
pub(crate) enum Listed {
    Policy(Ident, TokenStream),
    Crate(Path),
}

/// The entries of `#[resilient(…)]`, in their order.
pub(crate) fn listed(tokens: TokenStream, errors: &mut Errors) -> Vec<Listed> {
    let mut all = Vec::new();
    for written in split(tokens, errors) {
        match written {
            Written::Entry(Entry { key, value: Value::List(arguments) }) => all.push(Listed::Policy(key, arguments)),
            Written::Entry(Entry { key, value: Value::Flag }) => all.push(Listed::Policy(key, TokenStream::new())),
            Written::Entry(Entry { key, value: Value::Expr(value) }) if key == "crate" => match absolute_path(value) {
                Ok(path) => all.push(Listed::Crate(path)),
                Err(error) => errors.push(error),
            },
            Written::Entry(Entry { key, value: Value::Expr(value) }) => {
                let value = value.to_token_stream();
                errors.at(key.span(), format!("the arguments of a policy go into parentheses: write `{key}({value})`"));
            }
            Written::Positional(value) => {
                errors.over(&value, "list policies here: `#[resilient(timeout(\"2s\"), retry(max = 3))]`");
            }
        }
    }
    all
}

/// A path that means the same wherever the macro is used.
pub(crate) fn absolute_path(expression: Expr) -> syn::Result<Path> {
    match expression {
        Expr::Path(path) if path.path.leading_colon.is_some() || path.path.segments[0].ident == "crate" => {
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

/// The entries between the commas; after one that cannot be parsed, goes on behind the next comma.
fn split(tokens: TokenStream, errors: &mut Errors) -> Vec<Written> {
    let mut written = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match parse_entry(input) {
                Ok(entry) if input.is_empty() || input.peek(Token![,]) => written.push(entry),
                Ok(_) => {
                    errors.push(input.error("expected a comma"));
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
    let is_key = input.peek(Ident::peek_any)
        && (input.peek2(Token![=]) && !input.peek2(Token![==])
            || input.peek2(token::Paren)
            || input.peek2(Token![,])
            || input.fork().call(|ahead| Ident::parse_any(ahead).map(|_| ahead.is_empty()))?);
    if !is_key {
        return input.parse().map(Written::Positional);
    }
    let key = Ident::parse_any(input)?;
    let value = if input.peek(Token![=]) {
        let equals: Token![=] = input.parse()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(equals.span, format!("`{key} =` needs a value")));
        }
        Value::Expr(input.parse()?)
    } else if input.peek(token::Paren) {
        let content;
        syn::parenthesized!(content in input);
        Value::List(content.parse()?)
    } else {
        Value::Flag
    };
    Ok(Written::Entry(Entry { key, value }))
}

fn skip_entry(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn unknown_key(name: &str, keys: &[Key]) -> String {
    match nearest(name, keys.iter().map(|key| key.name)) {
        Some(meant) => format!("unknown argument `{name}`: did you mean `{meant}`?"),
        None => format!("unknown argument `{name}`: the arguments are {}", list(keys.iter().map(|key| key.name))),
    }
}
