//! The key of a request, and the requests that have none.

use std::hash::{Hash, Hasher};

use http::header::{
    AUTHORIZATION, COOKIE, HOST, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    PROXY_AUTHORIZATION, RANGE, UPGRADE,
};
use http::{HeaderMap, HeaderName, Method, Request, Uri};
use http_body::Body;

use super::freshness::has_directive;
use crate::Coalesce;
use crate::call::CoalesceCall;

/// The way from a request with a body `A` to its key.
pub trait RequestKey<A> {
    /// Returns the call of that request, unless it is a call of its own.
    #[doc(hidden)]
    fn call(
        &self,
        policy: &'static Coalesce,
        request: &Request<A>,
        vary: &[HeaderName],
    ) -> Option<CoalesceCall<'static>>;

    /// Returns whether requests that differ in that header never have one key, though `vary` does not name it.
    #[doc(hidden)]
    fn covers(name: &HeaderName) -> bool;
}

/// The key is the URI and `Host`. A request with credentials, a range or a condition has none.
#[derive(Debug, Clone, Copy)]
pub struct ByUri;

/// A function makes the key.
#[derive(Debug, Clone, Copy)]
pub struct ByKey<F>(pub(super) F);

impl<A: Body> RequestKey<A> for ByUri {
    fn call(
        &self,
        policy: &'static Coalesce,
        request: &Request<A>,
        vary: &[HeaderName],
    ) -> Option<CoalesceCall<'static>> {
        let headers = request.headers();
        let is_special = PARTICULAR.iter().any(|name| headers.contains_key(name) && !vary.contains(name));
        if !can_be_joined(request) || is_special || has_directive(headers, "no-store") {
            return None;
        }
        let host = headers.get(HOST);
        Some(policy.call(&(request.method(), whole_uri(request), host, Varying { headers, names: vary })))
    }

    fn covers(name: &HeaderName) -> bool {
        // a request that has a key has none of them, or `vary` names it
        name == HOST || PARTICULAR.contains(name)
    }
}

impl<A: Body, F, K> RequestKey<A> for ByKey<F>
where
    F: Fn(&Request<A>) -> Option<K>,
    K: Hash,
{
    fn call(
        &self,
        policy: &'static Coalesce,
        request: &Request<A>,
        vary: &[HeaderName],
    ) -> Option<CoalesceCall<'static>> {
        if !can_be_joined(request) {
            return None;
        }
        let key = (self.0)(request)?;
        Some(policy.call(&(request.method(), key, Varying { headers: request.headers(), names: vary })))
    }

    fn covers(_name: &HeaderName) -> bool {
        false
    }
}

/// Returns the URI of which no nested router of axum has taken the beginning.
#[cfg(feature = "axum-0-8")]
fn whole_uri<A>(request: &Request<A>) -> &Uri {
    request
        .extensions()
        .get::<axum::extract::OriginalUri>()
        .map_or(request.uri(), |axum::extract::OriginalUri(uri)| uri)
}

#[cfg(not(feature = "axum-0-8"))]
fn whole_uri<A>(request: &Request<A>) -> &Uri {
    request.uri()
}

/// Returns whether one response can be for several requests like this.
fn can_be_joined<A: Body>(request: &Request<A>) -> bool {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    is_safe && request.body().is_end_stream() && !request.headers().contains_key(UPGRADE)
}

/// The values of the headers that the key has in it.
struct Varying<'r> {
    headers: &'r HeaderMap,
    names: &'r [HeaderName],
}

impl Hash for Varying<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for name in self.names {
            let mut values = 0_usize;
            for value in self.headers.get_all(name) {
                value.hash(state);
                values += 1;
            }
            // so that the values of two headers are not taken for those of one
            state.write_usize(values);
        }
    }
}

/// The headers that make a request a matter of one caller: credentials, a part of a response, or a response that is had already.
static PARTICULAR: [HeaderName; 9] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    RANGE,
    IF_RANGE,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
];
