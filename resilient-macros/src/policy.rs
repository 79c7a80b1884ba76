//! The interface of a policy to the macros: a row in the table, and a layer that wraps what is inside it.

use proc_macro2::{Span, TokenStream};
use syn::{Ident, Type};

use crate::amount::Amount;
use crate::arguments::Arguments;
use crate::diagnostic::Errors;
use crate::fragment::{Context, Fragment};
use crate::function::Function;
use crate::key::{Key, Positional, Table};
use crate::settings::Settings;
use crate::source::{Source, with_usage};

/// A policy as the attribute's name finds it.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [Key],
    pub(crate) positional: Positional,
    /// The former words for keys, and the words for them now.
    pub(crate) renamed: &'static [(&'static str, &'static str)],
    /// The reason why it cannot stand on a function that blocks, if it cannot.
    pub(crate) only_async: Option<&'static str>,
    /// Turns the arguments into the layers that they ask for.
    pub(crate) parse: fn(&Settings<'_>) -> Vec<Box<dyn Layer>>,
}

impl Kind {
    /// The arguments of such an attribute.
    pub(crate) fn arguments(&self, name: Ident, tokens: TokenStream, errors: &Errors) -> Arguments {
        let Self { keys, positional, renamed, .. } = *self;
        Arguments::parse(name, tokens, Table { keys, positional, renamed }, errors)
    }
}

/// The part that all layers have in common.
pub(crate) struct Common {
    /// The name of its attribute.
    pub(crate) name: &'static str,
    /// The place of messages about the whole layer.
    pub(crate) span: Span,
    /// The source of its policy, if the function has it in scope.
    pub(crate) source: Option<Source>,
    /// Set if it reads arguments, or `self`, after what is inside it has begun, so that the body must not take them along.
    pub(crate) reads_arguments: bool,
}

impl Common {
    /// The part of a layer whose policy has that source, if the function has one in scope.
    pub(crate) fn new(name: &'static str, settings: &Settings<'_>, source: impl Into<Option<Source>>) -> Self {
        let source = source.into();
        let reads_arguments = source.is_some() && settings.reads_arguments();
        Self { name, span: settings.attribute.span(), source, reads_arguments }
    }

    /// The statements that bring its policy into scope.
    pub(crate) fn declare(&self, context: &Context<'_>) -> TokenStream {
        self.source.as_ref().map(|source| source.declare(context)).unwrap_or_default()
    }
}

/// One layer of a stack.
pub(crate) trait Layer {
    /// Returns the part that all layers have in common.
    fn common(&self) -> &Common;

    /// Its attribute's name.
    fn name(&self) -> &'static str {
        self.common().name
    }

    /// Returns where messages about the whole layer point.
    fn span(&self) -> Span {
        self.common().span
    }

    /// Name of the local that holds its policy, among the layers above and below it.
    fn local(&self, _above: &[Box<dyn Layer>], _below: &[Box<dyn Layer>]) -> &'static str {
        self.name()
    }

    /// Returns what the checks between layers need to know.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// Rejects a function on which it cannot be at all.
    fn check(&self, _function: &Function, _errors: &Errors) {}

    /// The statements that bring its policy into scope, before everything else in the body.
    fn declare(&self, context: &Context<'_>) -> TokenStream {
        self.common().declare(context)
    }

    /// The entry of its policy in the list of the function's, if it has one.
    fn entry(&self, context: &Context<'_>) -> Option<TokenStream> {
        let source = self.common().source.as_ref()?;
        Some(with_usage(source.entry(context), &source.usage()))
    }

    /// Puts it around what is inside.
    fn wrap(&self, inside: Fragment, _context: &Context<'_>) -> Fragment {
        inside
    }

    /// Returns whether it adds a function beside this one and leaves this one as it is.
    fn stands_beside(&self) -> bool {
        false
    }

    /// Returns where it says that the function returns something else than the body.
    fn output_changed(&self) -> Option<Span> {
        None
    }

    /// Returns what the function returns in place of the body's output.
    fn output(&self, _context: &Context<'_>) -> Option<Type> {
        None
    }

    /// The item that stands beside the function.
    fn companion(&self, _context: &Context<'_>) -> Option<TokenStream> {
        None
    }

    /// Returns what it does to the body of one attempt.
    fn body(&self) -> Body<'_> {
        Body::default()
    }
}

/// The facts about a layer that the checks between layers need.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each for a check or a step of its own")]
pub(crate) struct Facts {
    /// Set if it runs what is inside it more than once: again, or several times at once.
    pub(crate) repeats: bool,
    /// Set if it runs what is inside it several times at once.
    pub(crate) hedges: bool,
    /// The largest number of further runs, if that is known.
    pub(crate) further: Option<u32>,
    /// The time after which it acts, if that is a setting, and where that was written.
    pub(crate) delay: Option<(Amount, Span)>,
    /// Set if it can end a call without the body's outcome.
    pub(crate) refuses: bool,
    /// Set if it gives failed calls another answer.
    pub(crate) recovers: bool,
    /// The time that it gives, if that is a setting, and where that was written.
    pub(crate) limit: Option<(Amount, Span)>,
    /// On which side of a retry it says it must stand.
    pub(crate) level: Option<Level>,
    /// Set if a call may wait in it for something else than the end of what is inside.
    pub(crate) waits: bool,
    /// The name, key or value that its state goes by, as it was written. Two layers of one kind with state of their own each do
    /// not disturb each other.
    pub(crate) identity: Option<String>,
    /// The place that says that nothing of its own ends it.
    pub(crate) unbounded: Option<Span>,
    /// The place that says that it may run what is inside it behind the calls.
    pub(crate) renews: Option<Span>,
    /// The shortest wait before the first retry, if that is known.
    pub(crate) first_delay: Option<Amount>,
}

/// A side of the retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Outside: once a call.
    Call,
    /// Inside: once an attempt.
    Attempt,
    /// Inside, wherever the attribute stands, because it also has a part for the call.
    PlacedAtAttempt,
}

/// The changes of a layer to the body of one attempt.
#[derive(Default)]
pub(crate) struct Body<'a> {
    /// The arguments that each attempt gets a clone of.
    pub(crate) clones: &'a [Ident],
    /// The variable with the number of the attempt, which the block of the statements declares.
    pub(crate) number: Option<&'a Ident>,
    /// Set if it gets a reference to those whose type is not `Clone`.
    pub(crate) if_possible: bool,
    /// Set if retries of the functions that it calls are turned off.
    pub(crate) suppresses_retries: bool,
}
