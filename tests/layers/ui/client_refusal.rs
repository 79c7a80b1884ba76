//! An error of the service's own that cannot hold a refusal.

use resilient::CircuitBreaker;
use resilient::tower::policies;
use tower::{Service, ServiceBuilder, service_fn};

static BREAKER: CircuitBreaker = CircuitBreaker::named("articles");

fn client() -> impl Service<u32> {
    ServiceBuilder::new().layer(policies(&BREAKER)).service(service_fn(async |id: u32| Ok::<_, std::convert::Infallible>(id)))
}

fn main() {
    client();
}
