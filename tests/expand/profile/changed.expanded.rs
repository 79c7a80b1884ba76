// @generated from the case beside it
use resilient::{profile, resilient};
use crate::support::{Error, Script};
pub async fn find(script: &Script) -> Result<u32, Error> {
    let total_timeout = {
        static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
            "find",
            ::core::time::Duration::from_secs(2),
        );
        &POLICY
    };
    let call = async move {
        let mut retry = {
            static POLICY: ::resilient::Retry = ::resilient::Retry::named("find")
                .max(1)
                .backoff(::resilient::Backoff::none());
            POLICY.begin()
        };
        loop {
            let attempt = async {
                if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                    Result<u32, Error>,
                > {
                    return outcome;
                }
                script.next()?;
                Ok(script.attempts())
            };
            let delay = match retry.settle::<Result<u32, Error>>(attempt.await) {
                ::resilient::Verdict::Accept(outcome) => break outcome,
                ::resilient::Verdict::Retry(delay) => delay,
            };
            delay.await;
        }
    };
    ::resilient::finish::<Result<u32, Error>>(total_timeout.run(call).await)
}
pub async fn transcript() -> String {
    format!(
        "{:?} {:?}", find(& Script::failing(1)). await, find(& Script::failing(2)). await
    )
}
