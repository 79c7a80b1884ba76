// @generated from the case beside it
use resilient::{fallback, timeout};
use crate::support::{Error, Script};
pub async fn search(script: &Script, word: &str) -> Result<String, Error> {
    static FALLBACK_: ::resilient::Fallback = ::resilient::Fallback::named("search")
        .max_age(::core::time::Duration::from_secs(300));
    static TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "search",
        ::core::time::Duration::from_secs(1),
    );
    ::resilient::listed!("search" : open FALLBACK_, own TIMEOUT_);
    let kept_ = FALLBACK_.call(&word).instance(|| ());
    'fallback: {
        let watch_ = FALLBACK_.begin();
        let attempt_ = async {
            ::resilient::returns!(Result < String, Error >);
            script.next()?;
            Ok(word.to_uppercase())
        };
        let failure_ = match watch_
            .settle(::resilient::run((&TIMEOUT_,), attempt_).await)
        {
            ::resilient::call::Rescue::Accept(outcome_) => {
                break 'fallback kept_.keep(outcome_);
            }
            ::resilient::call::Rescue::FallBack(failure_) => failure_,
        };
        if let ::core::option::Option::Some(value_) = kept_.recall() {
            break 'fallback failure_.stale(value_);
        }
        if let ::core::result::Result::Ok(value_) = ::resilient::call::answer::<
            Result<String, Error>,
            _,
            _,
        >(archived(script, word, failure_.error()))
            .await
        {
            break 'fallback failure_.with(value_);
        }
        failure_.value(String::new())
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
