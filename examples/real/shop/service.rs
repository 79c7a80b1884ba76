//! The shop: an article with its price, and a price alone. The same twice, without policies and with them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use reqwest::Url;
use resilient::http::{CallError, check};
use resilient::tower::{deadline_from_header, keyed, policies_for, respond};
use resilient::{
    Bulkhead, PerKey, Priority, RateLimit, circuit_breaker, coalesce, fallback, rate_limit, retry, timeout,
};
use tower::ServiceBuilder;

/// The clients of the shop.
pub(crate) struct Shop {
    pub(crate) http: reqwest::Client,
    pub(crate) catalogue: Url,
    pub(crate) prices: Url,
}

/// Asks an upstream. Each host has a breaker, so that one that is down does not take the other with it.
#[timeout(total = "500ms", attempt = "120ms")]
#[retry(max = 2, base = "20ms")]
#[circuit_breaker(key = url.authority(), consecutive = 8, open_for = "200ms")]
async fn ask(http: &reqwest::Client, url: &Url) -> Result<String, CallError> {
    plain_ask(http, url).await
}

async fn plain_ask(http: &reqwest::Client, url: &Url) -> Result<String, CallError> {
    Ok(check(http.get(url.clone()).send().await?)?.text().await?)
}

/// Looks an article up, or returns the last good answer.
#[fallback(stale = "1m", key = id)]
#[coalesce(key = id)]
async fn article(shop: &Shop, id: u32) -> Result<String, CallError> {
    ask(&shop.http, &at(&shop.catalogue, id)).await
}

/// Looks a price up. A 429 for one caller holds back all of them, for as long as it says.
#[fallback(stale = "1m", key = id)]
#[coalesce(key = id)]
#[rate_limit("100/s", max_wait = "50ms")]
async fn price(shop: &Shop, id: u32) -> Result<String, CallError> {
    ask(&shop.http, &at(&shop.prices, id)).await
}

/// Makes a page. Requests for a page that is being made get a copy of it.
#[coalesce(key = id)]
async fn page(shop: &Shop, id: u32) -> Result<String, CallError> {
    let (article, price) = tokio::try_join!(article(shop, id), price(shop, id))?;
    Ok(format!("{article}: {price}"))
}

async fn plain_page(shop: &Shop, id: u32) -> Result<String, CallError> {
    let (catalogue, prices) = (at(&shop.catalogue, id), at(&shop.prices, id));
    let (article, price) = tokio::try_join!(plain_ask(&shop.http, &catalogue), plain_ask(&shop.http, &prices))?;
    Ok(format!("{article}: {price}"))
}

/// The requests that the shop works on at once.
static PLACES: Bulkhead = Bulkhead::named("shop").limit(16).queue(16).max_wait(Duration::from_millis(100));

/// The requests of each caller.
static CALLERS: PerKey<RateLimit> =
    PerKey::new(RateLimit::named("callers").rate(25, Duration::from_secs(1)).burst(10).max_wait(Duration::ZERO));

/// Returns the routes with policies: a second for each request, or less if it says so; so many for each caller; and crawlers only where there is room.
pub(crate) fn router(shop: Arc<Shop>) -> Router {
    let layers = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(respond))
        .layer(deadline_from_header().at_most(Duration::from_secs(1)))
        .layer(keyed(&CALLERS, |request: &Request| caller(request).to_owned()).boxed())
        .layer(policies_for(|request: &Request| (PLACES.entry().priority(priority(request)),)).boxed());
    let pages = get(async |State(shop): State<Arc<Shop>>, Path(id): Path<u32>| reply(page(&shop, id).await));
    let prices = get(async |State(shop): State<Arc<Shop>>, Path(id): Path<u32>| reply(price(&shop, id).await));
    Router::new().route("/articles/{id}", pages).route("/prices/{id}", prices).layer(layers).with_state(shop)
}

/// Returns the routes without policies.
pub(crate) fn plain_router(shop: Arc<Shop>) -> Router {
    let pages = get(async |State(shop): State<Arc<Shop>>, Path(id): Path<u32>| reply(plain_page(&shop, id).await));
    let prices = get(async |State(shop): State<Arc<Shop>>, Path(id): Path<u32>| {
        reply(plain_ask(&shop.http, &at(&shop.prices, id)).await)
    });
    Router::new().route("/articles/{id}", pages).route("/prices/{id}", prices).with_state(shop)
}

fn priority(request: &Request) -> Priority {
    if caller(request) == "crawler" { Priority::Low } else { Priority::High }
}

fn caller(request: &Request) -> &str {
    request.headers().get("x-caller").and_then(|name| name.to_str().ok()).unwrap_or_default()
}

fn reply(outcome: Result<String, CallError>) -> Response {
    match outcome {
        Ok(text) => text.into_response(),
        Err(CallError::Refused(rejection)) => rejection.into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

fn at(upstream: &Url, id: u32) -> Url {
    let mut url = upstream.clone();
    url.set_path(&id.to_string());
    url
}
