//! `Classify` for the errors of other crates, and their forms of a rejection: one module a crate, each behind the feature of its name.

#[cfg(feature = "anyhow")]
mod anyhow;
#[cfg(feature = "async-nats")]
mod async_nats;
#[cfg(feature = "aws-sdk")]
mod aws_sdk;
#[cfg(feature = "axum")]
mod axum;
#[cfg(all(feature = "axum", feature = "tower"))]
pub use self::axum::{respond, respond_after};
#[cfg(feature = "bb8")]
mod bb8;
mod cause;
#[cfg(feature = "deadpool")]
mod deadpool;
mod dyn_error;
#[cfg(feature = "h2")]
mod h2;
#[cfg(feature = "hyper")]
mod hyper;
#[cfg(feature = "hyper-util")]
mod hyper_util;
#[cfg(feature = "kube")]
mod kube;
#[cfg(feature = "lapin")]
mod lapin;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(any(feature = "mysql_async", feature = "sqlx-0-8", feature = "sqlx-0-9"))]
mod mysql;
#[cfg(feature = "mysql_async")]
mod mysql_async;
#[cfg(feature = "object_store")]
mod object_store;
#[cfg(feature = "opendal")]
mod opendal;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "axum", feature = "tonic"))]
mod reply;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "reqwest-middleware-0-5")]
mod reqwest_middleware;
#[cfg(feature = "sea-orm")]
mod sea_orm;
#[cfg(any(feature = "mysql_async", feature = "sqlx-0-8", feature = "sqlx-0-9", feature = "tokio-postgres"))]
mod sqlstate;
#[cfg(any(feature = "sqlx-0-8", feature = "sqlx-0-9"))]
mod sqlx;
#[cfg(feature = "tokio-postgres")]
mod tokio_postgres;
#[cfg(feature = "tonic")]
mod tonic;
#[cfg(all(feature = "tonic", feature = "tower"))]
pub use self::tonic::status;
#[cfg(feature = "tower")]
mod tower;
mod words;

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use crate::{Classify, Error, PolicyKind, Reason};

    /// Checks that an error of another crate has the class of the rejection that is converted into it, and shows it.
    pub(crate) fn holds_rejections<E: From<Error> + Classify>() {
        let limit = Duration::from_secs(1);
        for reason in [
            Reason::TimedOut { limit },
            Reason::DeadlineExceeded,
            Reason::QueueFull,
            Reason::CircuitOpen { retry_after: Some(limit), last: None },
            Reason::TooHeavy { weight: 2, burst: 1 },
        ] {
            let rejection = Error::new(PolicyKind::CircuitBreaker, "c", reason);

            let error = E::from(rejection.clone());

            assert_eq!((error.rejection(), error.class()), (Some(&rejection), rejection.class()), "{reason:?}");
        }
    }
}
