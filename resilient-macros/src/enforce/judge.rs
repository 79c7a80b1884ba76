//! The judgement: whether what a function carries keeps the rules, less what it is exempt from.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use resilient_words::Measure;
use syn::spanned::Spanned;
use syn::{Expr, Ident};

use super::carried::{Carried, Found, find, text};
use super::exempt::Exemption;
use super::measure::{in_words, measure_of};
use super::rules::{Bound, Limit, Requirement, Rule, Rules};
use crate::amount::assertion;
use crate::diagnostic::Errors;
use crate::function::Function;
use crate::reads::reads_nothing_of_the_call;
use crate::tokens::{mentions, placed};

/// The mistakes by one rule, and the questions for the compiler.
#[derive(Default)]
struct Finding {
    broken: Vec<(Span, String)>,
    /// Statements that fail to compile where a constant breaks the rule.
    assertions: Vec<TokenStream>,
}

/// Reports the rules that the function breaks, and returns the assertions for what only the compiler can know.
pub(crate) fn judge(
    function: &Function,
    stack: &[Carried],
    rules: &[Rules],
    exemptions: &[Exemption],
    errors: &Errors,
) -> Vec<TokenStream> {
    let mut rules: Vec<&Rule> = rules.iter().flat_map(|rules| &rules.all).collect();
    // those of a module and of an `impl` in it may be the same
    let mut texts = Vec::new();
    rules.retain(|rule| {
        let text = rule.text();
        let is_new = !texts.contains(&text);
        texts.push(text);
        is_new
    });

    let findings: Vec<(&Rule, Finding)> = rules.iter().map(|rule| (*rule, find_out(rule, function, stack))).collect();
    for exemption in exemptions {
        check_exemption(exemption, function, &findings, errors);
    }
    let mut assertions = Vec::new();
    for (rule, finding) in findings {
        if exemptions.iter().any(|exemption| covers(exemption, rule)) {
            continue;
        }
        for (span, message) in finding.broken {
            errors.at(span, message);
        }
        assertions.extend(finding.assertions);
    }
    assertions
}

/// The limits that the rules set to the values of the policies that a function carries, each as `retry(max <= 5)`.
pub(crate) fn limits(stack: &[Carried], rules: &[Rules], exemptions: &[Exemption]) -> Vec<String> {
    let rules = rules.iter().flat_map(|rules| &rules.all);
    let rules = rules.filter(|rule| !exemptions.iter().any(|exemption| covers(exemption, rule)));
    let carried = |requirement: &&Requirement| stack.iter().any(|carried| carried.kind.name == requirement.kind.name);
    let mut limits: Vec<String> = Vec::new();
    for rule in rules {
        let requirements: Vec<&Requirement> = match rule {
            Rule::Required(requirement) | Rule::Optional(requirement) => vec![requirement],
            Rule::Any(several) => several.iter().filter(carried).collect(),
            Rule::Forbidden(_) => Vec::new(),
        };
        // of several alternatives, another may keep the rule
        if let [requirement] = requirements[..] {
            limits.extend(requirement.limits());
        }
    }
    let mut distinct = Vec::new();
    limits.retain(|limit| {
        !distinct.contains(limit) && {
            distinct.push(limit.clone());
            true
        }
    });
    limits
}

fn covers(exemption: &Exemption, rule: &Rule) -> bool {
    exemption.names.is_empty() || exemption.names.iter().any(|name| is_about(rule, name))
}

fn is_about(rule: &Rule, name: &Ident) -> bool {
    rule.kinds().iter().any(|kind| name == kind.name)
}

/// Reports an exemption, or a name in it, without which the function would keep the rules as well.
fn check_exemption(exemption: &Exemption, function: &Function, findings: &[(&Rule, Finding)], errors: &Errors) {
    let function = function.name();
    let needed = |finding: &Finding| !finding.broken.is_empty() || !finding.assertions.is_empty();
    if exemption.names.is_empty() {
        if findings.is_empty() {
            errors
                .at(exemption.span, format!("no `#[enforce]` says anything about `{function}`: remove the exemption"));
        } else if !findings.iter().any(|(_, finding)| needed(finding)) {
            errors.at(exemption.span, format!("`{function}` keeps every rule: remove the exemption"));
        }
        return;
    }
    for name in &exemption.names {
        let mut about = findings.iter().filter(|(rule, _)| is_about(rule, name)).peekable();
        if about.peek().is_none() {
            errors.at(name.span(), format!("no rule for `{function}` is about `{name}`: remove it from the exemption"));
        } else if !about.any(|(_, finding)| needed(finding)) {
            errors
                .at(name.span(), format!("`{function}` keeps the rules about `{name}`: remove it from the exemption"));
        }
    }
}

fn find_out(rule: &Rule, function: &Function, stack: &[Carried]) -> Finding {
    let carries = |name: &str| stack.iter().any(|carried| carried.kind.name == name);
    match rule {
        Rule::Required(requirement) if !carries(requirement.kind.name) => missing(rule, requirement, function),
        Rule::Required(requirement) | Rule::Optional(requirement) => bounds(rule, requirement, function, stack),
        Rule::Forbidden(kind) => {
            let there = stack.iter().filter(|carried| carried.kind.name == kind.name);
            let message = |carried: &Carried| {
                let name = kind.name;
                let message = format!(
                    "`{}` has a `#[{name}]`, and the rule `{}` does not allow it: remove it, or {}",
                    function.name(),
                    rule.text(),
                    exempt(name)
                );
                (carried.attribute.span(), message)
            };
            Finding { broken: there.map(message).collect(), assertions: Vec::new() }
        }
        Rule::Any(requirements) => any(rule, requirements, function, stack),
    }
}

fn missing(rule: &Rule, requirement: &Requirement, function: &Function) -> Finding {
    let name = requirement.kind.name;
    let message = format!(
        "`{}` has no `#[{name}]`, which the rule `{}` asks for: write {}, or {}",
        function.name(),
        rule.text(),
        addition(&[requirement], function),
        exempt(name)
    );
    Finding { broken: vec![(function.name().span(), message)], assertions: Vec::new() }
}

/// Returns the attribute to write, of several that keep a rule, and the `async fn` if the function can carry none of them as it is.
fn addition(requirements: &[&Requirement], function: &Function) -> String {
    let possible = |requirement: &&&Requirement| function.blocks && requirement.kind.only_async.is_none();
    let fitting: Vec<&Requirement> = requirements.iter().filter(possible).copied().collect();
    let head = function.as_async().filter(|_| fitting.is_empty());
    let all = if fitting.is_empty() { requirements } else { &fitting };
    let examples: Vec<String> = all.iter().map(|requirement| format!("`{}`", requirement.example())).collect();
    let examples = examples.join(" or ");
    head.map_or_else(|| examples.clone(), |head| format!("`{head}` and {examples}"))
}

/// The best of the alternatives, or that none of them is there.
fn any(rule: &Rule, requirements: &[Requirement], function: &Function, stack: &[Carried]) -> Finding {
    let carried = requirements
        .iter()
        .filter(|requirement| stack.iter().any(|carried| carried.kind.name == requirement.kind.name))
        .map(|requirement| bounds(rule, requirement, function, stack));
    // one that holds; otherwise one that may hold; otherwise the first that does not
    if let Some(best) = carried.min_by_key(|finding| (!finding.broken.is_empty(), !finding.assertions.is_empty())) {
        return best;
    }
    let names: Vec<String> = requirements.iter().map(|requirement| format!("`#[{}]`", requirement.kind.name)).collect();
    let all: Vec<&Requirement> = requirements.iter().collect();
    let first = requirements.first().map_or("", |requirement| requirement.kind.name);
    let message = format!(
        "`{}` has none of {}, and the rule `{}` asks for one: write {}, or {}",
        function.name(),
        names.join(", "),
        rule.text(),
        addition(&all, function),
        exempt(first)
    );
    Finding { broken: vec![(function.name().span(), message)], assertions: Vec::new() }
}

/// Checks the arguments of a policy against the rule, if the policy is there.
fn bounds(rule: &Rule, requirement: &Requirement, function: &Function, stack: &[Carried]) -> Finding {
    let mut finding = Finding::default();
    for bound in &requirement.bounds {
        for found in find(bound.key, requirement.kind, stack) {
            let case = Case { rule, requirement, bound, function };
            match (&bound.limit, found) {
                (None, Found::Written(_)) => {}
                (Some(limit), Found::Written(setting)) => match &setting.value {
                    Some(value) => case.written(limit, &text(setting), value, &mut finding),
                    None => finding.broken.push((setting.key.span(), case.broken(limit, &text(setting)))),
                },
                (Some(limit), Found::Default(carried, default)) => {
                    if limit.allows(&measure_of(&default).unwrap_or(Measure::Word(String::new()))) != Some(true) {
                        finding.broken.push((carried.attribute.span(), case.default(limit, &default)));
                    }
                }
                (Some(limit), Found::Missing(_)) if limit.excludes_a_word() => {}
                (_, Found::Hidden(with)) => finding.broken.push((with.key.span(), case.hidden())),
                (None, Found::Default(carried, _)) | (_, Found::Missing(carried)) => {
                    finding.broken.push((carried.attribute.span(), case.missing()));
                }
            }
        }
    }
    finding
}

/// One bound of one rule for one function.
struct Case<'a> {
    rule: &'a Rule,
    requirement: &'a Requirement,
    bound: &'a Bound,
    function: &'a Function,
}

impl Case<'_> {
    fn written(&self, limit: &Limit, written: &str, value: &Expr, finding: &mut Finding) {
        let span = value.span();
        let Some(measure) = measure_of(value) else {
            match self.assertion(limit, written, value) {
                Ok(assertion) => finding.assertions.push(assertion),
                Err(message) => finding.broken.push((span, message)),
            }
            return;
        };
        if limit.allows(&measure) != Some(true) {
            finding.broken.push((span, self.broken(limit, written)));
        }
    }

    /// Returns what makes the compiler check a constant.
    fn assertion(&self, limit: &Limit, written: &str, value: &Expr) -> Result<TokenStream, String> {
        if reads_nothing_of_the_call(value, self.function).is_err() || self.is_generic(value) {
            return Err(format!(
                "`{}` has `{written}`, which is not known when the rule `{}` is checked: write a literal, or {}",
                self.function.name(),
                self.rule.text(),
                self.exempt()
            ));
        }
        let span = value.span().resolved_at(Span::mixed_site());
        let operator = placed(limit.operator.to_token_stream(), value.span());
        let condition = match &limit.measure {
            Measure::Count(count) if self.is_fraction() => {
                let number = *count as f64;
                quote_spanned!(span=> (#value) as f64 #operator #number)
            }
            Measure::Count(count) => {
                let count = proc_macro2::Literal::u64_unsuffixed(*count);
                quote_spanned!(span=> #value #operator #count)
            }
            Measure::Number(number) => quote_spanned!(span=> (#value) as f64 #operator #number),
            Measure::Duration(duration) => {
                let nanos = duration.as_nanos();
                quote_spanned!(span=> ::core::time::Duration::as_nanos(&#value) #operator #nanos)
            }
            Measure::Rate(..) | Measure::Word(_) => return Err(self.broken(limit, written)),
        };
        Ok(assertion(&condition, value.span(), &self.broken(limit, written)))
    }

    /// Returns whether the key takes numbers with a fraction.
    fn is_fraction(&self) -> bool {
        let example = syn::parse_str(self.bound.key.example_value());
        matches!(example.ok().as_ref().and_then(measure_of), Some(Measure::Number(_)))
    }

    /// Returns whether the value may differ between instances of the function.
    fn is_generic(&self, value: &Expr) -> bool {
        let generics = &self.function.signature.generics.params;
        let names: Vec<String> = generics
            .iter()
            .filter_map(|parameter| match parameter {
                syn::GenericParam::Type(parameter) => Some(parameter.ident.to_string()),
                syn::GenericParam::Const(parameter) => Some(parameter.ident.to_string()),
                syn::GenericParam::Lifetime(_) => None,
            })
            .chain(["Self".to_owned()])
            .collect();
        names.iter().any(|name| mentions(value.to_token_stream(), name))
    }

    fn broken(&self, limit: &Limit, written: &str) -> String {
        format!(
            "`{}` has `{written}`, and the rule `{}` does not allow it: write {}, or {}",
            self.function.name(),
            self.rule.text(),
            limit.advice(),
            self.exempt()
        )
    }

    fn default(&self, limit: &Limit, default: &Expr) -> String {
        format!(
            "`{}` leaves `{}` at {}, and the rule `{}` does not allow it: set it to {}, or {}",
            self.function.name(),
            self.bound.key.name,
            in_words(default),
            self.rule.text(),
            limit.advice(),
            self.exempt()
        )
    }

    fn hidden(&self) -> String {
        format!(
            "`{}` has a `{}` of its own, whose `{}` cannot be seen here, and the rule `{}` is about it: write the settings into the attribute, or {}",
            self.function.name(),
            self.requirement.kind.name,
            self.bound.key.name,
            self.rule.text(),
            self.exempt()
        )
    }

    fn missing(&self) -> String {
        format!(
            "`{}` does not say `{}`, which the rule `{}` asks for: write `{}`, or {}",
            self.function.name(),
            self.bound.key.name,
            self.rule.text(),
            self.bound.example(),
            self.exempt()
        )
    }

    fn exempt(&self) -> String {
        exempt(self.requirement.kind.name)
    }
}

fn exempt(name: &str) -> String {
    format!("make an exception with `#[exempt({name}, reason = \"…\")]`")
}
