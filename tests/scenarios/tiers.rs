//! S9: three tiers, each of which tries four times, and the last at half its capacity.

use std::sync::Arc;
use std::time::Duration;

use resilient::Deadline;
use tokio::task::JoinHandle;

use crate::page;
use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::baselines::{Naive, NoPolicy, Tower};
use resilient_scenarios::calls::{CallError, Client, DUE, SLO, Target, Wire};
use resilient_scenarios::drive::{Plan, SEEDS, run};
use resilient_scenarios::report::{Fault, Figures, Table, millis, percent};
use resilient_scenarios::server::{KINDS, OnLeave, Setup};
use resilient_scenarios::stack::{Ours, Unlimited};

#[test]
fn three_tiers_of_retries_do_not_multiply() {
    let mut tables = Vec::new();
    for setup in KINDS.map(|kind| kind.with(4)) {
        let mut table = Table::new(
            format!("{setup}"),
            &["client", "goodput", "amplification", "begun too late", "wasted", "p50", "p99", "refused", "late"],
        );
        let unlimited = setup.shed_at.is_none();
        tiered(&mut table, "no policy", &setup, NoPolicy);
        if unlimited {
            tiered(&mut table, "naive retry", &setup, Naive);
        }
        tiered(&mut table, "tower", &setup, Tower::new);
        tiered(&mut table, "retry, breaker, no limit", &setup, Unlimited::new);
        let (figures, begun_late) = tiered(&mut table, "**ours**", &setup, |link| Ours::sharing(link, 8, 1));
        assert!(figures.amplification <= 1.3, "{setup}: {figures:?}");
        assert_eq!(begun_late, 0, "{setup}: begun after the deadline");
        tables.push(table);
    }
    page::publish("S9", &tables);
}

/// Returns the worst figures of three tiers of one kind of client, and the number of attempts begun after their calls' ends.
fn tiered<C: Client>(table: &mut Table, name: &str, setup: &Setup, client: impl Fn(Link) -> C) -> (Figures, u64) {
    // Four of eight workers are left, and the rate is one that eight workers could serve well.
    let rate = 0.8 * 2.0 * setup.capacity();
    let plan = Plan { setup: setup.clone(), stretches: vec![Stretch { rate, time: TIME }], clients: 1, slo: SLO };
    let fault = Fault { from: Duration::from_secs(2), until: TIME, capacity: setup.capacity() };
    let runs = SEEDS.map(|seed| {
        let run = run(seed, &plan, |wire| {
            let last = client(Link::to_server(wire));
            let middle = client(Link::to_tier(last, setup.on_leave));
            client(Link::to_tier(middle, setup.on_leave))
        });
        (Figures::of(&run, fault), run.seen.begun_late)
    });
    let (figures, late) = runs.into_iter().reduce(|one, two| (one.0.worse(two.0), one.1.max(two.1))).expect("seeds");
    table.row(vec![
        name.to_owned(),
        percent(figures.goodput),
        format!("{:.2}", figures.amplification),
        late.to_string(),
        percent(figures.wasted),
        millis(figures.p50),
        millis(figures.p99),
        percent(figures.refused),
        percent(figures.late),
    ]);
    (figures, late)
}

/// The next step of a tier: the tier below it, or the server at the end.
struct Link(Box<dyn Fn() -> Attempt + Send + Sync>);

type Attempt = std::pin::Pin<Box<dyn Future<Output = Result<(), CallError>> + Send>>;

impl Link {
    fn to_server(wire: Wire) -> Self {
        Self(Box::new(move || {
            let wire = wire.clone();
            Box::pin(async move { wire.send().await })
        }))
    }

    /// Returns a link to a tier. A request carries the deadline in a header, and a task of its own runs it under that deadline.
    fn to_tier<C: Client>(tier: C, on_leave: OnLeave) -> Self {
        let tier = Arc::new(tier);
        Self(Box::new(move || {
            let tier = Arc::clone(&tier);
            Box::pin(async move {
                let header = Deadline::current().map(Deadline::to_header);
                let work = async move {
                    match header.as_deref().map(Deadline::from_header) {
                        Some(Ok(deadline)) => deadline.scope(tier.call()).await,
                        _ => tier.call().await,
                    }
                };
                Request { task: tokio::spawn(DUE.scope(DUE.get(), work)), on_leave }.reply().await
            })
        }))
    }
}

impl Target for Link {
    async fn send(&self) -> Result<(), CallError> {
        (self.0)().await
    }
}

/// The task of a request. It is stopped when the caller goes away, if the tier watches for that.
struct Request {
    task: JoinHandle<Result<(), CallError>>,
    on_leave: OnLeave,
}

impl Request {
    /// Waits for the answer of the tier. The tier's own rejections are errors of a server to the caller.
    async fn reply(mut self) -> Result<(), CallError> {
        (&mut self.task).await.expect("nothing panics").map_err(|error| match error {
            CallError::Refused(rejection) if !rejection.ends_the_call() => CallError::Busy,
            CallError::Refused(_) | CallError::Late => CallError::Late,
            error => error,
        })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if self.on_leave == OnLeave::Stop {
            self.task.abort();
        }
    }
}

const TIME: Duration = Duration::from_secs(8);
