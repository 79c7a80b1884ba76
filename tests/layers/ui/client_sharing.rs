//! An error that is not `Clone`, below a layer that gives one outcome to several callers.

use resilient::Coalesce;
use resilient::tower::coalesce;
use tower::{BoxError, Service, ServiceBuilder, service_fn};

static PAGES: Coalesce = Coalesce::named("articles");

async fn page(number: u64) -> Result<String, BoxError> {
    Ok(number.to_string())
}

fn client() -> impl Service<u64> {
    ServiceBuilder::new().layer(coalesce(&PAGES, |number: &u64| Some(*number))).service(service_fn(page))
}

fn main() {
    client();
}
