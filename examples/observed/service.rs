//! The service: a search, and the pages that tell how its policies fare.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use futures_util::future::join_all;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;
use resilient::snapshot::Policies;
use serde::{Deserialize, Serialize};

use crate::client::{Article, Client, prices_one, search_all};

/// The service and all that it needs.
pub(crate) struct Service {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    registry: Registry,
}

#[derive(Deserialize)]
struct Search {
    q: String,
}

/// A line of an answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Offer {
    #[serde(flatten)]
    article: Article,
    /// The price, unless the upstream for prices is down.
    pub(crate) price: Option<u64>,
}

impl Service {
    pub(crate) fn new(client: Client) -> Self {
        let mut registry = Registry::default();
        resilient::metrics::prometheus::register(&mut registry);
        Self { shared: Arc::new(Shared { client, registry }) }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.shared.client
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/search", routing::get(search))
            .route("/metrics", routing::get(metrics))
            .route("/policies", routing::get(policies))
            .route("/policies.txt", routing::get(policies_as_text))
            .with_state(self.shared.clone())
    }
}

/// Answers with the articles of all shards and their prices, as far as there are any.
async fn search(State(shared): State<Arc<Shared>>, Query(Search { q }): Query<Search>) -> Response {
    let client = &shared.client;
    let shards = match search_all(client, &q, 0..SHARDS).try_all().await {
        Ok(shards) => shards,
        Err(error) => return unavailable(&error),
    };
    let offers = shards.into_iter().flatten().map(async |article| {
        let price = prices_one(client, article.id).await?;
        Ok(Offer { article, price })
    });
    let offers: Result<Vec<Offer>, crate::error::CallError> = join_all(offers).await.into_iter().collect();
    match offers {
        Ok(offers) => Json(offers).into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let mut text = String::new();
    match prometheus_text::encode(&mut text, &shared.registry) {
        Ok(()) => ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn policies() -> Json<Policies> {
    Json(resilient::policies())
}

async fn policies_as_text() -> String {
    resilient::policies().to_string()
}

fn unavailable(error: &crate::error::CallError) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response()
}

/// The number of shards that the catalogue has.
const SHARDS: u32 = 3;
