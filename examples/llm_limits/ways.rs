//! The ways to call the API at its limits.

use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use resilient::http::{CallError, Response as _, by_response, dialect};
use resilient::{rate_limit, retry};
use tokio::time::sleep;

use crate::api::{Api, ChatResponse, Question, scatter};
use crate::server::{REQUESTS, TOKENS};

/// A way to have a question answered.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) ask: fn(Arc<Api>, Question) -> BoxFuture<'static, ()>,
    /// Set for the way that the example is about.
    pub(crate) has_goals: bool,
}

pub(crate) static WAYS: &[Way] = &[
    Way { name: "retries with back-off", ask: |api, question| with_backoff(api, question).boxed(), has_goals: false },
    Way { name: "governor, requests", ask: |api, question| governed(api, question).boxed(), has_goals: false },
    Way {
        name: "governor, requests and estimated tokens",
        ask: |api, question| governed_by_estimate(api, question).boxed(),
        has_goals: false,
    },
    Way {
        name: "`#[rate_limit]` for requests and for tokens",
        ask: |api, question| attributed(api, question).boxed(),
        has_goals: true,
    },
];

/// The attributes: an estimate is taken before the call, and its cost settles it. Headers and waits of the server correct both limits.
#[retry(max = 5, when = by_response)]
#[rate_limit("90000/4s", name = "tokens", max_wait = "30s", dialect = dialect::OPENAI_TOKENS,
    weight = question.estimate(), cost = |answer| answer.tokens)]
#[rate_limit("600/4s", name = "requests", burst = 600, max_wait = "30s", dialect = dialect::OPENAI_REQUESTS)]
async fn ask(api: &Api, question: Question) -> Result<ChatResponse, CallError> {
    api.send(question).await
}

async fn attributed(api: Arc<Api>, question: Question) {
    let _ = ask(&api, question).await;
}

/// Tries again after 429, later and later.
async fn with_backoff(api: Arc<Api>, question: Question) {
    let (mut longest, mut attempt) = (Duration::from_millis(100), 0);
    while api.send(question).await.is_ok_and(|response| response.status().as_u16() == 429) {
        attempt += 1;
        let jitter = scatter(question.id ^ attempt << 32) % 500;
        sleep(longest.mul_f64(1.0 - jitter as f64 / 1_000.0)).await;
        longest = (longest * 2).min(Duration::from_secs(4));
    }
}

/// The same behind a limit on requests.
async fn governed(api: Arc<Api>, question: Question) {
    static LIMIT: LazyLock<DefaultDirectRateLimiter> = LazyLock::new(|| limiter(REQUESTS));
    LIMIT.until_ready().await;
    with_backoff(api, question).await;
}

/// The same behind limits on both, by the estimate, which is all that there is before the call.
async fn governed_by_estimate(api: Arc<Api>, question: Question) {
    static LIMIT: LazyLock<[DefaultDirectRateLimiter; 2]> = LazyLock::new(|| [limiter(REQUESTS), limiter(TOKENS)]);
    let [requests, tokens] = &*LIMIT;
    let estimate = u32::try_from(question.estimate()).ok().and_then(NonZeroU32::new).expect("hundreds of tokens");
    tokens.until_n_ready(estimate).await.expect("less than the burst");
    requests.until_ready().await;
    with_backoff(api, question).await;
}

/// So many in each of the server's minutes, and as many at once.
fn limiter(size: u32) -> DefaultDirectRateLimiter {
    let size = NonZeroU32::new(size).expect("a size");
    let each = Duration::from_secs(4) / size.get();
    RateLimiter::direct(Quota::with_period(each).expect("a time").allow_burst(size))
}
