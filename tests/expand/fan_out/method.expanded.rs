// @generated from the case beside it
use resilient::{fan_out, retry};
use crate::support::{Error, Script};
pub struct Api {
    pub script: Script,
}
impl Api {
    pub async fn fetch(&self, word: &str, times: usize) -> Result<String, Error> {
        let mut retry = {
            static POLICY: ::resilient::Retry = ::resilient::Retry::named("fetch")
                .max(2)
                .backoff(::resilient::Backoff::none());
            POLICY.begin()
        };
        loop {
            let attempt = async {
                if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                    Result<String, Error>,
                > {
                    return outcome;
                }
                self.script.next()?;
                Ok(word.repeat(times))
            };
            let delay = match retry.settle::<Result<String, Error>>(attempt.await) {
                ::resilient::Verdict::Accept(outcome) => break outcome,
                ::resilient::Verdict::Retry(delay) => delay,
            };
            delay.await;
        }
    }
    /// Runs `fetch` for each of the items, several at a time.
    pub fn fetch_all<'item>(
        &self,
        items: impl ::core::iter::IntoIterator<Item = &'item str>,
        times: usize,
    ) -> ::resilient::FanOut<
        impl ::core::iter::Iterator<Item = &'item str>,
        impl ::resilient::Launch<
            &'item str,
            Output = Result<String, Error>,
            Future = impl ::core::future::Future<Output = Result<String, Error>>,
        >,
    > {
        ::resilient::FanOut::new(
                items,
                move |item| self.fetch(item, ::core::clone::Clone::clone(&times)),
            )
            .limit(2)
    }
}
pub async fn transcript() -> String {
    let api = Api { script: Script::failing(1) };
    let fetched = api.fetch_all(["a", "b", "c"], 2).await;
    format!("{fetched:?}")
}
