//! The errors of `async-nats`: one generic type, with a kind for each group of calls.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::{Debug, Display};

use async_nats::error::Error as NatsError;
use async_nats::jetstream::{self, consumer, context, kv, stream};
use async_nats::{ConnectErrorKind, client};

use super::cause;
use crate::{Class, Classify, Error};

/// By kind; where the kind only says which step failed, by the source.
///
/// | error | class |
/// |---|---|
/// | a time-out of any kind, no responders, `StreamNotFound` of a publish, a heartbeat that is missing | transient |
/// | connecting: a name that was not resolved, I/O, a refusal by the server, too many reconnects | that of the source, transient where it is not known |
/// | connecting: the address, the log-in | permanent |
/// | connecting: TLS | that of the source, permanent where it is not known |
/// | `MaxAckPending`: this side waits for as many acknowledgements as it may | throttled |
/// | an answer of `JetStream` | that of the [answer](jetstream::Error) |
/// | the state that the caller expected is not there: `WrongLastSequence`, `AlreadyExists`, `NotFound` | permanent |
/// | a message that is too large, a name or subject that is not valid | permanent |
/// | the client is gone: it was drained, or gave up | permanent |
/// | every other | that of the source, permanent where it is not known |
///
/// No responders is what a stream without a leader gives, as after a fail-over; a subject that no stream has looks the same.
///
/// A permission that is missing does not come back as an error: the server tells the event callback, and a request times out.
impl<K> Classify for NatsError<K>
where
    K: Clone + Debug + Display + PartialEq + 'static,
{
    fn class(&self) -> Class {
        let kind = self.kind();
        let unknown = match class_of_kind(&kind) {
            Some(Said::Class(class)) => return class,
            Some(Said::SourceOr(class)) => class,
            // the kinds of the object store have no names here, for they need a library of cryptography
            None if kind.to_string().contains("timed out") => return Class::Transient,
            None => Class::Permanent,
        };
        self.source().and_then(cause::class).unwrap_or(unknown)
    }

    fn rejection(&self) -> Option<&Error> {
        self.source().and_then(cause::rejection)
    }
}

/// By the error code of the server.
///
/// | code | class |
/// |---|---|
/// | 10004, 10007, 10008, 10009, 10041: the cluster has no leader, or not all of its members | transient |
/// | 10118, 10119: a stream or a consumer is off-line | transient |
/// | 10072, 10077, 10104: the store failed | transient |
/// | 10202: members of the cluster change | transient |
/// | 10077 of a stream that has reached its maximum and discards new messages | throttled |
/// | 10002, 10023, 10026, 10027, 10028, 10047, 10210, 10211: a quota of an account or of the server | throttled |
/// | 10010, 10035, 10036, 10039, 10063, 10076: a configuration, such as `JetStream` that is not enabled | permanent |
/// | every other with the status 429 | throttled |
/// | every other with the status 408, 503 or 504 | transient |
/// | every other | permanent |
impl Classify for jetstream::Error {
    fn class(&self) -> Class {
        match self.error_code().0 {
            10077 if self.to_string().contains("maximum") => Class::Throttled { after: None },
            10004 | 10007 | 10008 | 10009 | 10041 | 10072 | 10077 | 10104 | 10118 | 10119 | 10202 => Class::Transient,
            10002 | 10023 | 10026 | 10027 | 10028 | 10047 | 10210 | 10211 => Class::Throttled { after: None },
            10010 | 10035 | 10036 | 10039 | 10063 | 10076 => Class::Permanent,
            _ => class_of_status(self.code()),
        }
    }
}

/// By the source, permanent where it is not known: the client is gone.
impl Classify for client::ReconnectError {
    fn class(&self) -> Class {
        self.source().and_then(cause::class).unwrap_or(Class::Permanent)
    }
}

/// By the source, permanent where it is not known: the client is gone.
impl Classify for client::DrainError {
    fn class(&self) -> Class {
        self.source().and_then(cause::class).unwrap_or(Class::Permanent)
    }
}

fn class_of_status(status: usize) -> Class {
    match status {
        429 => Class::Throttled { after: None },
        408 | 503 | 504 => Class::Transient,
        _ => Class::Permanent,
    }
}

/// The meaning of a kind.
enum Said {
    Class(Class),
    /// The source decides, or else this class.
    SourceOr(Class),
}

const PERMANENT: Said = Said::Class(Class::Permanent);
const TRANSIENT: Said = Said::Class(Class::Transient);
const THROTTLED: Said = Said::Class(Class::Throttled { after: None });

/// Makes `class_of_kind` and `known` of a table. A variant that has no row is one whose source decides.
macro_rules! kinds {
    ($($kind:path { $($variant:pat => $said:expr,)* })*) => {
        fn class_of_kind(kind: &dyn Any) -> Option<Said> {
            $(if let Some(kind) = kind.downcast_ref::<$kind>() {
                #[allow(unused_imports, reason = "a kind without rows")]
                use $kind::*;
                return Some(match kind {
                    $($variant => $said,)*
                    #[allow(unreachable_patterns, reason = "a kind whose variants all have rows")]
                    _ => Said::SourceOr(Class::Permanent),
                });
            })*
            None
        }

        /// Returns the error if it is one of this client.
        pub(super) fn known<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e dyn Classify> {
            $(if let Some(error) = error.downcast_ref::<NatsError<$kind>>() {
                return Some(error);
            })*
            error.downcast_ref::<jetstream::Error>().map(|error| error as _)
        }
    };
}

kinds! {
    ConnectErrorKind {
        ServerParse | Authentication | AuthorizationViolation => PERMANENT,
        TimedOut => TRANSIENT,
        Dns | Io | MaxReconnects => Said::SourceOr(Class::Transient),
    }
    client::PublishErrorKind { MaxPayloadExceeded | InvalidSubject => PERMANENT, }
    client::SubscribeErrorKind { InvalidSubject | InvalidQueueName => PERMANENT, }
    client::RequestErrorKind {
        TimedOut | NoResponders => TRANSIENT,
        InvalidSubject | MaxPayloadExceeded => PERMANENT,
    }
    client::FlushErrorKind { FlushError => TRANSIENT, }
    client::SetServerPoolErrorKind {}
    client::ServerPoolErrorKind {}
    context::PublishErrorKind {
        StreamNotFound | TimedOut | BrokenPipe => TRANSIENT,
        MaxAckPending => THROTTLED,
        WrongLastMessageId | WrongLastSequence | MaxPayloadExceeded => PERMANENT,
    }
    context::RequestErrorKind { TimedOut | NoResponders => TRANSIENT, InvalidSubject => PERMANENT, }
    context::ConsumerInfoErrorKind {
        TimedOut | NoResponders | Offline => TRANSIENT,
        InvalidName | NotFound | StreamNotFound => PERMANENT,
        JetStream(answer) => Said::Class(answer.class()),
    }
    context::CreateStreamErrorKind {
        TimedOut | JetStreamUnavailable => TRANSIENT,
        JetStream(answer) => Said::Class(answer.class()),
        EmptyStreamName | InvalidStreamName | DomainAndExternalSet | NotFound => PERMANENT,
    }
    context::GetStreamErrorKind {
        EmptyName | InvalidStreamName => PERMANENT,
        JetStream(answer) => Said::Class(answer.class()),
    }
    context::GetStreamByNameErrorKind {
        NotFound | InvalidSubject => PERMANENT,
        JetStream(answer) => Said::Class(answer.class()),
    }
    context::KeyValueErrorKind { InvalidStoreName => PERMANENT, }
    context::CreateKeyValueErrorKind {
        TimedOut => TRANSIENT,
        InvalidStoreName | TooLongHistory | LimitMarkersNotSupported => PERMANENT,
    }
    context::UpdateKeyValueErrorKind {
        TimedOut => TRANSIENT,
        InvalidStoreName | TooLongHistory | LimitMarkersNotSupported | NotFound => PERMANENT,
    }
    context::AccountErrorKind {
        TimedOut | JetStreamUnavailable => TRANSIENT,
        JetStream(answer) => Said::Class(answer.class()),
    }
    stream::DirectGetErrorKind {
        TimedOut => TRANSIENT,
        NotFound | InvalidSubject => PERMANENT,
        ErrorResponse(status, _) => Said::Class(class_of_status(status.as_u16().into())),
    }
    stream::DeleteMessageErrorKind { TimedOut => TRANSIENT, JetStream(answer) => Said::Class(answer.class()), }
    stream::PurgeErrorKind { TimedOut => TRANSIENT, JetStream(answer) => Said::Class(answer.class()), }
    stream::LastRawMessageErrorKind {
        NoMessageFound | InvalidSubject => PERMANENT,
        JetStream(answer) => Said::Class(answer.class()),
    }
    stream::ConsumerErrorKind {
        TimedOut => TRANSIENT,
        InvalidConsumerType | InvalidName => PERMANENT,
        JetStream(answer) => Said::Class(answer.class()),
    }
    stream::ConsumerCreateStrictErrorKind {
        TimedOut => TRANSIENT,
        InvalidConsumerType | InvalidName | AlreadyExists => PERMANENT,
        JetStream(answer) => Said::Class(answer.class()),
    }
    stream::ConsumerUpdateErrorKind {
        TimedOut => TRANSIENT,
        InvalidConsumerType | InvalidName | DoesNotExist => PERMANENT,
        JetStream(answer) => Said::Class(answer.class()),
    }
    jetstream::message::StreamMessageErrorKind {}
    consumer::StreamErrorKind { TimedOut => TRANSIENT, }
    consumer::pull::OrderedErrorKind {
        MissingHeartbeat | NoResponders => TRANSIENT,
        ConsumerDeleted | PushBasedConsumer | RequestLimitExceeded => PERMANENT,
    }
    consumer::pull::MessagesErrorKind {
        MissingHeartbeat | NoResponders => TRANSIENT,
        ConsumerDeleted | PushBasedConsumer | RequestLimitExceeded => PERMANENT,
    }
    consumer::pull::BatchRequestErrorKind {}
    consumer::pull::BatchErrorKind {}
    consumer::pull::ConsumerRecreateErrorKind { TimedOut => TRANSIENT, }
    consumer::push::OrderedErrorKind {
        MissingHeartbeat => TRANSIENT,
        ConsumerDeleted | PullBasedConsumer => PERMANENT,
    }
    consumer::push::MessagesErrorKind {
        MissingHeartbeat => TRANSIENT,
        ConsumerDeleted | PullBasedConsumer => PERMANENT,
    }
    consumer::push::ConsumerRecreateErrorKind { TimedOut => TRANSIENT, }
    kv::StatusErrorKind { TimedOut => TRANSIENT, JetStream(answer) => Said::Class(answer.class()), }
    kv::CreateErrorKind { AlreadyExists | InvalidKey => PERMANENT, }
    kv::PutErrorKind { InvalidKey => PERMANENT, }
    kv::EntryErrorKind { TimedOut => TRANSIENT, InvalidKey => PERMANENT, }
    kv::WatchErrorKind { TimedOut => TRANSIENT, InvalidKey => PERMANENT, }
    kv::UpdateErrorKind { TimedOut => TRANSIENT, InvalidKey | WrongLastRevision => PERMANENT, }
    kv::WatcherErrorKind {}
}
