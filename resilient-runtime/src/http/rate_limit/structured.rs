//! The `RateLimit` and `RateLimit-Policy` headers of the IETF's drafts, which are structured fields.

use std::cmp::Reverse;
use std::time::Duration;

use http::HeaderMap;
use sfv::{BareItem, Dictionary, Item, List, ListEntry, Parameters, Parser};

use super::RateLimit;
use crate::http::field;

/// One quota as `RateLimit` says it.
#[derive(Default)]
pub(super) struct Quota {
    /// Earlier drafts had one quota without a name.
    pub(super) name: Option<String>,
    /// Later drafts have it in the policy.
    pub(super) limit: Option<u64>,
    pub(super) rate: RateLimit,
}

/// The quotas of `RateLimit-Policy` that have a size.
pub(super) struct Policies(Vec<(Option<String>, u64)>);

impl Policies {
    /// The size of the quota with the name, or of the only one.
    pub(super) fn limit_of(&self, name: Option<&str>) -> Option<u64> {
        match &self.0[..] {
            [(_, limit)] => Some(*limit),
            all => all.iter().find(|(other, _)| other.as_deref() == name).map(|(_, limit)| *limit),
        }
    }
}

pub(super) fn policies(headers: &HeaderMap) -> Policies {
    let items = field::lines(headers, "ratelimit-policy").flat_map(items);
    Policies(
        items
            .filter_map(|item| match item.bare_item {
                BareItem::Integer(_) => Some((None, whole(&item.bare_item)?)),
                _ => Some((Some(name(&item)?), parameter(&item.params, "q")?)),
            })
            .collect(),
    )
}

/// The quota that will refuse first; among those that refuse already, the one that does so for longest.
pub(super) fn tightest(headers: &HeaderMap) -> Option<Quota> {
    let quotas = field::lines(headers, "ratelimit").flat_map(|line| match unnamed(line) {
        Some(quota) => vec![quota],
        None => items(line).filter_map(|item| named(&item)).collect(),
    });
    quotas.min_by_key(|quota| (quota.rate.remaining.unwrap_or(u64::MAX), Reverse(quota.rate.reset)))
}

/// `limit=100, remaining=50, reset=30`
fn unnamed(line: &str) -> Option<Quota> {
    let members: Dictionary = Parser::new(line).parse().ok()?;
    let number = |key: &str| match members.get(key)? {
        ListEntry::Item(item) => whole(&item.bare_item),
        ListEntry::InnerList(_) => None,
    };
    let rate = RateLimit { limit: None, remaining: number("remaining"), reset: number("reset").map(wait) };
    let quota = Quota { name: None, limit: number("limit"), rate };
    (quota.limit.is_some() || quota.rate != RateLimit::default()).then_some(quota)
}

/// `"default";r=50;t=30`
fn named(item: &Item) -> Option<Quota> {
    let rate = RateLimit {
        limit: None,
        remaining: parameter(&item.params, "r"),
        reset: parameter(&item.params, "t").map(wait),
    };
    (rate != RateLimit::default()).then_some(Quota { name: Some(name(item)?), limit: None, rate })
}

fn items(line: &str) -> impl Iterator<Item = Item> {
    let members: List = Parser::new(line).parse().unwrap_or_default();
    members.into_iter().filter_map(|member| match member {
        ListEntry::Item(item) => Some(item),
        ListEntry::InnerList(_) => None,
    })
}

/// A quota's name is a string, and was a token for a while.
fn name(item: &Item) -> Option<String> {
    match &item.bare_item {
        BareItem::String(name) => Some(name.as_str().to_owned()),
        BareItem::Token(name) => Some(name.as_str().to_owned()),
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
