use resilient::{resilient, retry};

struct Unclassified;

type Alias<T> = Result<T, Unclassified>;

#[retry]
async fn plain() -> Result<u32, Unclassified> {
    Ok(1)
}

#[resilient(retry(max = 2))]
async fn in_a_list() -> Result<u32, Unclassified> {
    Ok(1)
}

#[retry]
async fn alias() -> Alias<u32> {
    Ok(1)
}

#[retry]
async fn text() -> Result<u32, String> {
    Ok(1)
}

#[retry]
async fn generic<E>(error: Option<E>) -> Result<u32, E> {
    let _ = error;
    Ok(1)
}

struct Client;

impl Client {
    #[retry]
    async fn fetch(&self) -> Result<u32, Unclassified> {
        Ok(1)
    }
}

fn main() {
    let _ = plain();
    let _ = in_a_list();
    let _ = alias();
    let _ = text();
    let _ = generic(Some(1));
    let _ = Client.fetch();
}
