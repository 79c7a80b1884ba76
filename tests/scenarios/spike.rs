//! S2: ten times the calls for some seconds.

use std::time::Duration;

use crate::page;
use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::baselines::{Naive, NoPolicy, Tower};
use resilient_scenarios::calls::SLO;
use resilient_scenarios::drive::{Plan, worst};
use resilient_scenarios::report::{Fault, Figures, Table};
use resilient_scenarios::server::{KINDS, OnLeave, Setup};
use resilient_scenarios::stack::{Unlimited, ours};

#[test]
fn a_tenfold_spike_leaves_the_server_at_its_capacity_and_nothing_behind() {
    let mut tables = Vec::new();
    for on_leave in [OnLeave::Stop, OnLeave::GoOn] {
        let one = spike(0.7, SPIKE, Setup { on_leave, ..Setup::of(8) }, 1);
        let eight = Plan { clients: 8, ..one.clone() };
        let fault = fault(&one, SPIKE);
        let mut table = Table::of_faults(format!("Ten times ρ 0.7, a queue without end, {on_leave}"));
        table.figures("no policy", worst(&one, fault, NoPolicy));
        table.figures("naive retry", worst(&one, fault, Naive));
        table.figures("tower", worst(&one, fault, Tower::new));
        table.figures("tower, 8 clients", worst(&eight, fault, Tower::new));
        table.figures("retry, breaker, no limit", worst(&one, fault, Unlimited::new));
        for (name, plan) in [("**ours**", &one), ("**ours, 8 clients**", &eight)] {
            let figures = ours(plan, fault);
            survives(&figures, 1.0);
            table.figures(name, figures);
        }
        tables.push(table);
    }
    let mut table = Table::of_faults("Our stack at ten times ρ 0.4, and where the server sheds by itself");
    for (rho, kind) in [(0.4, KINDS[1]), (0.4, KINDS[3]), (0.7, KINDS[2]), (0.7, KINDS[3])] {
        let setup = kind.with(8);
        for clients in [1, 8] {
            let plan = spike(rho, SPIKE, setup.clone(), clients);
            let figures = ours(&plan, fault(&plan, SPIKE));
            survives(&figures, 1.0);
            table.figures(&format!("ρ {rho}, {setup}, clients: {clients}"), figures);
        }
    }
    tables.push(table);
    page::publish("S2", &tables);
}

/// A spike short enough for its calls to be served within their second is queued and served.
#[test]
fn a_spike_that_fits_under_the_deadline_is_gone_when_it_is_over() {
    let time = Duration::from_millis(300);
    let plan = spike(0.4, time, Setup::of(8), 1);

    let figures = ours(&plan, fault(&plan, time));

    assert!(figures.recovery.is_some_and(|time| time <= Duration::from_secs(1)), "{figures:?}");
    assert!(figures.late <= 0.001, "{figures:?}");
}

fn spike(rho: f64, time: Duration, setup: Setup, clients: usize) -> Plan {
    let usual = rho * setup.capacity();
    let stretches = vec![
        Stretch { rate: usual, time: BEFORE },
        Stretch { rate: 10.0 * usual, time },
        Stretch { rate: usual, time: AFTER },
    ];
    Plan { setup, stretches, clients, slo: SLO }
}

fn fault(plan: &Plan, time: Duration) -> Fault {
    Fault { from: BEFORE, until: BEFORE + time, capacity: plan.setup.capacity() }
}

fn survives(figures: &Figures, amplification: f64) {
    assert!(figures.goodput >= 0.80, "{figures:?}");
    assert!(figures.recovery.is_some_and(|time| time <= Duration::from_secs(10)), "{figures:?}");
    assert!(figures.amplification <= amplification, "{figures:?}");
}

const BEFORE: Duration = Duration::from_secs(1);
const SPIKE: Duration = Duration::from_secs(3);
const AFTER: Duration = Duration::from_millis(5_500);
