//! The `RateLimit` and `RateLimit-Policy` headers of the IETF's drafts, which are structured fields.

use std::time::Duration;

use http::HeaderMap;
use sfv::{BareItem, Dictionary, Item, List, ListEntry, Parameters, Parser};

use super::{REQUESTS, RateLimit, kinds};
use crate::http::field;

/// One quota as `RateLimit` says it.
#[derive(Default)]
struct Quota {
    /// Earlier drafts had one quota without a name.
    named: Option<Name>,
    /// Later drafts have it in the policy.
    limit: Option<u64>,
    rate: RateLimit,
}

/// The name of a quota, and its partition: a key for those that share it.
#[derive(PartialEq, Eq)]
struct Name {
    name: String,
    partition: Option<Vec<u8>>,
}

/// A quota of `RateLimit-Policy`.
struct Policy {
    named: Option<Name>,
    limit: Option<u64>,
    /// The unit in which it counts; requests unless it says so.
    unit: String,
}

impl Policy {
    fn counts_other(&self) -> bool {
        self.unit != REQUESTS
    }
}

/// The quotas of `RateLimit-Policy`.
pub(super) struct Policies(Vec<Policy>);

impl Policies {
    /// The size of the only quota, if it counts calls.
    pub(super) fn limit_of_only(&self) -> Option<u64> {
        self.of(None).filter(|policy| !policy.counts_other()).and_then(|policy| policy.limit)
    }

    /// The policy of the quota with the name and the partition, with the name alone, or the only one.
    fn of(&self, named: Option<&Name>) -> Option<&Policy> {
        let name = |named: &Name| named.name.clone();
        match &self.0[..] {
            [only] => Some(only),
            all => all.iter().find(|other| other.named.as_ref() == named).or_else(|| {
                all.iter().find(|other| named.is_some() && other.named.as_ref().map(name) == named.map(name))
            }),
        }
    }
}

pub(super) fn policies(headers: &HeaderMap) -> Policies {
    let items = field::lines(headers, "ratelimit-policy").flat_map(items);
    let policy = |item: Item| match item.bare_item {
        BareItem::Integer(_) => {
            Some(Policy { named: None, limit: Some(whole(&item.bare_item)?), unit: REQUESTS.to_owned() })
        }
        _ => Some(Policy {
            named: Some(name(&item)?),
            limit: parameter(&item.params, "q"),
            unit: item.params.get("qu").map_or(REQUESTS, |unit| text(unit).unwrap_or_default()).to_owned(),
        }),
    };
    Policies(items.filter_map(policy).filter(|policy| policy.limit.is_some() || policy.counts_other()).collect())
}

/// The quota that will refuse first; among those that refuse already, the one that does so for longest.
///
/// A quota of something else than calls is left out while some of it remains.
pub(super) fn tightest(headers: &HeaderMap, policies: &Policies) -> Option<RateLimit> {
    tightest_of(headers, policies, |quota, policy| {
        let counts_other = policy.is_some_and(Policy::counts_other);
        !counts_other || quota.rate.remaining.unwrap_or(0) == 0
    })
}

/// The same among the quotas of that kind, by the unit of the policy or by the name.
pub(super) fn of_kind(headers: &HeaderMap, policies: &Policies, kind: &str) -> Option<RateLimit> {
    tightest_of(headers, policies, |quota, policy| {
        let Some(Name { name, .. }) = &quota.named else { return kind == REQUESTS };
        // a quota that is called `tokens` and says no unit does not count requests
        let by_unit =
            policy.is_some_and(|policy| policy.unit == kind) && (kind != REQUESTS || kinds::counts_calls(name));
        kinds::is_of_kind(name, kind) || by_unit
    })
}

fn tightest_of(
    headers: &HeaderMap,
    policies: &Policies,
    bears: impl Fn(&Quota, Option<&Policy>) -> bool,
) -> Option<RateLimit> {
    let quotas = field::lines(headers, "ratelimit").flat_map(|line| match unnamed(line) {
        Some(quota) => vec![quota],
        None => items(line).filter_map(|item| named(&item)).collect(),
    });
    let rates = quotas.filter_map(|quota| {
        let policy = policies.of(quota.named.as_ref());
        let limit = quota.limit.or_else(|| policy?.limit);
        bears(&quota, policy).then_some(RateLimit { limit, ..quota.rate })
    });
    rates.min_by_key(RateLimit::nearness)
}

/// `limit=100, remaining=50, reset=30`
fn unnamed(line: &str) -> Option<Quota> {
    let members: Dictionary = Parser::new(line).parse().ok()?;
    let number = |key: &str| match members.get(key)? {
        ListEntry::Item(item) => whole(&item.bare_item),
        ListEntry::InnerList(_) => None,
    };
    let rate = RateLimit { limit: None, remaining: number("remaining"), reset: number("reset").map(wait) };
    let quota = Quota { named: None, limit: number("limit"), rate };
    (quota.limit.is_some() || quota.rate != RateLimit::default()).then_some(quota)
}

/// `"default";r=50;t=30`
fn named(item: &Item) -> Option<Quota> {
    let rate = RateLimit {
        limit: None,
        remaining: parameter(&item.params, "r"),
        reset: parameter(&item.params, "t").map(wait),
    };
    (rate != RateLimit::default()).then_some(Quota { named: Some(name(item)?), limit: None, rate })
}

fn items(line: &str) -> impl Iterator<Item = Item> {
    let members: List = Parser::new(line).parse().unwrap_or_default();
    members.into_iter().filter_map(|member| match member {
        ListEntry::Item(item) => Some(item),
        ListEntry::InnerList(_) => None,
    })
}

/// A quota's name is a string, and was a token for a while.
fn name(item: &Item) -> Option<Name> {
    let partition = match item.params.get("pk") {
        Some(BareItem::ByteSequence(key)) => Some(key.clone()),
        _ => None,
    };
    Some(Name { name: text(&item.bare_item)?.to_owned(), partition })
}

fn text(item: &BareItem) -> Option<&str> {
    match item {
        BareItem::String(text) => Some(text.as_str()),
        BareItem::Token(text) => Some(text.as_str()),
        _ => None,
    }
}

fn parameter(parameters: &Parameters, key: &str) -> Option<u64> {
    whole(parameters.get(key)?)
}

fn whole(item: &BareItem) -> Option<u64> {
    let BareItem::Integer(number) = item else { return None };
    u64::try_from(*number).ok()
}

fn wait(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(field::LONGEST)
}
