// @generated from the case beside it
use resilient::retry;
use crate::support::{Error, Script, Stopwatch};
pub async fn upload(script: &Script, watch: &Stopwatch) -> Result<(), Error> {
    let mut retry = {
        static POLICY: ::resilient::Retry = ::resilient::Retry::named("upload")
            .backoff(
                ::resilient::Backoff::exp_jitter(::core::time::Duration::from_millis(10))
                    .factor(3.0)
                    .jitter(::core::time::Duration::from_secs(0)),
            );
        POLICY.begin()
    };
    loop {
        let attempt = async {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<(), Error>,
            > {
                return outcome;
            }
            watch.lap();
            script.next()
        };
        let delay = match retry.settle::<Result<(), Error>>(attempt.await) {
            ::resilient::Verdict::Accept(outcome) => break outcome,
            ::resilient::Verdict::Retry(delay) => delay,
        };
        delay.await;
    }
}
pub async fn transcript() -> String {
    let (script, watch) = (Script::failing(3), Stopwatch::start());
    let uploaded = upload(&script, &watch).await;
    format!("{uploaded:?} {:?}", watch.between_laps())
}
