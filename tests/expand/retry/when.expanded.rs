// @generated from the case beside it
use resilient::retry;
use crate::support::Script;
pub async fn ask(script: &Script) -> Result<(), u16> {
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("ask")
        .backoff(::resilient::Backoff::none());
    ::resilient::listed!("ask" : own RETRY_);
    let mut retry_ = RETRY_.begin();
    loop {
        let attempt_ = async {
            ::resilient::returns!(Result < (), u16 >);
            let _ = script.next();
            Err(503)
        };
        let delay_ = match retry_
            .settle_when(attempt_.await, |status: &u16| *status == 503)
        {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        delay_.await;
    }
}
pub async fn transcript() -> String {
    let script = Script::fine();
    let outcome = ask(&script).await;
    format!("{outcome:?} after {}", script.attempts())
}
