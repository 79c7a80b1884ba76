//! `tonic::Status`.

use std::time::Duration;

use tonic::{Code, Status, TimeoutExpired};

use super::cause;
use crate::{Class, Classify, Error};

/// By code, and by the server's pushback.
///
/// | code | class |
/// |---|---|
/// | `Unavailable`, `DeadlineExceeded`, `Aborted` | transient |
/// | `Unknown`, `Internal`: what a 500 is in HTTP | transient |
/// | `Cancelled` by a time-out of the client's channel | transient |
/// | `ResourceExhausted` | throttled |
/// | every other | permanent |
///
/// The metadata `grpc-retry-pushback-ms` decides about the codes that are not permanent, as in
/// [gRPC's proposal A6](https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback): milliseconds make
/// them throttled for that long, and a negative number, or what is no number, makes them permanent.
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
        match (class_of_code(self), pushback(self)) {
            (Class::Permanent, _) | (_, Pushback::Stop) => Class::Permanent,
            (_, Pushback::After(wait)) => Class::Throttled { after: Some(wait) },
            (class, Pushback::None) => class,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }

    fn forbids_attempts(&self) -> bool {
        class_of_code(self) != Class::Permanent && matches!(pushback(self), Pushback::Stop)
    }
}

fn class_of_code(status: &Status) -> Class {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::Unknown | Code::Internal => Class::Transient,
        Code::Cancelled if timed_out(status) => Class::Transient,
        Code::ResourceExhausted => Class::Throttled { after: None },
        _ => Class::Permanent,
    }
}

/// The channel reports its own time-out as cancelled, with the cause behind it.
fn timed_out(status: &Status) -> bool {
    cause::causes(status).find_map(|cause| cause.downcast_ref::<TimeoutExpired>()).is_some()
}

enum Pushback {
    None,
    After(Duration),
    Stop,
}

/// If there is more than one, any that forbids another attempt counts, else the longest.
fn pushback(status: &Status) -> Pushback {
    let all = status.metadata().get_all("grpc-retry-pushback-ms");
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
