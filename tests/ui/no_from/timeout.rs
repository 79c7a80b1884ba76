use resilient::{Classify, retry, timeout};

#[derive(Classify)]
enum Error {
    #[transient]
    Down,
}

type Alias<T> = Result<T, Error>;

#[timeout("1s")]
async fn limited() -> Result<u32, Error> {
    Err(Error::Down)
}

#[timeout("1s")]
async fn alias() -> Alias<u32> {
    Ok(1)
}

#[timeout(total = "2s", attempt = "400ms")]
#[retry]
async fn retried() -> Result<u32, Error> {
    Ok(1)
}

#[timeout("1s")]
async fn text() -> Result<u32, String> {
    Ok(1)
}

struct Client;

impl Client {
    #[timeout("1s")]
    async fn fetch(&self) -> Result<u32, Error> {
        Ok(1)
    }
}

fn main() {
    let _ = limited();
    let _ = alias();
    let _ = retried();
    let _ = text();
    let _ = Client.fetch();
}
