use std::borrow::Cow;

use resilient::coalesce;

#[coalesce(key = text)]
async fn elided(text: &str) -> &str {
    text
}

#[coalesce(key = text)]
async fn named<'a>(text: &'a str) -> Result<Cow<'a, str>, ()> {
    Ok(Cow::Borrowed(text))
}

#[coalesce]
async fn fine() -> &'static str {
    "fine"
}

fn main() {}
