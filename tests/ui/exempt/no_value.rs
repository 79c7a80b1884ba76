use resilient::{enforce, exempt};

#[enforce(timeout)]
mod api {
    use super::*;

    #[exempt(timeout, reason = )]
    pub async fn no_text() {}
}

fn main() {
    let _ = api::no_text();
}
