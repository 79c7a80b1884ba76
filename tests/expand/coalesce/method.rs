use resilient::{coalesce, retry, timeout};
use crate::support::{Error, Script};

struct Api {
    name: &'static str,
    script: Script,
}

impl Api {
    #[coalesce(key = id)]
    #[timeout(total = "1s")]
    #[retry(max = 2, backoff = "none")]
    async fn load(&self, id: u32) -> Result<String, Error> {
        tokio::task::yield_now().await;
        self.script.next()?;
        Ok(format!("{} {id} at {}", self.name, self.script.attempts()))
    }
}

pub async fn transcript() -> String {
    let (a, b) = (
        Api { name: "a", script: Script::failing(1) },
        Api { name: "b", script: Script::fine() },
    );
    format!("{:?}", tokio::join!(a.load(1), a.load(1), b.load(1)))
}
