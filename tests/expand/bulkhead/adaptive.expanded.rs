// @generated from the case beside it
use resilient::{bulkhead, timeout};
use crate::support::{Error, Script};
pub async fn fetch(host: &str, script: &Script) -> Result<(), Error> {
    let bulkhead = &{
        static POLICY: ::resilient::PerKey<::resilient::Bulkhead> = ::resilient::PerKey::new(
            ::resilient::Bulkhead::named("fetch").gradient(2, 50, 10),
        );
        &POLICY
    }
        .of(&host);
    let timeout = {
        static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
            "fetch",
            ::core::time::Duration::from_secs(1),
        );
        &POLICY
    };
    let attempt = async move {
        if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
            Result<(), Error>,
        > {
            return outcome;
        }
        script.next()
    };
    let settled = bulkhead.run_adaptive(timeout.run(attempt)).await.flatten();
    ::resilient::finish::<Result<(), Error>>(settled)
}
pub async fn report(script: &Script) -> Result<(), Error> {
    let bulkhead = {
        static POLICY: ::resilient::Bulkhead = ::resilient::Bulkhead::named("report")
            .aimd(1, 200, 20);
        &POLICY
    };
    let attempt = async move {
        if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
            Result<(), Error>,
        > {
            return outcome;
        }
        script.next()
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(bulkhead.run_adaptive_when(attempt, |error: &Error| *error == Error::Down).await)
}
pub async fn transcript() -> String {
    format!(
        "{:?} {:?}", fetch("a", & Script::fine()). await, report(& Script::failing(1)).
        await
    )
}
