use async_trait::async_trait;
use resilient::{coalesce, retry, timeout};

#[derive(Debug, resilient::Classify)]
enum Failure {
    #[transparent(from)]
    Refused(resilient::Error),
}

struct Hits;

#[timeout("1s")]
#[coalesce(key = id, share)]
#[retry]
async fn not_on_top(id: u32) -> Result<Hits, Failure> {
    let _ = id;
    Ok(Hits)
}

#[coalesce(key = id, share = true)]
async fn with_a_value(id: u32) -> Hits {
    let _ = id;
    Hits
}

#[coalesce(share)]
async fn unnamed() -> impl Send + Sync {
    Hits
}

#[async_trait]
trait Search {
    async fn search(&self, id: u32) -> Result<Hits, Failure>;
}

#[async_trait]
impl Search for Hits {
    #[coalesce(key = id, share)]
    async fn search(&self, id: u32) -> Result<Hits, Failure> {
        let _ = id;
        Ok(Hits)
    }
}

#[coalesce(share)]
#[timeout("1s")]
async fn no_room() -> Result<Hits, u32> {
    Ok(Hits)
}

fn main() {}
