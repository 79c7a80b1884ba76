use resilient::{enforce, exempt};

#[enforce(timeout)]
mod api {
    use super::*;

    #[exempt("timeout", reason = "a text is no name")]
    pub async fn text() {}
}

fn main() {
    let _ = api::text();
}
