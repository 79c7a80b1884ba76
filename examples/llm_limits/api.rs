//! The client of the API: a question, its estimate, and the response.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use resilient::http::{CallError, Response};
use serde::{Deserialize, Serialize};

/// The client.
pub(crate) struct Api {
    client: reqwest::Client,
    url: String,
}

/// A question to the model.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) id: u64,
    pub(crate) prompt_tokens: u64,
    /// The longest answer that the caller wants.
    pub(crate) max_tokens: u64,
}

/// A response to a question: a 429 is one too.
pub(crate) struct ChatResponse {
    status: StatusCode,
    headers: HeaderMap,
    /// The tokens that it has cost: none for a refusal.
    pub(crate) tokens: u64,
}

/// The part of the body that says what the call has cost.
#[derive(Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) total_tokens: u64,
}

impl Question {
    /// The question of that number, the same in every run.
    pub(crate) const fn number(id: u64) -> Self {
        Self { id, prompt_tokens: 50 + scatter(id) % 100, max_tokens: 400 }
    }

    /// The tokens that it can cost at the most, as the server reckons too before there is an answer.
    pub(crate) const fn estimate(&self) -> u64 {
        self.prompt_tokens + self.max_tokens
    }

    /// The tokens that it will have cost, which nobody but the server knows.
    pub(crate) const fn cost(&self) -> u64 {
        self.prompt_tokens + 50 + scatter(self.id ^ 0xc057) % 200
    }

    /// The milliseconds that the answer takes.
    pub(crate) const fn millis(&self) -> u64 {
        50 + scatter(self.id ^ 0x71e) % 200
    }
}

impl Api {
    pub(crate) fn new(url: String) -> Self {
        Self { client: reqwest::Client::new(), url }
    }

    /// Sends a question once.
    pub(crate) async fn send(&self, question: Question) -> Result<ChatResponse, CallError> {
        let sent = self.client.post(&self.url).json(&question).send().await;
        let response = sent.map_err(CallError::client)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let tokens = if status.is_success() {
            response.json::<Usage>().await.map_err(CallError::client)?.total_tokens
        } else {
            0
        };
        Ok(ChatResponse { status, headers, tokens })
    }
}

/// Lets the policies read the status and the headers.
impl Response for ChatResponse {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// A number that looks random and is the same in every run: the finalizer of `SplitMix64`.
pub(crate) const fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
