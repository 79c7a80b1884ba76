use resilient::fan_out;

#[fan_out]
pub async fn double(number: u32) -> Result<u32, std::convert::Infallible> {
    Ok(number * 2)
}

pub async fn transcript() -> String {
    let doubled = double_all([1, 2, 3]).await;
    format!("{doubled:?}")
}
