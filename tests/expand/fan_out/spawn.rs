use std::sync::Arc;

use resilient::fan_out;

pub struct Api {
    pub factor: u32,
}

impl Api {
    #[fan_out(executor = "spawn", dedup, limit = 4)]
    pub async fn multiply(self: Arc<Self>, number: u32) -> Result<u32, resilient::Error> {
        Ok(number * self.factor)
    }
}

pub async fn transcript() -> String {
    let api = Arc::new(Api { factor: 3 });
    let multiplied = api.multiply_all([1, 2, 1]).await;
    format!("{multiplied:?}")
}
