//! Responses that failed, as errors.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};

use super::secs;
use crate::http::{CallError, StatusError, check, dialect};
use crate::{Class, Classify, Error, PolicyKind, Reason};

type Headers = &'static [(&'static str, &'static str)];

fn respond(status: u16, headers: &[(&str, &str)]) -> Response<&'static str> {
    let response = headers
        .iter()
        .fold(Response::builder().status(status), |response, (name, value)| response.header(*name, *value));
    response.body("text").unwrap()
}

fn failure(status: u16, headers: &[(&str, &str)]) -> StatusError {
    check(respond(status, headers)).unwrap_err()
}

#[test]
fn a_success_is_returned_as_it_is() {
    for status in [200, 204, 302, 304] {
        assert_eq!(check(respond(status, &[("retry-after", "9")])).unwrap().into_body(), "text");
    }
}

#[test]
fn a_failure_keeps_its_status_class_and_hint() {
    let table: [(u16, Headers, Class, Option<Duration>); 6] = [
        (429, &[("retry-after", "9")], Class::Throttled { after: Some(secs(9)) }, Some(secs(9))),
        (429, &[], Class::Throttled { after: None }, None),
        (502, &[("retry-after", "9")], Class::Transient, Some(secs(9))),
        (500, &[], Class::Transient, None),
        (404, &[("retry-after", "9")], Class::Permanent, None),
        (429, &[("x-should-retry", "false")], Class::Permanent, None),
    ];

    for (status, headers, class, wait) in table {
        let error = failure(status, headers);

        assert_eq!((error.status().as_u16(), error.class(), error.retry_after()), (status, class, wait));
        let hint = if class == Class::Transient { wait } else { None };
        assert_eq!(error.hint(), hint, "{status}");
    }
}

#[test]
fn only_a_verdict_of_the_server_forbids_attempts() {
    assert!(failure(429, &[("x-should-retry", "false")]).forbids_attempts());
    assert!(!failure(404, &[]).forbids_attempts());
    assert!(!failure(409, &[("x-should-retry", "true")]).forbids_attempts());
}

#[test]
fn an_error_says_the_status_and_the_wait() {
    assert_eq!(failure(404, &[]).to_string(), "the server answered 404 Not Found");
    assert_eq!(
        failure(503, &[("retry-after", "1.5")]).to_string(),
        "the server answered 503 Service Unavailable, and asks to stay away for 1.5s"
    );
}

#[test]
fn a_failure_is_known_where_its_type_is_lost() {
    let boxed: Box<dyn StdError + Send + Sync> = failure(502, &[("retry-after", "9")]).into();

    assert_eq!((boxed.class(), boxed.hint()), (Class::Transient, Some(secs(9))));

    let boxed: Box<dyn StdError + Send + Sync> = CallError::from(failure(429, &[])).into();
    assert_eq!(boxed.class(), Class::Throttled { after: None });

    let refused = Error::new(PolicyKind::Timeout, "outer", Reason::DeadlineExceeded);
    let boxed: Box<dyn StdError + Send + Sync> = CallError::from(refused.clone()).into();
    assert_eq!(boxed.rejection(), Some(&refused));
}

#[test]
fn a_call_error_is_what_is_inside() {
    let refused = Error::new(PolicyKind::Timeout, "outer", Reason::DeadlineExceeded);
    let reset = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);

    let status = CallError::from(failure(502, &[("retry-after", "9")]));
    assert_eq!(
        (status.class(), status.hint(), status.status()),
        (Class::Transient, Some(secs(9)), Some(StatusCode::BAD_GATEWAY))
    );
    assert_eq!(status.to_string(), failure(502, &[("retry-after", "9")]).to_string());

    let client = CallError::client(reset());
    assert_eq!((client.class(), client.status()), (Class::Transient, None));
    assert_eq!(client.clone().to_string(), reset().to_string());

    let rejection = CallError::from(refused.clone());
    assert_eq!((rejection.rejection(), rejection.class()), (Some(&refused), refused.class()));

    let verdict = CallError::from(failure(429, &[("x-should-retry", "false")]));
    assert!(verdict.forbids_attempts());
}

#[test]
fn a_dialect_can_make_a_success_a_failure() {
    let response = || respond(200, &[("mediawiki-api-error", "maxlag"), ("retry-after", "5")]);

    assert!(check(response()).is_ok());
    let lagging = dialect::MEDIAWIKI.check(response()).unwrap_err();

    assert_eq!((lagging.status(), lagging.retry_after()), (StatusCode::OK, Some(secs(5))));
}

#[test]
fn an_error_can_be_shared() {
    fn shared<T: Clone + Send + Sync + StdError + Classify + 'static>(_: Arc<T>) {}

    shared(Arc::new(failure(500, &[])));
    shared(Arc::new(CallError::from(failure(500, &[]))));
}
