// @generated from the case beside it
use std::cell::RefCell;
use resilient::{retry, timeout};
use crate::support::{Error, Script};
pub async fn ask(script: &Script, told: &RefCell<Vec<String>>) -> Result<(), Error> {
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("ask")
        .max(1)
        .backoff(::resilient::Backoff::none());
    static TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "ask",
        ::core::time::Duration::from_secs(1),
    );
    ::resilient::listed!("ask" : own RETRY_, own TIMEOUT_);
    let on_retry_ = &(|retrying: &::resilient::Retrying, error: &Error| {
        told.borrow_mut().push(format!("{error:?} {}", retrying.retry));
    });
    let on_give_up_ = &(|given_up: &::resilient::GivingUp, error: &Error| {
        told.borrow_mut().push(format!("{error:?} {:?}", given_up.why));
    });
    let mut retry_ = RETRY_.begin();
    let settled_ = loop {
        let attempt_ = async {
            ::resilient::returns!(Result < (), Error >);
            script.next()
        };
        let settled_ = ::resilient::run(
                (
                    retry_
                        .on_retry_settled::<Result<(), Error>, _, _>(on_retry_)
                        .on_give_up_settled::<Result<(), Error>, _, _>(on_give_up_),
                    &TIMEOUT_,
                ),
                attempt_,
            )
            .await;
        let delay_ = match retry_.verdict(settled_) {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        delay_.await;
    };
    ::resilient::finish::<Result<(), Error>>(settled_)
}
pub async fn plain(script: &Script) -> Result<(), Error> {
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("plain")
        .max(1)
        .backoff(::resilient::Backoff::none());
    ::resilient::listed!("plain" : own RETRY_);
    let on_retry_ = &count;
    let mut retry_ = RETRY_.begin();
    loop {
        let attempt_ = async {
            ::resilient::returns!(Result < (), Error >);
            script.next()
        };
        let delay_ = match retry_
            .on_retry::<Result<(), Error>, _, _>(on_retry_)
            .settle::<Result<(), Error>>(attempt_.await)
        {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        delay_.await;
    }
}
fn count(retrying: &resilient::Retrying) {
    assert_eq!(retrying.retry, 0);
}
pub async fn transcript() -> String {
    let told = RefCell::default();
    let outcome = ask(&Script::failing(2), &told).await;
    let plain = plain(&Script::failing(1)).await;
    format!("{outcome:?} {:?} {plain:?}", told.into_inner())
}
