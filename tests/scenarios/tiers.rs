//! S9: three tiers, each of which tries four times, and the last at half its capacity.

use std::sync::Arc;
use std::time::Duration;

use resilient::{CircuitBreaker, Deadline, Retry, circuit_breaker, retry, timeout};
use tokio::task::JoinHandle;

use crate::arrivals::Stretch;
use crate::calls::{CallError, Client, SLO, Wire};
use crate::drive::{Plan, Run, run};
use crate::report::{Fault, Figures, Table};
use crate::server::{OnLeave, Setup};

/// A tier as its callers see it: a request with a deadline header, and a task of its own.
trait Tier: Client + Sized {
    fn serve(self: &Arc<Self>, deadline: Option<String>, on_leave: OnLeave) -> Serving {
        let tier = Arc::clone(self);
        let work = async move {
            match deadline.as_deref().map(Deadline::from_header) {
                Some(Ok(deadline)) => deadline.scope(tier.call()).await,
                _ => tier.call().await,
            }
        };
        Serving { task: tokio::spawn(work), on_leave }
    }
}

impl<C: Client> Tier for C {}

/// The task of a request. It is stopped when the caller goes away, if the tier watches for that.
struct Serving {
    task: JoinHandle<Result<(), CallError>>,
    on_leave: OnLeave,
}

impl Serving {
    async fn reply(mut self) -> Result<(), CallError> {
        (&mut self.task).await.expect("nothing panics")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if self.on_leave == OnLeave::Stop {
            self.task.abort();
        }
    }
}

/// What the tier below is.
enum Below {
    Last(Wire),
    Tier(Arc<Ours>, OnLeave),
}

struct Ours {
    below: Below,
    retry: Retry,
    breaker: CircuitBreaker,
}

impl Ours {
    fn new(below: Below) -> Self {
        Self { below, retry: Retry::named("fetch"), breaker: CircuitBreaker::named("fetch") }
    }

    #[timeout(total = "1s")]
    #[retry(with = self.retry)]
    #[circuit_breaker(with = self.breaker)]
    async fn fetch(&self) -> Result<(), CallError> {
        match &self.below {
            Below::Last(wire) => wire.send().await,
            Below::Tier(tier, on_leave) => {
                tier.serve(Deadline::current().map(Deadline::to_header), *on_leave).reply().await
            }
        }
    }
}

impl Client for Ours {
    async fn call(&self) -> Result<(), CallError> {
        self.fetch().await
    }
}

#[test]
fn measure_tiers() {
    let s = Duration::from_secs;
    for on_leave in [OnLeave::Stop, OnLeave::GoOn] {
        for shed_at in [None, Some(100)] {
            let full = Setup::of(10).capacity();
            let setup = Setup { on_leave, shed_at, ..Setup::of(5) };
            let fault = Fault { from: s(2), until: s(10), capacity: setup.capacity() };
            let plan = Plan { setup, stretches: vec![Stretch { rate: 0.8 * full, time: s(10) }], clients: 1 };
            let mut table = Table::of_faults(format!("{on_leave:?} {shed_at:?}"));
            let t = std::time::Instant::now();
            let r = run(1, &plan, |wire| {
                let mut tier = Ours::new(Below::Last(wire));
                for _ in 0..2 {
                    tier = Ours::new(Below::Tier(Arc::new(tier), on_leave));
                }
                tier
            });
            println!("{:?}", r.seen);
            table.figures("ours", Figures::of(&r, fault));
            println!("{}{:?}", table.to_markdown(), t.elapsed());
        }
    }
}
