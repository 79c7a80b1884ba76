// @generated from the case beside it
use resilient::retry;
use crate::support::{Error, Script};
pub async fn join(script: &Script, words: Vec<&str>) -> Result<String, Error> {
    let mut retry = {
        static POLICY: ::resilient::Retry = ::resilient::Retry::named("join")
            .max(2)
            .backoff(
                ::resilient::Backoff::exp(::core::time::Duration::from_millis(50))
                    .cap(::core::time::Duration::from_secs(1)),
            );
        POLICY.begin()
    };
    loop {
        let number = retry.attempt();
        let words = ::core::clone::Clone::clone(&words);
        let attempt = async {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<String, Error>,
            > {
                return outcome;
            }
            let mut words = words;
            words.push("more");
            script.next()?;
            let joined = words.join(" ");
            Ok(format!("{joined:?}) at {number}"))
        };
        let delay = match retry.settle::<Result<String, Error>>(attempt.await) {
            ::resilient::Verdict::Accept(outcome) => break outcome,
            ::resilient::Verdict::Retry(delay) => delay,
        };
        delay.await;
    }
}
pub async fn transcript() -> String {
    let script = Script::failing(2);
    let joined = join(&script, vec!["some"]).await;
    format!("Ok({}", joined.unwrap())
}
