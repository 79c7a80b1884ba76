// @generated from the case beside it
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use resilient::hedge;
use crate::support::Error;
pub async fn search(replicas: &AtomicU64, word: &str) -> Result<String, Error> {
    static HEDGE_: ::resilient::Hedge = ::resilient::Hedge::named("search");
    ::resilient::listed!("search" : own HEDGE_);
    let attempt_ = HEDGE_
        .run(|| async {
            ::resilient::returns!(Result < String, Error >);
            let time = replicas.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(time)).await;
            Ok(word.to_uppercase())
        });
    attempt_.await
}
pub async fn transcript() -> String {
    let replicas = AtomicU64::new(10);
    format!("{:?} from {replicas:?}", search(& replicas, "words"). await)
}
