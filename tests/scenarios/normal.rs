//! S7: nothing is wrong.

use std::time::Duration;

use crate::page;
use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::baselines::{NoPolicy, Tower};
use resilient_scenarios::calls::SLO;
use resilient_scenarios::drive::{Plan, worst};
use resilient_scenarios::report::{Fault, Figures, Table, millis, percent};
use resilient_scenarios::server::Setup;
use resilient_scenarios::stack::ours;

#[test]
fn nothing_is_refused_where_nothing_is_wrong() {
    let mut tables = Vec::new();
    for rho in [0.4, 0.6, 0.7, 0.8] {
        let columns = ["client", "refused", "late", "amplification", "occupancy", "p50", "p99"];
        let mut table = Table::new(format!("ρ {rho}"), &columns);
        let mut row = |name: &str, figures: &Figures| {
            table.row(vec![
                name.to_owned(),
                percent(figures.refused),
                percent(figures.late),
                format!("{:.3}", figures.amplification),
                if figures.occupancy == 0.0 { "–".to_owned() } else { percent(figures.occupancy) },
                millis(figures.p50),
                millis(figures.p99),
            ]);
        };
        let one = normal(rho, 1);
        row("no policy", &worst(&one, fault(&one), NoPolicy));
        row("tower", &worst(&one, fault(&one), Tower::new));
        for (name, clients) in [("**ours**", 1), ("**ours, 8 clients**", 8)] {
            let plan = normal(rho, clients);
            let figures = ours(&plan, fault(&plan));
            assert!(figures.refused <= 0.001, "ρ {rho}, clients: {clients}: {figures:?}");
            assert!(rho > 0.7 || figures.occupancy < 0.80, "ρ {rho}, clients: {clients}: {figures:?}");
            row(name, &figures);
        }
        tables.push(table);
    }
    page::publish("S7", &tables);
}

fn normal(rho: f64, clients: usize) -> Plan {
    let setup = Setup::of(8);
    let rate = rho * setup.capacity();
    Plan { setup, stretches: vec![Stretch { rate, time: TIME }], clients, slo: SLO }
}

fn fault(plan: &Plan) -> Fault {
    Fault { from: Duration::ZERO, until: TIME, capacity: plan.stretches[0].rate }
}

const TIME: Duration = Duration::from_secs(8);
