use resilient::retry;

#[retry]
async fn number() -> u32 {
    1
}

#[retry]
async fn nothing() {}

#[retry(max = 2)]
async fn option() -> Option<u32> {
    Some(1)
}

struct Client;

impl Client {
    #[retry]
    async fn text(&self) -> &str {
        "text"
    }
}

fn main() {
    let _ = number();
    let _ = nothing();
    let _ = option();
    let _ = Client.text();
}
