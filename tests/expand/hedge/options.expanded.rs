// @generated from the case beside it
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use resilient::hedge;
use crate::support::Error;
pub async fn join(replicas: &AtomicU64, words: Vec<&str>) -> Result<String, Error> {
    static HEDGE_: ::resilient::Hedge = ::resilient::Hedge::named("join")
        .after(::core::time::Duration::from_millis(20))
        .max(2)
        .ratio(1.0);
    ::resilient::listed!("join" : own HEDGE_);
    let attempt_ = HEDGE_
        .run_when(
            || async {
                ::resilient::returns!(Result < String, Error >);
                let mut words = ::core::clone::Clone::clone(&words);
                words.push("more");
                let number = replicas.fetch_add(1, Ordering::Relaxed);
                if number == 0 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Ok(format!("{} {number}", words.join(" ")))
            },
            |error: &Error| *error == Error::Down,
        );
    attempt_.await
}
pub async fn transcript() -> String {
    let joined = join(&AtomicU64::new(0), vec!["some"]).await;
    format!("{joined:?}")
}
