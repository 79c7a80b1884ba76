use resilient::retry;

use crate::support::{Error, Script};

pub struct Api {
    pub script: Script,
}

impl Api {
    #[retry(backoff = "none", number = number)]
    pub fn fetch(&mut self, id: u32) -> Result<u32, Error> {
        self.script.next()?;
        Ok(id + number)
    }
}

pub async fn transcript() -> String {
    let mut api = Api { script: Script::failing(2) };
    let outcome = api.fetch(7);
    format!("{outcome:?} after {}", api.script.attempts())
}
