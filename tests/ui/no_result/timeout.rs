use resilient::{retry, timeout};

#[timeout("1s")]
async fn number() -> u32 {
    1
}

#[timeout("1s")]
async fn nothing() {}

#[timeout("1s")]
#[retry]
async fn option() -> Option<u32> {
    Some(1)
}

fn main() {
    let _ = number();
    let _ = nothing();
    let _ = option();
}
