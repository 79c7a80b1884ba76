//! `#[throttle]`: drops calls at random while the server turns many away.

use crate::fragment::{Context, Fragment};
use crate::key::{self, Key, Positional, Refused, Sort};
use crate::policy::{Common, Facts, Kind, Layer};
use crate::settings::Settings;
use crate::source::Source;
use crate::when::{self, When};

pub(crate) const KIND: Kind = Kind {
    name: "throttle",
    keys: &[
        Key::setting("k", "k = 2.0", Sort::Number)
            .refuses(&[Refused::below(
                1.0,
                "with a `k` below 1 it would drop calls that the server takes: write at least 1, such as `k = 2.0`",
            )])
            .sets()
            .default("2.0")
            .means("drops what is more than so many times the calls that the server took; at least 1"),
        Key::setting("max_drop", "max_drop = 0.9", Sort::Number)
            .refuses(&[
                Refused::above(
                    1.0,
                    "`max_drop` is a share of the calls: write at most 1, such as `max_drop = 0.9`, which still makes every tenth",
                ),
                Refused::below(f64::MIN_POSITIVE, NO_DROP),
            ])
            .sets()
            .default("0.9")
            .means("the largest share of the calls that is dropped; up to 1"),
        key::mode().means("`\"observe\"` counts and decides, and drops nothing; `\"off\"` does nothing"),
        key::name("name = \"search\"")
            .means("stands in rejections and events; functions that are given the same name share what is learnt"),
        key::key().means("a policy for each value of it, as for [`circuit_breaker`](macro@circuit_breaker)"),
        key::log_key(),
        key::settings("settings = rules_of"),
        key::with("with = self.throttle").means("a `Throttle` of your own"),
        key::when().means("says what is throttled, as for [`retry`](macro@retry)"),
        key::CRATE,
    ],
    positional: Positional::Write("k"),
    renamed: &[],
    only_async: None,
    parse,
};

const NO_DROP: &str = "with a `max_drop` of zero nothing would ever be dropped: write, for instance, `max_drop = 0.9`, or `mode = \"off\"`";

struct Throttle {
    common: Common,
    identity: Option<String>,
    when: Option<When>,
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    vec![Box::new(Throttle {
        common: Common::new(
            KIND.name,
            settings,
            Source::shareable("Throttle", settings, settings.constructor("Throttle")),
        ),
        identity: settings.identity.clone(),
        when: settings.expression("when").map(When),
    })]
}

impl Layer for Throttle {
    fn common(&self) -> &Common {
        &self.common
    }

    fn facts(&self) -> Facts {
        Facts { refuses: true, identity: self.identity.clone(), ..Facts::default() }
    }

    // Input:  run((…), future)
    // Output: run((&THROTTLE_, …), future)
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let policy = when::judging(self.when.as_ref(), &inside, context);
        inside.under(policy, context)
    }
}
