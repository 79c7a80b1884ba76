// @generated from the case beside it
use resilient::{retry, timeout};
use crate::support::Error;
pub async fn slow_at_first() -> Result<u32, Error> {
    let total_timeout = {
        static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
            "slow_at_first",
            ::core::time::Duration::from_secs(1),
        );
        &POLICY
    };
    let attempt_timeout = {
        static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
            "slow_at_first",
            ::core::time::Duration::from_millis(100),
        );
        &POLICY
    };
    let mut total_timeout = total_timeout.begin();
    let mut retry = {
        static POLICY: ::resilient::Retry = ::resilient::Retry::named("slow_at_first");
        POLICY.begin()
    };
    let settled = loop {
        let number = retry.attempt();
        let attempt = async {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<u32, Error>,
            > {
                return outcome;
            }
            if number == 0 {
                std::future::pending::<()>().await;
            }
            Ok(number)
        };
        if let ::core::option::Option::Some(outcome) = retry
            .run_within(&mut total_timeout, attempt_timeout.run(attempt))
            .await
        {
            break outcome.flatten();
        }
    };
    ::resilient::finish::<Result<u32, Error>>(settled)
}
pub async fn transcript() -> String {
    let outcome = slow_at_first().await;
    format!("{outcome:?}")
}
