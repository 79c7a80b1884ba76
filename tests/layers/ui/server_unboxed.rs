//! A route's error is `Infallible`, which can hold no refusal.

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::routing::get;
use resilient::Bulkhead;
use resilient::tower::{policies, respond};
use tower::ServiceBuilder;

static PLACES: Bulkhead = Bulkhead::named("api").limit(100);

fn main() {
    let layers = ServiceBuilder::new().layer(HandleErrorLayer::new(respond)).layer(policies(&PLACES));
    let _: Router = Router::new().route("/", get(async || "ok")).layer(layers);
}
