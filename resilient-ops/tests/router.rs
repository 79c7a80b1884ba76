//! The pages for operators: each status, the headers, who may change what, and the stream of events.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use resilient::{Bulkhead, CircuitBreaker, CircuitBreakerState, Class, Mode, Retry, Timeout, retry, timeout};
use resilient_ops::router::{Access, Events};
use resilient_ops::{Ops, Snapshot, router};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use tracing_subscriber::layer::SubscriberExt;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("it is JSON")
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn mistakes(&self) -> Vec<String> {
        serde_json::from_value(self.json()["mistakes"].clone()).expect("it has mistakes")
    }
}

async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, text }
}

async fn get(router: &Router, path: &str) -> Answer {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

fn post_to(name: &str) -> Builder {
    Request::post(format!("/policies/{name}")).header("content-type", "application/json").header("host", "ops:9000")
}

async fn post(router: &Router, name: &str, body: Value) -> Answer {
    ask(router, post_to(name).body(body.to_string().into()).unwrap()).await
}

/// Pages on which everybody may change everything.
fn open() -> Router {
    Ops::new().authorise(|_| true).router()
}

#[tokio::test]
async fn every_answer_is_protected_and_kept_by_nobody() {
    let pages = open();
    let answers = [
        (get(&pages, "/").await, StatusCode::OK),
        (get(&pages, "/policies").await, StatusCode::OK),
        (get(&pages, "/metrics").await, StatusCode::OK),
        (get(&pages, "/events").await, StatusCode::NOT_FOUND),
        (get(&pages, "/policies/some").await, StatusCode::METHOD_NOT_ALLOWED),
        (post(&pages, "nobody", json!({"mode": "off"})).await, StatusCode::NOT_FOUND),
    ];

    for (answer, status) in answers {
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
}

#[tokio::test]
async fn the_page_may_run_its_own_script_and_style_and_no_other() {
    let page = get(&router(), "/").await;

    let policy = page.header("content-security-policy");
    for tag in ["script", "style"] {
        let (_, rest) = page.text.split_once(&format!("<{tag}>")).expect("the tag is there");
        let (text, rest) = rest.split_once(&format!("</{tag}>")).unwrap();
        assert!(!rest.contains(&format!("<{tag}")), "one {tag} alone");
        assert!(text.len() > 1_000);
        let hash = STANDARD.encode(Sha256::digest(text));
        assert!(policy.contains(&format!("{tag}-src 'sha256-{hash}';")), "{policy}");
    }
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let addresses = page.text.matches("http").count();
    let of_svg = page.text.matches("'http://www.w3.org/2000/svg'").count();
    assert_eq!((addresses, of_svg), (1, 1), "it asks no other host");
    let forbidden = [" style=", " onclick=", "innerHTML", "insertAdjacentHTML", "document.write", "eval("];
    assert!(forbidden.iter().all(|word| !page.text.contains(word)));
}

#[tokio::test]
async fn the_list_is_a_snapshot_that_says_what_else_there_is() {
    static LISTED: Timeout = Timeout::named("<router listed>", Duration::from_secs(1));
    resilient::list(&LISTED);

    let (closed, all) = (get(&router(), "/policies").await, Ops::new().events(&Events::new()).authorise(|_| true));
    let all = get(&all.router(), "/policies").await;

    let snapshot = Snapshot::from_json(&closed.text).unwrap();
    assert!(snapshot.others.iter().any(|policy| policy.name == "<router listed>"));
    assert_eq!(closed.header("content-type"), "application/json");
    assert_eq!(closed.header("content-length"), closed.text.len().to_string());
    assert_eq!((&closed.json()["changes"], &closed.json()["events"]), (&json!(false), &json!(false)));
    assert_eq!((&all.json()["changes"], &all.json()["events"]), (&json!(true), &json!(true)));
    assert!(closed.json()["at"].as_u64() > Some(1_700_000_000_000));
}

#[tokio::test]
async fn the_metrics_come_in_the_format_that_is_preferred() {
    const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
         application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let pages = router();

    for (accept, is_openmetrics) in [
        (None, false),
        (Some("*/*"), false),
        (Some("text/html"), false),
        (Some("text/plain"), false),
        (Some("application/openmetrics-text"), true),
        (Some("Application/OpenMetrics-Text; Version=\"1.0.0\""), true),
        (Some("application/openmetrics-text; version=2.0.0"), false),
        (Some("application/openmetrics-text; q=0"), false),
        (Some("application/openmetrics-text;q=0.5, text/plain;q=0.8"), false),
        (Some("application/openmetrics-text;q=0.8, text/plain;q=0.5"), true),
        (Some("application/openmetrics-text;q=much"), false),
        (Some(PROMETHEUS), true),
    ] {
        let request =
            accept.into_iter().fold(Request::get("/metrics"), |request, accept| request.header("accept", accept));
        let answer = ask(&pages, request.body(Body::empty()).unwrap()).await;

        let expected =
            if is_openmetrics { "application/openmetrics-text; version=1.0.0" } else { "text/plain; version=0.0.4" };
        assert!(answer.header("content-type").starts_with(expected), "{accept:?}: {}", answer.header("content-type"));
        assert_eq!(answer.text.ends_with("# EOF\n"), is_openmetrics, "{accept:?}");
        assert_eq!(answer.header("content-length"), answer.text.len().to_string());
        assert_eq!(answer.header("vary"), "accept");
        assert!(answer.text.contains("\nresilient_policies "));
    }
}

#[tokio::test]
async fn nothing_can_be_changed_until_the_program_says_who_may() {
    static CLOSED: Bulkhead = Bulkhead::named("router closed").limit(3);
    resilient::list(&CLOSED);
    let pages = Ops::new().events(&Events::new()).router();

    let answer = post(&pages, "router%20closed", json!({"mode": "off"})).await;

    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    for path in ["/", "/policies", "/metrics", "/events"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            assert_eq!(ask(&pages, request).await.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn requests_from_other_sites_are_refused() {
    static SITES: Bulkhead = Bulkhead::named("router-sites").limit(3);
    resilient::list(&SITES);
    let pages = open();
    let body = r#"{"mode": "observe"}"#;

    for (headers, status) in [
        (&[][..], StatusCode::OK),
        (&[("sec-fetch-site", "same-origin")], StatusCode::OK),
        (&[("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        (&[("sec-fetch-site", "same-site")], StatusCode::FORBIDDEN),
        (&[("sec-fetch-site", "none")], StatusCode::FORBIDDEN),
        (&[("sec-fetch-site", "cross-site"), ("origin", "http://ops:9000")], StatusCode::FORBIDDEN),
        (&[("origin", "http://ops:9000")], StatusCode::OK),
        (&[("origin", "https://OPS:9000")], StatusCode::OK),
        (&[("origin", "http://ops")], StatusCode::FORBIDDEN),
        (&[("origin", "http://ops:9000.example.com")], StatusCode::FORBIDDEN),
        (&[("origin", "http://example.com")], StatusCode::FORBIDDEN),
        (&[("origin", "null")], StatusCode::FORBIDDEN),
    ] {
        let request =
            headers.iter().fold(post_to("router-sites"), |request, (name, value)| request.header(*name, *value));
        assert_eq!(ask(&pages, request.body(body.into()).unwrap()).await.status, status, "{headers:?}");
    }
    let without_host = Request::post("/policies/router-sites").header("origin", "http://ops:9000");
    let without_host = without_host.header("content-type", "application/json").body(body.into()).unwrap();
    assert_eq!(ask(&pages, without_host).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_program_says_who_may_change_settings() {
    static ASKED: Bulkhead = Bulkhead::named("router-asked").limit(3);
    resilient::list(&ASKED);
    let access = |token: Option<&str>| match token {
        None => Access::identify("Bearer"),
        Some(token) => Access::from(token == "Bearer right"),
    };
    let now = Ops::new()
        .authorise(move |request| access(request.headers.get("authorization").map(|token| token.to_str().unwrap())));
    let later = Ops::new().authorise_async(move |request| async move {
        tokio::task::yield_now().await;
        access(request.headers.get("authorization").map(|token| token.to_str().unwrap()))
    });

    for pages in [now.router(), later.router()] {
        let ask = async |token: &[&str]| {
            let request =
                token.iter().fold(post_to("router-asked"), |request, token| request.header("authorization", *token));
            ask(&pages, request.body(r#"{"mode": "observe"}"#.into()).unwrap()).await
        };
        let nobody = ask(&[]).await;
        assert_eq!((nobody.status, nobody.header("www-authenticate")), (StatusCode::UNAUTHORIZED, "Bearer"));
        assert_eq!(ask(&["Bearer wrong"]).await.status, StatusCode::FORBIDDEN);
        assert_eq!(mode("router-asked"), Mode::Enforce);

        assert_eq!(ask(&["Bearer right"]).await.status, StatusCode::OK);
        assert_eq!(mode("router-asked"), Mode::Observe);
        resilient::config::Changes::new().unset_mode("router-asked").apply().unwrap();
    }
}

#[tokio::test]
async fn what_is_no_such_request_is_refused_before_anything_changes() {
    static STAYS: Retry = Retry::named("router-stays").max(3);
    resilient::list(&STAYS);
    let pages = open();
    let send = async |content_type: &str, body: &str| {
        let request = Request::post("/policies/router-stays").header("content-type", content_type);
        ask(&pages, request.body(body.to_owned().into()).unwrap()).await
    };

    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"]
    {
        let answer = send(content_type, r#"{"kind": "retry", "set": {"max": 1}}"#).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    for (body, mistakes) in [
        ("", &["the body cannot be read: EOF while parsing a value at line 1 column 0"][..]),
        ("[]", &["the body cannot be read: it is no object: write, say, {\"mode\": \"observe\"}"]),
        (
            r#"{"kid": "retry"}"#,
            &[
                "the body cannot be read: unknown field `kid`, expected one of `kind`, `mode`, `force`, `set`, `unset`, `reset` at line 1 column 6",
            ],
        ),
        (
            r#"{"mode": "of"}"#,
            &[
                "the body cannot be read: unknown variant `of`, expected one of `enforce`, `observe`, `off` at line 1 column 13",
            ],
        ),
        ("{}", &["it says nothing to do: write `mode`, `force`, `set`, `unset` or `reset`"]),
        (r#"{"kind": "retry"}"#, &["it says nothing to do: write `mode`, `force`, `set`, `unset` or `reset`"]),
        (
            r#"{"set": {"max": 1}, "unset": ["max"], "reset": true}"#,
            &[
                "`reset` is a request of its own",
                "`set` needs the `kind` of policy that it is for",
                "`unset` needs the `kind` of policy that it is for",
                "`reset` needs the `kind` of policy that it is for",
                "`max` is both in `set` and in `unset`",
            ],
        ),
        (r#"{"kind": "retry", "mode": "off", "set": {"mode": "off"}}"#, &["`mode` is there twice"]),
    ] {
        let answer = send("application/json; charset=utf-8", body).await;
        assert_eq!(
            (answer.status, answer.mistakes()),
            (StatusCode::BAD_REQUEST, mistakes.iter().map(ToString::to_string).collect()),
            "{body}"
        );
    }
    let long = format!(r#"{{"kind": "retry", "set": {{"max": 1}}{}}}"#, " ".repeat(16 * 1024));
    assert_eq!(send("application/json", &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(setting("router-stays", "max"), "3");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let never = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());

    let answer = ask(&open(), post_to("some").body(never).unwrap()).await;

    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
}

#[retry(max = 3, base = "100ms")]
#[timeout(attempt = "1s")]
async fn router_function() -> Result<(), std::io::Error> {
    Ok(())
}

#[tokio::test]
async fn settings_are_refused_with_every_mistake_and_nothing_changes() {
    router_function().await.unwrap();
    let pages = open();
    let path = "router::router_function";

    let missing = post(&pages, "router::router_functio", json!({"kind": "retry", "set": {"max": 1}})).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.mistakes(), ["no policy has the name `router::router_functio`, and no function that path"]);

    let wrong = json!({"kind": "retry", "set": {"max": 0, "bas": "1s", "base": "5 parsecs", "factor": 3}});
    let refused = post(&pages, path, wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mistakes = refused.mistakes();
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    assert!(
        mistakes.iter().any(|mistake| mistake.contains("`bas`") && mistake.contains("did you mean `base`")),
        "{mistakes:?}"
    );

    for (body, says) in [
        (json!({"kind": "retri", "reset": true}), "retry"),
        (json!({"kind": "bulkhead", "set": {"limit": 1}}), "`router::router_function` has no `bulkhead`"),
        (json!({"kind": "retry", "force": "open"}), "force"),
        (json!({"kind": "retry", "set": {"max": true}}), "max"),
    ] {
        let answer = post(&pages, path, body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(answer.mistakes()[0].contains(says), "{body}: {:?}", answer.mistakes());
    }
    assert_eq!((setting("router_function", "max"), setting("router_function", "base")), ("3".into(), "100ms".into()));
}

#[tokio::test]
async fn a_change_for_a_policy_that_is_not_there_is_not_kept_for_later() {
    static NOW: Bulkhead = Bulkhead::named("router-later").limit(3);
    static LATER: Retry = Retry::named("router-later").max(3);
    resilient::list(&NOW);

    let answer = post(&open(), "router-later", json!({"kind": "retry", "set": {"max": 1}})).await;
    resilient::list(&LATER);

    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    let listed = resilient::policies()
        .others
        .into_iter()
        .find(|policy| policy.series.layer == "retry" && policy.name == "router-later");
    assert_eq!(listed.unwrap().settings[0].value, "3");
}

#[tokio::test]
async fn settings_modes_and_states_change_and_are_taken_back() {
    static CHANGES: CircuitBreaker = CircuitBreaker::named("router <changes>")
        .open_for(Duration::from_secs(20))
        .probe_timeout(Duration::from_secs(1));
    resilient::list(&CHANGES);
    let pages = open();
    let change = async |body: Value| {
        let answer = post(&pages, "router%20%3Cchanges%3E", body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.text);
        assert_eq!(answer.json()["reset"], json!(u8::from(body["reset"] == json!(true))), "{body}");
        let changed = answer.json()["changed"].as_array().unwrap().clone();
        changed
            .iter()
            .map(|one| {
                [&one["key"], &one["before"], &one["after"]].map(|text| text.as_str().unwrap().to_owned()).join(" ")
            })
            .collect::<Vec<_>>()
    };

    let set = json!({"kind": "circuit_breaker", "set": {"open_for": "5s", "consecutive": 7}, "force": "open"});
    let mut all = change(set).await;
    all.sort();
    assert_eq!(all, ["consecutive 5 7", "open_for 20s 5s", "state closed forced_open"]);
    assert_eq!(CHANGES.state(), CircuitBreakerState::ForcedOpen);
    assert_eq!(change(json!({"kind": "circuit_breaker", "force": null})).await, ["state forced_open closed"]);
    assert_eq!(change(json!({"kind": "circuit_breaker", "unset": ["open_for"]})).await, ["open_for 5s 20s"]);
    assert_eq!(setting("router <changes>", "consecutive"), "7");
    assert_eq!(change(json!({"mode": "observe"})).await, ["mode enforce observe"]);
    assert_eq!(change(json!({"mode": "observe"})).await, Vec::<String>::new());
    assert_eq!(change(json!({"mode": null})).await, ["mode observe enforce"]);

    for _ in 0..7 {
        CHANGES.acquire().unwrap().settle_as(Class::Transient, ());
    }
    assert_eq!(CHANGES.state(), CircuitBreakerState::Open);
    assert_eq!(change(json!({"kind": "circuit_breaker", "reset": true})).await, ["state open closed"]);
    assert_eq!(setting("router <changes>", "consecutive"), "7");
}

#[tokio::test]
async fn only_the_hosts_that_are_said_are_answered() {
    let pages = Ops::new().hosts(["Ops.shop:9000", "127.0.0.1:9000"]).router();
    let status = async |uri: &str, host: Option<&str>| {
        let request = host.into_iter().fold(Request::get(uri), |request, host| request.header("host", host));
        ask(&pages, request.body(Body::empty()).unwrap()).await.status
    };

    assert_eq!(status("/policies", Some("ops.shop:9000")).await, StatusCode::OK);
    assert_eq!(status("/policies", Some("127.0.0.1:9000")).await, StatusCode::OK);
    assert_eq!(status("http://ops.shop:9000/policies", None).await, StatusCode::OK);
    assert_eq!(status("/policies", Some("rebound.example.com:9000")).await, StatusCode::FORBIDDEN);
    assert_eq!(status("/", Some("ops.shop")).await, StatusCode::FORBIDDEN);
    assert_eq!(status("/metrics", None).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_pages_may_stand_under_a_path() {
    let app = Router::new().route("/", axum::routing::get(async || "the program's own")).nest("/ops", open());

    assert_eq!(get(&app, "/").await.text, "the program's own");
    assert!(get(&app, "/").await.headers.get("cache-control").is_none());
    assert!(get(&app, "/ops").await.text.starts_with("<!doctype html>"));
    assert_eq!(get(&app, "/ops/policies").await.status, StatusCode::OK);
}

/// The mode of a policy by hand, as the list has it.
fn mode(name: &str) -> Mode {
    let mut all = resilient::policies().others.into_iter().filter(|policy| policy.name == name);
    all.next().and_then(|policy| policy.mode).expect("it is listed")
}

/// The value of a setting, as the list has it.
fn setting(name: &str, key: &str) -> String {
    let policies = resilient::policies();
    let stacks = policies.functions.into_iter().flat_map(|function| function.stack).filter_map(|layer| layer.policy);
    let found = stacks.chain(policies.others).filter(|policy| policy.name == name).flat_map(|policy| policy.settings);
    found.into_iter().find(|setting| setting.key == key).expect("it has the setting").value
}

/// The next piece of a stream.
async fn next(body: &mut Body) -> Option<String> {
    let frame = body.frame().await?.unwrap();
    Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
}

async fn stream(router: &Router) -> (StatusCode, Body) {
    let (parts, body) =
        router.clone().oneshot(Request::get("/events").body(Body::empty()).unwrap()).await.unwrap().into_parts();
    (parts.status, body)
}

#[tokio::test]
async fn events_are_streamed_with_the_fields_of_the_table_alone() {
    static OPENS: CircuitBreaker = CircuitBreaker::named("router opens").consecutive(1);
    let events = Events::new();
    let _subscriber = tracing::subscriber::set_default(tracing_subscriber::registry().with(events.layer()));
    let pages = Ops::new().events(&events).router();
    let (status, mut body) = stream(&pages).await;
    assert_eq!(status, StatusCode::OK);

    tracing::warn!(target: "shop", policy = "of another target", "circuit breaker");
    tracing::debug!(target: "resilient", policy = "too quiet", "retrying");
    tracing::warn!(target: "resilient", policy = "canary", key = "hunter2", error = "hunter2", argument = ?"hunter2", calls = 3, "circuit breaker");
    OPENS.acquire().unwrap().settle_as(Class::Transient, ());

    let canary = next(&mut body).await.unwrap();
    let data = canary
        .strip_prefix("event: policy\ndata: ")
        .and_then(|rest| rest.strip_suffix("\n\n"))
        .expect("it is one event");
    let mut data: Value = serde_json::from_str(data).unwrap();
    assert!(data["at"].take().as_u64() > Some(1_700_000_000_000));
    assert_eq!(
        data,
        json!({"at": null, "level": "warn", "message": "circuit breaker", "policy": "canary", "calls": 3})
    );
    let opens = next(&mut body).await.unwrap();
    assert!(
        opens.contains(r#""policy":"router opens""#)
            && opens.contains(r#""from":"closed""#)
            && opens.contains(r#""to":"open""#),
        "{opens}"
    );
}

#[tokio::test]
async fn no_more_clients_than_that_read_events_at_once() {
    let pages = Ops::new().events(&Events::new()).max_streams(2).router();
    let first = stream(&pages).await;
    let second = stream(&pages).await;
    assert_eq!((first.0, second.0), (StatusCode::OK, StatusCode::OK));

    let third = get(&pages, "/events").await;
    assert_eq!((third.status, third.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "30"));

    drop(first);
    assert_eq!(stream(&pages).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_is_too_slow_hears_how_many_events_it_missed() {
    let events = Events::new();
    let _subscriber = tracing::subscriber::set_default(tracing_subscriber::registry().with(events.layer()));
    let pages = Ops::new().events(&events).router();
    let (_, mut body) = stream(&pages).await;

    for number in 0..300 {
        tracing::info!(target: "resilient", policy = "busy", calls = number, "paused");
    }

    assert_eq!(next(&mut body).await.unwrap(), "event: dropped\ndata: 44\n\n");
    assert!(next(&mut body).await.unwrap().contains(r#""calls":44"#));
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_events_says_that_it_is_alive_until_it_is_closed() {
    let events = Events::new();
    let pages = Ops::new().events(&events).router();
    let (_, mut body) = stream(&pages).await;
    let start = tokio::time::Instant::now();

    assert_eq!(next(&mut body).await.unwrap(), ":\n\n");
    assert_eq!(start.elapsed(), Duration::from_secs(15));
    events.close();

    assert_eq!(next(&mut body).await, None);
    assert_eq!(next(&mut stream(&pages).await.1).await, None);
}
