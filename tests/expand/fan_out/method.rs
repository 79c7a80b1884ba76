use resilient::{fan_out, retry};

use crate::support::{Error, Script};

pub struct Api {
    pub script: Script,
}

impl Api {
    #[fan_out(limit = 2)]
    #[retry(max = 2, backoff = "none")]
    pub async fn fetch(&self, #[each] word: &str, times: usize) -> Result<String, Error> {
        self.script.next()?;
        Ok(word.repeat(times))
    }
}

pub async fn transcript() -> String {
    let api = Api { script: Script::failing(1) };
    let fetched = api.fetch_all(["a", "b", "c"], 2).await;
    format!("{fetched:?}")
}
