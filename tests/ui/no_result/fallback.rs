use resilient::{fallback, timeout};

#[fallback(value = 3)]
async fn number() -> u32 {
    1
}

#[fallback(value = ())]
async fn nothing() {}

#[timeout("1s")]
#[fallback(value = None)]
async fn option(word: &str) -> Option<&str> {
    Some(word)
}

fn main() {
    let _ = number();
    let _ = nothing();
    let _ = option("word");
}
