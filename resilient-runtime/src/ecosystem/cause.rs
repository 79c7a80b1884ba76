//! The search through an error and its sources for one whose type is known.

use std::error::Error as StdError;
use std::io;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use super::words;
use crate::{Class, Classify, Error, Event};

/// The class of the first error, from the outermost inwards, that is classified by its type or else by its words.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    causes(error).find_map(|cause| match known(cause) {
        Some(error) => Some(error.class()),
        None => words::class(cause),
    })
}

/// The class of an error whose type has been erased. One that is not known is permanent, and told.
pub(super) fn class_of_erased(error: &(dyn StdError + 'static)) -> Class {
    class(error).unwrap_or_else(permanent_for_want_of_a_type)
}

#[cold]
fn permanent_for_want_of_a_type() -> Class {
    Event::Unclassified.emit();
    Class::Permanent
}

/// The hint beside the class of the first error that is classified.
pub(super) fn hint(error: &(dyn StdError + 'static)) -> Option<Duration> {
    causes(error).find_map(known).and_then(Classify::hint)
}

/// Returns whether the first error that is classified forbids further attempts.
pub(super) fn forbids_attempts(error: &(dyn StdError + 'static)) -> bool {
    causes(error).find_map(known).is_some_and(Classify::forbids_attempts)
}

/// The first rejection, from the outermost error inwards.
pub(super) fn rejection<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Error> {
    causes(error).find_map(|cause| cause.downcast_ref().or_else(|| in_call_error(cause)))
}

/// The rejection in an error that stands for it in the chain of sources.
#[cfg(feature = "http-1")]
fn in_call_error<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Error> {
    error.downcast_ref::<crate::http::CallError>()?.rejection()
}

#[cfg(not(feature = "http-1"))]
fn in_call_error<'e>(_error: &'e (dyn StdError + 'static)) -> Option<&'e Error> {
    None
}

/// The error, its source, the source of that, and so on.
pub(super) fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    iter::successors(Some(error), |error| source(*error)).take(MAX_DEPTH)
}

fn source<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    // The source of these is that of the error inside, which would be left out.
    if let Some(shared) = error.downcast_ref::<Arc<dyn StdError + Send + Sync>>() {
        return Some(&**shared);
    }
    #[cfg(feature = "reqwest-middleware-0-5")]
    if let Some(error) = error.downcast_ref() {
        return Some(super::reqwest_middleware::inside(error));
    }
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inside) => Some(inside),
        None => error.source(),
    }
}

fn known<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e dyn Classify> {
    KNOWN.iter().find_map(|known| known(error))
}

fn a<'e, T: StdError + Classify + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e dyn Classify> {
    Some(error.downcast_ref::<T>()?)
}

/// An I/O error that only carries another one says nothing itself.
fn io_error<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e dyn Classify> {
    let error: &io::Error = error.downcast_ref()?;
    let carrier = error.kind() == io::ErrorKind::Other && error.get_ref().is_some();
    (!carrier).then_some(error)
}

type Known = for<'e> fn(&'e (dyn StdError + 'static)) -> Option<&'e dyn Classify>;

const KNOWN: &[Known] = &[
    a::<Error>,
    a::<tokio::time::error::Elapsed>,
    io_error,
    #[cfg(feature = "http-1")]
    a::<crate::http::StatusError>,
    #[cfg(feature = "http-1")]
    a::<crate::http::CallError>,
    #[cfg(feature = "async-nats-0-51")]
    super::async_nats::known,
    #[cfg(feature = "aws-sdk-1")]
    a::<aws_smithy_runtime_api::client::result::ConnectorError>,
    #[cfg(feature = "aws-sdk-1")]
    super::aws_sdk::known,
    #[cfg(feature = "h2-0-4")]
    a::<h2::Error>,
    #[cfg(feature = "hyper-1")]
    a::<hyper::Error>,
    #[cfg(feature = "hyper-util-0-1")]
    a::<hyper_util::client::legacy::Error>,
    #[cfg(feature = "kube-5")]
    a::<kube_client::Error>,
    #[cfg(feature = "kube-5")]
    a::<kube_client::error::Status>,
    #[cfg(feature = "lapin-4")]
    a::<lapin::Error>,
    #[cfg(feature = "mongodb-3")]
    a::<mongodb::error::Error>,
    #[cfg(feature = "mysql_async-0-37")]
    a::<mysql_async::Error>,
    #[cfg(feature = "object_store-0-14")]
    a::<object_store::Error>,
    #[cfg(feature = "object_store-0-14")]
    a::<object_store::client::HttpError>,
    #[cfg(feature = "opendal-0-59")]
    a::<opendal_core::Error>,
    #[cfg(feature = "redis-1")]
    a::<redis::RedisError>,
    #[cfg(feature = "reqwest-0-13")]
    a::<reqwest::Error>,
    #[cfg(feature = "reqwest-middleware-0-5")]
    a::<reqwest_middleware::Error>,
    #[cfg(feature = "sea-orm-2")]
    a::<sea_orm::DbErr>,
    #[cfg(feature = "sea-orm-2")]
    a::<sea_orm::TransactionError<sea_orm::DbErr>>,
    #[cfg(feature = "sqlx-0-8")]
    a::<sqlx::Error>,
    #[cfg(feature = "sqlx-0-9")]
    a::<sqlx_0_9::Error>,
    #[cfg(feature = "tokio-postgres-0-7")]
    a::<tokio_postgres::Error>,
    #[cfg(feature = "tonic-0-14")]
    a::<tonic::Status>,
    #[cfg(feature = "tower-0-5")]
    a::<tower::timeout::error::Elapsed>,
    #[cfg(feature = "tower-0-5")]
    a::<tower::load_shed::error::Overloaded>,
    #[cfg(feature = "tower-0-5")]
    a::<tower::buffer::error::Closed>,
];

/// Deeper than errors get; nothing forbids a source that leads back to itself.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::io::ErrorKind;
    use std::time::Duration;

    use super::*;
    use crate::{PolicyKind, Reason};

    #[derive(Debug)]
    struct Layer(Option<Box<dyn StdError + Send + Sync>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("layer")
        }
    }

    impl StdError for Layer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.0.as_deref().map(|source| source as _)
        }
    }

    /// Its own source.
    #[derive(Debug)]
    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("endless")
        }
    }

    impl StdError for Endless {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(self)
        }
    }

    fn over(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Layer {
        Layer(Some(error.into()))
    }

    fn open() -> Error {
        Error::new(
            PolicyKind::CircuitBreaker,
            "inner",
            Reason::CircuitOpen { retry_after: Some(Duration::from_secs(1)), last: None },
        )
    }

    #[test]
    fn finds_what_is_classified_at_any_depth() {
        assert_eq!(class(&Layer(None)), None);
        assert_eq!(class(&over("text")), None);
        assert_eq!(class(&io::Error::from(ErrorKind::TimedOut)), Some(Class::Transient));
        assert_eq!(class(&over(over(io::Error::from(ErrorKind::BrokenPipe)))), Some(Class::Transient));
        assert_eq!(class(&over(io::Error::from(ErrorKind::NotFound))), Some(Class::Permanent));
        assert_eq!(class(&over(open())), Some(open().class()));
    }

    #[test]
    fn the_outermost_that_is_classified_counts() {
        let inside = io::Error::from(ErrorKind::TimedOut);

        assert_eq!(class(&over(io::Error::new(ErrorKind::InvalidData, over(inside)))), Some(Class::Permanent));
    }

    #[test]
    fn looks_into_an_io_error_that_only_carries_another() {
        let inside = || io::Error::from(ErrorKind::ConnectionReset);

        assert_eq!(class(&io::Error::other(inside())), Some(Class::Transient));
        assert_eq!(class(&io::Error::other(over(inside()))), Some(Class::Transient));
        assert_eq!(class(&io::Error::other("text")), None);
        assert_eq!(rejection(&io::Error::other(over(open()))), Some(&open()));
    }

    #[test]
    fn looks_into_an_error_that_is_shared() {
        let inside: Arc<dyn StdError + Send + Sync> = Arc::new(io::Error::from(ErrorKind::ConnectionReset));

        assert_eq!(class(&over(inside)), Some(Class::Transient));
    }

    #[test]
    fn finds_rejections() {
        assert_eq!(rejection(&open()), Some(&open()));
        assert_eq!(rejection(&over(over(open()))), Some(&open()));
        assert_eq!(rejection(&over(io::Error::from(open()))), Some(&open()));
        assert_eq!(rejection(&over("text")), None);
    }

    #[test]
    fn a_source_that_is_itself_comes_to_an_end() {
        assert_eq!(class(&Endless), None);
        assert_eq!(rejection(&Endless), None);
    }
}
