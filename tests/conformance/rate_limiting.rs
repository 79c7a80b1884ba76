//! Replays `rate_limiting.toml` on the paused clock.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use resilient::futures::RateAcquire;
use resilient::{Class, RateLimit, Reason, Throttle, permit::RatePermit};
use serde::Deserialize;
use tokio::time::Instant;

use crate::table::{self, Script};

/// A limit with the steps to take, or a throttle with the calls that it has seen. Times are milliseconds since the case began.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, untagged)]
enum Replay {
    Limit { limit: Rules, steps: Vec<Step> },
    Throttle { k: f64, seen: Vec<Seen> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    calls: u32,
    per: u64,
    burst: u32,
    #[serde(default)]
    max_wait: u64,
}

/// Asks for permits one after the other, keeps those that wait, and checks the last one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: u64,
    #[serde(default = "once")]
    ask: u32,
    expect: Expectation,
}

#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Expectation {
    /// The permit comes so many milliseconds after it was asked for; 0 is at once.
    Waits(u64),
    /// The permit is refused, and the rejection says that there is room in so many milliseconds.
    Refused(u64),
}

/// The share of the next calls that the throttle drops after so many requests and accepts, or the bounds of the share.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    requests: u32,
    accepts: u32,
    drops: [f64; 2],
}

const fn once() -> u32 {
    1
}

impl Script for Replay {
    fn expects_something(&self) -> bool {
        match self {
            Self::Limit { steps, .. } => !steps.is_empty(),
            Self::Throttle { seen, .. } => !seen.is_empty(),
        }
    }
}

impl Replay {
    async fn run(&self) -> Result<(), String> {
        match self {
            Self::Limit { limit, steps } => {
                let Rules { calls, per, burst, max_wait } = *limit;
                let limit = RateLimit::named("conformance")
                    .rate(calls, Duration::from_millis(per))
                    .burst(burst)
                    .max_wait(Duration::from_millis(max_wait));
                run(&limit, steps).await
            }
            Self::Throttle { k, seen } => seen.iter().try_for_each(|seen| seen.check(*k)),
        }
    }
}

async fn run(limit: &RateLimit, steps: &[Step]) -> Result<(), String> {
    let start = Instant::now();
    let at = |millis: u64| start + Duration::from_millis(millis);
    let mut waiting = Vec::new();
    let mut due: Vec<(u64, Option<Instant>)> = Vec::new();
    let mut steps = steps.iter().peekable();

    // one look a millisecond, as fine as the timers
    for millis in 0..=20_000 {
        tokio::time::sleep_until(at(millis)).await;
        let mut index = 0;
        while index < waiting.len() {
            match poll(&mut waiting[index]) {
                Poll::Pending => index += 1,
                Poll::Ready(outcome) => {
                    outcome.map_err(|rejection| format!("refused after a wait: {rejection}"))?.abandon();
                    drop(waiting.remove(index));
                    let (asked, slot) = due.remove(index);
                    if slot.is_some_and(|slot| slot != Instant::now()) {
                        return Err(format!("asked for at {asked}, it came at {millis}"));
                    }
                }
            }
        }
        while let Some(step) = steps.next_if(|step| step.at == millis) {
            for number in 1..=step.ask {
                let last = number == step.ask;
                let mut acquire = limit.acquire();
                match (poll(&mut acquire), step.expect) {
                    (Poll::Pending, Expectation::Waits(wait)) if wait > 0 || !last => {
                        waiting.push(acquire);
                        due.push((millis, last.then(|| at(millis + wait))));
                    }
                    (Poll::Ready(Ok(permit)), Expectation::Waits(wait)) if wait == 0 || !last => {
                        permit.abandon();
                    }
                    (Poll::Ready(Err(rejection)), Expectation::Refused(after))
                        if rejection.reason() == Reason::RateLimited { retry_after: Duration::from_millis(after) } => {}
                    (polled, expect) => {
                        return Err(format!("at {millis}, number {number}: {polled:?}, not {expect:?}"));
                    }
                }
            }
        }
    }
    if let Some((asked, _)) = due.iter().find(|(_, slot)| slot.is_some()) {
        return Err(format!("asked for at {asked}, it never came"));
    }
    Ok(())
}

/// Polls the permit once for each millisecond, as the replay does.
fn poll<'a>(acquire: &mut RateAcquire<'a>) -> Poll<Result<RatePermit<'a>, resilient::Error>> {
    Pin::new(acquire).poll(&mut Context::from_waker(Waker::noop()))
}

impl Seen {
    fn check(&self, k: f64) -> Result<(), String> {
        // the formula as published, which has no cap
        let throttle = Throttle::named("conformance").k(k).max_drop(1.0);
        // the throttle lets all of them through before the first has ended
        let permits: Vec<_> =
            (0..self.requests).map(|_| throttle.acquire().expect("nothing was refused yet")).collect();
        for (request, permit) in (0..).zip(permits) {
            let class = if request < self.accepts { Class::Success } else { Class::Throttled { after: None } };
            permit.settle_as(class, ());
        }
        let drops = throttle.excess();
        if (self.drops[0]..=self.drops[1]).contains(&drops) {
            return Ok(());
        }
        Err(format!("{} of {} drop {drops}, not {:?}", self.accepts, self.requests, self.drops))
    }
}

#[tokio::test(start_paused = true)]
async fn every_case_of_the_table_holds() {
    let cases = table::read::<Replay>(include_str!("rate_limiting.toml")).unwrap();

    table::replay(&cases, async |replay: &Replay| replay.run().await).await;
}
