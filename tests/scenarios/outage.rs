//! S4: the server is down for ten seconds.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::page;
use resilient_scenarios::arrivals::{Stretch, poisson};
use resilient_scenarios::calls::{CallError, Target};
use resilient_scenarios::drive::{SEEDS, open_loop};
use resilient_scenarios::outage::{Attempts, Fault, Figures, Fleet, Guarded, Noted, RATE};
use resilient_scenarios::report::{Table, millis, percent};

#[test]
fn an_outage_is_seen_at_once_and_its_end_too() {
    let tables = thread::scope(|threads| {
        let tables = Fault::ALL.map(|fault| threads.spawn(move || table(fault)));
        tables.map(|table| table.join().expect("it survives"))
    });
    page::publish("S4", &tables);
}

fn table(fault: Fault) -> Table {
    let columns = ["clients", "let through after 0.5 s", "let through in all", "recovery"];
    let mut table = Table::new(fault.title(), &columns);
    for fleet in Fleet::ALL {
        let figures = SEEDS.map(|seed| outage(seed, fault, fleet)).into_iter().reduce(Figures::worse);
        let figures = figures.expect("there are seeds");
        assert!(figures.late_attempts <= 0.10, "{figures:?}");
        assert!(figures.recovery.is_some_and(|time| time <= Duration::from_millis(1_500)), "{figures:?}");
        table.row(vec![
            fleet.name(),
            percent(figures.late_attempts),
            percent(figures.attempts),
            figures.recovery.map_or_else(|| "never".to_owned(), millis),
        ]);
    }
    table
}

/// The server, as one of its clients sees it.
#[derive(Debug, Clone)]
struct Server {
    start: Instant,
    fault: Fault,
}

impl Target for Server {
    async fn send(&self) -> Result<(), CallError> {
        if !(BEFORE..BEFORE + OUTAGE).contains(&self.start.elapsed()) {
            sleep(USUAL).await;
            return Ok(());
        }
        match self.fault {
            Fault::Answers => sleep(USUAL).await,
            Fault::Refuses => {}
            Fault::Hangs => std::future::pending().await,
        }
        Err(CallError::Lost)
    }
}

fn outage(seed: u64, fault: Fault, fleet: Fleet) -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    resilient::test::seed(seed);
    runtime.block_on(async {
        let server = Server { start: Instant::now(), fault };
        let (attempts, breaker) = (Attempts::begin(), fleet.breakers());
        let client = |_| Arc::new(Guarded::new(Noted::new(server.clone(), &attempts), breaker()));
        let clients: Vec<_> = (0..fleet.clients()).map(client).collect();
        let arrivals = poisson(seed, &[Stretch { rate: RATE, time: BEFORE + OUTAGE + AFTER }]);

        let calls = open_loop(&arrivals, &clients, || {}).await;

        Figures::of(&calls, &attempts, (BEFORE, BEFORE + OUTAGE), LATE)
    })
}

const USUAL: Duration = Duration::from_millis(15);
const BEFORE: Duration = Duration::from_secs(40);
const OUTAGE: Duration = Duration::from_secs(10);
const AFTER: Duration = Duration::from_secs(7);
const LATE: Duration = Duration::from_millis(500);
