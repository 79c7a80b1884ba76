//! The three ways to search all providers, for the program to compare.

use std::time::{Duration, Instant};

use resilient::{FanOut, fan::Settlement};

use crate::baseline;
use crate::client::{Provider, look_up_one, search_provider_all};
use crate::detail::Detail;
use crate::error::SearchError;
use crate::hit::Hit;
use crate::merge::{Ranked, merge};
use crate::request::{Client, Query};

/// The way in which a search asks its providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    Sequential,
    JoinAll,
    Annotated,
}

/// The client and the providers that a strategy works with.
pub(crate) struct Fleet {
    pub(crate) client: Client,
    pub(crate) providers: Vec<Provider>,
}

/// The call to one provider in one search.
#[derive(Debug)]
pub(crate) struct Call {
    /// The time since the search began.
    pub(crate) asked: Duration,
    pub(crate) took: Duration,
    pub(crate) outcome: Result<Vec<Hit>, SearchError>,
}

impl Strategy {
    pub(crate) const ALL: [Self; 3] = [Self::Sequential, Self::JoinAll, Self::Annotated];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::JoinAll => "join_all",
            Self::Annotated => "annotated",
        }
    }

    /// Asks every provider, and returns the call to each, in the order of the providers.
    pub(crate) async fn search(self, fleet: &Fleet, query: &Query, on_answer: impl Fn()) -> Vec<Call> {
        let Fleet { client, providers } = fleet;
        match self {
            Self::Sequential => baseline::one_by_one(client, query, providers).await,
            Self::JoinAll => baseline::all_at_once(client, query, providers).await,
            Self::Annotated => {
                let began = Instant::now();
                let mut took: Vec<Option<Duration>> = vec![None; providers.len()];
                let settlements = search_provider_all(client, query, providers)
                    .progress(|progress| {
                        took[progress.item] = Some(began.elapsed());
                        on_answer();
                    })
                    .settle_within(PATIENCE)
                    .await;
                let call = |(settlement, took): (Settlement<_, _>, Option<Duration>)| Call {
                    asked: Duration::ZERO,
                    took: took.unwrap_or_else(|| began.elapsed()),
                    outcome: settlement.outcome().unwrap_or(Err(SearchError::Late)),
                };
                settlements.into_iter().zip(took).map(call).collect()
            }
        }
    }

    /// Returns the details that each hit's provider knows, in the order of the hits; `None` if it knows none.
    pub(crate) async fn describe(self, fleet: &Fleet, hits: &[Ranked]) -> Vec<Option<Detail>> {
        let Fleet { client, providers } = fleet;
        match self {
            Self::Sequential => baseline::describe_one_by_one(client, providers, hits).await,
            Self::JoinAll => baseline::describe_all_at_once(client, providers, hits).await,
            Self::Annotated => {
                let look_up = |ranked: &Ranked| look_up_one(client, &providers[ranked.holder], ranked.hit.char);
                let details = FanOut::new(hits, look_up).limit(hits.len()).await;
                details.into_iter().map(|found| found.ok().flatten()).collect()
            }
        }
    }
}

/// The wait of an annotated search for providers that have not answered: a time that people still feel as at once. Two
/// providers hold each character, so one that is missing costs no hits.
pub(crate) const PATIENCE: Duration = Duration::from_millis(200);

/// Returns the best hits of all providers that answered.
pub(crate) fn hits_of(calls: &[Call], limit: usize) -> Vec<Ranked> {
    let answers = calls.iter().enumerate();
    merge(answers.filter_map(|(number, call)| Some((number, call.outcome.as_deref().ok()?))), limit)
}
