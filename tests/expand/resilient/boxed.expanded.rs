// @generated from the case beside it
use std::future::Future;
use std::pin::Pin;
use resilient::resilient;
use crate::support::{Error, Script};
pub fn search<'life0, 'life1, 'async_trait>(
    script: &'life0 Script,
    query: &'life1 str,
) -> Pin<Box<dyn Future<Output = Result<String, Error>> + Send + 'async_trait>>
where
    'life0: 'async_trait,
    'life1: 'async_trait,
{
    Box::pin(async move {
        if let ::core::option::Option::Some(__ret) = ::core::option::Option::None::<
            Result<String, Error>,
        > {
            #[allow(unreachable_code)] return __ret;
        }
        let script = script;
        let query = query;
        let __ret: Result<String, Error> = {
            static TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
                "search",
                ::core::time::Duration::from_secs(1),
            );
            static RETRY_: ::resilient::Retry = ::resilient::Retry::named("search")
                .max(2);
            ::resilient::listed!("search" : own TIMEOUT_, own RETRY_);
            let mut timeout_ = TIMEOUT_.begin();
            let mut retry_ = RETRY_.begin();
            let settled_ = loop {
                let attempt_ = async {
                    ::resilient::returns!(Result < String, Error >);
                    script.next()?;
                    Ok(query.to_owned())
                };
                let settled_ = ::resilient::run((&mut timeout_, &mut retry_), attempt_)
                    .await;
                let delay_ = match retry_.verdict(settled_) {
                    ::resilient::Verdict::Accept(outcome_) => break outcome_,
                    ::resilient::Verdict::Retry(delay_) => delay_,
                };
                timeout_.wait(delay_).await;
            };
            ::resilient::finish::<Result<String, Error>>(settled_)
        };
        #[allow(unreachable_code)] __ret
    })
}
pub async fn transcript() -> String {
    let found = search(&Script::failing(2), "words").await;
    format!("{found:?}")
}
