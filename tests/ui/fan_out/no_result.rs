use resilient::fan_out;

#[fan_out]
async fn measure(word: &str) -> usize {
    word.len()
}

#[tokio::main]
async fn main() {
    let _ = measure_all(["a", "b"]).try_all().await;
}
