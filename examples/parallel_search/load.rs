//! Searches that arrive on their own schedule, whether or not the ones before have been answered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::catalogue::{Catalogue, words_of};
use crate::request::Query;
use crate::strategy::{Call, Fleet, Strategy, hits_of};

/// All searches of a run and their times, drawn once and then the same for each strategy.
pub(crate) struct Plan {
    pub(crate) searches: Vec<Planned>,
}

/// A search that has not begun.
pub(crate) struct Planned {
    /// The time since the run began.
    pub(crate) arrival: Duration,
    pub(crate) query: Query,
}

/// A search that has ended.
pub(crate) struct Search {
    pub(crate) arrival: Duration,
    /// The time from the planned arrival, so that a program that falls behind cannot hide it.
    pub(crate) latency: Duration,
    /// The time that the look-up of the details then took.
    pub(crate) describing: Duration,
    pub(crate) hits: usize,
    /// The number of hits for which details were found.
    pub(crate) described: usize,
    pub(crate) calls: Vec<Call>,
}

impl Plan {
    /// Draws Poisson arrivals at `rate` a second, each for one or two words of some character's name, with its
    /// number if `numbered`. Some searches repeat a recent one, as those of people do.
    pub(crate) fn draw(
        catalogue: &Catalogue,
        seed: u64,
        searches: u64,
        rate: f64,
        limit: usize,
        numbered: bool,
    ) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut arrival, mut recent) = (0.0, VecDeque::with_capacity(RECENT));
        let searches = (0..searches)
            .map(|number| {
                arrival += Exp::new(rate).map_or(0.0, |gap| gap.sample(&mut random));
                let words = match recent.get(random.random_range(0..ONE_IN * RECENT)) {
                    Some(words) => String::clone(words),
                    None => some_words(catalogue, &mut random),
                };
                recent.push_front(words.clone());
                recent.truncate(RECENT);
                Planned {
                    arrival: Duration::from_secs_f64(arrival),
                    query: Query { words, limit, number: numbered.then_some(number) },
                }
            })
            .collect();
        Self { searches }
    }

    /// Runs all searches, and returns them in the order in which they were planned.
    pub(crate) async fn run(&self, strategy: Strategy, fleet: &Arc<Fleet>, on_done: impl Fn()) -> Vec<Search> {
        let began = Instant::now();
        let mut running = JoinSet::new();
        let mut done: Vec<Option<Search>> = self.searches.iter().map(|_| None).collect();
        let mut finish = |ended: Result<(usize, Search), JoinError>| {
            let (number, search) = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            done[number] = Some(search);
            on_done();
        };

        for (number, Planned { arrival, query }) in self.searches.iter().enumerate() {
            let (arrival, query, fleet) = (*arrival, query.clone(), Arc::clone(fleet));
            sleep_until(began + arrival).await;
            running.spawn(async move {
                let calls = strategy.search(&fleet, &query, || {}).await;
                let latency = (began + arrival).elapsed();
                let (found, hits) = (Instant::now(), hits_of(&calls, query.limit));
                let details = strategy.describe(&fleet, &hits).await;
                let (describing, described) = (found.elapsed(), details.iter().flatten().count());
                (number, Search { arrival, latency, describing, hits: hits.len(), described, calls })
            });
            while let Some(ended) = running.try_join_next() {
                finish(ended);
            }
        }
        while let Some(ended) = running.join_next().await {
            finish(ended);
        }
        done.into_iter().flatten().collect()
    }
}

/// Returns words that some names have, but not so many names that they would mean nothing (`LETTER`).
fn some_words(catalogue: &Catalogue, random: &mut ChaCha8Rng) -> String {
    let entries = catalogue.entries();
    loop {
        let entry = &entries[random.random_range(0..entries.len())];
        let telling = |word: &&str| word.len() >= 4 && catalogue.frequency(word) <= COMMON;
        let mut words: Vec<&str> = words_of(&entry.name).filter(telling).collect();
        words.truncate(random.random_range(1..=2));
        if !words.is_empty() {
            return words.join(" ").to_lowercase();
        }
    }
}

/// The number of recent searches that a search may repeat. One search in `ONE_IN` repeats one of them.
const RECENT: usize = 4;
const ONE_IN: usize = 4;

/// The most names that may share a word that is worth searching for.
const COMMON: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_plans_the_same_searches_at_the_rate_asked_for() {
        let catalogue = Catalogue::load();
        let plan = |seed| Plan::draw(&catalogue, seed, 2000, 100.0, 10, true).searches;
        let words = |plan: &[Planned]| plan.iter().map(|planned| planned.query.words.clone()).collect::<Vec<_>>();

        let (one, two, other) = (plan(1), plan(1), plan(2));

        assert_eq!(words(&one), words(&two));
        assert_ne!(words(&one), words(&other));
        let seconds = one.last().unwrap().arrival.as_secs_f64();
        assert!((18.0..22.0).contains(&seconds), "2000 arrivals at 100/s took {seconds} s");
        assert!(one.is_sorted_by_key(|planned| planned.arrival));
    }
}
