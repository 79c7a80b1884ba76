use std::rc::Rc;

use resilient::{Classify, retry};

#[derive(Classify)]
enum Error {
    #[transient]
    Down,
}

#[retry]
async fn held() -> Result<(), Error> {
    let shared = Rc::new(1);
    std::future::ready(()).await;
    drop(shared);
    Err(Error::Down)
}

fn main() {
    fn sent<T: Send>(_: T) {}
    sent(held());
}
