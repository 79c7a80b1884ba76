//! The searches without policies, for comparison with the annotated one.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::client::Provider;
use crate::detail::Detail;
use crate::error::SearchError;
use crate::hit::Hit;
use crate::merge::Ranked;
use crate::request::{Client, Query};
use crate::strategy::Call;

/// Asks one provider after the other.
pub(crate) async fn one_by_one(client: &Client, query: &Query, providers: &[Provider]) -> Vec<Call> {
    let began = Instant::now();
    let mut calls = Vec::with_capacity(providers.len());
    for provider in providers {
        let asked = Instant::now();
        let outcome = ask_up_to_four_times(client, query, provider).await;
        calls.push(Call { asked: asked - began, took: asked.elapsed(), outcome });
    }
    calls
}

/// Asks all providers at once, and waits for the slowest.
pub(crate) async fn all_at_once(client: &Client, query: &Query, providers: &[Provider]) -> Vec<Call> {
    let began = Instant::now();
    join_all(providers.iter().map(async |provider| {
        let outcome = ask_up_to_four_times(client, query, provider).await;
        Call { asked: Duration::ZERO, took: began.elapsed(), outcome }
    }))
    .await
}

/// Looks up each hit, one after the other.
pub(crate) async fn describe_one_by_one(
    client: &Client,
    providers: &[Provider],
    hits: &[Ranked],
) -> Vec<Option<Detail>> {
    let mut details = Vec::with_capacity(hits.len());
    for hit in hits {
        details.push(describe(client, providers, hit).await);
    }
    details
}

/// Looks up each hit, all at once.
pub(crate) async fn describe_all_at_once(
    client: &Client,
    providers: &[Provider],
    hits: &[Ranked],
) -> Vec<Option<Detail>> {
    join_all(hits.iter().map(|hit| describe(client, providers, hit))).await
}

async fn describe(client: &Client, providers: &[Provider], Ranked { hit, holder, .. }: &Ranked) -> Option<Detail> {
    client.look_up(providers[*holder].details()?, &[hit.char]).await.ok()?.remove(&hit.char)
}

/// Makes three more attempts after any error, at once, each for as long as it takes.
async fn ask_up_to_four_times(client: &Client, query: &Query, provider: &Provider) -> Result<Vec<Hit>, SearchError> {
    for _ in 0..3 {
        if let Ok(hits) = client.ask(provider.search(), query).await {
            return Ok(hits);
        }
    }
    client.ask(provider.search(), query).await
}
