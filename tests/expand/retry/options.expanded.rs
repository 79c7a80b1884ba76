// @generated from the case beside it
use resilient::retry;
use crate::support::{Error, Script};
pub async fn join(script: &Script, words: Vec<&str>) -> Result<String, Error> {
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("join")
        .max(2)
        .backoff(
            ::resilient::Backoff::exp(::core::time::Duration::from_millis(50))
                .cap(::core::time::Duration::from_secs(1)),
        )
        .budget_by_name();
    ::resilient::listed!("join" : own RETRY_);
    let mut retry_ = RETRY_.begin();
    loop {
        let number = retry_.attempt();
        let words = ::core::clone::Clone::clone(&words);
        let attempt_ = async {
            ::resilient::returns!(Result < String, Error >);
            let mut words = words;
            words.push("more");
            script.next()?;
            let joined = words.join(" ");
            Ok(format!("{joined:?}) at {number}"))
        };
        let delay_ = match retry_.settle::<Result<String, Error>>(attempt_.await) {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        delay_.await;
    }
}
pub async fn transcript() -> String {
    let script = Script::failing(2);
    let joined = join(&script, vec!["some"]).await;
    format!("Ok({}", joined.unwrap())
}
