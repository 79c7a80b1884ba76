// @generated from the case beside it
use resilient::{fallback, timeout};
use crate::support::{Error, Script};
pub async fn search(script: &Script, word: &str) -> Result<String, Error> {
    let fallback = {
        static POLICY: ::resilient::Fallback = ::resilient::Fallback::named("search")
            .max_age(::core::time::Duration::from_secs(300));
        &POLICY
    };
    let kept = fallback.call(&word).instance(|| ());
    let timeout = {
        static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
            "search",
            ::core::time::Duration::from_secs(1),
        );
        &POLICY
    };
    'fallback: {
        let attempt = async {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<String, Error>,
            > {
                return outcome;
            }
            script.next()?;
            Ok(word.to_uppercase())
        };
        let failure = match fallback.settle(timeout.run(attempt).await) {
            ::resilient::Rescue::Accept(outcome) => break 'fallback kept.keep(outcome),
            ::resilient::Rescue::FallBack(failure) => failure,
        };
        if let ::core::option::Option::Some(value) = kept.recall() {
            break 'fallback failure.stale(value);
        }
        if let ::core::result::Result::Ok(value) = ::resilient::answer::<
            Result<String, Error>,
            _,
            _,
        >(archived(script, word, failure.error()))
            .await
        {
            break 'fallback failure.with(value);
        }
        failure.value(String::new())
    }
}
async fn archived(_: &Script, word: &str, error: &Error) -> Result<String, Error> {
    if word.is_empty() {
        Err(Error::Gone)
    } else {
        Ok(format!("{word} after {error:?}"))
    }
}
pub async fn transcript() -> String {
    let archived = search(&Script::failing(1), "tide").await;
    let fresh = search(&Script::fine(), "tide").await;
    let stale = search(&Script::failing(1), "tide").await;
    let value = search(&Script::failing(1), "").await;
    format!("{archived:?} {fresh:?} {stale:?} {value:?}")
}
