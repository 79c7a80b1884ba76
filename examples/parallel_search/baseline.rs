//! The searches without policies that the annotated one is compared with.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::client::Provider;
use crate::error::SearchError;
use crate::hit::Hit;
use crate::request::{Client, Query};
use crate::strategy::Call;

/// One provider after the other.
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

/// All at once, and then wait for the slowest.
pub(crate) async fn all_at_once(client: &Client, query: &Query, providers: &[Provider]) -> Vec<Call> {
    let began = Instant::now();
    join_all(providers.iter().map(async |provider| {
        let outcome = ask_up_to_four_times(client, query, provider).await;
        Call { asked: Duration::ZERO, took: began.elapsed(), outcome }
    }))
    .await
}

/// Three more tries after any error, at once, for as long as each may take.
async fn ask_up_to_four_times(client: &Client, query: &Query, provider: &Provider) -> Result<Vec<Hit>, SearchError> {
    for _ in 0..3 {
        if let Ok(hits) = client.ask(provider.search(), query).await {
            return Ok(hits);
        }
    }
    client.ask(provider.search(), query).await
}
