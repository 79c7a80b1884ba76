//! S5: the servers become five times slower for some seconds.

use std::time::Duration;

use crate::page;
use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::baselines::{Naive, NoPolicy, Tower};
use resilient_scenarios::calls::SLO;
use resilient_scenarios::drive::{Plan, worst};
use resilient_scenarios::report::{Fault, Figures, Table};
use resilient_scenarios::server::{KINDS, OnLeave, Setup, Slow};
use resilient_scenarios::stack::{Unlimited, ours};

#[test]
fn a_brown_out_takes_no_more_than_it_takes_from_the_server() {
    let mut tables = Vec::new();
    for on_leave in [OnLeave::Stop, OnLeave::GoOn] {
        let one = brown_out(0.7, &Setup { on_leave, ..Setup::of(WORKERS) }, 1);
        let eight = Plan { clients: 8, ..one.clone() };
        let fault = fault(&one);
        let mut table = Table::of_faults(format!("Five times slower at ρ 0.7, a queue without end, {on_leave}"));
        table.figures("no policy", worst(&one, fault, NoPolicy));
        table.figures("naive retry", worst(&one, fault, Naive));
        table.figures("tower", worst(&one, fault, Tower::new));
        table.figures("tower, 8 clients", worst(&eight, fault, Tower::new));
        table.figures("retry, breaker, no limit", worst(&one, fault, Unlimited::new));
        for (name, plan) in [("**ours**", &one), ("**ours, 8 clients**", &eight)] {
            let figures = ours(plan, fault);
            survives(&figures);
            table.figures(name, figures);
        }
        tables.push(table);
    }
    let mut table = Table::of_faults("Our stack at ρ 0.4, and where the server sheds by itself");
    for (rho, kind) in [(0.4, KINDS[1]), (0.7, KINDS[2]), (0.7, KINDS[3])] {
        let setup = kind.with(WORKERS);
        for clients in [1, 8] {
            let plan = brown_out(rho, &setup, clients);
            let figures = ours(&plan, fault(&plan));
            survives(&figures);
            table.figures(&format!("ρ {rho}, {setup}, clients: {clients}"), figures);
        }
    }
    tables.push(table);
    page::publish("S5", &tables);
}

fn brown_out(rho: f64, setup: &Setup, clients: usize) -> Plan {
    let rate = rho * setup.capacity();
    let setup = Setup { slow: Some(Slow { from: BEFORE, until: BEFORE + SLOW, factor: FACTOR }), ..setup.clone() };
    Plan { setup, stretches: vec![Stretch { rate, time: BEFORE + SLOW + AFTER }], clients, slo: SLO }
}

fn fault(plan: &Plan) -> Fault {
    Fault { from: BEFORE, until: BEFORE + SLOW, capacity: plan.setup.capacity() / FACTOR }
}

fn survives(figures: &Figures) {
    assert!(figures.goodput >= 0.80, "{figures:?}");
    assert!(figures.recovery.is_some_and(|time| time <= Duration::from_secs(5)), "{figures:?}");
}

const WORKERS: u32 = 16;
const FACTOR: f64 = 5.0;
const BEFORE: Duration = Duration::from_secs(1);
const SLOW: Duration = Duration::from_secs(6);
const AFTER: Duration = Duration::from_millis(5_500);
