//! The comparison: the same searches by each strategy, with their costs, and a check that all strategies find the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::catalogue::Catalogue;
use crate::hit::Hit;
use crate::load::{Plan, Search};
use crate::provider::{End, Providers, Visit};
use crate::request::Spent;
use crate::stats::{Sorted, real, share, share_of_time};
use crate::strategy::{Fleet, Strategy, hits_of};
use crate::weather::Weather;

/// One strategy's run.
pub(crate) struct Measured {
    pub(crate) strategy: Strategy,
    pub(crate) searches: Vec<Search>,
    pub(crate) spent: Spent,
    /// The part of the time that the client's threads were not idle.
    pub(crate) busy: f64,
    /// The providers' own counts, if the providers are our own.
    pub(crate) served: Option<Served>,
    hits: Vec<Vec<Hit>>,
}

/// The providers' own counts of a run.
pub(crate) struct Served {
    /// Requests that the providers were still working on when the last search had its answer.
    pub(crate) left_over: u64,
    pub(crate) look_ups: u64,
    pub(crate) visits: Vec<Vec<Visit>>,
}

/// The figures of one strategy.
pub(crate) struct Figures {
    pub(crate) searches: usize,
    /// Share of the searches that every provider answered.
    pub(crate) complete: f64,
    /// Share of the searches whose hits are those of an index of all characters.
    pub(crate) right: Option<f64>,
    /// Share of the calls that brought hits.
    pub(crate) answered: f64,
    pub(crate) latency: Sorted,
    pub(crate) latency_of_complete: Sorted,
    pub(crate) attempts_per_call: f64,
    pub(crate) abandoned: Option<usize>,
    pub(crate) left_over: Option<u64>,
    /// The part of each search in which it looked up the details of its hits.
    pub(crate) describing: Sorted,
    /// Share of the hits for which details were found.
    pub(crate) described: f64,
    pub(crate) look_ups_per_search: Option<f64>,
    pub(crate) split: Split,
}

/// The parts of the calls' time, as shares.
pub(crate) struct Split {
    pub(crate) working: f64,
    pub(crate) queued: f64,
    pub(crate) abandoned: f64,
    pub(crate) network: f64,
    pub(crate) waiting: f64,
    pub(crate) busy: f64,
}

/// The agreement between the strategies.
pub(crate) struct Agreement {
    /// Searches that every provider answered under every strategy.
    pub(crate) compared: usize,
    /// Searches among them with the same hits under all strategies, and in the index of all characters if there is one.
    pub(crate) equal: usize,
}

/// The setup of a comparison.
pub(crate) struct Course<'a> {
    pub(crate) plan: &'a Plan,
    /// The built-in providers and their weather, unless the user named other providers.
    pub(crate) local: Option<(&'a Providers, Weather)>,
    pub(crate) limit: usize,
}

impl Course<'_> {
    /// Runs one strategy after the other; `fleet` makes new connections and new policies for each.
    pub(crate) async fn run<E>(&self, fleet: impl Fn() -> Result<Fleet, E>) -> Result<Vec<Measured>, E> {
        let bar = ProgressBar::new((self.plan.searches.len() * Strategy::ALL.len()) as u64).with_style(bar_style());
        let mut measured = Vec::new();
        for strategy in Strategy::ALL {
            bar.set_message(strategy.name());
            measured.push(self.measure(strategy, fleet()?, &bar).await);
        }
        bar.finish_and_clear();
        Ok(measured)
    }

    async fn measure(&self, strategy: Strategy, fleet: Fleet, bar: &ProgressBar) -> Measured {
        let fleet = Arc::new(fleet);
        if let Some((providers, weather)) = self.local {
            settle(providers).await;
            providers.begin(weather);
        }
        let (began, busy_before) = (Instant::now(), busy_time());
        let searches = self.plan.run(strategy, &fleet, || bar.inc(1)).await;
        let served = self.local.map(|(providers, _)| Served {
            left_over: providers.in_flight(),
            look_ups: providers.servers().iter().map(|server| server.look_ups()).sum(),
            visits: providers.servers().iter().map(|server| server.visits()).collect(),
        });

        let threads = tokio::runtime::Handle::current().metrics().num_workers();
        let busy = share_of_time(busy_time().saturating_sub(busy_before), began.elapsed()) / real(threads);
        let hits = searches.iter().map(|search| hits(search, self.limit)).collect();
        Measured { strategy, searches, spent: fleet.client.books.read(), busy, served, hits }
    }
}

impl Measured {
    pub(crate) fn figures(&self, reference: Option<&[Vec<Hit>]>) -> Figures {
        let calls = || self.searches.iter().flat_map(|search| &search.calls);
        let count = calls().count();
        let complete = || self.searches.iter().filter(|search| is_complete(search));
        let right =
            |reference: &[Vec<Hit>]| self.hits.iter().zip(reference).filter(|(hits, right)| hits == right).count();
        let visits =
            |served: &Served| served.visits.iter().flatten().filter(|visit| visit.end == End::Abandoned).count();
        let look_ups =
            |served: &Served| share(usize::try_from(served.look_ups).unwrap_or(usize::MAX), self.searches.len());
        let sum = |count: fn(&Search) -> usize| self.searches.iter().map(count).sum();
        Figures {
            searches: self.searches.len(),
            complete: share(complete().count(), self.searches.len()),
            right: reference.map(|reference| share(right(reference), self.searches.len())),
            answered: share(calls().filter(|call| call.outcome.is_ok()).count(), count),
            latency: self.searches.iter().map(|search| search.latency).collect(),
            latency_of_complete: complete().map(|search| search.latency).collect(),
            attempts_per_call: share(usize::try_from(self.spent.attempts).unwrap_or(usize::MAX), count),
            abandoned: self.served.as_ref().map(visits),
            left_over: self.served.as_ref().map(|served| served.left_over),
            describing: self.searches.iter().map(|search| search.describing).collect(),
            described: share(sum(|search| search.described), sum(|search| search.hits)),
            look_ups_per_search: self.served.as_ref().map(look_ups),
            split: self.split(calls().map(|call| call.took).sum()),
        }
    }

    fn split(&self, calls: Duration) -> Split {
        let Spent { attempting, abandoned, queued, working, .. } = self.spent;
        let part = |part| share_of_time(part, calls);
        Split {
            working: part(working),
            queued: part(queued),
            abandoned: part(abandoned),
            network: part(attempting.saturating_sub(abandoned + queued + working)),
            waiting: part(calls.saturating_sub(attempting)),
            busy: self.busy,
        }
    }
}

impl Split {
    /// Names the resource of which more would make the program faster.
    pub(crate) fn bottleneck(&self) -> &'static str {
        if self.busy > 0.7 {
            "CPU-bound: the client's threads are busy"
        } else if self.queued > 0.3 {
            "concurrency-bound: requests queue for the providers' workers"
        } else if self.waiting > 0.5 {
            "bound by back-off: calls mostly wait for their next attempt"
        } else {
            "I/O-bound: calls mostly wait for the providers to do their work"
        }
    }
}

impl Agreement {
    pub(crate) fn of(measured: &[Measured], reference: Option<&[Vec<Hit>]>) -> Self {
        let searches = measured.iter().map(|run| run.searches.len()).min().unwrap_or_default();
        let (mut compared, mut equal) = (0, 0);
        for number in 0..searches {
            if measured.iter().all(|run| is_complete(&run.searches[number])) {
                let first = reference.map_or(&measured[0].hits[number], |reference| &reference[number]);
                compared += 1;
                equal += usize::from(measured.iter().all(|run| run.hits[number] == *first));
            }
        }
        Self { compared, equal }
    }
}

/// Returns the hits of each planned search in an index of all characters.
pub(crate) fn reference(catalogue: &Catalogue, plan: &Plan) -> Vec<Vec<Hit>> {
    let hits = |words: &str, limit| {
        let matches = catalogue.search(words, limit);
        matches
            .iter()
            .map(|found| Hit {
                char: found.char,
                score: found.score,
                name: found.name.into(),
                block: found.block.into(),
            })
            .collect()
    };
    plan.searches.iter().map(|planned| hits(&planned.query.words, planned.query.limit)).collect()
}

fn hits(search: &Search, limit: usize) -> Vec<Hit> {
    hits_of(&search.calls, limit).into_iter().map(|ranked| ranked.hit).collect()
}

fn is_complete(search: &Search) -> bool {
    search.calls.iter().all(|call| call.outcome.is_ok())
}

/// Waits until the providers have finished the work of the run before.
async fn settle(providers: &Providers) {
    while providers.in_flight() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Returns the time that the client's threads have spent on tasks since they began.
fn busy_time() -> Duration {
    let metrics = tokio::runtime::Handle::current().metrics();
    (0..metrics.num_workers()).map(|worker| metrics.worker_total_busy_duration(worker)).sum()
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{msg:10} {bar:40} {pos}/{len}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;
    use crate::client::Provider;
    use crate::request::Client;

    #[tokio::test]
    async fn every_strategy_finds_what_the_index_has() {
        let catalogue = Catalogue::load();
        let weather = Weather { seed: 1, searches: 20 };
        let providers = Providers::start(&catalogue, weather).unwrap();
        let plan = Plan::draw(&catalogue, 1, 20, 200.0, 5, true);
        let course = Course { plan: &plan, local: Some((&providers, weather)), limit: 5 };

        let measured = course.run(|| fleet(&providers)).await.unwrap();

        let reference = reference(&catalogue, &plan);
        let agreement = Agreement::of(&measured, Some(&reference));
        assert!(agreement.compared > 0);
        assert_eq!(agreement.equal, agreement.compared);
        assert!(measured.iter().all(|run| run.figures(None).described > 0.99));
        let seen: usize = measured[1].served.as_ref().unwrap().visits.iter().map(Vec::len).sum();
        assert_eq!(seen as u64, measured[1].spent.attempts);
    }

    fn fleet(providers: &Providers) -> reqwest::Result<Fleet> {
        let provider = |server: &Arc<crate::provider::Server>| {
            let url = Url::parse(&server.url).unwrap();
            Provider::new(server.name.into(), url.join("search").unwrap(), Some(url.join("details").unwrap()))
        };
        Ok(Fleet { client: Client::new(true)?, providers: providers.servers().iter().map(provider).collect() })
    }
}
