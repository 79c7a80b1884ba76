//! `redis::RedisError`.

use redis::{ErrorKind, RedisError, RetryMethod, ServerErrorKind};

use crate::{Class, Classify};

/// By kind, and by the code of what the server said.
///
/// | error | class |
/// |---|---|
/// | I/O, unless the client says that it is of no use to try again | transient |
/// | `TRYAGAIN`, `CLUSTERDOWN`, `MASTERDOWN`, `LOADING`, `BUSY`, `NOREPLICAS`, `UNBLOCKED` | transient |
/// | `MOVED`, `ASK`, `READONLY`: the client learns where to go | transient |
/// | no connection to a node, no master or replica known to the sentinels | transient |
/// | an answer that could not be parsed: the connection is out of step, the next one will not be | transient |
/// | `OOM`: the memory is used up | throttled |
/// | every other | permanent |
impl Classify for RedisError {
    fn class(&self) -> Class {
        match self.kind() {
            ErrorKind::Io if matches!(self.retry_method(), RetryMethod::NoRetry) => Class::Permanent,
            ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::NoValidReplicasFoundBySentinel => Class::Transient,
            ErrorKind::Server(kind) => class_of_answer(kind),
            ErrorKind::Extension => class_of_code(self.code().unwrap_or_default()),
            _ => Class::Permanent,
        }
    }
}

fn class_of_answer(kind: ServerErrorKind) -> Class {
    match kind {
        ServerErrorKind::TryAgain
        | ServerErrorKind::ClusterDown
        | ServerErrorKind::MasterDown
        | ServerErrorKind::BusyLoading
        | ServerErrorKind::Moved
        | ServerErrorKind::Ask
        | ServerErrorKind::ReadOnly => Class::Transient,
        _ => Class::Permanent,
    }
}

fn class_of_code(code: &str) -> Class {
    match code {
        "BUSY" | "NOREPLICAS" | "UNBLOCKED" => Class::Transient,
        "OOM" => Class::Throttled { after: None },
        _ => Class::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// The error that the client makes of a line from the server.
    fn answer(line: &str) -> RedisError {
        redis::parse_redis_value(format!("-{line}\r\n").as_bytes())
            .and_then(redis::Value::extract_error)
            .expect_err("an error")
    }

    #[test]
    fn each_answer_has_its_class() {
        let table = [
            ("TRYAGAIN multiple keys", Class::Transient),
            ("CLUSTERDOWN the cluster is down", Class::Transient),
            ("MASTERDOWN link with master is down", Class::Transient),
            ("LOADING the dataset", Class::Transient),
            ("MOVED 3999 127.0.0.1:6381", Class::Transient),
            ("ASK 3999 127.0.0.1:6381", Class::Transient),
            ("READONLY you can't write", Class::Transient),
            ("BUSY running a script", Class::Transient),
            ("NOREPLICAS not enough good replicas", Class::Transient),
            ("UNBLOCKED force unblock", Class::Transient),
            ("OOM command not allowed", Class::Throttled { after: None }),
            ("ERR unknown command", Class::Permanent),
            ("EXECABORT transaction discarded", Class::Permanent),
            ("NOSCRIPT no matching script", Class::Permanent),
            ("CROSSSLOT keys in request", Class::Permanent),
            ("WRONGTYPE operation against a key", Class::Permanent),
            ("NOPERM this user has no permissions", Class::Permanent),
            ("NOAUTH authentication required", Class::Permanent),
            ("MISCONF errors writing to disk", Class::Permanent),
        ];

        for (line, class) in table {
            assert_eq!(answer(line).class(), class, "{line}");
        }
    }

    #[test]
    fn each_kind_has_its_class() {
        let table = [
            (ErrorKind::Io, Class::Transient),
            (ErrorKind::Parse, Class::Transient),
            (ErrorKind::ClusterConnectionNotFound, Class::Transient),
            (ErrorKind::MasterNameNotFoundBySentinel, Class::Transient),
            (ErrorKind::NoValidReplicasFoundBySentinel, Class::Transient),
            (ErrorKind::AuthenticationFailed, Class::Permanent),
            (ErrorKind::UnexpectedReturnType, Class::Permanent),
            (ErrorKind::InvalidClientConfig, Class::Permanent),
            (ErrorKind::Client, Class::Permanent),
            (ErrorKind::EmptySentinelList, Class::Permanent),
            (ErrorKind::RESP3NotSupported, Class::Permanent),
            (ErrorKind::Extension, Class::Permanent),
        ];

        for (kind, class) in table {
            assert_eq!(RedisError::from((kind, "made up")).class(), class, "{kind:?}");
        }
    }

    #[test]
    fn io_errors_are_transient_unless_they_are_refusals() {
        let table = [
            (io::ErrorKind::ConnectionRefused, Class::Transient),
            (io::ErrorKind::BrokenPipe, Class::Transient),
            (io::ErrorKind::TimedOut, Class::Transient),
            (io::ErrorKind::PermissionDenied, Class::Permanent),
            (io::ErrorKind::Unsupported, Class::Permanent),
        ];

        for (kind, class) in table {
            assert_eq!(RedisError::from(io::Error::from(kind)).class(), class, "{kind:?}");
        }
    }
}
