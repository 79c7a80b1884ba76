//! The dialects of some providers.
#![expect(clippy::doc_markdown, reason = "names of companies")]

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::{Dialect, Unit};
use crate::http::field;

/// Amazon Selling Partner: `x-amzn-RateLimit-Limit` in calls a second.
pub const AMAZON_SELLING_PARTNER: &Dialect = &Dialect::new().wait("x-amzn-ratelimit-limit", Unit::CallsPerSecond);

/// Anthropic, of its quotas that of input tokens: for the `#[rate_limit]` of those. Its buckets fill up all the time.
pub const ANTHROPIC_INPUT_TOKENS: &Dialect = &Dialect::new().only("input-tokens").refills();

/// Anthropic, of its quotas that of output tokens.
pub const ANTHROPIC_OUTPUT_TOKENS: &Dialect = &Dialect::new().only("output-tokens").refills();

/// Anthropic, of its quotas that of requests.
pub const ANTHROPIC_REQUESTS: &Dialect = &Dialect::new().only("requests").refills();

/// Anthropic, of its quotas that of tokens of both sorts.
pub const ANTHROPIC_TOKENS: &Dialect = &Dialect::new().only("tokens").refills();

/// AWS: 400 with the name of a throttling error in the body.
pub const AWS: &Dialect = &Dialect::new()
    .refuses_with(&[StatusCode::BAD_REQUEST])
    .says("ThrottlingException", None)
    .says("ThrottledException", None)
    .says("RequestLimitExceeded", None)
    .says("ProvisionedThroughputExceededException", None);

/// Brevo: `x-sib-ratelimit-…` in seconds.
pub const BREVO: &Dialect = &Dialect::new()
    .quota("x-sib-ratelimit-remaining", "x-sib-ratelimit-reset", Unit::BySize)
    .limit("x-sib-ratelimit-limit");

/// Bybit: `X-Bapi-Limit-…` in milliseconds since 1970; 200 with a code in the body, and 403 for a ban of ten minutes.
pub const BYBIT: &Dialect = &Dialect::new()
    .quota("x-bapi-limit-status", "x-bapi-limit-reset-timestamp", Unit::Millis)
    .limit("x-bapi-limit")
    .refuses_with(&[StatusCode::OK])
    .says("\"retCode\":10006,", None)
    .says("access too frequent", Some(Duration::from_secs(600)));

/// Contentful: `X-Contentful-RateLimit-…` in seconds.
pub const CONTENTFUL: &Dialect = &Dialect::new()
    .quota("x-contentful-ratelimit-second-remaining", "x-contentful-ratelimit-reset", Unit::BySize)
    .limit("x-contentful-ratelimit-second-limit");

/// Crossref: a rate, whose interval is the wait.
pub const CROSSREF: &Dialect = &Dialect::new().wait("x-rate-limit-interval", Unit::BySize);

/// Facebook: minutes in the JSON of `X-Business-Use-Case-Usage`, with 400 or 403.
pub const FACEBOOK: &Dialect = &Dialect::new().refuses_with(&[StatusCode::BAD_REQUEST]).wait_by(|headers| {
    let minutes = field::lines_up_to(MAX_JSON, headers, "x-business-use-case-usage").flat_map(|line| {
        line.split("\"estimated_time_to_regain_access\":").skip(1).filter_map(|rest| {
            let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
            field::whole(&rest[..end]).filter(|minutes| *minutes > 0)
        })
    });
    minutes.max().map(|minutes| Duration::from_secs(minutes.saturating_mul(60)))
});

/// Fastly: `Fastly-RateLimit-…` in seconds since 1970.
pub const FASTLY: &Dialect =
    &Dialect::new().quota("fastly-ratelimit-remaining", "fastly-ratelimit-reset", Unit::BySize);

/// Feishu and Lark: `x-ogw-ratelimit-reset` in seconds, with a code in the body of a 400.
pub const FEISHU: &Dialect = &Dialect::new()
    .wait("x-ogw-ratelimit-reset", Unit::BySize)
    .refuses_with(&[StatusCode::BAD_REQUEST])
    .says("\"code\":99991400", None)
    .says("\"code\":230020", None);

/// GitHub: 403 for the secondary limit, told by the body; a minute where nothing is said.
pub const GITHUB: &Dialect = &Dialect::new().says("secondary rate limit", Some(Duration::from_secs(60)));

/// Google: 403 with a reason in the body.
pub const GOOGLE: &Dialect = &Dialect::new()
    .says("\"rateLimitExceeded\"", None)
    .says("\"userRateLimitExceeded\"", None)
    .says("\"quotaExceeded\"", None);

/// KuCoin: `gw-ratelimit-…` in milliseconds.
pub const KUCOIN: &Dialect =
    &Dialect::new().quota("gw-ratelimit-remaining", "gw-ratelimit-reset", Unit::Millis).limit("gw-ratelimit-limit");

/// Linear: 400 with a quota of which nothing remains, or with a code in the body.
pub const LINEAR: &Dialect = &Dialect::new().refuses_with(&[StatusCode::BAD_REQUEST]).says("\"RATELIMITED\"", None);

/// Linode: `X-Maintenance-Mode` on a failure that lasts.
pub const LINODE: &Dialect = &Dialect::new().gives_up("x-maintenance-mode");

/// MediaWiki: 200 with `MediaWiki-API-Error: maxlag`.
pub const MEDIAWIKI: &Dialect =
    &Dialect::new().refuses_with(&[StatusCode::OK]).says_in("mediawiki-api-error", "maxlag");

/// OpenAI: 429 also for an account whose credit is used up, told by the body.
pub const OPENAI: &Dialect = &Dialect::new().gives_up_saying("\"insufficient_quota\"");

/// OpenAI and its likes, of their quotas that of requests: for the `#[rate_limit]` of those. Their buckets fill up all the time.
pub const OPENAI_REQUESTS: &Dialect = &OPENAI.only("requests").refills();

/// OpenAI and its likes, of their quotas that of tokens.
pub const OPENAI_TOKENS: &Dialect = &OPENAI.only("tokens").refills();

/// OpenRouter: 402 with `Retry-After`.
pub const OPENROUTER: &Dialect = &Dialect::new().refuses_with(&[StatusCode::PAYMENT_REQUIRED]);

/// Prisjakt: `X-Rate-Limit-Reset` in milliseconds.
pub const PRISJAKT: &Dialect =
    &Dialect::new().quota("x-rate-limit-remaining", "x-rate-limit-reset", Unit::Millis).limit("x-rate-limit-limit");

/// Salesforce: 403 with an error code in the body.
pub const SALESFORCE: &Dialect = &Dialect::new().says("REQUEST_LIMIT_EXCEEDED", None);

/// Sentry: seconds for each category in `X-Sentry-Rate-Limits`, of which the longest counts.
pub const SENTRY: &Dialect = &Dialect::new().wait_by(|headers| {
    longest(headers, "x-sentry-rate-limits", |line| {
        line.split(',').filter_map(|quota| field::decimal(quota.trim().split(':').next()?)).max()
    })
});

/// SkuVault: `X-RateLimit-Reset` in milliseconds.
pub const SKUVAULT: &Dialect =
    &Dialect::new().quota("x-ratelimit-remaining", "x-ratelimit-reset", Unit::Millis).limit("x-ratelimit-limit");

/// Tyk: 403 for a quota that is used up, told by the body.
pub const TYK: &Dialect = &Dialect::new().says("Quota exceeded", None);

/// Walmart Marketplace: tokens, and the time of the next ones.
pub const WALMART: &Dialect = &Dialect::new()
    .quota("x-current-token-count", "x-next-replenishment-time", Unit::BySize)
    .limit("x-max-token-count");

/// Wildberries: 409 with `X-Ratelimit-Retry-After`.
pub const WILDBERRIES: &Dialect = &Dialect::new().refuses_with(&[StatusCode::CONFLICT]);

/// Zendesk: the limits of endpoints in headers of their own, such as `total=100; remaining=0; resets=41`.
pub const ZENDESK: &Dialect = &Dialect::new().wait_by(|headers| {
    let names = headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("zendesk-ratelimit-"));
    let member = |line: &str, key: &str| {
        line.split(';').find_map(|member| field::whole(member.trim().strip_prefix(key)?.strip_prefix('=')?))
    };
    let waits = names.take(MAX_NAMES).filter_map(|name| {
        longest(headers, name, |line| {
            let is_exhausted = member(line, "remaining") == Some(0);
            member(line, "resets").filter(|_| is_exhausted).map(Duration::from_secs)
        })
    });
    waits.max()
});

fn longest(headers: &HeaderMap, name: &str, read: impl Fn(&str) -> Option<Duration>) -> Option<Duration> {
    field::lines(headers, name).filter_map(read).max()
}

const MAX_NAMES: usize = 16;

/// Room for the 32 accounts that the header may tell of.
const MAX_JSON: usize = 8 * 1024;
