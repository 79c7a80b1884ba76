// @generated from the case beside it
use resilient::{fan_out, retry};
use crate::support::{Error, Script};
pub struct Api {
    pub script: Script,
}
impl Api {
    pub async fn fetch(&self, word: &str, times: usize) -> Result<String, Error> {
        static RETRY_: ::resilient::Retry = ::resilient::Retry::named("fetch")
            .max(2)
            .backoff(::resilient::Backoff::none());
        ::resilient::listed!("fetch" : own RETRY_);
        let mut retry_ = RETRY_.begin();
        loop {
            let attempt_ = async {
                ::resilient::returns!(Result < String, Error >);
                self.script.next()?;
                Ok(word.repeat(times))
            };
            let delay_ = match retry_.settle::<Result<String, Error>>(attempt_.await) {
                ::resilient::Verdict::Accept(outcome_) => break outcome_,
                ::resilient::Verdict::Retry(delay_) => delay_,
            };
            delay_.await;
        }
    }
    /// Runs `fetch` for each of the items, several at a time.
    pub fn fetch_all<'item_>(
        &self,
        items_: impl ::core::iter::IntoIterator<Item = &'item_ str>,
        times: usize,
    ) -> ::resilient::FanOut<
        ::resilient::fan::Counted<
            impl ::core::iter::Iterator<
                Item = impl ::core::future::Future<Output = Result<String, Error>>,
            >,
        >,
    > {
        static FAN_OUT_: ::resilient::FanOutPolicy = ::resilient::FanOutPolicy::named(
                "fetch",
            )
            .limit(2);
        ::resilient::listed!("fetch_all" for "fetch" : own FAN_OUT_);
        ::resilient::FanOut::new(
                items_,
                move |item_| self.fetch(item_, ::core::clone::Clone::clone(&times)),
            )
            .counted(&FAN_OUT_, |outcome_| ::resilient::class_of_outcome!(outcome_))
            .limit(2)
    }
}
pub async fn transcript() -> String {
    let api = Api { script: Script::failing(1) };
    let fetched = api.fetch_all(["a", "b", "c"], 2).await;
    format!("{fetched:?}")
}
