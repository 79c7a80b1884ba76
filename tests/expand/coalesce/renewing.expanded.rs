// @generated from the case beside it
use std::sync::Arc;
use std::time::Duration;
use resilient::{coalesce, retry};
use crate::support::{Error, Script};
async fn look_up(script: Arc<Script>, word: &'static str) -> Result<String, Error> {
    static COALESCE_: ::resilient::Coalesce = ::resilient::Coalesce::named("look_up")
        .hold(::core::time::Duration::from_secs(10))
        .stale_while_revalidate(::core::time::Duration::from_secs(50));
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("look_up")
        .max(2)
        .backoff(::resilient::Backoff::none());
    ::resilient::listed!("look_up" : own COALESCE_, own RETRY_);
    let coalesce_ = COALESCE_.call(&word);
    let call_ = async move {
        let mut retry_ = RETRY_.begin();
        loop {
            let attempt_ = async {
                ::resilient::returns!(Result < String, Error >);
                script.next()?;
                Ok(format!("{word} {}", script.attempts()))
            };
            let delay_ = match retry_.settle::<Result<String, Error>>(attempt_.await) {
                ::resilient::Verdict::Accept(outcome_) => break outcome_,
                ::resilient::Verdict::Retry(delay_) => delay_,
            };
            delay_.await;
        }
    };
    coalesce_.run_renewing(call_).await
}
pub async fn transcript() -> String {
    let script = Arc::new(Script::failing(1));
    let mut answers = Vec::new();
    for wait in [0, 11, 0, 61] {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        answers.push(look_up(script.clone(), "tide").await.unwrap());
        tokio::task::yield_now().await;
    }
    answers.join(", ")
}
