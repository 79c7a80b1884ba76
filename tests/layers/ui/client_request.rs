//! A request that is not `Clone`, below a retry.

use resilient::Retry;
use resilient::tower::retry;
use tower::{BoxError, Service, ServiceBuilder, service_fn};

static RETRY: Retry = Retry::named("articles");

struct Upload(std::fs::File);

async fn store(upload: Upload) -> Result<u64, BoxError> {
    Ok(upload.0.metadata()?.len())
}

fn client() -> impl Service<Upload> {
    ServiceBuilder::new().layer(retry(&RETRY)).service(service_fn(store))
}

fn main() {
    client();
}
