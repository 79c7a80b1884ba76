// @generated from the case beside it
use resilient::{bulkhead, timeout};
use crate::support::{Error, Script};
pub async fn fetch(host: &str, script: &Script) -> Result<(), Error> {
    static BULKHEAD_PER_KEY_: ::resilient::PerKey<::resilient::Bulkhead> = ::resilient::PerKey::new(
        ::resilient::Bulkhead::named("fetch").gradient(2, 50, 10),
    );
    static TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "fetch",
        ::core::time::Duration::from_secs(1),
    );
    ::resilient::listed!("fetch" : own BULKHEAD_PER_KEY_, own TIMEOUT_);
    let bulkhead_: &::resilient::Bulkhead = &BULKHEAD_PER_KEY_.of(&host);
    let attempt_ = async move {
        ::resilient::returns!(Result < (), Error >);
        script.next()
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(::resilient::run((bulkhead_.learning(), &TIMEOUT_), attempt_).await)
}
pub async fn report(script: &Script) -> Result<(), Error> {
    static BULKHEAD_: ::resilient::Bulkhead = ::resilient::Bulkhead::named("report")
        .aimd(1, 200, 20);
    ::resilient::listed!("report" : own BULKHEAD_);
    let attempt_ = async move {
        ::resilient::returns!(Result < (), Error >);
        script.next()
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(
        ::resilient::run(
                (
                    BULKHEAD_
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
