// @generated from the case beside it
use std::sync::Arc;
use resilient::fan_out;
pub struct Api {
    pub factor: u32,
}
impl Api {
    pub async fn multiply(
        self: Arc<Self>,
        number: u32,
    ) -> Result<u32, resilient::Error> {
        ::resilient::disturbs!("multiply" : Result < u32, resilient::Error >);
        Ok(number * self.factor)
    }
    /// Runs `multiply` for each of the items, several at a time.
    pub fn multiply_all(
        self: Arc<Self>,
        items_: impl ::core::iter::IntoIterator<Item = u32>,
    ) -> ::resilient::FanOut<
        ::resilient::fan::Counted<
            impl ::core::iter::Iterator<
                Item = impl ::core::future::Future<
                    Output = Result<u32, resilient::Error>,
                >,
            >,
        >,
    > {
        static FAN_OUT_: ::resilient::FanOutPolicy = ::resilient::FanOutPolicy::named(
                "multiply",
            )
            .limit(4);
        ::resilient::listed!("multiply_all" for "multiply" : own FAN_OUT_);
        ::resilient::FanOut::new(
                items_,
                ::resilient::fan::deduplicated(
                    ::resilient::fan::spawned(move |item_| {
                        ::core::clone::Clone::clone(&self).multiply(item_)
                    }),
                ),
            )
            .counted(&FAN_OUT_, |outcome_| ::resilient::class_of_outcome!(outcome_))
            .limit(4)
    }
}
pub async fn transcript() -> String {
    let api = Arc::new(Api { factor: 3 });
    let multiplied = api.multiply_all([1, 2, 1]).await;
    format!("{multiplied:?}")
}
