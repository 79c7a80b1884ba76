//! Clients that do not fit, used where they are made.

use axum::body::Body;
use axum::http::{Request, Response};
use resilient::tower::{coalesce, coalesce_http, policies, retry};
use resilient::{CircuitBreaker, Coalesce, Retry};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

static BREAKER: CircuitBreaker = CircuitBreaker::named("articles");
static RETRY: Retry = Retry::named("articles");
static PAGES: Coalesce = Coalesce::named("articles");

struct Upload(std::fs::File);

async fn store(upload: Upload) -> Result<u64, BoxError> {
    Ok(upload.0.metadata()?.len())
}

async fn page(number: u64) -> Result<String, BoxError> {
    Ok(number.to_string())
}

async fn number(id: u32) -> Result<u32, std::convert::Infallible> {
    Ok(id)
}

async fn refused() {
    let mut client = ServiceBuilder::new().layer(policies(&BREAKER)).service(service_fn(number));
    let _ = client.ready().await.unwrap().call(7).await;
}

async fn sent_again(upload: Upload) {
    let mut client = ServiceBuilder::new().layer(retry(&RETRY)).service(service_fn(store));
    let _ = client.ready().await.unwrap().call(upload).await;
}

async fn shared() {
    let mut client = ServiceBuilder::new().layer(coalesce(&PAGES, |number: &u64| Some(*number))).service(service_fn(page));
    let _ = client.ready().await.unwrap().call(7).await;
}

async fn answer(_: Request<Body>) -> Result<Response<Body>, BoxError> {
    Ok(Response::new(Body::empty()))
}

async fn shared_http() {
    let mut client = ServiceBuilder::new().layer(coalesce_http(&PAGES)).service(service_fn(answer));
    let _ = client.ready().await.unwrap().call(Request::new(Body::empty())).await;
}

fn main() {}
