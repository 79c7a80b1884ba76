//! `#[timeout]`: one layer for the call, one for the attempt, or one where it stands.

use proc_macro2::Span;
use quote::quote_spanned;

use crate::amount::Amount;
use crate::fragment::{Context, Form, Fragment};
use crate::key::{self, Key, Positional, Refused, Sort, StandIns};
use crate::policy::{Common, Facts, Kind, Layer, Level};
use crate::settings::{Given, Settings};
use crate::source::Source;

pub(crate) const KIND: Kind = Kind {
    name: "timeout",
    keys: &[
        time("limit", "limit = \"2s\"").means("the time for what stands below"),
        time("total", "total = \"2s\"")
            .stand_ins(StandIns::Outside(&["limit", "attempt"]))
            .means("the time for the call; stands above the retry"),
        time("attempt", "attempt = \"400ms\"")
            .stand_ins(StandIns::Inside(&["limit", "total"]))
            .means("the time for each attempt; stands below the retry, or beside `total`"),
        key::mode().means(
            "`\"observe\"` counts what takes longer and lets it go on, without a deadline; `\"off\"` does nothing",
        ),
        key::name("name = \"search\"").means("stands in rejections and events"),
        key::with("with = self.timeout").means("a `Timeout` of your own"),
        key::CRATE,
    ],
    positional: Positional::Is("limit"),
    renamed: &[],
    only_async: Some("a body that blocks cannot be interrupted"),
    parse,
};

const fn time(name: &'static str, example: &'static str) -> Key {
    const REFUSED: &[Refused] =
        &[Refused::zero("a time-out of zero fails every call: give it some time, or remove it")];
    Key::setting(name, example, Sort::Duration).refuses(REFUSED)
}

struct Timeout {
    common: Common,
    level: Option<Level>,
    limit: Option<(Amount, Span)>,
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let attribute = settings.attribute.span();
    if let Some(policy) = settings.with.clone() {
        let common = Common::new(KIND.name, settings, Source::With { ty: "Timeout", policy });
        return vec![Box::new(Timeout { common, level: None, limit: None })];
    }

    let total = settings.span("total");
    match (settings.span("limit"), total.or(settings.span("attempt"))) {
        (Some(_), Some(named)) => {
            settings.errors.at(
                named,
                "give either one duration, or `total` and `attempt`: a bare duration counts where it stands",
            );
            return Vec::new();
        }
        (None, None) if settings.understood && settings.span("with").is_none() => {
            settings.errors.at(attribute, "how long? write `#[timeout(\"2s\")]`, or `total = …` and `attempt = …`");
        }
        _ => {}
    }
    let attempt = if total.is_some() { Level::PlacedAtAttempt } else { Level::Attempt };
    let levels = [("limit", None), ("total", Some(Level::Call)), ("attempt", Some(attempt))];
    let layers = levels.into_iter().filter_map(|(key, level)| {
        let Given { key: span, value: limit } = settings.duration(key)?;
        let name = settings.label();
        let arguments = quote_spanned!(Span::mixed_site()=> #name, #limit);
        let constructor = settings.with_all_set(settings.bare_constructor("Timeout", "named", &arguments).at(&limit));
        let common = Common { span, ..Common::new(KIND.name, settings, Source::Own { ty: "Timeout", constructor }) };
        let limit = Some((Amount::from(&limit), span));
        Some(Box::new(Timeout { common, level, limit }) as Box<dyn Layer>)
    });
    layers.collect()
}

impl Layer for Timeout {
    fn common(&self) -> &Common {
        &self.common
    }

    // two time-outs of one function are told apart by the level that they say or stand at
    fn local(&self, above: &[Box<dyn Layer>], below: &[Box<dyn Layer>]) -> &'static str {
        let any = |layers: &[Box<dyn Layer>]| layers.iter().any(|layer| layer.name() == KIND.name);
        match self.level {
            Some(Level::Attempt | Level::PlacedAtAttempt) => "attempt_timeout",
            Some(Level::Call) => "total_timeout",
            None if any(above) => "attempt_timeout",
            None if any(below) => "total_timeout",
            None => "timeout",
        }
    }

    fn facts(&self) -> Facts {
        Facts { refuses: true, limit: self.limit.clone(), level: self.level, ..Facts::default() }
    }

    // Input:  run((…), future)
    // Output: run((&TIMEOUT_, …), future)
    //
    // Around a retry, it watches over each attempt, so that the loop needs no future of its own:
    //         let mut timeout_ = TIMEOUT_.begin();
    //         loop { … run((&mut timeout_, &mut retry_, …), attempt_).await … timeout_.wait(delay_).await; }
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        match inside.form {
            Form::Rounds(rounds) if rounds.watch.is_none() => {
                let statements = inside.statements;
                let (policy, call) = (context.receiver(), &context.policy);
                let statements = quote_spanned!(span=> let mut #call = #policy.begin(); #statements);
                let form = Form::Rounds(Box::new(rounds.within(call, context)));
                Fragment { statements, form, settled: true, ..inside }
            }
            form => Fragment { form, ..inside }.under(context.reference(), context),
        }
    }
}
