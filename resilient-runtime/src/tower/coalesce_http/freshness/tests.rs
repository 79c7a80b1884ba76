//! The tables of responses that may be given out, and held.

use super::*;

type Headers<'h> = &'h [(&'h str, &'h str)];

const HOLD: Duration = Duration::from_secs(10);

fn head(status: u16, headers: Headers<'_>) -> Parts {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap().into_parts().0
}

fn is_given(status: u16, headers: Headers<'_>) -> bool {
    let vary = [HeaderName::from_static("accept"), HeaderName::from_static("x-tenant")];
    is_for_others(&head(status, headers), &vary, |name| name == "cookie")
}

#[test]
fn a_response_for_one_caller_is_not_given_to_others() {
    assert!(is_given(200, &[]));
    assert!(is_given(404, &[("cache-control", "no-cache, max-age=0")]), "all that wait asked before it came");
    for status in [101, 206, 304, 412, 416, 417] {
        assert!(!is_given(status, &[]), "{status}");
    }
    for header in [
        ("set-cookie", "a=1"),
        ("cache-control", "private"),
        ("cache-control", "max-age=60 , Private=\"x-name\""),
        ("cache-control", "no-store"),
        ("cache-control", "max-age=\"60, no-store"),
        ("content-type", "text/event-stream; charset=utf-8"),
        ("content-type", "Multipart/X-Mixed-Replace;boundary=x"),
    ] {
        assert!(!is_given(200, &[header]), "{header:?}");
    }
    assert!(!is_given(200, &[("cache-control", "public"), ("cache-control", "private")]), "on a second line");
}

#[test]
fn a_response_that_varies_with_a_header_outside_the_key_is_not_given_to_others() {
    assert!(is_given(200, &[("vary", "Accept, X-Tenant")]));
    assert!(is_given(200, &[("vary", "cookie")]), "no request with a key has one");
    for vary in ["*", "accept, *", "origin", "accept,x-tenant,origin", "not a name"] {
        assert!(!is_given(200, &[("vary", vary)]), "{vary}");
    }
    assert!(!is_given(200, &[("vary", "accept"), ("vary", "origin")]), "on a second line");
}

#[test]
fn a_response_is_held_if_it_may_be_kept_for_so_long() {
    use Judgement::{ForAll, ForThoseThatWait, Good};
    let date = ("date", "Tue, 01 Dec 2026 10:00:00 GMT");
    let cases: &[(u16, Headers<'_>, Judgement)] = &[
        (200, &[], Good),
        (301, &[], Good),
        (404, &[], ForAll),
        // no status that is kept by itself
        (302, &[], ForThoseThatWait),
        (400, &[], ForThoseThatWait),
        (302, &[("cache-control", "max-age=10")], Good),
        (302, &[("cache-control", "public")], Good),
        // failures, whatever they say
        (500, &[("cache-control", "max-age=60")], ForThoseThatWait),
        (501, &[], ForThoseThatWait),
        (429, &[("cache-control", "public")], ForThoseThatWait),
        (408, &[], ForThoseThatWait),
        // how long it is fresh
        (200, &[("cache-control", "max-age=9")], ForThoseThatWait),
        (200, &[("cache-control", "max-age=60"), ("age", "50")], Good),
        (200, &[("cache-control", "max-age=60"), ("age", "51")], ForThoseThatWait),
        (200, &[("cache-control", "max-age=60, s-maxage=0")], ForThoseThatWait),
        (200, &[("cache-control", "max-age=0, s-maxage=60")], ForAll),
        (200, &[("cache-control", "max-age=\"60\"")], Good),
        (200, &[("cache-control", "max-age=soon")], ForThoseThatWait),
        (200, &[("cache-control", "max-age=60, max-age=5")], ForThoseThatWait),
        (200, &[("cache-control", "max-age=99999999999999999999")], Good),
        (200, &[("cache-control", "no-cache, max-age=60")], ForThoseThatWait),
        (200, &[date, ("expires", "Tue, 01 Dec 2026 10:00:10 GMT")], Good),
        (200, &[date, ("expires", "Tue, 01 Dec 2026 10:00:09 GMT")], ForThoseThatWait),
        (200, &[date, ("expires", "Tue, 01 Dec 2026 09:00:00 GMT")], ForThoseThatWait),
        (200, &[("expires", "0")], ForThoseThatWait),
        (200, &[("expires", "0"), ("cache-control", "max-age=60")], Good),
        // not beyond `hold`
        (200, &[("cache-control", "max-age=60, must-revalidate")], ForAll),
        (200, &[("cache-control", "proxy-revalidate")], ForAll),
    ];

    for (status, headers, judgement) in cases {
        assert_eq!(lifetime(&head(*status, headers), HOLD), *judgement, "{status} {headers:?}");
    }
}
