// @generated from the case beside it
use resilient::fan_out;
pub async fn measure(unit: &str, word: &str) -> Result<String, resilient::Error> {
    ::resilient::disturbs!("measure" : Result < String, resilient::Error >);
    Ok(format!("{} {unit}", word.len()))
}
::resilient::write_associated_in_the_attribute_of_an_associated_function! {}
/// Runs `measure` for each of the items, several at a time.
#[allow(dead_code)]
pub fn measure_all<'item_>(
    unit: &str,
    items_: impl ::core::iter::IntoIterator<Item = &'item_ str>,
) -> ::resilient::FanOut<
    ::resilient::fan::Adapting<
        ::resilient::fan::Counted<
            impl ::core::iter::Iterator<
                Item = impl ::core::future::Future<
                    Output = Result<String, resilient::Error>,
                >,
            >,
        >,
    >,
> {
    static FAN_OUT_LIMIT_: ::resilient::FanOutLimit = ::resilient::FanOutLimit::gradient(
        1,
        200,
        20,
    );
    static FAN_OUT_: ::resilient::FanOutPolicy = ::resilient::FanOutPolicy::named(
            "measure",
        )
        .adaptive(&FAN_OUT_LIMIT_);
    ::resilient::listed!("measure_all" for "measure" : own FAN_OUT_);
    ::resilient::FanOut::new(items_, move |item_| measure(unit, item_))
        .counted(&FAN_OUT_, |outcome_| ::resilient::class_of_outcome!(outcome_))
        .adaptive(&FAN_OUT_LIMIT_)
}
/// Runs `measure` for each of the items that come from a stream, several at a time.
#[allow(dead_code)]
pub fn measure_stream<'item_>(
    unit: &str,
    items_: impl ::resilient::futures::Stream<Item = &'item_ str>,
) -> ::resilient::FanOut<
    ::resilient::fan::Adapting<
        ::resilient::fan::Counted<
            ::resilient::fan::Streamed<
                impl ::resilient::futures::Stream<
                    Item = impl ::core::future::Future<
                        Output = Result<String, resilient::Error>,
                    >,
                >,
            >,
        >,
    >,
> {
    static FAN_OUT_LIMIT_: ::resilient::FanOutLimit = ::resilient::FanOutLimit::gradient(
        1,
        200,
        20,
    );
    static FAN_OUT_: ::resilient::FanOutPolicy = ::resilient::FanOutPolicy::named(
            "measure",
        )
        .adaptive(&FAN_OUT_LIMIT_);
    ::resilient::listed!("measure_stream" for "measure" : own FAN_OUT_);
    ::resilient::FanOut::from_stream(items_, move |item_| measure(unit, item_))
        .counted(&FAN_OUT_, |outcome_| ::resilient::class_of_outcome!(outcome_))
        .adaptive(&FAN_OUT_LIMIT_)
}
pub async fn transcript() -> String {
    let words = ["one", "three"];
    let all = measure_all("letters", words).await;
    let streamed = measure_stream("letters", futures_util::stream::iter(words))
        .try_all()
        .await;
    format!("{all:?} {streamed:?}")
}
