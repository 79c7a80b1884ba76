// @generated from the case beside it
use resilient::{cancel, retry};
use tokio_util::sync::CancellationToken;
use crate::support::{Error, Script};
pub async fn sync(stop: &CancellationToken, script: &Script) -> Result<(), Error> {
    static CANCEL_: ::resilient::Cancel = ::resilient::Cancel::named("sync")
        .signal("stop");
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("sync").max(2);
    ::resilient::listed!("sync" : own CANCEL_, own RETRY_);
    let call_ = async {
        let mut retry_ = RETRY_.begin();
        loop {
            let attempt_ = async {
                ::resilient::returns!(Result < (), Error >);
                script.next()
            };
            let delay_ = match retry_.settle::<Result<(), Error>>(attempt_.await) {
                ::resilient::Verdict::Accept(outcome_) => break outcome_,
                ::resilient::Verdict::Retry(delay_) => delay_,
            };
            delay_.await;
        }
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(::resilient::run((CANCEL_.on(stop.cancelled()),), call_).await)
}
pub async fn transcript() -> String {
    let stop = CancellationToken::new();
    let before = sync(&stop, &Script::failing(1)).await;
    stop.cancel();
    let after = sync(&stop, &Script::fine()).await.is_err();
    format!("{before:?} {after}")
}
