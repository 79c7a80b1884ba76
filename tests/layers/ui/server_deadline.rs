//! A layer of deadlines is the innermost, and its error the route's.

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::routing::get;
use resilient::tower::{deadline_from_header, respond};
use tower::ServiceBuilder;

fn main() {
    let layers = ServiceBuilder::new().layer(HandleErrorLayer::new(respond)).layer(deadline_from_header());
    let _: Router = Router::new().route("/", get(async || "ok")).layer(layers);
}
