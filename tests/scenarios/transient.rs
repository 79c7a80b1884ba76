//! S3: attempts fail now and then, each for itself or all of them for a moment.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::baselines::{Naive, NoPolicy, Tower};
use resilient_scenarios::calls::{Client, SLO, Wire};
use resilient_scenarios::drive::{self, Plan, SEEDS};
use resilient_scenarios::recoveries::{Recoveries, Watched, Watching};
use resilient_scenarios::report::Table;
use resilient_scenarios::transient::{COLUMNS, Figures, Ours, RATE, Trouble};

use crate::page;

#[test]
fn what_fails_for_a_moment_is_recovered_within_three_retries() {
    let tables = thread::scope(|threads| {
        let ours = threads.spawn(ours_in_every_trouble);
        let others = threads.spawn(|| [Trouble::Each(0.05), Trouble::Burst(50)].map(beside_others));
        let [each, bursts] = others.join().expect("they run");
        [ours.join().expect("it recovers"), each, bursts]
    });
    page::publish("S3", &tables);
}

fn ours_in_every_trouble() -> Table {
    let mut table = Table::new("Our stack", &[&["trouble", "calls a second"], &COLUMNS[..]].concat());
    let usual = Trouble::ALL.map(|trouble| (trouble, RATE));
    for (trouble, rate) in usual.into_iter().chain([(Trouble::Each(0.20), 2_000.0)]) {
        let figures = worst(trouble, rate, Ours::new);
        assert!(figures.recovered >= trouble.least_recovered(), "{trouble}: {figures:?}");
        assert!(figures.amplification <= trouble.most_attempts(), "{trouble}: {figures:?}");
        table.row([trouble.to_string(), format!("{rate:.0}")].into_iter().chain(figures.cells()).collect());
    }
    table
}

fn beside_others(trouble: Trouble) -> Table {
    let title = format!("Beside others: {trouble}, {RATE:.0} calls a second");
    let mut table = Table::new(title, &[&["client"], &COLUMNS[..]].concat());
    let rows = [
        ("no policy", worst(trouble, RATE, NoPolicy)),
        ("naive retry", worst(trouble, RATE, Naive)),
        ("tower", worst(trouble, RATE, Tower::new)),
        ("**ours**", worst(trouble, RATE, Ours::new)),
    ];
    for (client, figures) in rows {
        table.row([client.to_owned()].into_iter().chain(figures.cells()).collect());
    }
    table
}

fn worst<C: Client>(trouble: Trouble, rate: f64, client: impl Fn(Watched<Wire>) -> C) -> Figures {
    let figures = SEEDS.map(|seed| run(seed, trouble, rate, &client));
    figures.into_iter().reduce(Figures::worse).expect("there are seeds")
}

fn run<C: Client>(seed: u64, trouble: Trouble, rate: f64, client: impl Fn(Watched<Wire>) -> C) -> Figures {
    let recoveries = Arc::<Recoveries>::default();
    let stretches = vec![Stretch { rate, time: TIME }];
    // one client of a server with room for all
    let plan = Plan { setup: trouble.setup(seed, rate, TIME), stretches, clients: 1, slo: SLO };
    let run = drive::run(seed, &plan, |wire| Watching::new(client(Watched(wire)), &recoveries));
    assert!(recoveries.failed() > 30, "there is something to recover from");
    Figures::of(&run, &recoveries)
}

const TIME: Duration = Duration::from_secs(21);
