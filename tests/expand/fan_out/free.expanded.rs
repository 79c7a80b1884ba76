// @generated from the case beside it
use resilient::fan_out;
pub async fn double(number: u32) -> Result<u32, std::convert::Infallible> {
    Ok(number * 2)
}
::resilient::write_associated_in_the_attribute_of_an_associated_function! {}
/// Runs `double` for each of the items, several at a time.
pub fn double_all(
    items_: impl ::core::iter::IntoIterator<Item = u32>,
) -> ::resilient::FanOut<
    impl ::core::iter::Iterator<
        Item = impl ::core::future::Future<
            Output = Result<u32, std::convert::Infallible>,
        >,
    >,
> {
    ::resilient::FanOut::new(items_, double)
}
pub async fn transcript() -> String {
    let doubled = double_all([1, 2, 3]).await;
    format!("{doubled:?}")
}
