use resilient::{Classify, hedge, retry};

#[derive(Debug, Classify)]
#[transient]
struct Error;

struct Request {
    words: Vec<String>,
}

impl Request {
    #[retry]
    async fn send(self) -> Result<usize, Error> {
        let words = self.words;
        Ok(words.len())
    }

    #[hedge(idempotent)]
    async fn send_quickly(self) -> Result<usize, Error> {
        drop(self);
        Ok(1)
    }

    #[retry(clone)]
    async fn send_clones(self) -> Result<usize, Error> {
        Ok(self.words.into_iter().count())
    }
}

#[retry]
async fn argument(words: Vec<String>) -> Result<usize, Error> {
    Ok(words.into_iter().count())
}

fn main() {
    let request = || Request { words: Vec::new() };
    let _ = request().send();
    let _ = request().send_quickly();
    let _ = request().send_clones();
    let _ = argument(Vec::new());
}
