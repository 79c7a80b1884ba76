// @generated from the case beside it
use resilient::{bulkhead, timeout};
use crate::support::{Error, Script};
pub async fn fetch(host: &str, script: &Script) -> Result<(), Error> {
    let bulkhead_: &::resilient::Bulkhead = &{
        static POLICY: ::resilient::PerKey<::resilient::Bulkhead> = ::resilient::PerKey::new(
            ::resilient::Bulkhead::named("fetch").gradient(2, 50, 10),
        );
        &POLICY
    }
        .of(&host);
    let timeout_ = {
        static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
            "fetch",
            ::core::time::Duration::from_secs(1),
        );
        &POLICY
    };
    let attempt_ = async move {
        if let ::core::option::Option::Some(outcome_) = ::core::option::Option::None::<
            Result<(), Error>,
        > {
            return outcome_;
        }
        script.next()
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(::resilient::run((bulkhead_.learning(), timeout_), attempt_).await)
}
pub async fn report(script: &Script) -> Result<(), Error> {
    let bulkhead_ = {
        static POLICY: ::resilient::Bulkhead = ::resilient::Bulkhead::named("report")
            .aimd(1, 200, 20);
        &POLICY
    };
    let attempt_ = async move {
        if let ::core::option::Option::Some(outcome_) = ::core::option::Option::None::<
            Result<(), Error>,
        > {
            return outcome_;
        }
        script.next()
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(
        ::resilient::run(
                (
                    bulkhead_
                        .when::<
                            Result<(), Error>,
                            _,
                            _,
                        >(|error: &Error| *error == Error::Down),
                ),
                attempt_,
            )
            .await,
    )
}
pub async fn transcript() -> String {
    format!(
        "{:?} {:?}", fetch("a", & Script::fine()). await, report(& Script::failing(1)).
        await
    )
}
