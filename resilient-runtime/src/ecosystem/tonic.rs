//! `tonic::Status`.

mod retry_info;

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Status, TimeoutExpired};

use super::cause;
use super::reply::Reply;
use crate::http::{CallError, class_of_response, retry_after};
use crate::{Class, Classify, Error, clock};

/// By what caused it on this side, else by code, and by what the server asked for.
///
/// | status | class |
/// |---|---|
/// | with a source, which the client made: a certificate, a lost or drained connection, a reset stream | that of the source, by its code where it is not known |
/// | `Unavailable`, `DeadlineExceeded`, `Aborted` | transient |
/// | `Unknown`, `Internal`: what a 500 is in HTTP | transient |
/// | of a response that is not gRPC, as a proxy's page of HTML | that of the [response](crate::http::class_of_response) to HTTP; permanent with 200 |
/// | `Internal` of a message that cannot be decoded or decompressed, or of metadata that cannot be parsed | permanent |
/// | `Cancelled` by a time-out, of the client's channel or of the server's layer | transient |
/// | `ResourceExhausted` | throttled |
/// | `ResourceExhausted` of a message or of metadata that is too large | permanent |
/// | `Unavailable` because of too many pings, which HTTP/2 calls `ENHANCE_YOUR_CALM` | throttled |
/// | every other | permanent |
///
/// The metadata `grpc-retry-pushback-ms` decides about the codes that are not permanent, as in
/// [gRPC's proposal A6](https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback): milliseconds make
/// them throttled for that long, and a negative number, or what is no number, makes them permanent.
///
/// `google.rpc.RetryInfo` in the details, and `Retry-After` in the metadata, say how long a throttled call stays away. Beside a
/// transient class they are its [hint](Classify::hint). The longest counts.
///
/// ```
/// use std::time::Duration;
///
/// use resilient::{Class, Classify};
/// use tonic::Status;
///
/// let mut status = Status::unavailable("draining");
/// assert_eq!(status.class(), Class::Transient);
///
/// status.metadata_mut().insert("grpc-retry-pushback-ms", "250".parse().unwrap());
/// assert_eq!(status.class(), Class::Throttled { after: Some(Duration::from_millis(250)) });
///
/// status.metadata_mut().insert("grpc-retry-pushback-ms", "-1".parse().unwrap());
/// assert_eq!(status.class(), Class::Permanent);
/// ```
impl Classify for Status {
    fn class(&self) -> Class {
        match (class_of_fault(self), pushback(self)) {
            (Class::Permanent, _) | (_, Pushback::Stop) => Class::Permanent,
            (_, Pushback::After(wait)) => Class::Throttled { after: Some(wait).max(asked(self)) },
            (Class::Throttled { after }, Pushback::None) => Class::Throttled { after: after.max(asked(self)) },
            (class, Pushback::None) => class,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }

    fn hint(&self) -> Option<Duration> {
        if self.class() == Class::Transient { asked(self) } else { None }
    }

    fn forbids_attempts(&self) -> bool {
        class_of_fault(self) != Class::Permanent && matches!(pushback(self), Pushback::Stop)
    }
}

/// The status of a call that a policy of this server refused. Its message says nothing of the policy; the rejection is the status' source, which does not
/// leave the process.
///
/// | reason | code |
/// |---|---|
/// | `RateLimited`, `QueueFull`, `WaitedTooLong`, `Shed` | `ResourceExhausted` |
/// | `CircuitOpen`, `Paused`, `Cancelled` | `Unavailable` |
/// | `TimedOut`, `DeadlineExceeded` | `DeadlineExceeded` |
/// | `TooHeavy` | `InvalidArgument` |
/// | every other | `Internal` |
///
/// The time to stay away, if it is known, is in `grpc-retry-pushback-ms`, which clients of gRPC and this crate obey.
///
/// ```
/// use std::time::Duration;
///
/// use resilient::{Class, Classify, RateLimit};
/// use tonic::{Code, Status};
///
/// static CALLS: RateLimit = RateLimit::named("calls").rate(10, Duration::from_secs(1)).burst(1);
///
/// CALLS.try_acquire()?;
/// let status = Status::from(CALLS.try_acquire().unwrap_err());
///
/// assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "too many calls"));
/// assert!(matches!(status.class(), Class::Throttled { after: Some(_) }));
/// # Ok::<(), resilient::Error>(())
/// ```
impl From<Error> for Status {
    fn from(rejection: Error) -> Self {
        let mut status = made_of(Reply::to(&rejection));
        status.set_source(Arc::new(rejection));
        status
    }
}

/// The status of a call that failed because a server of HTTP behind this one did: that of the rejection, or `Unavailable`, which says nothing of that server. The error is the
/// status' source, which does not leave the process.
///
/// The time for which that server asked callers to stay away is in `grpc-retry-pushback-ms`. A failure that is the caller's own fault, such as a 404 of the server behind, is for the
/// method to tell apart, by [`CallError::status`].
impl From<CallError> for Status {
    fn from(error: CallError) -> Self {
        let mut status = made_of(Reply::to_call_error(&error));
        status.set_source(Arc::new(error));
        status
    }
}

fn made_of(reply: Reply) -> Status {
    let mut status = Status::new(Code::from_i32(reply.code), reply.message);
    if let Some(wait) = reply.retry_after {
        // rounded up, so that whoever waits for so long is not early
        let millis = wait.as_nanos().div_ceil(1_000_000).min(u32::MAX.into()) as u32;
        status.metadata_mut().insert(PUSHBACK, millis.into());
    }
    status
}

/// Makes a status of an error of layers, for `map_err` above them in a server of tonic: that of the rejection which is in it, the one that tonic knows, or an
/// `Internal` that says nothing.
///
/// Without it, tonic finds no status in a refusal and resets the stream, which callers take for a fault of the server.
///
/// ```
/// use resilient::Bulkhead;
/// use resilient::tower::{policies, status};
/// use tonic::Code;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// static PLACES: Bulkhead = Bulkhead::named("places").limit(1).queue(0);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let layers = ServiceBuilder::new().map_err(status).layer(policies((&PLACES,)).boxed()); // for `Server::builder().layer(layers)`
/// # let routes = service_fn(|_: ()| async { Ok::<_, std::convert::Infallible>(()) });
///
/// let _taken = PLACES.try_acquire().unwrap();
/// let refused = layers.service(routes).oneshot(()).await.unwrap_err();
/// assert_eq!(refused.code(), Code::ResourceExhausted);
/// # }
/// ```
#[cfg(feature = "tower-0-5")]
pub fn status(error: ::tower::BoxError) -> Status {
    if let Some(rejection) = Classify::rejection(&*error) {
        return rejection.clone().into();
    }
    Status::try_from_error(error).unwrap_or_else(|error| {
        let mut status = Status::internal("the server has a fault");
        status.set_source(error.into());
        status
    })
}

/// Milliseconds to wait, of gRPC's proposal A6.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

fn class_of_fault(status: &Status) -> Class {
    if timed_out(status) || is_without_socket(status) {
        return Class::Transient;
    }
    // A status that came from the wire has no source.
    let local = status.source().and_then(cause::class);
    local.or_else(|| class_of_foreign(status)).unwrap_or_else(|| class_of_code(status))
}

fn class_of_code(status: &Status) -> Class {
    let said = |phrases: &[&str]| phrases.iter().any(|words| status.message().contains(words));
    match status.code() {
        Code::Internal if said(UNREADABLE) => Class::Permanent,
        Code::ResourceExhausted if said(TOO_LARGE) => Class::Permanent,
        Code::Unavailable if said(&[TOO_MANY_PINGS]) => Class::Throttled { after: None },
        Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::Unknown | Code::Internal => Class::Transient,
        Code::ResourceExhausted => Class::Throttled { after: None },
        _ => Class::Permanent,
    }
}

/// The channel reports its own time-out as cancelled, with the cause behind it; from the server's layer come the same words alone.
fn timed_out(status: &Status) -> bool {
    let from_server = status.code() == Code::Cancelled && status.message() == TimeoutExpired(()).to_string();
    from_server || cause::causes(status).any(<dyn StdError>::is::<TimeoutExpired>)
}

/// A server on a Unix socket that is not up has no file.
fn is_without_socket(status: &Status) -> bool {
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let mut causes = cause::causes(status).filter_map(<dyn StdError>::downcast_ref);
    status.code() == Code::Unavailable && causes.any(is_missing)
}

/// Returns the class of a response that no gRPC server gave, where the message tells the status of HTTP.
fn class_of_foreign(status: &Status) -> Option<Class> {
    let (_, number) = FOREIGN.iter().find_map(|words| status.message().split_once(words))?;
    let number = number.split(' ').next()?.parse().ok()?;
    let class = class_of_response(number, status.metadata().as_ref());
    Some(if class == Class::Success { Class::Permanent } else { class })
}

/// Returns how long the server asked callers to stay away, but for its pushback.
fn asked(status: &Status) -> Option<Duration> {
    retry_info::delay(status.details()).max(retry_after(status.metadata().as_ref(), clock::wall()))
}

/// tonic puts the status of HTTP behind these.
const FOREIGN: &[&str] = &["mapped from HTTP status code ", "while receiving response with status: "];

/// Faults of tonic's and of prost's decoding on either side, and of C-core's server with the metadata.
const UNREADABLE: &[&str] = &[
    "invalid compression flag",
    "compressed-flag but no grpc-encoding",
    "Error decompressing",
    "failed to decode Protobuf message",
    "Error parsing '",
];

/// Faults of a message's size: of C-core and Go, of Java, of .NET, of tonic; and of the metadata's size, of C-core. Beyond its soft limit, C-core refuses
/// only some of the calls, by lot.
const TOO_LARGE: &[&str] = &[
    "larger than max",
    "metadata size exceeds hard limit",
    "exceeds maximum size",
    "exceeds the maximum configured message size",
    "with a size larger than",
    "more than 4GB",
    "Error decompressing: size limit",
];

/// C-core's words for a client whose pings come too often. Its server ends the calls with them before it closes the connection.
const TOO_MANY_PINGS: &str = "Too many pings";

enum Pushback {
    None,
    After(Duration),
    Stop,
}

/// If there is more than one, any that forbids another attempt counts, else the longest.
fn pushback(status: &Status) -> Pushback {
    let all = status.metadata().get_all(PUSHBACK);
    all.iter().fold(Pushback::None, |so_far, value| {
        let millis = value.to_str().ok().and_then(|text| text.parse::<u32>().ok());
        match (so_far, millis.map(|millis| Duration::from_millis(millis.into()))) {
            (Pushback::Stop, _) | (_, None) => Pushback::Stop,
            (Pushback::None, Some(wait)) => Pushback::After(wait),
            (Pushback::After(other), Some(wait)) => Pushback::After(other.max(wait)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PolicyKind, Reason};

    #[test]
    fn a_rejection_becomes_a_status_that_says_no_more_than_it_should() {
        let after = Duration::from_micros(1_500);
        let rejection = Error::new(PolicyKind::RateLimit, "secret tenant", Reason::RateLimited { retry_after: after });

        let status = Status::from(rejection.clone());

        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "too many calls"));
        assert_eq!(status.metadata().get(PUSHBACK).unwrap(), "2");
        assert_eq!(status.rejection(), Some(&rejection), "in this process");
        let response = status.into_http::<()>();
        assert!(!format!("{:?}", response.headers()).contains("secret"));
        let of_wire = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(of_wire.class(), Class::Throttled { after: Some(Duration::from_millis(2)) });
        let busy = Status::from(Error::new(PolicyKind::Bulkhead, "b", Reason::QueueFull));
        assert_eq!(
            Status::from_header_map(busy.into_http::<()>().headers()).unwrap().class(),
            Class::Throttled { after: None }
        );
    }

    #[test]
    fn a_failure_of_a_server_behind_becomes_a_status_that_names_nobody() {
        let upstream = |status: u16, after: &str| {
            let response = ::http::Response::builder().status(status).header("retry-after", after).body(());
            CallError::from(crate::http::check(response.unwrap()).unwrap_err())
        };
        let of_wire = |error: CallError| {
            let response = Status::from(error).into_http::<()>();
            assert!(!format!("{:?}", response.headers()).contains("secret"));
            let status = Status::from_header_map(response.headers()).unwrap();
            (status.code(), status.class())
        };
        let rejection = Error::new(PolicyKind::Bulkhead, "secret", Reason::QueueFull);

        assert_eq!(of_wire(upstream(429, "7")), (Code::Unavailable, after(7_000)));
        assert_eq!(of_wire(upstream(502, "3")), (Code::Unavailable, after(3_000)));
        assert_eq!(of_wire(CallError::client(io::Error::other("secret"))), (Code::Unavailable, Class::Transient));
        assert_eq!(of_wire(rejection.clone().into()), (Code::ResourceExhausted, Class::Throttled { after: None }));
        let status = Status::from(CallError::client(io::Error::other(rejection.clone())));
        assert_eq!((status.code(), status.rejection()), (Code::ResourceExhausted, Some(&rejection)), "in this process");
    }

    #[cfg(feature = "tower-0-5")]
    #[test]
    fn an_error_of_layers_becomes_the_status_that_is_in_it() {
        let rejection = Error::new(PolicyKind::Bulkhead, "secret tenant", Reason::QueueFull);
        let wrapped = io::Error::other(rejection.clone());

        for error in [rejection.clone().into(), wrapped.into()] {
            let refused = status(error);
            assert_eq!((refused.code(), refused.rejection()), (Code::ResourceExhausted, Some(&rejection)));
        }
        assert_eq!(status(Status::not_found("no such freight").into()).code(), Code::NotFound);
        let fault = status(io::Error::other("secret").into());
        assert_eq!((fault.code(), fault.message()), (Code::Internal, "the server has a fault"));
        assert_eq!(fault.source().unwrap().to_string(), "secret", "in this process");
    }

    fn with_pushback(mut status: Status, values: &[&str]) -> Status {
        for value in values {
            status.metadata_mut().append("grpc-retry-pushback-ms", value.parse().unwrap());
        }
        status
    }

    fn after(millis: u64) -> Class {
        Class::Throttled { after: Some(Duration::from_millis(millis)) }
    }

    #[test]
    fn each_code_has_its_class() {
        let table = [
            (Code::Ok, Class::Permanent),
            (Code::Cancelled, Class::Permanent),
            (Code::Unknown, Class::Transient),
            (Code::InvalidArgument, Class::Permanent),
            (Code::DeadlineExceeded, Class::Transient),
            (Code::NotFound, Class::Permanent),
            (Code::AlreadyExists, Class::Permanent),
            (Code::PermissionDenied, Class::Permanent),
            (Code::ResourceExhausted, Class::Throttled { after: None }),
            (Code::FailedPrecondition, Class::Permanent),
            (Code::Aborted, Class::Transient),
            (Code::OutOfRange, Class::Permanent),
            (Code::Unimplemented, Class::Permanent),
            (Code::Internal, Class::Transient),
            (Code::Unavailable, Class::Transient),
            (Code::DataLoss, Class::Permanent),
            (Code::Unauthenticated, Class::Permanent),
        ];

        for (code, class) in table {
            assert_eq!(Status::new(code, "made up").class(), class, "{code:?}");
        }
    }

    #[test]
    fn the_words_of_c_core_decide_where_its_code_does_not() {
        for (status, class) in [
            (
                Status::resource_exhausted("received metadata size exceeds hard limit (value length 9 vs. 8)"),
                Class::Permanent,
            ),
            (
                Status::resource_exhausted("received metadata size exceeds soft limit (9 vs. 8);  :path:52B"),
                Class::Throttled { after: None },
            ),
            (Status::internal("Error parsing 'grpc-encoding' metadata"), Class::Permanent),
            (Status::unavailable("Too many pings"), Class::Throttled { after: None }),
        ] {
            assert_eq!(status.class(), class, "{status:?}");
        }
    }

    #[test]
    fn pushback_decides_about_what_may_be_tried_again() {
        let table: [(&[&str], Class); 14] = [
            (&["0"], after(0)),
            (&["1"], after(1)),
            (&["1500"], after(1500)),
            (&["2147483647"], after(2_147_483_647)),
            (&["4294967296"], Class::Permanent),
            (&["-1"], Class::Permanent),
            (&["-2147483648"], Class::Permanent),
            (&["1.5"], Class::Permanent),
            (&["soon"], Class::Permanent),
            (&[""], Class::Permanent),
            (&["10", "20"], after(20)),
            (&["20", "10"], after(20)),
            (&["10", "-1"], Class::Permanent),
            (&["-1", "10"], Class::Permanent),
        ];

        for (values, class) in table {
            assert_eq!(with_pushback(Status::unavailable(""), values).class(), class, "{values:?}");
            assert_eq!(with_pushback(Status::resource_exhausted(""), values).class(), class, "{values:?}");
            assert_eq!(with_pushback(Status::not_found(""), values).class(), Class::Permanent, "{values:?}");
        }
    }

    #[test]
    fn only_pushback_forbids_attempts_that_the_code_would_allow() {
        for (status, values, forbids) in [
            (Status::unavailable(""), &["-1"][..], true),
            (Status::unavailable(""), &["10", "soon"], true),
            (Status::unavailable(""), &["10"], false),
            (Status::unavailable(""), &[], false),
            (Status::not_found(""), &["-1"], false),
        ] {
            let status = with_pushback(status, values);

            assert_eq!(status.forbids_attempts(), forbids, "{status:?}");
            #[cfg(feature = "anyhow-1")]
            assert_eq!(anyhow::Error::from(status).forbids_attempts(), forbids);
        }
    }

    #[test]
    fn a_time_out_of_the_channel_is_transient() {
        let status = Status::from_error(Box::new(TimeoutExpired(())));

        assert_eq!(status.code(), Code::Cancelled);
        assert_eq!(status.class(), Class::Transient);
    }

    #[test]
    fn a_rejection_is_seen_behind_a_status() {
        let rejection = Error::new(PolicyKind::Timeout, "inner", Reason::DeadlineExceeded);

        let status = Status::from_error(Box::new(rejection.clone()));

        assert_eq!(status.rejection(), Some(&rejection));
    }
}
