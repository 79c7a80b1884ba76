//! The rules of one `#[enforce(…)]`.

use proc_macro2::{Group, Span, TokenStream};
use quote::ToTokens;
use resilient_words::Measure;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{BinOp, Expr, Ident, Lit, Path, Token, token};

use super::measure::{in_words, measure_of};
use crate::arguments::{absolute_path, between_commas};
use crate::diagnostic::Errors;
use crate::key::{Key, Positional};
use crate::policies::{KINDS, kind};
use crate::policy::Kind;
use crate::wording::{list, nearest};

/// The rules, and where the runtime crate is.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) all: Vec<Rule>,
    pub(crate) krate: Option<Path>,
}

/// The rules for each function: policies that it must or must not carry.
#[derive(Clone)]
pub(crate) enum Rule {
    /// `timeout`, `retry(max <= 5)`
    Required(Requirement),
    /// `optional(retry(max <= 5))`
    Optional(Requirement),
    /// `any(timeout, cancel)`
    Any(Vec<Requirement>),
    /// `forbid(fan_out)`
    Forbidden(&'static Kind),
}

/// A policy, and what its arguments must be.
#[derive(Clone)]
pub(crate) struct Requirement {
    pub(crate) kind: &'static Kind,
    pub(crate) bounds: Vec<Bound>,
    span: Span,
}

/// The rule for one argument.
#[derive(Clone)]
pub(crate) struct Bound {
    pub(crate) key: &'static Key,
    /// `None` if it only must be written.
    pub(crate) limit: Option<Limit>,
}

/// `<= 5`
#[derive(Clone)]
pub(crate) struct Limit {
    pub(crate) operator: BinOp,
    pub(crate) value: Expr,
    pub(crate) measure: Measure,
}

impl Rules {
    /// Parses the arguments of an `#[enforce(…)]` at `span`.
    pub(crate) fn parse(span: Span, arguments: TokenStream, errors: &Errors) -> Self {
        let mistakes = errors.count();
        let mut rules = Self::default();
        for written in between_commas(arguments, parse_written, errors) {
            match written {
                Written::Rules(all) => rules.all.extend(all),
                Written::Crate(path) => rules.krate = Some(path),
            }
        }
        if rules.all.is_empty() && errors.count() == mistakes {
            errors.at(span, "which rules? write, for instance, `#[enforce(timeout, retry(max <= 5))]`");
        }
        rules.contradictions(errors);
        rules
    }

    /// Reports what is required and forbidden.
    fn contradictions(&self, errors: &Errors) {
        for rule in &self.all {
            let Rule::Required(requirement) = rule else { continue };
            let is_it = |rule: &Rule| matches!(rule, Rule::Forbidden(kind) if kind.name == requirement.kind.name);
            if self.all.iter().any(is_it) {
                let name = requirement.kind.name;
                errors.at(
                    requirement.span,
                    format!("`{name}` is required here and forbidden too: remove one of the two"),
                );
            }
        }
    }
}

impl Rule {
    /// The policies that it is about.
    pub(crate) fn kinds(&self) -> Vec<&'static Kind> {
        match self {
            Self::Required(requirement) | Self::Optional(requirement) => vec![requirement.kind],
            Self::Any(requirements) => requirements.iter().map(|requirement| requirement.kind).collect(),
            Self::Forbidden(kind) => vec![kind],
        }
    }

    /// The rule as it is written.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Required(requirement) => requirement.text(),
            Self::Optional(requirement) => format!("optional({})", requirement.text()),
            Self::Any(requirements) => {
                format!("any({})", requirements.iter().map(Requirement::text).collect::<Vec<_>>().join(", "))
            }
            Self::Forbidden(kind) => format!("forbid({})", kind.name),
        }
    }
}

impl Requirement {
    /// The requirement as it is written.
    pub(crate) fn text(&self) -> String {
        let name = self.kind.name;
        if self.bounds.is_empty() {
            return name.to_owned();
        }
        format!("{name}({})", self.bounds.iter().map(Bound::text).collect::<Vec<_>>().join(", "))
    }

    /// The limits of its arguments, each as if it were alone: `retry(max <= 5)`.
    pub(crate) fn limits(&self) -> impl Iterator<Item = String> {
        let limited = self.bounds.iter().filter(|bound| bound.limit.is_some());
        limited.map(|bound| format!("{}({})", self.kind.name, bound.text()))
    }

    /// An attribute that keeps it.
    pub(crate) fn example(&self) -> String {
        let name = self.kind.name;
        let arguments: Vec<String> = self.bounds.iter().map(Bound::example).collect();
        let arguments = match (arguments.as_slice(), self.kind.positional) {
            ([], Positional::Is(key)) => example_of(self.kind, key),
            _ => arguments.join(", "),
        };
        if arguments.is_empty() { format!("#[{name}]") } else { format!("#[{name}({arguments})]") }
    }
}

/// A value for the key that needs no name.
fn example_of(kind: &Kind, key: &str) -> String {
    let key = kind.keys.iter().find(|known| known.name == key);
    key.map_or_else(String::new, |key| key.example_value().to_owned())
}

impl Bound {
    fn text(&self) -> String {
        match &self.limit {
            Some(limit) => format!("{} {}", self.key.name, limit.text()),
            None => self.key.name.to_owned(),
        }
    }

    /// An argument that keeps it.
    pub(crate) fn example(&self) -> String {
        let name = self.key.name;
        match &self.limit {
            Some(Limit { operator: BinOp::Le(_) | BinOp::Ge(_) | BinOp::Eq(_), value, .. }) => {
                format!("{name} = {}", value.to_token_stream())
            }
            Some(Limit { operator: BinOp::Lt(_), measure: Measure::Count(count @ 1..), .. }) => {
                format!("{name} = {}", count - 1)
            }
            Some(Limit { operator: BinOp::Gt(_), measure: Measure::Count(count), .. }) => {
                format!("{name} = {}", count.saturating_add(1))
            }
            _ => self.key.example.to_owned(),
        }
    }
}

impl Limit {
    fn text(&self) -> String {
        format!("{} {}", self.operator.to_token_stream(), self.value.to_token_stream())
    }

    /// Says if a value that compares with it in this way keeps it; `None` if the two do not compare.
    pub(crate) fn allows(&self, value: &Measure) -> Option<bool> {
        value.keeps(&self.operator.to_token_stream().to_string(), &self.measure)
    }

    /// Returns whether it is about one word that must not be written.
    pub(crate) fn excludes_a_word(&self) -> bool {
        matches!(self.operator, BinOp::Ne(_)) && self.measure.is_word()
    }

    /// Returns what to write instead of what it does not allow.
    pub(crate) fn advice(&self) -> String {
        let value = in_words(&self.value);
        match self.operator {
            BinOp::Le(_) => format!("at most {value}"),
            BinOp::Ge(_) => format!("at least {value}"),
            BinOp::Lt(_) => format!("less than {value}"),
            BinOp::Gt(_) => format!("more than {value}"),
            BinOp::Eq(_) => value,
            _ => format!("something else than {value}"),
        }
    }
}

enum Written {
    Rules(Vec<Rule>),
    Crate(Path),
}

fn parse_written(input: ParseStream<'_>) -> syn::Result<Written> {
    if input.peek(Token![crate]) {
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        return absolute_path(input.parse()?).map(Written::Crate);
    }
    let name = parse_name(input)?;
    Ok(Written::Rules(match name.to_string().as_str() {
        "any" => vec![Rule::Any(several(&name, "any(timeout, cancel)", input)?)],
        "optional" => {
            let optional = several(&name, "optional(retry(max <= 5))", input)?;
            optional.into_iter().map(Rule::Optional).collect()
        }
        "forbid" => {
            let forbidden = several(&name, "forbid(fan_out)", input)?;
            forbidden.into_iter().map(forbidden_kind).collect::<syn::Result<_>>()?
        }
        "not" => return Err(syn::Error::new(name.span(), "what is forbidden is written as `forbid(…)`")),
        _ => vec![Rule::Required(requirement(name, input)?)],
    }))
}

fn forbidden_kind(requirement: Requirement) -> syn::Result<Rule> {
    if requirement.bounds.is_empty() {
        return Ok(Rule::Forbidden(requirement.kind));
    }
    let name = requirement.kind.name;
    let message = format!(
        "`forbid` is about the whole policy: write `forbid({name})`, or say what its arguments must be with `optional({})`",
        requirement.text()
    );
    Err(syn::Error::new(requirement.span, message))
}

fn parse_name(input: ParseStream<'_>) -> syn::Result<Ident> {
    if input.peek(Lit) || !input.peek(Ident::peek_any) {
        return Err(input.error("a rule begins with a policy: write, for instance, `timeout` or `retry(max <= 5)`"));
    }
    let name = Ident::parse_any(input)?;
    if input.peek(Token![=]) {
        let message = format!("a rule has no value: write `{name}`, or `{name}(…)` with what its arguments must be");
        return Err(input.error(message));
    }
    Ok(name)
}

/// The policies in the parentheses of `any(…)`, `optional(…)` and `forbid(…)`.
fn several(name: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<Vec<Requirement>> {
    let nothing = || syn::Error::new(name.span(), format!("`{name}` takes policies in parentheses: write `{example}`"));
    if !input.peek(token::Paren) {
        return Err(nothing());
    }
    let all = in_parentheses(input, |input| requirement(parse_name(input)?, input))?;
    if all.is_empty() {
        return Err(nothing());
    }
    Ok(all)
}

/// Returns what `parse` finds between the commas in the parentheses that come next.
fn in_parentheses<T>(input: ParseStream<'_>, parse: impl Fn(ParseStream<'_>) -> syn::Result<T>) -> syn::Result<Vec<T>> {
    let group: Group = input.parse()?;
    let parser = |input: ParseStream<'_>| {
        let mut all = Vec::new();
        while !input.is_empty() {
            all.push(parse(input)?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(all)
    };
    parser.parse2(group.stream())
}

fn requirement(name: Ident, input: ParseStream<'_>) -> syn::Result<Requirement> {
    let span = name.span();
    let Some(kind) = kind(&name.to_string()) else {
        return Err(syn::Error::new(span, unknown_rule(&name.to_string())));
    };
    let mut bounds = Vec::new();
    if input.peek(token::Paren) {
        bounds = in_parentheses(input, |input| bound(kind, input))?;
        if bounds.is_empty() {
            let message =
                format!("nothing stands in the parentheses: write `{name}`, or say what its arguments must be");
            return Err(syn::Error::new(span, message));
        }
    }
    Ok(Requirement { kind, bounds, span })
}

fn unknown_rule(name: &str) -> String {
    let names = || KINDS.iter().map(|kind| kind.name);
    match nearest(name, names().chain(["any", "optional", "forbid"])) {
        Some(meant) => format!("unknown rule `{name}`: did you mean `{meant}`?"),
        None => format!(
            "unknown rule `{name}`: a rule is one of the policies {}, or `any(…)`, `optional(…)`, `forbid(…)`",
            list(names())
        ),
    }
}

fn bound(kind: &'static Kind, input: ParseStream<'_>) -> syn::Result<Bound> {
    if !input.peek(Ident::peek_any) {
        let message = match kind.positional {
            Positional::Is(key) | Positional::Write(key) => {
                format!("what must be small or large is named: write, for instance, `{key} <= …`")
            }
        };
        return Err(input.error(message));
    }
    let name = Ident::parse_any(input)?;
    let keys = || kind.keys.iter().map(|key| key.name).filter(|name| *name != "crate");
    let written = name.unraw().to_string();
    let Some(key) = kind.keys.iter().find(|key| key.name == written && key.name != "crate") else {
        let renamed = kind.renamed.iter().find(|(old, new)| *old == written && !new.starts_with('#'));
        let message = match renamed.map(|(_, new)| *new).or_else(|| nearest(&written, keys())) {
            Some(meant) => format!("`{}` has no argument `{written}`: did you mean `{meant}`?", kind.name),
            None => format!("`{}` has no argument `{written}`: its arguments are {}", kind.name, list(keys())),
        };
        return Err(syn::Error::new(name.span(), message));
    };
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(Bound { key, limit: None });
    }
    if input.peek(Token![=]) && !input.peek(Token![==]) {
        let message = format!("a rule compares: write `{written} <= …`, `{written} >= …` or `{written} == …`");
        return Err(input.error(message));
    }
    let operator = operator(&written, input)?;
    let place = input.fork();
    let value: Expr = input.parse().map_err(|_| {
        let message = "what a rule compares with is a literal, such as `5` or `\"10s\"`";
        // the end of the arguments is no place that the user could see
        if place.is_empty() { syn::Error::new(name.span(), message) } else { place.error(message) }
    })?;
    limit(key, operator, value).map(|limit| Bound { key, limit: Some(limit) })
}

fn operator(key: &str, input: ParseStream<'_>) -> syn::Result<BinOp> {
    let place = input.fork();
    match input.parse() {
        Ok(operator @ (BinOp::Le(_) | BinOp::Ge(_) | BinOp::Lt(_) | BinOp::Gt(_) | BinOp::Eq(_) | BinOp::Ne(_))) => {
            Ok(operator)
        }
        _ => Err(place.error(format!("a rule compares: write `{key} <= …`, `{key} >= …` or `{key} == …`"))),
    }
}

fn limit(key: &Key, operator: BinOp, value: Expr) -> syn::Result<Limit> {
    let Some(measure) = measure_of(&value) else {
        let message = "what a rule compares with is a literal, such as `5` or `\"10s\"`";
        return Err(syn::Error::new_spanned(value, message));
    };
    let (name, example) = (key.name, key.example);
    if measure.is_word() && !matches!(operator, BinOp::Eq(_) | BinOp::Ne(_)) {
        let value = value.to_token_stream();
        let message = format!(
            "`{value}` is not smaller or larger than anything: write `{name} == {value}`, or a value as in `{example}`"
        );
        return Err(syn::Error::new_spanned(value, message));
    }
    if !fits(key, &measure) {
        let value = value.to_token_stream();
        let message = format!("`{name}` cannot be compared with `{value}`: write a value as in `{example}`");
        return Err(syn::Error::new_spanned(value, message));
    }
    Ok(Limit { operator, value, measure })
}

/// Returns whether the key takes values of that sort. Words are for it to know.
fn fits(key: &Key, measure: &Measure) -> bool {
    let samples = [Some(key.example_value()), key.default, key.other].into_iter().flatten();
    let mut sorts = samples.map(|sample| syn::parse_str(sample).ok().and_then(|sample| measure_of(&sample)));
    measure.is_word() || sorts.any(|sort| sort.is_none_or(|sort| sort.is_word() || sort.is_like(measure)))
}
