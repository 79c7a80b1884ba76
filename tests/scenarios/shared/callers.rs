//! The callers of a provider that throttles: ours, and the callers to compare them with.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use resilient::{RateLimit, Retry, rate_limit, retry, timeout};
use tokio::time::sleep;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

use crate::baselines::error_of_tower;
use crate::calls::{CallError, Client, SLO};
use crate::provider::Answers;

/// The policies that the eight callers share.
pub struct Ours<T> {
    provider: T,
    retry: Retry,
    limit: RateLimit,
}

impl<T: Answers> Ours<T> {
    /// Returns a client with policies of its own.
    pub fn new(provider: T) -> Self {
        let second = Duration::from_secs(1);
        let limit = RateLimit::named("search").rate(100, second).burst(10).max_wait(Duration::from_millis(100));
        Self { provider, retry: Retry::named("search").max(2), limit: limit.max_pause(CAP) }
    }

    #[timeout(total = "1s")]
    #[retry(with = self.retry)]
    #[rate_limit(with = self.limit)]
    async fn search(&self) -> Result<Response<()>, CallError> {
        self.provider.answer().await
    }
}

impl<T: Answers> Client for Ours<T> {
    async fn call(&self) -> Result<(), CallError> {
        read(&self.search().await?)
    }
}

/// The same client with a limit that sees refusals and no headers.
pub struct ByErrors<T>(pub Ours<T>);

impl<T: Answers> ByErrors<T> {
    #[timeout(total = "1s")]
    #[retry(with = self.0.retry)]
    #[rate_limit(with = self.0.limit)]
    async fn search(&self) -> Result<(), CallError> {
        read(&self.0.provider.answer().await?)
    }
}

impl<T: Answers> Client for ByErrors<T> {
    async fn call(&self) -> Result<(), CallError> {
        self.search().await
    }
}

/// Reads an answer by hand.
fn read(response: &Response<()>) -> Result<(), CallError> {
    if response.status() == StatusCode::OK {
        return Ok(());
    }
    let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    Err(CallError::Later { after: Duration::from_secs(seconds.unwrap_or(1)) })
}

/// Makes one attempt and no more.
pub struct NoPolicy<T>(pub T);

impl<T: Answers> Client for NoPolicy<T> {
    async fn call(&self) -> Result<(), CallError> {
        read(&self.0.answer().await?)
    }
}

/// Makes up to three more attempts, each after the time that the provider names to this caller.
pub struct Naive<T>(pub T);

impl<T: Answers> Client for Naive<T> {
    async fn call(&self) -> Result<(), CallError> {
        let mut retries = 0;
        loop {
            match read(&self.0.answer().await?) {
                Err(CallError::Later { after }) if retries < 3 => sleep(after).await,
                outcome => return outcome,
            }
            retries += 1;
        }
    }
}

/// Tower's layers: a queue of 50, a hundred calls in each second, and two more attempts after the time that the provider names.
pub struct Tower(BoxCloneSyncService<(), (), CallError>);

impl Tower {
    /// Returns a client with policies of its own.
    pub fn new(provider: impl Answers) -> Self {
        let provider = Arc::new(provider);
        let service = ServiceBuilder::new()
            .load_shed()
            .timeout(SLO)
            .retry(Later(2))
            .map_err(error_of_tower)
            .buffer(50)
            .rate_limit(100, Duration::from_secs(1))
            .service_fn(move |()| {
                let provider = Arc::clone(&provider);
                async move { read(&provider.answer().await?) }
            });
        Self(BoxCloneSyncService::new(service.map_err(error_of_tower)))
    }
}

impl Client for Tower {
    async fn call(&self) -> Result<(), CallError> {
        self.0.clone().oneshot(()).await
    }
}

#[derive(Clone)]
struct Later(u32);

impl tower::retry::Policy<(), (), CallError> for Later {
    type Future = tokio::time::Sleep;

    fn retry(&mut self, (): &mut (), result: &mut Result<(), CallError>) -> Option<Self::Future> {
        let Err(CallError::Later { after }) = result else { return None };
        self.0 = self.0.checked_sub(1)?;
        Some(sleep(*after))
    }

    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}

/// The longest pause that the provider can ask for.
pub const CAP: Duration = Duration::from_secs(3);
