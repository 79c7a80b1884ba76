// @generated from the case beside it
use resilient::{rate_limit, retry};
use crate::support::{Error, Script, Stopwatch};
const CALLS: u32 = 10;
pub async fn ask(script: &Script) -> Result<(), Error> {
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("ask")
        .max(2)
        .backoff(::resilient::Backoff::none());
    static RATE_LIMIT_: ::resilient::RateLimit = ::resilient::RateLimit::named("ask")
        .rate(CALLS, ::core::time::Duration::from_secs(1))
        .burst(1)
        .max_wait(::core::time::Duration::from_millis(150))
        .max_pause(::core::time::Duration::from_secs(5))
        .mode(::resilient::Mode::Enforce);
    ::resilient::listed!("ask" : own RETRY_, own RATE_LIMIT_);
    let mut retry_ = RETRY_.begin();
    let settled_ = loop {
        let attempt_ = async {
            ::resilient::returns!(Result < (), Error >);
            script.next()
        };
        let settled_ = ::resilient::run((&mut retry_, &RATE_LIMIT_), attempt_).await;
        let delay_ = match retry_.verdict(settled_) {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        delay_.await;
    };
    ::resilient::finish::<Result<(), Error>>(settled_)
}
pub async fn transcript() -> String {
    let clock = Stopwatch::start();
    let outcome = ask(&Script::failing(2)).await;
    format!("{outcome:?} in {} ms", clock.elapsed())
}
