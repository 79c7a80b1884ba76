// @generated from the case beside it
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use resilient::hedge;
use crate::support::Error;
pub async fn search(replicas: &AtomicU64, word: &str) -> Result<String, Error> {
    let hedge = {
        static POLICY: ::resilient::Hedge = ::resilient::Hedge::named("search");
        &POLICY
    };
    let attempt = hedge
        .run(|| async {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<String, Error>,
            > {
                return outcome;
            }
            let time = replicas.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(time)).await;
            Ok(word.to_uppercase())
        });
    attempt.await
}
pub async fn transcript() -> String {
    let replicas = AtomicU64::new(10);
    format!("{:?} from {replicas:?}", search(& replicas, "words"). await)
}
