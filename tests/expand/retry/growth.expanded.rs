// @generated from the case beside it
use resilient::retry;
use crate::support::{Error, Script, Stopwatch};
pub async fn upload(script: &Script, watch: &Stopwatch) -> Result<(), Error> {
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("upload")
        .backoff(
            ::resilient::Backoff::exp_jitter(::core::time::Duration::from_millis(10))
                .factor(3.0)
                .jitter(::core::time::Duration::from_secs(0)),
        )
        .throttled_base(::core::time::Duration::from_secs(1))
        .throttled_cap(::core::time::Duration::from_secs(30));
    ::resilient::listed!("upload" : own RETRY_);
    let mut retry_ = RETRY_.begin();
    loop {
        let attempt_ = async {
            ::resilient::returns!(Result < (), Error >);
            watch.lap();
            script.next()
        };
        let delay_ = match retry_.settle::<Result<(), Error>>(attempt_.await) {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        delay_.await;
    }
}
pub async fn transcript() -> String {
    let (script, watch) = (Script::failing(3), Stopwatch::start());
    let uploaded = upload(&script, &watch).await;
    format!("{uploaded:?} {:?}", watch.between_laps())
}
