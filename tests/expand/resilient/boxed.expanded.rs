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
            let timeout = {
                static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
                    "search",
                    ::core::time::Duration::from_secs(1),
                );
                &POLICY
            };
            let mut timeout = timeout.begin();
            let mut retry = {
                static POLICY: ::resilient::Retry = ::resilient::Retry::named("search")
                    .max(2);
                POLICY.begin()
            };
            let settled = loop {
                let attempt = async {
                    if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                        Result<String, Error>,
                    > {
                        return outcome;
                    }
                    script.next()?;
                    Ok(query.to_owned())
                };
                if let ::core::option::Option::Some(outcome) = retry
                    .run_within(&mut timeout, attempt)
                    .await
                {
                    break outcome;
                }
            };
            ::resilient::finish::<Result<String, Error>>(settled)
        };
        #[allow(unreachable_code)] __ret
    })
}
pub async fn transcript() -> String {
    let found = search(&Script::failing(2), "words").await;
    format!("{found:?}")
}
