//! S2: ten times the calls, for ten seconds.

use std::time::Duration;

use resilient::{CircuitBreaker, Retry, circuit_breaker, retry, timeout};

use crate::arrivals::Stretch;
use crate::baselines::{Naive, NoPolicy, Tower};
use crate::calls::{CallError, Client, Wire};
use crate::drive::{Plan, run};
use crate::server::{OnLeave,Setup};
use crate::report::*;

struct Ours {
    wire: Wire,
    retry: Retry,
    breaker: CircuitBreaker,
}

impl Ours {
    #[timeout(total = "1s")]
    #[retry(with = self.retry)]
    #[circuit_breaker(with = self.breaker)]
    #[timeout(attempt = "500ms")]
    async fn fetch(&self) -> Result<(), CallError> {
        self.wire.send().await
    }
}

impl Client for Ours {
    async fn call(&self) -> Result<(), CallError> {
        self.fetch().await
    }
}

#[test]
fn measure() {
    let s = Duration::from_secs;
  for on_leave in [OnLeave::Stop, OnLeave::GoOn] { for shed_at in [None, Some(100)] { for rho in [0.4, 0.7] {
    let setup = Setup{on_leave, shed_at, ..Setup::of(10)};
    let mu = setup.capacity();
    let fault = Fault { from: s(2), until: s(7), capacity: mu };
    let plan = Plan {
        setup,
        stretches: vec![
            Stretch { rate: rho * mu, time: s(2) },
            Stretch { rate: 10.0 *rho* mu, time: s(5) },
            Stretch { rate: rho * mu, time: s(8) },
        ],
        clients: 1,
    };
    let mut table = Table::of_faults(format!("{on_leave:?} {shed_at:?} {rho}"));
    let t = std::time::Instant::now();
    table.figures("none", Figures::of(&run(1, &plan, NoPolicy), fault));
    table.figures("naive", Figures::of(&run(1, &plan, Naive), fault));
    table.figures("tower", Figures::of(&run(1, &plan, Tower::new), fault));
    table.figures("ours", Figures::of(&run(1, &plan, 
    |wire| Ours { wire, retry: Retry::named("fetch"), breaker: CircuitBreaker::named("fetch") }), fault));
    println!("{}{:?}", table.to_markdown(), t.elapsed());
    }}}
}
