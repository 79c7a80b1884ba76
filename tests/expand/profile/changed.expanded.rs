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
    let mut total_timeout = total_timeout.begin();
    let mut retry = {
        static POLICY: ::resilient::Retry = ::resilient::Retry::named("find")
            .max(1)
            .backoff(::resilient::Backoff::none());
        POLICY.begin()
    };
    let settled = loop {
        let attempt = async {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<u32, Error>,
            > {
                return outcome;
            }
            script.next()?;
            Ok(script.attempts())
        };
        if let ::core::option::Option::Some(outcome) = retry
            .run_within(&mut total_timeout, attempt)
            .await
        {
            break outcome;
        }
    };
    ::resilient::finish::<Result<u32, Error>>(settled)
}
pub async fn transcript() -> String {
    format!(
        "{:?} {:?}", find(& Script::failing(1)). await, find(& Script::failing(2)). await
    )
}
