//! Nothing makes a response of a refusal.

use axum::Router;
use axum::routing::get;
use resilient::Bulkhead;
use resilient::tower::policies;
use tower::ServiceBuilder;

static PLACES: Bulkhead = Bulkhead::named("api").limit(100);

fn main() {
    let layers = ServiceBuilder::new().layer(policies(&PLACES).boxed());
    let _: Router = Router::new().route("/", get(async || "ok")).layer(layers);
}
