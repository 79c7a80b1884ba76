//! `#[coalesce]`: calls with an equal key share one run of what is inside.

mod shared;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Receiver, ReceiverKind, Type};

use crate::diagnostic::Errors;
use crate::fragment::{Context, Fragment};
use crate::function::{Function, object};
use crate::key::{self, Key, Positional, Refused, Sort};
use crate::policies::sharing::{self, Sharing};
use crate::policy::{Common, Facts, Kind, Layer};
use crate::settings::Settings;
use crate::source::Source;
use crate::tokens::placed;

pub(crate) const KIND: Kind = Kind {
    name: "coalesce",
    keys: &[
        Key { configures: false, example: "key = (query, page)", ..key::key() }
            .takes("expression that is `Hash`")
            .means(
                "what makes two calls the same; needed if the function has arguments that are not in `shared_across`",
            ),
        Key::usage("shared_across", "shared_across(token)", Sort::Names)
            .takes("arguments, or `self`")
            .means("callers that differ in them may share all the same"),
        Key::usage("share", "share", Sort::Flag)
            .takes("a word")
            .means("the outcome need not be `Clone`: callers get `Arc`s, see below"),
        Key::setting("hold", "hold = \"100ms\"", Sort::Duration)
            .refuses(&[Refused::zero("to hold nothing, remove `hold`; or write a time, such as `\"100ms\"`")])
            .sets()
            .means("keeps the outcome, a failure too, for so long after the body has ended"),
        Key::setting("stale_while_revalidate", "stale_while_revalidate = \"1m\"", Sort::Duration)
            .refuses(&[Refused::zero(
                "to give out nothing that is older than `hold`, remove `stale_while_revalidate`; or write a time, such as `\"1m\"`",
            )])
            .sets()
            .means("gives out a good outcome for so long after `hold`, at once, while one run behind the calls renews it; needs `hold`, see below"),
        Key::setting("max_wait", "max_wait = \"2s\"", Sort::Duration)
            .refuses(&[Refused::zero(
                "a call that waits for no other is not joined: remove `#[coalesce]`; or write a time, such as `\"2s\"`",
            )])
            .sets()
            .absent("as long as the run takes")
            .means("how long a call waits for one run of another; after that it runs the body too, and the first to end answers all who wait"),
        key::mode()
            .means("`\"observe\"` lets each caller run and counts who would have joined; `\"off\"` does nothing"),
        key::name("name = \"search\"").means("the policy's name"),
        key::with("with = self.flights").means(
            "a `Coalesce` of your own: a field of `self`, or a `static` that other code can ask for its `counts()`",
        ),
        key::CRATE,
    ],
    positional: Positional::Write("key"),
    renamed: &[],
    only_async: Some("callers share a run by awaiting it"),
    parse,
};

struct Coalesce {
    common: Common,
    /// `None` if all calls have the same.
    key: Option<Expr>,
    /// Set if only calls on the same `self` are joined.
    by_object: bool,
    /// The place of `share`.
    share: Option<Span>,
    /// The place of `stale_while_revalidate`.
    renews: Option<Span>,
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let sharing = Sharing::parse(settings);
    let receiver = settings.function.signature.receiver();
    let by_object = receiver.filter(|_| !sharing.says_whose(settings.with.as_ref()));
    if let Some(receiver) = by_object {
        let with = settings.with.as_ref().and(settings.span("with"));
        check_object(receiver, with, settings.span("hold"), settings.errors);
    }
    let has_no_hold = settings.with.is_none() && settings.span("hold").is_none();
    if let Some(stale) = settings.span("stale_while_revalidate").filter(|_| has_no_hold) {
        let message = "`stale_while_revalidate` begins when `hold` is over: add, for instance, `hold = \"10s\"`";
        settings.errors.at(stale, message);
    }
    vec![Box::new(Coalesce {
        common: Common::new(KIND.name, settings, Source::new("Coalesce", settings, settings.constructor("Coalesce"))),
        key: sharing.key,
        by_object: by_object.is_some(),
        share: settings.span("share"),
        renews: settings.duration("stale_while_revalidate").map(|given| given.key),
    })]
}

/// Calls that are joined only on the same object need one that several calls can have, at an address that stays its own.
fn check_object(receiver: &Receiver, with: Option<Span>, hold: Option<Span>, errors: &Errors) {
    let advice = sharing::ADVICE;
    if is_of_one_call(receiver) {
        errors.over(
            receiver,
            format!("every call has a `self` of its own here, so that none would ever be joined: {advice}"),
        );
    } else if let Some(hold) = hold {
        errors.at(
            hold,
            format!("only calls on the same `self` are joined, by its address, which another object may have while an outcome is held: {advice}"),
        );
    } else if let Some(with) = with {
        errors.at(
            with,
            format!("this policy may be used for several objects, and nothing tells their calls apart: {advice}"),
        );
    }
}

/// Returns whether no other call can have the same `self` at the same time.
fn is_of_one_call(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Value => true,
        ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(reference) => reference.mutability.is_some(),
            Type::Path(path) => {
                path.path.segments.last().is_some_and(|last| last.ident == "Self" || last.ident == "Box")
            }
            _ => false,
        },
        _ => false,
    }
}

/// The name of the method that runs what is inside, placed where the compiler is to report what is wrong with the outcome, or with what is borrowed.
fn run(settled: bool, renews: Option<Span>, place: Span) -> Ident {
    let name = match (settled, renews) {
        (false, None) => "run",
        (true, None) => "run_settled",
        (false, Some(_)) => "run_renewing",
        (true, Some(_)) => "run_settled_renewing",
    };
    Ident::new(name, place)
}

impl Layer for Coalesce {
    fn common(&self) -> &Common {
        &self.common
    }

    fn facts(&self) -> Facts {
        Facts { waits: true, renews: self.renews, ..Facts::default() }
    }

    fn check(&self, function: &Function, errors: &Errors) {
        let reason = "`#[coalesce]` gives the outcome to other callers too, so that it cannot borrow from this one";
        sharing::check_owned(&function.output, reason, errors);
        if let Some(span) = self.share {
            shared::check(span, function, errors);
        }
    }

    fn output_changed(&self) -> Option<Span> {
        self.share
    }

    fn output(&self, context: &Context<'_>) -> Option<Type> {
        self.share.map(|_| shared::output(context))
    }

    // Output: static COALESCE_: Coalesce = …;
    //         let coalesce_ = COALESCE_.call(&(&query, &page)).on(self);
    //
    // The key is evaluated here, while the arguments are there.
    fn declare(&self, context: &Context<'_>) -> TokenStream {
        let span = Span::mixed_site();
        let declaration = self.common.declare(context);
        let (policy, local) = (context.receiver(), &context.policy);
        let call = sharing::call(self.key.as_ref());
        let receiver = context.function.signature.receiver().filter(|_| self.by_object);
        let on = receiver.map(|receiver| {
            let object = object(receiver, &context.function.this(receiver));
            quote_spanned!(span=> .on(#object))
        });
        quote_spanned!(span=> #declaration let #local = #policy.#call #on;)
    }

    // Input:  future
    // Output: coalesce_.run(future), or coalesce_.run_renewing(future)
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        if self.share.is_some() {
            return shared::wrap(inside, context, self.renews);
        }
        // an outcome that cannot be cloned is reported there, and once
        let place = context.function.output.span().resolved_at(span);
        let policy = placed(context.policy.to_token_stream(), place);
        let run = run(inside.settled, self.renews, place);
        inside.around(context, |future| quote_spanned!(place=> #policy.#run(#future)))
    }
}
