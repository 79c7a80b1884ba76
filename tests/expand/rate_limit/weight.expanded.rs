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
pub async fn ask(org: &str, prompt: &str) -> Result<Answer, Error> {
    static RATE_LIMIT_PER_KEY_: ::resilient::PerKey<::resilient::RateLimit> = ::resilient::PerKey::new(
        ::resilient::RateLimit::named("expand: tokens")
            .rate(600, ::core::time::Duration::from_secs(60))
            .burst(600),
    );
    ::resilient::listed!(
        "ask" : shared RATE_LIMIT_PER_KEY_ { weight : "estimate(prompt)", cost :
        "|answer| answer.tokens" }
    );
    let rate_limit_per_key_ = RATE_LIMIT_PER_KEY_.shared();
    let rate_limit_: &::resilient::RateLimit = &rate_limit_per_key_.of(&org);
    let rate_limit_weight_ = ::resilient::call::weight(estimate(prompt));
    let attempt_ = async move {
        ::resilient::returns!(Result < Answer, Error >);
        let _ = org;
        Ok(Answer {
            tokens: prompt.len() as u64,
        })
    };
    ::resilient::finish::<
        Result<Answer, Error>,
    >(
        ::resilient::run(
                (
                    rate_limit_
                        .weighing(rate_limit_weight_)
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
    let org = module_path!().len().to_string();
    let first = ask(&org, "why?").await;
    let second = ask(&org, "how?").await;
    format!("{first:?} {}", second.is_ok())
}
