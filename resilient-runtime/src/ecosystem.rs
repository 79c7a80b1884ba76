//! `Classify` for the errors of other crates, and their forms of a rejection: one module a crate, each behind the feature of its name.

#[cfg(feature = "anyhow-1")]
mod anyhow;
#[cfg(feature = "async-nats-0-51")]
mod async_nats;
#[cfg(feature = "aws-sdk-1")]
mod aws_sdk;
#[cfg(feature = "axum-0-8")]
mod axum;
#[cfg(all(feature = "axum-0-8", feature = "tower-0-5"))]
pub use self::axum::{respond, respond_after};
#[cfg(feature = "bb8-0-9")]
mod bb8;
mod cause;
#[cfg(feature = "deadpool-0-12")]
mod deadpool;
mod dyn_error;
#[cfg(feature = "h2-0-4")]
mod h2;
#[cfg(feature = "hyper-1")]
mod hyper;
#[cfg(feature = "hyper-util-0-1")]
mod hyper_util;
#[cfg(feature = "kube-5")]
mod kube;
#[cfg(feature = "lapin-4")]
mod lapin;
#[cfg(feature = "mongodb-3")]
mod mongodb;
#[cfg(any(feature = "mysql_async-0-37", feature = "sqlx-0-8", feature = "sqlx-0-9"))]
mod mysql;
#[cfg(feature = "mysql_async-0-37")]
mod mysql_async;
#[cfg(feature = "object_store-0-14")]
mod object_store;
#[cfg(feature = "opendal-0-59")]
mod opendal;
#[cfg(feature = "redis-1")]
mod redis;
#[cfg(any(feature = "axum-0-8", feature = "tonic-0-14"))]
mod reply;
#[cfg(feature = "reqwest-0-13")]
mod reqwest;
#[cfg(feature = "reqwest-middleware-0-5")]
mod reqwest_middleware;
#[cfg(feature = "sea-orm-2")]
mod sea_orm;
#[cfg(any(feature = "mysql_async-0-37", feature = "sqlx-0-8", feature = "sqlx-0-9", feature = "tokio-postgres-0-7"))]
mod sqlstate;
#[cfg(any(feature = "sqlx-0-8", feature = "sqlx-0-9"))]
mod sqlx;
#[cfg(feature = "tokio-postgres-0-7")]
mod tokio_postgres;
#[cfg(feature = "tonic-0-14")]
mod tonic;
#[cfg(all(feature = "tonic-0-14", feature = "tower-0-5"))]
pub use self::tonic::status;
#[cfg(feature = "tower-0-5")]
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
