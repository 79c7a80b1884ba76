use std::collections::HashMap;
use std::convert::Infallible;

use resilient::batch;

struct Store {
    words: Vec<String>,
}

impl Store {
    #[batch]
    async fn words<'s>(&'s self, keys: Vec<usize>) -> Result<HashMap<usize, &'s str>, Infallible> {
        Ok(keys.into_iter().map(|key| (key, self.words[key].as_str())).collect())
    }

    #[batch]
    async fn elided(&self, keys: Vec<usize>) -> Result<HashMap<usize, &str>, Infallible> {
        Ok(keys.into_iter().map(|key| (key, self.words[key].as_str())).collect())
    }
}

fn main() {}
