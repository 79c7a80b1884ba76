// @generated from the case beside it
use resilient::fan_out;
pub async fn double(number: u32) -> Result<u32, std::convert::Infallible> {
    ::resilient::disturbs!("double" : Result < u32, std::convert::Infallible >);
    Ok(number * 2)
}
::resilient::write_associated_in_the_attribute_of_an_associated_function! {}
/// Runs `double` for each of the items, several at a time.
pub fn double_all(
    items_: impl ::core::iter::IntoIterator<Item = u32>,
) -> ::resilient::FanOut<
    ::resilient::fan::Counted<
        impl ::core::iter::Iterator<
            Item = impl ::core::future::Future<
                Output = Result<u32, std::convert::Infallible>,
            >,
        >,
    >,
> {
    static FAN_OUT_: ::resilient::FanOutPolicy = ::resilient::FanOutPolicy::named(
            "double",
        )
        .limit(::resilient::FanOut::DEFAULT_LIMIT);
    ::resilient::listed!("double_all" for "double" : own FAN_OUT_);
    ::resilient::FanOut::new(items_, double)
        .counted(&FAN_OUT_, |outcome_| ::resilient::class_of_outcome!(outcome_))
}
pub async fn transcript() -> String {
    let doubled = double_all([1, 2, 3]).await;
    format!("{doubled:?}")
}
