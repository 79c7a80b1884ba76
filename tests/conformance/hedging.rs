//! Replays `hedging.toml` on the paused clock.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use resilient::Hedge;
use resilient_tests::{Alive, Error};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::table::{self, Script};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    after: Option<u64>,
    max: u32,
    /// The durations of earlier calls.
    seen: Vec<u64>,
    /// The durations of earlier calls that failed for good.
    #[serde(default)]
    failed: Vec<u64>,
    /// The bounds of the learnt delay, if the delay is learnt.
    delay: Option<[u64; 2]>,
    attempts: Vec<Attempt>,
    starts: Vec<u64>,
    ends: u64,
    winner: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attempt {
    takes: u64,
    #[serde(default, rename = "as")]
    how: How,
    pushback: Option<u64>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum How {
    #[default]
    Success,
    Transient,
    Throttled,
    Permanent,
}

impl Script for Replay {
    fn expects_something(&self) -> bool {
        !self.starts.is_empty()
    }
}

impl Attempt {
    async fn run(&self, number: usize) -> (usize, Result<(), Error>) {
        sleep(ms(self.takes)).await;
        let outcome = match self.how {
            How::Success => Ok(()),
            How::Transient => Err(Error::Down),
            How::Throttled => Err(Error::Busy { after: self.pushback.map(ms) }),
            How::Permanent => Err(Error::Gone),
        };
        (number, outcome)
    }
}

impl Replay {
    async fn run(&self) -> Result<(), String> {
        let hedge = Hedge::named("conformance").max(self.max).ratio(1.0);
        let hedge = match self.after {
            Some(delay) => hedge.after(ms(delay)),
            None => hedge,
        };
        for &time in &self.seen {
            let _ = hedge
                .run(|| async move {
                    sleep(ms(time)).await;
                    Ok::<_, Error>(())
                })
                .await;
        }
        for &time in &self.failed {
            let _ = hedge
                .run(|| async move {
                    sleep(ms(time)).await;
                    Err::<(), _>(Error::Gone)
                })
                .await;
        }
        self.check_delay(&hedge)?;

        let begun = Instant::now();
        let (number, alive, starts) = (AtomicUsize::new(0), AtomicU32::new(0), Mutex::new(Vec::new()));
        let attempt = || async {
            let _alive = Alive::new(&alive);
            let number = number.fetch_add(1, Ordering::SeqCst);
            starts.lock().unwrap().push(begun.elapsed().as_millis() as u64);
            match self.attempts.get(number) {
                Some(attempt) => attempt.run(number).await,
                None => (number, Err(Error::Gone)),
            }
        };
        let class = |outcome: &(usize, Result<(), Error>)| resilient::Outcome::class(&outcome.1);
        let (winner, _) = hedge.run_when(attempt, class).await;

        let (starts, ends) = (starts.into_inner().unwrap(), begun.elapsed().as_millis() as u64);
        if (&starts, ends, winner) != (&self.starts, self.ends, self.winner) {
            return Err(format!("attempt {winner} of those that started at {starts:?} ended the call at {ends}"));
        }
        match alive.load(Ordering::SeqCst) {
            0 => Ok(()),
            running => Err(format!("{running} attempts still run")),
        }
    }

    fn check_delay(&self, hedge: &Hedge) -> Result<(), String> {
        if self.after.is_some() {
            return Ok(());
        }
        let found = hedge.delay();
        let is_right = match (self.delay, found) {
            (Some([least, most]), Some(delay)) => (ms(least)..=ms(most)).contains(&delay),
            (None, None) => true,
            _ => false,
        };
        if is_right { Ok(()) } else { Err(format!("the delay is {found:?}")) }
    }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn hedging_does_what_other_projects_settled() {
    let cases = table::read::<Replay>(include_str!("hedging.toml")).unwrap();

    table::replay(&cases, Replay::run).await;
}
