use resilient::fan_out;

#[fan_out(stream, limit = "adaptive")]
pub async fn measure(unit: &str, #[each] word: &str) -> Result<String, resilient::Error> {
    Ok(format!("{} {unit}", word.len()))
}

pub async fn transcript() -> String {
    let words = ["one", "three"];
    let all = measure_all("letters", words).await;
    let streamed = measure_stream("letters", futures_util::stream::iter(words)).try_all().await;
    format!("{all:?} {streamed:?}")
}
