// @generated from the case beside it
use std::collections::HashMap;
use resilient::batch;
pub async fn double(keys: Vec<u32>) -> Result<HashMap<u32, u32>, std::fmt::Error> {
    ::resilient::disturbs!("double" : Result < HashMap < u32, u32 >, std::fmt::Error >);
    Ok(keys.into_iter().map(|key| (key, key * 2)).collect())
}
::resilient::write_associated_in_the_attribute_of_an_associated_function! {}
/// Asks `double` for one key, together with others who ask meanwhile.
pub async fn double_one(
    key_: u32,
) -> Result<::core::option::Option<u32>, std::fmt::Error> {
    static BATCH_: ::resilient::Batch = ::resilient::Batch::named("double");
    ::resilient::listed!("double_one" for "double" : own BATCH_);
    BATCH_.run(key_, double).await
}
pub async fn transcript() -> String {
    let doubled = tokio::join!(double_one(1), double_one(2), double_one(1));
    format!("{doubled:?}")
}
