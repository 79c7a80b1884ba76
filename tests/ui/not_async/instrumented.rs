use async_trait::async_trait;
use resilient::timeout;

#[async_trait]
trait Finds {
    async fn find(&self, id: u32) -> Result<u32, resilient::Error>;
}

struct Finder;

#[async_trait]
impl Finds for Finder {
    #[tracing::instrument(skip_all)]
    #[timeout("1s")]
    async fn find(&self, id: u32) -> Result<u32, resilient::Error> {
        Ok(id)
    }
}

fn main() {}
