// @generated from the case beside it
use resilient::{cancel, retry};
use tokio_util::sync::CancellationToken;
use crate::support::{Error, Script};
pub async fn sync(stop: &CancellationToken, script: &Script) -> Result<(), Error> {
    let cancel = {
        static POLICY: ::resilient::Cancel = ::resilient::Cancel::named("sync");
        &POLICY
    };
    let call = async {
        let mut retry = {
            static POLICY: ::resilient::Retry = ::resilient::Retry::named("sync").max(2);
            POLICY.begin()
        };
        loop {
            let attempt = async {
                if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                    Result<(), Error>,
                > {
                    return outcome;
                }
                script.next()
            };
            let delay = match retry.settle::<Result<(), Error>>(attempt.await) {
                ::resilient::Verdict::Accept(outcome) => break outcome,
                ::resilient::Verdict::Retry(delay) => delay,
            };
            delay.await;
        }
    };
    ::resilient::finish::<Result<(), Error>>(cancel.run(stop.cancelled(), call).await)
}
pub async fn transcript() -> String {
    let stop = CancellationToken::new();
    let before = sync(&stop, &Script::failing(1)).await;
    stop.cancel();
    let after = sync(&stop, &Script::fine()).await.is_err();
    format!("{before:?} {after}")
}
