// @generated from the case beside it
use resilient::{circuit_breaker, retry};
use crate::support::{Error, Script};
pub async fn ask(host: &str, region: String, script: &Script) -> Result<(), Error> {
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("ask")
        .max(1)
        .backoff(::resilient::Backoff::none());
    static CIRCUIT_BREAKER_PER_KEY_: ::resilient::PerKey<::resilient::CircuitBreaker> = ::resilient::PerKey::new(
        ::resilient::CircuitBreaker::named("ask").consecutive(2),
    );
    ::resilient::listed!("ask" : own RETRY_, own CIRCUIT_BREAKER_PER_KEY_);
    let circuit_breaker_: &::resilient::CircuitBreaker = &CIRCUIT_BREAKER_PER_KEY_
        .of(&(&host, &region));
    let mut retry_ = RETRY_.begin();
    let settled_ = loop {
        let attempt_ = async {
            ::resilient::returns!(Result < (), Error >);
            script.next()
        };
        let settled_ = ::resilient::run((&mut retry_, circuit_breaker_), attempt_).await;
        let delay_ = match retry_.verdict(settled_) {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        delay_.await;
    };
    ::resilient::finish::<Result<(), Error>>(settled_)
}
pub async fn transcript() -> String {
    let (down, fine) = (Script::failing(9), Script::fine());
    let _ = ask("a", "north".into(), &down).await;
    let refused = ask("a", "north".into(), &fine).await.is_err();
    let other = ask("a", "south".into(), &fine).await;
    format!("{} {refused} {other:?}", down.attempts())
}
