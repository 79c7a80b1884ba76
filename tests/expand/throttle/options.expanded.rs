// @generated from the case beside it
use resilient::throttle;
use crate::support::{Error, Script};
pub async fn ask(script: &Script) -> Result<(), Error> {
    static THROTTLE_: ::resilient::Throttle = ::resilient::Throttle::named("ask")
        .k(1.5)
        .max_drop(0.95);
    ::resilient::listed!("ask" : own THROTTLE_);
    let attempt_ = async move {
        ::resilient::returns!(Result < (), Error >);
        script.next()
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(
        ::resilient::run(
                (
                    THROTTLE_
                        .when::<
                            Result<(), Error>,
                            _,
                            _,
                        >(|error: &Error| matches!(error, Error::Down)),
                ),
                attempt_,
            )
            .await,
    )
}
pub async fn transcript() -> String {
    let script = Script::failing(1_000);
    for _ in 0..100 {
        let _ = ask(&script).await;
    }
    format!("{}", script.attempts() < 30)
}
