//! Replays `budgets.toml` on the paused clock.

use std::time::Duration;

use resilient::{Budget, Cost};
use serde::Deserialize;
use tokio::time::Instant;

use crate::table::{self, Script};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    budget: Rules,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    ratio: f64,
    reserve: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: f64,
    act: Act,
    times: u32,
    /// The number of extra attempts that were paid for, give or take one.
    granted: u32,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Act {
    /// A call that fails and asks for an extra attempt.
    CallAndRetry,
    /// Another extra attempt of a call under way.
    Retry,
    RetryAfterTimeout,
    RetryAfterThrottle,
}

impl Script for Replay {
    fn expects_something(&self) -> bool {
        !self.steps.is_empty()
    }
}

impl Replay {
    async fn run(&self) -> Result<(), String> {
        let start = Instant::now();
        let budget = Budget::new().ratio(self.budget.ratio).reserve(self.budget.reserve);
        for step in &self.steps {
            tokio::time::sleep_until(start + Duration::from_secs_f64(step.at)).await;
            let granted = (0..step.times).filter(|_| step.act.is_granted(&budget)).count();
            if granted.abs_diff(step.granted as usize) > 1 {
                return Err(format!("at {} s: {granted} were granted, not {}", step.at, step.granted));
            }
        }
        Ok(())
    }
}

impl Act {
    fn is_granted(self, budget: &Budget) -> bool {
        match self {
            Self::CallAndRetry => {
                budget.deposit();
                budget.withdraw(Cost::Failure)
            }
            Self::Retry => budget.withdraw(Cost::Failure),
            Self::RetryAfterTimeout => budget.withdraw(Cost::Timeout),
            Self::RetryAfterThrottle => budget.withdraw(Cost::Throttle),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_case_of_the_table_holds() {
    let cases = table::read::<Replay>(include_str!("budgets.toml")).unwrap();

    table::replay(&cases, async |replay: &Replay| replay.run().await).await;
}
