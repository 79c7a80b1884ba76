//! Dialects beside the documented responses.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{YEAR, at, headers, now, secs};
use crate::http::status::classify_at;
use crate::http::{Dialect, RateLimit, Unit, dialect};
use crate::{Class, Classified};

const THROTTLED: Class = Class::Throttled { after: None };

fn after(millis: u64) -> Class {
    Class::Throttled { after: Some(Duration::from_millis(millis)) }
}

fn class(dialect: &Dialect, status: u16, lines: &[&str], body: &str) -> Class {
    dialect.classify_at(StatusCode::from_u16(status).unwrap(), &headers(lines), Some(body.as_bytes()), now).class
}

#[test]
fn headers_of_other_names_have_their_unit() {
    const MILLIS: &Dialect = &Dialect::new().quota("x-left", "x-reset", Unit::Millis).limit("x-all");
    const BY_SIZE: &Dialect = &Dialect::new().quota("x-left", "x-reset", Unit::BySize);
    const RATE: &Dialect = &Dialect::new().wait("x-rate", Unit::CallsPerSecond);
    const WAIT: &Dialect = &Dialect::new().wait("x-wait", Unit::Millis);
    let table: [(&Dialect, &[&str], Class); 15] = [
        (MILLIS, &["x-left: 0", "x-reset: 250"], after(250)),
        (MILLIS, &["x-left: 1", "x-reset: 250"], THROTTLED),
        (MILLIS, &["x-reset: 250"], after(250)),
        (MILLIS, &["retry-after: 3", "x-left: 0", "x-reset: 250"], after(3_000)),
        // the usual names may mean something else here
        (MILLIS, &["x-ratelimit-remaining: 0", "x-ratelimit-reset: 250"], THROTTLED),
        (BY_SIZE, &["x-left: 0", "x-reset: 250"], after(250_000)),
        (BY_SIZE, &["x-left: 0", "x-reset: 1994-11-06T08:49:47Z"], after(10_000)),
        (RATE, &["x-rate: 0.5"], after(2_000)),
        (RATE, &["x-rate: 4"], after(250)),
        (RATE, &["x-rate: 0"], THROTTLED),
        (RATE, &["x-rate: 0.0000000001"], THROTTLED),
        (RATE, &["x-rate: soon"], THROTTLED),
        (WAIT, &["x-wait: 250"], after(250)),
        (WAIT, &["x-wait: 250", "retry-after: 3"], after(3_000)),
        (WAIT, &["x-wait: soon"], THROTTLED),
    ];

    for (dialect, lines, expected) in table {
        assert_eq!(class(dialect, 429, lines, ""), expected, "{lines:?}");
    }
    let limit = MILLIS.rate_limit(&headers(&["x-all: 9", "x-left: 3", "x-reset: 2000"]), now()).unwrap();
    assert_eq!(limit, RateLimit { limit: Some(9), remaining: Some(3), reset: Some(secs(2)) });
    assert_eq!(MILLIS.rate_limit(&headers(&["x-ratelimit-limit: 9"]), now()), None);
}

#[test]
fn a_dialect_of_one_kind_reads_that_kind_alone() {
    const TOKENS: &Dialect = &Dialect::new().only("tokens");
    const REQUESTS: &Dialect = &Dialect::new().only("requests");
    let both: &[&str] = &[
        "x-ratelimit-limit-requests: 60",
        "x-ratelimit-remaining-requests: 59",
        "x-ratelimit-reset-requests: 1s",
        "x-ratelimit-limit-tokens: 1500",
        "x-ratelimit-remaining-tokens: 700",
        "x-ratelimit-reset-tokens: 6s",
        "x-ratelimit-remaining-input-tokens: 1",
    ];
    let draft: &[&str] = &[
        r#"ratelimit-policy: "a";q=60;w=60, "b";q=1500;w=60;qu="tokens""#,
        r#"ratelimit: "a";r=59;t=1, "b";r=700;t=6"#,
    ];
    let named: &[&str] =
        &[r#"ratelimit-policy: "tokens";q=1500, "all";q=60"#, r#"ratelimit: "tokens";r=700, "all";r=59"#];
    let other: &[&str] = &["x-ratelimit-remaining: 59", "x-ratelimit-remaining-tokens-per-minute: 700"];
    let remaining =
        |dialect: &Dialect, lines| dialect.rate_limit(&headers(lines), now()).and_then(|rate| rate.remaining);

    for lines in [both, draft, named, other] {
        assert_eq!(remaining(TOKENS, lines), Some(700), "{lines:?}");
        assert_eq!(remaining(REQUESTS, lines), Some(59), "{lines:?}");
    }
    assert_eq!(remaining(TOKENS, &["x-ratelimit-remaining: 59"]), None);
    let anthropic: &[&str] = &[
        "anthropic-ratelimit-requests-remaining: 49",
        "anthropic-ratelimit-tokens-remaining: 90",
        "anthropic-ratelimit-input-tokens-remaining: 40",
        "anthropic-ratelimit-output-tokens-remaining: 50",
    ];
    assert_eq!(remaining(dialect::ANTHROPIC_REQUESTS, anthropic), Some(49));
    assert_eq!(remaining(dialect::ANTHROPIC_TOKENS, anthropic), Some(90));
    assert_eq!(remaining(dialect::ANTHROPIC_INPUT_TOKENS, anthropic), Some(40));
    assert_eq!(remaining(dialect::ANTHROPIC_OUTPUT_TOKENS, anthropic), Some(50));
}

#[test]
fn a_wait_holds_for_every_kind_and_a_bare_refusal_for_none_that_says_what_remains() {
    let used_up: &[&str] =
        &["x-ratelimit-remaining-requests: 59", "x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 6s"];
    let with_wait = [used_up, &["retry-after: 2"]].concat();
    let window = &Dialect::new().only("tokens");

    for dialect in [dialect::OPENAI_REQUESTS, dialect::OPENAI_TOKENS, window] {
        assert_eq!(class(dialect, 429, &with_wait, ""), after(2_000));
        assert_eq!(class(dialect, 429, &[], ""), THROTTLED, "nothing is said at all");
    }
    assert_eq!(class(dialect::OPENAI_REQUESTS, 429, used_up, ""), Class::Transient);
    assert_eq!(class(dialect::OPENAI_TOKENS, 429, used_up, ""), Class::Transient, "full in six seconds");
    assert_eq!(class(window, 429, used_up, ""), after(6_000), "nothing before");
    assert_eq!(class(dialect::OPENAI_TOKENS, 400, used_up, ""), Class::Permanent);
    assert_eq!(class(dialect::OPENAI_TOKENS, 200, used_up, ""), Class::Success);
}

#[test]
fn other_statuses_refuse_if_the_server_says_so() {
    const CONFLICT: &Dialect =
        &Dialect::new().refuses_with(&[StatusCode::CONFLICT, StatusCode::ACCEPTED]).says("slow down", Some(secs(5)));
    let table: [(u16, &[&str], &str, Class); 14] = [
        (409, &[], "", Class::Permanent),
        (409, &["retry-after: 3"], "", after(3_000)),
        (409, &["x-ratelimit-remaining: 0", "x-ratelimit-reset: 3"], "", after(3_000)),
        (409, &["x-ratelimit-remaining: 1", "x-ratelimit-reset: 3"], "", Class::Permanent),
        (409, &[], r#"{"retry_after": 3}"#, after(3_000)),
        (409, &[], "Please SLOW\n down!", after(5_000)),
        (409, &["retry-after: 3"], "slow down", after(3_000)),
        (409, &["x-should-retry: false"], "slow down", Class::Permanent),
        (403, &[], "slow down", after(5_000)),
        (404, &["retry-after: 3"], "slow down", Class::Permanent),
        (500, &[], "slow down", Class::Transient),
        // a success only in so many words
        (202, &["retry-after: 3"], "", Class::Success),
        (202, &["retry-after: 3"], "slow down", after(3_000)),
        (200, &[], "slow down", Class::Success),
    ];

    for (status, lines, body, expected) in table {
        assert_eq!(class(CONFLICT, status, lines, body), expected, "{status} {lines:?} {body}");
    }
}

#[test]
fn a_header_can_be_the_sign() {
    const SIGN: &Dialect =
        &Dialect::new().refuses_with(&[StatusCode::OK]).says_in("x-problem", "lag").gives_up("x-closed");
    let table: [(u16, &[&str], Class); 7] = [
        (200, &["x-problem: lag"], THROTTLED),
        (200, &["x-problem: other"], Class::Success),
        (404, &["x-problem: lag"], Class::Permanent),
        (503, &["x-closed: yes", "retry-after: 5"], Class::Permanent),
        (429, &["x-closed: yes"], Class::Permanent),
        (200, &["x-closed: yes"], Class::Success),
        (503, &["retry-after: 5"], after(5_000)),
    ];

    for (status, lines, expected) in table {
        assert_eq!(class(SIGN, status, lines, ""), expected, "{status} {lines:?}");
    }
}

#[test]
fn words_in_the_body_can_say_that_it_is_over() {
    let over = r#"{"error": {"type": "insufficient_quota", "code": "insufficient_quota"}}"#;
    let busy = r#"{"error": {"type": "tokens", "code": "rate_limit_exceeded"}}"#;

    for dialect in [dialect::OPENAI, dialect::OPENAI_REQUESTS, dialect::OPENAI_TOKENS] {
        assert_eq!(class(dialect, 429, &[], over), Class::Permanent);
        assert_eq!(class(dialect, 429, &["retry-after: 2"], over), Class::Permanent, "the wait does not help");
        assert_eq!(class(dialect, 429, &["retry-after: 2"], busy), after(2_000));
        assert_eq!(class(dialect, 429, &[], busy), THROTTLED);
        assert_eq!(class(dialect, 200, &[], over), Class::Success, "an answer about quotas");
    }
    assert_eq!(class(&Dialect::new(), 429, &[], over), THROTTLED, "no general reader can know");
}

#[test]
fn the_headers_of_known_dialects_are_read_with_care() {
    let table: [(&Dialect, &[&str], Class); 9] = [
        (dialect::SENTRY, &["x-sentry-rate-limits: 60:error:key, 2700::organization"], after(2_700_000)),
        (dialect::SENTRY, &["x-sentry-rate-limits: soon:error:key"], THROTTLED),
        (
            dialect::ZENDESK,
            &["zendesk-ratelimit-a: total=5; remaining=0; resets=41", "zendesk-ratelimit-b: remaining=1; resets=90"],
            after(41_000),
        ),
        (dialect::ZENDESK, &["zendesk-ratelimit-a: total=5; remaining=0"], THROTTLED),
        (
            dialect::ZENDESK,
            &["zendesk-ratelimit-a: remaining=0; resets=99999999999999999999"],
            Class::Throttled { after: Some(YEAR) },
        ),
        (
            dialect::FACEBOOK,
            &[
                r#"x-business-use-case-usage: {"1":[{"estimated_time_to_regain_access":19}],"2":[{"estimated_time_to_regain_access":3}]}"#,
            ],
            after(19 * 60_000),
        ),
        (
            dialect::FACEBOOK,
            &[r#"x-business-use-case-usage: {"1":[{"estimated_time_to_regain_access":0}]}"#],
            THROTTLED,
        ),
        (
            dialect::FACEBOOK,
            &[r#"x-business-use-case-usage: {"1":[{"estimated_time_to_regain_access":99999999999999999999}]}"#],
            Class::Throttled { after: Some(YEAR) },
        ),
        (dialect::WALMART, &["x-current-token-count: 0", "x-next-replenishment-time: 45"], after(45_000)),
    ];

    for (dialect, lines, expected) in table {
        assert_eq!(class(dialect, 429, lines, ""), expected, "{lines:?}");
    }
    // many accounts
    let account =
        |id: u32, minutes: u32| format!(r#""{id}":[{{"call_count":100,"estimated_time_to_regain_access":{minutes}}}]"#);
    let many: Vec<_> = (0..32).map(|id| account(id, id % 20)).collect();
    let line = format!("x-business-use-case-usage: {{{}}}", many.join(","));
    assert!(line.len() > 1_500);
    assert_eq!(class(dialect::FACEBOOK, 400, &[&line], ""), after(19 * 60_000));
    // a request that was wrong, on an account that has nothing to wait for
    assert_eq!(
        class(
            dialect::FACEBOOK,
            400,
            &[r#"x-business-use-case-usage: {"1":[{"estimated_time_to_regain_access":0}]}"#],
            ""
        ),
        Class::Permanent
    );
}

const KNOWN: [&Dialect; 6] = [
    dialect::SENTRY,
    dialect::ZENDESK,
    dialect::FACEBOOK,
    dialect::KUCOIN,
    dialect::AMAZON_SELLING_PARTNER,
    dialect::FEISHU,
];

proptest! {
    #[test]
    fn the_dialect_without_additions_reads_as_the_general_reader(
        code in 100_u16..1000, wait in "[0-9]{0,12}s?", remaining in "[0-9]{0,2}", verdict in "(true|false|)",
    ) {
        let headers = headers(&[
            &format!("retry-after: {wait}"), &format!("x-ratelimit-remaining: {remaining}"), "x-ratelimit-reset: 7", &format!("x-should-retry: {verdict}"),
        ]);
        let status = StatusCode::from_u16(code).unwrap();

        prop_assert_eq!(Dialect::new().classify_at(status, &headers, None, now), classify_at(status, &headers, now));
    }

    #[test]
    fn no_header_of_a_dialect_makes_it_panic_or_wait_for_longer_than_a_year(
        values in vec("[-0-9a-z:;=., \"{}_]{0,60}", 8), now in 0_u64..9_999_999_999, code in 400_u16..600,
    ) {
        let names = [
            "x-sentry-rate-limits", "zendesk-ratelimit-a", "x-business-use-case-usage", "gw-ratelimit-remaining",
            "gw-ratelimit-reset", "x-amzn-ratelimit-limit", "x-ogw-ratelimit-reset", "date",
        ];
        let headers: HeaderMap = names
            .into_iter()
            .zip(&values)
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();

        for dialect in KNOWN {
            let Classified { class, hint, .. } = dialect.classify_at(StatusCode::from_u16(code).unwrap(), &headers, None, || at(now));
            let wait = if let Class::Throttled { after } = class { after } else { hint };
            prop_assert!(wait.is_none_or(|wait| wait <= YEAR));
        }
    }
}
