use resilient::{fallback, retry};

use crate::support::{Error, Script};

struct Api {
    tenant: u32,
    script: Script,
}

impl Api {
    #[fallback(stale = "5m", key = (self.tenant, name), shared_across(trace))]
    #[retry(max = 1, backoff = "none")]
    async fn load(&self, name: String, trace: u64) -> Result<String, Error> {
        self.script.next()?;
        Ok(format!("{name} of {} ({trace})", self.tenant))
    }
}

pub async fn transcript() -> String {
    let api = |tenant: u32, failures: u32| Api { tenant, script: Script::failing(failures) };
    let fresh = api(1, 1).load("tide".to_owned(), 7).await;
    let stale = api(1, 2).load("tide".to_owned(), 8).await;
    let none = api(2, 2).load("tide".to_owned(), 9).await;
    format!("{fresh:?} {stale:?} {none:?}")
}
