//! `redis::RedisError`.

use std::error::Error as StdError;

use redis::{ErrorKind, RedisError, RetryMethod};

use super::cause;
use crate::{Class, Classify, Error};

/// By kind, and by the code of the server's answer.
///
/// | error | class |
/// |---|---|
/// | I/O that dropped the connection | transient |
/// | other I/O | that of the source, transient where it is not known; permanent where the client says that another attempt is of no use |
/// | `TRYAGAIN`, `CLUSTERDOWN`, `MASTERDOWN`, `LOADING`, `BUSY`, `NOREPLICAS`, `UNBLOCKED`, `IOERR` | transient |
/// | `READONLY`: the server became a replica, as after a fail-over | transient |
/// | `MISCONF`: the server cannot write to its disk | transient |
/// | `ERR max number of clients reached` | transient |
/// | `EXEC` refused after all commands were queued | transient |
/// | no connection to a node, no master or replica known to the sentinels | transient |
/// | bytes that are no answer of Redis: the connection is out of step, the next one will not be | transient |
/// | `OOM`: the memory is used up | throttled |
/// | an answer that does not convert, such as nil into a number | permanent |
/// | `MOVED`, `ASK`: a client for clusters follows them, any other gets the same answer again | permanent |
/// | every other | permanent |
///
/// A pipeline and a transaction have the class of the answers inside: permanent if one of them is, else transient if one
/// of them is. So has a script whose command failed.
///
/// A transaction whose `WATCH` was lost answers nil, which is no error: convert it into an `Option`.
///
/// `READONLY` stays for as long as the connection leads to the same server: let a retry take another connection.
impl Classify for RedisError {
    fn class(&self) -> Class {
        if let Some(rejection) = self.rejection() {
            return rejection.class();
        }
        match self.kind() {
            ErrorKind::Io => class_of_io(self),
            ErrorKind::Parse if is_out_of_step(self) => Class::Transient,
            ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::NoValidReplicasFoundBySentinel => Class::Transient,
            ErrorKind::Server(_) | ErrorKind::Extension => class_of_answers(self),
            ErrorKind::UnexpectedReturnType if is_refused_exec(self) => Class::Transient,
            _ => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// An I/O error, with the rejection inside.
impl From<Error> for RedisError {
    fn from(rejection: Error) -> Self {
        std::io::Error::from(rejection).into()
    }
}

fn class_of_io(error: &RedisError) -> Class {
    if error.is_connection_dropped() || error.is_timeout() {
        return Class::Transient;
    }
    if matches!(error.retry_method(), RetryMethod::NoRetry) {
        return Class::Permanent;
    }
    error.source().and_then(cause::class).unwrap_or(Class::Transient)
}

/// Bytes and values that do not convert have the same kind; the parser of the protocol begins with these words.
fn is_out_of_step(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.starts_with("Parse error at"))
}

/// Of an `EXEC` that the server refused, though it had queued all commands, the client keeps these words only.
///
/// The commands are not at fault. The server became busy, full or a replica since `MULTI`.
fn is_refused_exec(error: &RedisError) -> bool {
    error.to_string().starts_with("Invalid response when parsing multi response")
}

fn class_of_answers(error: &RedisError) -> Class {
    match error.clone().into_server_errors() {
        Some(answers) => worst(answers.iter().map(|(_, answer)| class_of_answer(answer.code(), answer.details()))),
        None => class_of_answer(error.code().unwrap_or_default(), error.detail()),
    }
}

/// One command that will fail again makes all of them fail again.
fn worst(classes: impl Iterator<Item = Class>) -> Class {
    let rank = |class: &Class| match class {
        Class::Permanent => 2,
        Class::Transient => 1,
        _ => 0,
    };
    classes.max_by_key(rank).unwrap_or(Class::Permanent)
}

fn class_of_answer(code: &str, detail: Option<&str>) -> Class {
    let detail = detail.unwrap_or_default();
    match code {
        "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" | "LOADING" | "READONLY" | "BUSY" | "NOREPLICAS" | "UNBLOCKED"
        | "MISCONF" | "IOERR" => Class::Transient,
        "OOM" => Class::Throttled { after: None },
        "EXECABORT" | "ERR" => match inner(detail) {
            Some((code, detail)) => class_of_answer(code, Some(detail)),
            None if TRANSIENT_WORDS.iter().any(|words| detail.starts_with(words)) => Class::Transient,
            None => Class::Permanent,
        },
        _ => Class::Permanent,
    }
}

/// The answer that another one reports: the reason of an abort, or the command that failed in a script.
fn inner(detail: &str) -> Option<(&str, &str)> {
    let answer = match detail.strip_prefix("Transaction discarded because of: ") {
        Some(reason) => reason,
        None if detail.starts_with("Error running script") => detail.rsplit_once(": -")?.1,
        None => return None,
    };
    Some(answer.split_once(' ').unwrap_or((answer, "")))
}

/// Answers without a code of their own; the client takes the code off what the server says to `SELECT`.
const TRANSIENT_WORDS: &[&str] =
    &["max number of clients reached", "Redis is busy running a script", "Valkey is busy running a script"];

#[cfg(test)]
mod tests {
    use super::*;

    /// The error that the client makes of a line from the server.
    fn answer(line: &str) -> RedisError {
        redis::parse_redis_value(format!("-{line}\r\n").as_bytes())
            .and_then(redis::Value::extract_error)
            .expect_err("an error")
    }

    #[test]
    fn a_rejection_converts_and_is_found() {
        crate::ecosystem::tests::holds_rejections::<RedisError>();
    }

    #[test]
    fn each_answer_has_its_class() {
        let table = [
            ("TRYAGAIN multiple keys", Class::Transient),
            ("CLUSTERDOWN the cluster is down", Class::Transient),
            ("MASTERDOWN link with master is down", Class::Transient),
            ("LOADING the dataset", Class::Transient),
            ("MOVED 3999 127.0.0.1:6381", Class::Permanent),
            ("ASK 3999 127.0.0.1:6381", Class::Permanent),
            ("READONLY you can't write", Class::Transient),
            ("BUSY running a script", Class::Transient),
            ("NOREPLICAS not enough good replicas", Class::Transient),
            ("UNBLOCKED force unblock", Class::Transient),
            ("OOM command not allowed", Class::Throttled { after: None }),
            ("IOERR error or timeout writing", Class::Transient),
            ("ERR max number of clients reached", Class::Transient),
            ("ERR unknown command", Class::Permanent),
            ("ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write", Class::Transient),
            ("ERR Error running script (call to f_1): @user_script:1: Script attempted", Class::Permanent),
            ("ERR Error running script: -", Class::Permanent),
            ("EXECABORT Transaction discarded because of: BUSY Redis is busy", Class::Transient),
            ("EXECABORT Transaction discarded because of: OOM command not allowed", Class::Throttled { after: None }),
            ("EXECABORT Transaction discarded because of: ", Class::Permanent),
            ("EXECABORT Transaction discarded because of previous errors.", Class::Permanent),
            ("EXECABORT transaction discarded", Class::Permanent),
            ("NOSCRIPT no matching script", Class::Permanent),
            ("CROSSSLOT keys in request", Class::Permanent),
            ("WRONGTYPE operation against a key", Class::Permanent),
            ("NOPERM this user has no permissions", Class::Permanent),
            ("NOAUTH authentication required", Class::Permanent),
            ("MISCONF errors writing to disk", Class::Transient),
        ];

        for (line, class) in table {
            assert_eq!(answer(line).class(), class, "{line}");
        }
    }

    #[test]
    fn each_kind_has_its_class() {
        let table = [
            (ErrorKind::Io, Class::Transient),
            (ErrorKind::Parse, Class::Permanent),
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
            (std::io::ErrorKind::ConnectionRefused, Class::Transient),
            (std::io::ErrorKind::BrokenPipe, Class::Transient),
            (std::io::ErrorKind::TimedOut, Class::Transient),
            (std::io::ErrorKind::PermissionDenied, Class::Permanent),
            (std::io::ErrorKind::Unsupported, Class::Permanent),
            (std::io::ErrorKind::InvalidData, Class::Permanent),
            (std::io::ErrorKind::Other, Class::Transient),
        ];

        for (kind, class) in table {
            assert_eq!(RedisError::from(std::io::Error::new(kind, "made up")).class(), class, "{kind:?}");
        }
    }
}
