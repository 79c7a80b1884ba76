//! Coalescing: a caller with a run of its own, and 64 callers that share one run.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::{Future, poll_fn};
use std::hash::RandomState;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};

use async_singleflight::Group;
use moka::future::Cache;
use resilient::{Coalesce, coalesce};
use tower::{Layer as _, Service as _, ServiceExt as _};
use tower_resilience::coalesce::CoalesceLayer;

use crate::case::{Case, Table};
use crate::counted::{Ending, Place};
use crate::drive::{poll, repeat};
use crate::work::{Busy, answer, attempt, attempt_later};

pub(crate) fn tables() -> Vec<Table> {
    vec![alone(), shared()]
}

fn alone() -> Table {
    Table::new(
        "Coalescing, one caller",
        "A call with a key that nobody else asks for. By hand, it is a map under a lock, with room for those who could \
         come. By hand and counted, another caller takes over from one that is dropped, and each call counts by its outcome, also if it is \
         dropped. moka is a cache: it is asked for a key that is not there, and keeps what it gets.",
        vec![
            Case::new("map by hand", |calls| {
                static FLIGHTS: LazyLock<Flights> = LazyLock::new(Flights::default);
                poll(repeat(calls, async |id| FLIGHTS.run(id, attempt::<Busy>(id)).await.unwrap()))
            }),
            Case::new("map by hand, counted", |calls| {
                static FLIGHTS: LazyLock<CountedFlights> = LazyLock::new(CountedFlights::default);
                poll(repeat(calls, async |id| FLIGHTS.run(id, attempt::<Busy>(id)).await.unwrap()))
            }),
            Case::new("resilient `#[coalesce]`", |calls| {
                #[coalesce(key = id)]
                async fn ours(id: u64) -> Result<u64, Busy> {
                    attempt(id).await
                }

                poll(repeat(calls, async |id| ours(id).await.unwrap()))
            }),
            Case::new("resilient `Coalesce`", |calls| {
                static POLICY: Coalesce = Coalesce::named("alone");
                poll(repeat(calls, async |id| POLICY.run(&id, attempt::<Busy>(id)).await.unwrap()))
            }),
            Case::service("resilient, as a layer", || {
                static POLICY: Coalesce = Coalesce::named("layer");
                resilient::tower::coalesce(&POLICY, |id: &u64| Some(*id)).layer(tower::service_fn(attempt::<Busy>))
            }),
            Case::prepared("async_singleflight", || {
                let group: Group<u64, u64, Busy> = Group::new();
                move |calls| poll(repeat(calls, async |id| group.work(&id, attempt::<Busy>(id)).await.unwrap()))
            }),
            Case::prepared("moka, a miss", || {
                let cache: Cache<u64, u64> = Cache::new(1_000);
                move |calls| {
                    cache.invalidate_all();
                    poll(repeat(calls, async |id| {
                        let found = cache.get_with(id, async { attempt::<Busy>(id).await.unwrap() }).await;
                        cache.invalidate(&id).await;
                        found
                    }))
                }
            }),
            Case::service("tower-resilience", || {
                CoalesceLayer::new(|id: &u64| *id).layer(tower::service_fn(attempt::<Busy>))
            }),
        ],
    )
    .goal_beside(45, "tower-resilience", 146)
    .shared()
}

fn shared() -> Table {
    Table::new(
        "Coalescing, each of 64 callers",
        "64 callers of one key, one of which runs something that is ready at its second poll. All are polled in turn until \
         they have their outcome. By hand and counted, as before.",
        vec![
            Case::new("map by hand", |calls| {
                static FLIGHTS: LazyLock<Flights> = LazyLock::new(Flights::default);
                crowd(calls, |id| FLIGHTS.run(id, attempt_later::<Busy>(id)))
            }),
            Case::new("map by hand, counted", |calls| {
                static FLIGHTS: LazyLock<CountedFlights> = LazyLock::new(CountedFlights::default);
                crowd(calls, |id| FLIGHTS.run(id, attempt_later::<Busy>(id)))
            }),
            Case::new("resilient `#[coalesce]`", |calls| {
                #[coalesce(key = id)]
                async fn ours(id: u64) -> Result<u64, Busy> {
                    attempt_later(id).await
                }

                crowd(calls, ours)
            })
            // the first call in each part of the map allocates it
            .counted_over(1_000),
            Case::prepared("resilient, as a layer", || {
                static POLICY: Coalesce = Coalesce::named("layers");
                let service =
                    resilient::tower::coalesce(&POLICY, |id: &u64| Some(*id)).layer(tower::service_fn(attempt_later::<Busy>));
                move |calls| {
                    let service = service.clone();
                    crowd(calls, move |id| {
                        let mut service = service.clone();
                        async move { service.ready().await.unwrap().call(id).await }
                    })
                }
            })
            // as above
            .counted_over(1_000),
            Case::prepared("async_singleflight", || {
                let group: Group<u64, u64, Busy> = Group::new();
                move |calls| {
                    let group = &group;
                    crowd(calls, |id| async move {
                        group.work(&id, attempt_later::<Busy>(id)).await.map_err(|error| error.unwrap_or(Busy))
                    })
                }
            }),
            Case::prepared("moka, a miss", || {
                let cache: Cache<u64, u64> = Cache::new(1_000);
                move |calls| {
                    cache.invalidate_all();
                    let cache = &cache;
                    crowd(calls, |id| async move {
                        Ok(cache.get_with(id, async { attempt_later::<Busy>(id).await.unwrap() }).await)
                    })
                }
            }),
            Case::prepared("tower-resilience", || {
                let service = CoalesceLayer::new(|id: &u64| *id).layer(tower::service_fn(attempt_later::<Busy>));
                move |calls| {
                    let service = service.clone();
                    crowd(calls, move |id| {
                        let mut service = service.clone();
                        async move { Ok(service.ready().await.unwrap().call(id).await.unwrap()) }
                    })
                }
            }),
        ],
    )
    .per_item(CALLERS as u64)
    .goal_beside(80, "tower-resilience", 130)
}

/// Makes `calls` rounds of 64 calls of one key each. Their futures stay in their places, so that only the first round
/// allocates for them.
fn crowd<F: Future<Output = Result<u64, Busy>>>(calls: u64, call: impl Fn(u64) -> F) -> u64 {
    let mut callers: [Pin<Box<Option<F>>>; CALLERS] = std::array::from_fn(|_| Box::pin(None));
    poll(repeat(calls, async |id| {
        for caller in &mut callers {
            caller.set(Some(call(id)));
        }
        poll_fn(|context| {
            let mut running = false;
            for caller in &mut callers {
                let Some(future) = caller.as_mut().as_pin_mut() else { continue };
                match future.poll(context) {
                    Poll::Ready(outcome) => {
                        assert_eq!(outcome.unwrap(), answer(id));
                        caller.set(None);
                    }
                    Poll::Pending => running = true,
                }
            }
            if running { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        answer(id)
    }))
}

/// The runs under way, each with a flight once a second caller has come.
type Map<F> = HashMap<u64, Option<Arc<F>>, RandomState>;

/// Joins the run of that key; begins one, with no flight yet, if there is none.
#[inline]
fn join<F: Default>(flights: &Mutex<Map<F>>, key: u64) -> Option<Arc<F>> {
    match flights.lock().unwrap().entry(key) {
        Entry::Occupied(mut entry) => Some(entry.get_mut().get_or_insert_default().clone()),
        Entry::Vacant(entry) => {
            entry.insert(None);
            None
        }
    }
}

/// The least code that can share: a map of the runs, and the callers that wait for each. A leader that leaves has no successor.
#[derive(Default)]
struct Flights(Mutex<Map<Flight>>);

#[derive(Default)]
struct Flight {
    outcome: OnceLock<Result<u64, Busy>>,
    waiting: Mutex<Vec<Waker>>,
}

impl Flights {
    async fn run(&self, key: u64, work: impl Future<Output = Result<u64, Busy>>) -> Result<u64, Busy> {
        if let Some(flight) = join(&self.0, key) {
            return poll_fn(|context| {
                if let Some(outcome) = flight.outcome.get() {
                    return Poll::Ready(*outcome);
                }
                flight.waiting.lock().unwrap().push(context.waker().clone());
                Poll::Pending
            })
            .await;
        }
        let outcome = work.await;
        if let Some(flight) = self.0.lock().unwrap().remove(&key).flatten() {
            let _ = flight.outcome.set(outcome);
            flight.waiting.lock().unwrap().drain(..).for_each(Waker::wake);
        }
        outcome
    }
}

/// The least code that keeps what ours keeps: whoever is asked next takes over from a leader that leaves, and every call counts.
#[derive(Default)]
struct CountedFlights(Mutex<Map<SharedFlight>>);

#[derive(Default)]
struct SharedFlight(Mutex<Progress>);

#[derive(Default)]
struct Progress {
    outcome: Option<Result<u64, Busy>>,
    is_left: bool,
    waiting: Vec<Waker>,
}

/// The right to run, which goes to another caller unless it lands.
struct Lead<'a> {
    flights: &'a CountedFlights,
    key: u64,
    has_landed: bool,
}

impl CountedFlights {
    async fn run(&self, key: u64, work: impl Future<Output = Result<u64, Busy>>) -> Result<u64, Busy> {
        let mut ending = Ending::at(COALESCED);
        if let Some(flight) = join(&self.0, key) {
            JOINED.count();
            if let Some(outcome) = poll_fn(|context| flight.poll(context)).await {
                ending.end(outcome.is_ok());
                return outcome;
            }
        }
        let lead = Lead { flights: self, key, has_landed: false };
        let outcome = work.await;
        lead.land(outcome);
        ending.end(outcome.is_ok());
        outcome
    }
}

impl SharedFlight {
    /// Returns the outcome, or none to whoever is to run in place of a caller that has left.
    fn poll(&self, context: &Context<'_>) -> Poll<Option<Result<u64, Busy>>> {
        let mut progress = self.0.lock().unwrap();
        if progress.outcome.is_some() || mem::take(&mut progress.is_left) {
            return Poll::Ready(progress.outcome);
        }
        progress.waiting.push(context.waker().clone());
        Poll::Pending
    }

    fn wake_all(&self, change: impl FnOnce(&mut Progress)) {
        let waiting = {
            let mut progress = self.0.lock().unwrap();
            change(&mut progress);
            mem::take(&mut progress.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Lead<'_> {
    fn land(mut self, outcome: Result<u64, Busy>) {
        self.has_landed = true;
        if let Some(flight) = self.flights.0.lock().unwrap().remove(&self.key).flatten() {
            flight.wake_all(|progress| progress.outcome = Some(outcome));
        }
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if self.has_landed {
            return;
        }
        let mut flights = self.flights.0.lock().unwrap();
        match flights.get(&self.key).cloned().flatten() {
            Some(flight) => flight.wake_all(|progress| progress.is_left = true),
            None => drop(flights.remove(&self.key)),
        }
    }
}

const CALLERS: usize = 64;
const COALESCED: Place = Place(25);
const JOINED: Place = Place(27);
