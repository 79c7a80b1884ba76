//! S1: a search of eight providers at once, hedged and not.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::calls::{CallError, Client};
use resilient_scenarios::drive::{Call, Plan};
use resilient_scenarios::report::{Table, percent};
use resilient_scenarios::search::{
    self, Answer, COLUMNS, Figures, Hedged, JoinAll, PLAIN, PROVIDERS, RATE, Search, SearchError, WORKERS, is_complete,
    signed,
};
use resilient_scenarios::server::{OnLeave, Server, Setup};

use crate::books::Books;
use crate::cli::{Args, Scenario};
use crate::lanes::{self, Job};
use crate::page::Section;
use crate::plot::{Plot as Drawn, Tail};
use crate::trial::{self, Measured};
use crate::verdict::Check;
use crate::wire::{self, Wire};

/// The clients that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    JoinAll,
    WithoutLimits,
    Ours,
}

/// A table: its providers, its clients, and the change of p99 that ours must and should have.
struct Case {
    title: String,
    plan: Plan,
    kinds: &'static [Kind],
    change: [f64; 2],
}

/// The record of a run, and the number of answers that were not the provider's to that search.
struct Searched {
    measured: Measured,
    wrong: u64,
}

pub(crate) fn section(args: &Args) -> Section {
    let cases = cases(args.quick);
    let jobs = cases.iter().flat_map(|Case { plan, kinds, .. }| {
        kinds.iter().flat_map(move |&kind| {
            args.seeds.iter().map(move |&seed| {
                let plan = plan.clone();
                Box::new(move || kind.run(seed + OTHER, &plan)) as Job<Searched>
            })
        })
    });
    let runs = lanes::run(6, Duration::from_millis(100), jobs.collect());

    let mut runs = runs.chunks(args.seeds.len());
    let (mut tables, mut checks, mut tails, mut imbalances) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Case { title, plan, kinds, change } in &cases {
        let of_kinds: Vec<(Kind, &[Searched])> = kinds.iter().copied().zip(&mut runs).collect();
        let figures = |(_, runs): &(Kind, &[Searched])| {
            let figures = runs.iter().map(Searched::figures).reduce(Figures::worse);
            figures.expect("there is a seed")
        };
        let plain = figures(&of_kinds[0]);
        let mut table = Table::new(title.clone(), &COLUMNS);
        for row @ (kind, runs) in &of_kinds {
            table.row(figures(row).row(kind.name(), plain));
            let imbalance = |run: &Searched| Some(format!("{title}, {}: {}", kind.name(), run.imbalance(*kind, plan)?));
            imbalances.extend(runs.iter().filter_map(imbalance));
        }
        let ours = figures(&of_kinds[kinds.len() - 1]);
        let [must, aim] = *change;
        checks.push(Check::most(format!("{title}: p99"), ours.change(plain), must, aim, signed));
        checks.push(Check::least(
            format!("{title}: heard from all"),
            ours.complete,
            plain.complete,
            plain.complete,
            percent,
        ));
        checks.push(Check::most(format!("{title}: extra requests"), ours.extra, 0.05, 0.05, percent));
        let calls = |index: usize| &*of_kinds[index].1[0].measured.run.calls;
        tails.push(Tail::of(title.clone(), calls(0), calls(kinds.len() - 1)));
        tables.push(table);
    }
    checks.push(Check::books("S1: the books", imbalances));
    Section { scenario: Scenario::S1, what: WHAT, tables, checks, plot: Drawn::Tails(tails) }
}

/// Returns the tables. A p99 over HTTP is that of some hundred searches, so it may be a tenth longer where nothing is to be gained.
fn cases(quick: bool) -> Vec<Case> {
    let time = Duration::from_secs(if quick { 6 } else { 12 });
    let case = |title: &str, tail, correlation, change| Case {
        title: title.to_owned(),
        plan: plan(Setup { tail, correlation, ..Setup::of(WORKERS) }, RATE, time),
        kinds: &[Kind::JoinAll, Kind::Ours],
        change,
    };
    let mut cases = vec![case("D0: one in thirty takes far longer", true, 0.0, [-0.20, -0.60])];
    if quick {
        return cases;
    }
    cases.push(case("D3: a second attempt takes as long as the first in one case of five", true, 0.2, [-0.20, -0.40]));
    cases.push(case("D2: none takes far longer", false, 0.0, [0.10, 0.05]));
    let busy = Setup { on_leave: OnLeave::GoOn, ..Setup::of(2) };
    let rate = 0.7 * busy.capacity();
    cases.push(Case {
        title: "ρ 0.7, with two workers a provider".to_owned(),
        plan: plan(busy, rate, time),
        kinds: &[Kind::JoinAll, Kind::WithoutLimits, Kind::Ours],
        change: [0.10, 0.05],
    });
    cases
}

/// Returns the load and the setup of each provider. All searches but those of the worst client end within the time.
fn plan(setup: Setup, rate: f64, time: Duration) -> Plan {
    Plan { setup, stretches: vec![Stretch { rate, time }], clients: 1, slo: Duration::from_secs(3) }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::JoinAll => PLAIN,
            Self::WithoutLimits => "hedge without limits",
            Self::Ours => "**ours**",
        }
    }

    fn run(self, seed: u64, plan: &Plan) -> Searched {
        match self {
            Self::JoinAll => run(seed, plan, JoinAll),
            Self::WithoutLimits => run(seed, plan, Hedged::without_limits()),
            Self::Ours => run(seed, plan, Hedged::ours(plan.setup.workers)),
        }
    }
}

impl Searched {
    fn figures(&self) -> Figures {
        let run = &self.measured.run;
        Figures::of(run.calls.iter().filter_map(Call::latency).collect(), run.calls.len(), run.attempts)
    }

    fn imbalance(&self, kind: Kind, plan: &Plan) -> Option<String> {
        let inside = self.measured.run.seen.inside;
        let works_on = plan.setup.on_leave == OnLeave::Stop && inside > 0;
        let wrong = [
            (self.wrong > 0, format!("{} answers were to another search", self.wrong)),
            (works_on, format!("the servers still work on {inside} requests")),
        ];
        let lost = if kind == Kind::Ours { 0 } else { u64::MAX };
        let books = self.measured.imbalance_with(lost);
        books.or_else(|| wrong.into_iter().find_map(|(is_wrong, what)| is_wrong.then_some(what)))
    }
}

/// The eight providers over HTTP.
struct Wires(Vec<Wire>);

impl search::Providers for Wires {
    async fn ask(&self, search: u64, provider: usize) -> Answer {
        let response = self.0[provider].get(&search.to_string()).await.map_err(|_| SearchError::Lost)?;
        match response.status() {
            StatusCode::OK => response.text().await.ok().and_then(|text| text.parse().ok()).ok_or(SearchError::Lost),
            StatusCode::NOT_FOUND => Err(SearchError::Unknown),
            _ => Err(SearchError::Lost),
        }
    }
}

/// A client whose calls are searches. A search that has not heard from all is a call that failed.
struct Searching<S> {
    search: S,
    wires: Wires,
    number: AtomicU64,
    wrong: Arc<AtomicU64>,
}

impl<S: Search> Client for Searching<S> {
    async fn call(&self) -> Result<(), CallError> {
        let number = self.number.fetch_add(1, Relaxed);
        let answers = self.search.search(&self.wires, number).await;
        if !is_complete(&answers) {
            return Err(CallError::Lost);
        }
        let wrong =
            (0..).zip(&answers).filter(|(provider, found)| **found != search::answer(number, *provider)).count();
        self.wrong.fetch_add(wrong as u64, Relaxed);
        Ok(())
    }
}

fn run<S: Search>(seed: u64, plan: &Plan, search: S) -> Searched {
    let wrong = Arc::default();
    let client =
        |wires| Searching { search, wires: Wires(wires), number: AtomicU64::new(0), wrong: Arc::clone(&wrong) };
    let measured = trial::among(PROVIDERS, seed, plan, providing, client);
    Searched { measured, wrong: wrong.load(Relaxed) }
}

/// Returns the route of a provider.
fn providing(provider: usize, server: Arc<Server>, books: Arc<Books>) -> Router {
    let handler = async move |Path(search): Path<u64>, headers: HeaderMap| -> Response {
        wire::arrived(&headers, &books);
        match (server.serve_copy(search).await, search::answer(search, provider)) {
            (Ok(()), Ok(number)) => number.to_string().into_response(),
            (Ok(()), Err(_)) => StatusCode::NOT_FOUND.into_response(),
            (Err(_), _) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    };
    Router::new().route("/{search}", get(handler))
}

/// The distance of the seeds to those of the tests, with which the hedge was made.
const OTHER: u64 = 1_000;
const WHAT: &str = "Each search asks eight servers and waits for all of them; one answer in twenty is a 404, which no further \
    attempt mends. A search that does not hear from all eight counts as one that never ends, so that the times are compared at \
    equal completeness. The seeds are others than those of the tests. The plot has the times of the slowest tenth of the searches, \
    those of `join_all` in grey and ours in blue.";

/// Searches so briefly that the hedge has nothing to go by, and checks answers and books.
#[test]
fn searches_over_http_get_the_answers_to_their_own_questions() {
    for kind in [Kind::JoinAll, Kind::Ours] {
        let plan = plan(Setup { tail: false, ..Setup::of(WORKERS) }, RATE, Duration::from_millis(500));

        let searched = kind.run(1, &plan);

        assert_eq!(searched.imbalance(kind, &plan), None);
        assert!(
            searched.figures().complete > 0.99 && searched.measured.run.attempts >= 8 * 20,
            "{:?}",
            searched.figures()
        );
    }
}
