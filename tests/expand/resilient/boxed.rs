use std::future::Future;
use std::pin::Pin;

use resilient::resilient;

use crate::support::{Error, Script};

// the method that `#[async_trait]` writes
#[resilient(timeout("1s"), retry(max = 2))]
pub fn search<'life0, 'life1, 'async_trait>(
    script: &'life0 Script,
    query: &'life1 str,
) -> Pin<Box<dyn Future<Output = Result<String, Error>> + Send + 'async_trait>>
where
    'life0: 'async_trait,
    'life1: 'async_trait,
{
    Box::pin(async move {
        if let ::core::option::Option::Some(__ret) = ::core::option::Option::None::<Result<String, Error>> {
            #[allow(unreachable_code)]
            return __ret;
        }
        let script = script;
        let query = query;
        let __ret: Result<String, Error> = {
            script.next()?;
            Ok(query.to_owned())
        };
        #[allow(unreachable_code)]
        __ret
    })
}

pub async fn transcript() -> String {
    let found = search(&Script::failing(2), "words").await;
    format!("{found:?}")
}
