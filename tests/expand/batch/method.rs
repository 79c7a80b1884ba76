use std::sync::atomic::{AtomicUsize, Ordering};

use resilient::{batch, retry};

use crate::support::{Error, Script};

pub struct Api {
    pub script: Script,
    pub calls: AtomicUsize,
}

impl Api {
    /// The lengths of words.
    #[batch(max_size = 3, max_wait = "5ms", companion = measure)]
    #[retry(max = 2, backoff = "none")]
    pub async fn measure_all(&self, unit: &str, words: Vec<String>) -> Result<Vec<Result<String, Error>>, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.script.next()?;
        Ok(words.iter().map(|word| Ok(format!("{}{unit}", word.len()))).collect())
    }
}

pub async fn transcript() -> String {
    let api = Api { script: Script::failing(1), calls: AtomicUsize::new(0) };
    let word = |word: &str| api.measure("m", word.to_owned());
    let measured = tokio::join!(word("a"), word("bc"), word("bc"), word("d"));
    format!("{measured:?} in {}", api.calls.load(Ordering::SeqCst))
}
