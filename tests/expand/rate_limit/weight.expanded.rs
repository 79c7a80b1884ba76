// @generated from the case beside it
use resilient::rate_limit;
use crate::support::Error;
#[derive(Debug)]
pub struct Answer {
    pub tokens: u64,
}
fn estimate(prompt: &str) -> u64 {
    prompt.len() as u64 / 4 + 500
}
pub async fn ask(prompt: &str) -> Result<Answer, Error> {
    static RATE_LIMIT_: ::resilient::RateLimit = ::resilient::RateLimit::named(
            "expand: requests",
        )
        .rate(600, ::core::time::Duration::from_secs(60))
        .burst(1);
    static RATE_LIMIT2_: ::resilient::RateLimit = ::resilient::RateLimit::named(
            "expand: tokens",
        )
        .rate(1000, ::core::time::Duration::from_secs(60))
        .burst(1000);
    ::resilient::listed!(
        "ask" : shared RATE_LIMIT_, shared RATE_LIMIT2_ { weight : "estimate(prompt)",
        cost : "|answer| answer.tokens" }
    );
    let rate_limit_ = RATE_LIMIT_.shared();
    let rate_limit2_ = RATE_LIMIT2_.shared();
    let rate_limit2_weight_ = ::resilient::call::weight(estimate(prompt));
    let attempt_ = async move {
        if let ::core::option::Option::Some(outcome_) = ::core::option::Option::None::<
            Result<Answer, Error>,
        > {
            return outcome_;
        }
        Ok(Answer {
            tokens: prompt.len() as u64,
        })
    };
    ::resilient::finish::<
        Result<Answer, Error>,
    >(
        ::resilient::run(
                (
                    rate_limit_,
                    rate_limit2_
                        .weighing(rate_limit2_weight_)
                        .costing::<
                            Result<Answer, Error>,
                            _,
                            _,
                        >(|answer: &Answer| answer.tokens),
                ),
                attempt_,
            )
            .await,
    )
}
pub async fn transcript() -> String {
    let first = ask("why?").await;
    let second = ask("how?").await;
    format!("{first:?} {}", second.is_err())
}
