use resilient::{Class, Classify, retry};

struct Down;

impl Classify for Down {
    fn class(&self) -> Class {
        Class::Transient
    }
}

#[retry(atempt = n)]
async fn misspelt() -> Result<(), Down> {
    Ok(())
}

#[retry(times = 3)]
async fn another_word() -> Result<(), Down> {
    Ok(())
}

#[retry(mxa = 3, bakoff = "exp", delay = "1s", Cap = "1s")]
async fn all_at_once() -> Result<(), Down> {
    Ok(())
}

#[tokio::main]
async fn main() {
    let _ = misspelt().await;
    let _ = another_word().await;
    let _: Result<(), Down> = all_at_once().await;
}
