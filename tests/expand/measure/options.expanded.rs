// @generated from the case beside it
use resilient::{measure, retry, timeout};
use crate::support::{Error, Script};
pub async fn ask(script: &Script) -> Result<u32, Error> {
    static MEASURE_: ::resilient::Measure = ::resilient::Measure::named("ask");
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("ask")
        .max(1)
        .backoff(::resilient::Backoff::none());
    static ATTEMPT_MEASURE_: ::resilient::Measure = ::resilient::Measure::named("ask")
        .buckets(const {
            &[
                ::core::time::Duration::from_millis(10),
                ::core::time::Duration::from_secs(1),
            ]
        })
        .span();
    static TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "ask",
        ::core::time::Duration::from_secs(1),
    );
    ::resilient::listed!(
        "ask" : own MEASURE_, own RETRY_, own ATTEMPT_MEASURE_, own TIMEOUT_
    );
    let call_ = async move {
        let mut retry_ = RETRY_.begin();
        loop {
            let attempt_ = async {
                ::resilient::returns!(Result < u32, Error >);
                script.next()?;
                Ok(7)
            };
            let settled_ = ::resilient::run(
                    (
                        &mut retry_,
                        ATTEMPT_MEASURE_
                            .judged::<
                                Result<u32, Error>,
                            >(|outcome_| ::resilient::classified!(outcome_)),
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
        }
    };
    ::resilient::finish::<
        Result<u32, Error>,
    >(MEASURE_.run_as(call_, |outcome_| ::resilient::classified!(outcome_)).await)
}
pub async fn count(words: String) -> usize {
    static MEASURE_: ::resilient::Measure = ::resilient::Measure::named("words");
    ::resilient::listed!("count" : own MEASURE_);
    let attempt_ = async move {
        ::resilient::returns!(usize);
        words.split(' ').count()
    };
    MEASURE_.run_as(attempt_, |outcome_| ::resilient::classified!(outcome_)).await
}
pub async fn transcript() -> String {
    let asked = ask(&Script::failing(1)).await;
    format!("{asked:?} {}", count("one two".to_owned()). await)
}
