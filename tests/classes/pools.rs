//! Pools and layers around a client that connects to nothing, or not in time.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, RecycleResult, Timeouts};
use resilient::{Class, Classify};
use tokio::net::TcpStream;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

use crate::Table;

#[tokio::test]
async fn pools() {
    let mut table = Table::of("pools");
    let pool = managed::Pool::<Refused>::builder(Refused).max_size(1).build().unwrap();
    let error = pool.get().await.unwrap_err();
    table.add("deadpool: nobody listens", &error, "refused", Class::Transient, "that of the client's error");
    assert_eq!(erased(error).class(), Class::Transient);
    pool.close();
    let error = pool.get().await.unwrap_err();
    table.add("deadpool: closed", &error, "closed", Class::Permanent, "somebody closed it");
    let timeouts = Timeouts { wait: Some(Duration::from_millis(20)), ..Timeouts::new() };
    let pool =
        managed::Pool::<Free>::builder(Free).max_size(1).timeouts(timeouts).runtime(Runtime::Tokio1).build().unwrap();
    let taken = pool.get().await.unwrap();
    let error = pool.get().await.unwrap_err();
    table.add(
        "deadpool: exhausted",
        &error,
        "waiting for a slot",
        Class::Transient,
        "one comes back, as with sqlx's pool",
    );
    assert_eq!(erased(error).class(), Class::Transient);
    drop(taken);

    let pool = bb8::Pool::builder().connection_timeout(Duration::from_millis(50)).build_unchecked(Refused);
    let error = pool.get().await.unwrap_err();
    table.add(
        "bb8: nobody listens, or exhausted",
        &error,
        "Timed out in bb8",
        Class::Transient,
        "it does not tell which",
    );
    assert_eq!(erased(error).class(), Class::Transient);

    let slow = ServiceBuilder::new().timeout(Duration::from_millis(10)).service(service_fn(|()| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok::<(), Infallible>(())
    }));
    let error = slow.oneshot(()).await.unwrap_err();
    add(&mut table, "tower: a time-out", error, "request timed out", Class::Transient, "the next call may be quicker");

    let limited = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(0)
        .service(service_fn(|()| async { Ok::<(), Infallible>(()) }));
    let error = limited.oneshot(()).await.unwrap_err();
    add(
        &mut table,
        "tower: load is shed",
        error,
        "overloaded",
        Class::Throttled { after: None },
        "the service is well",
    );

    let failing = tower::service_fn(|()| async { Ok::<(), BoxError>(()) });
    let failing = failing.map_err(|error: BoxError| error);
    let broken = ServiceBuilder::new().buffer(1).service(Unready(failing));
    let error = broken.oneshot(()).await.unwrap_err();
    add(
        &mut table,
        "tower: a buffered service lost its connection",
        error,
        "buffered service failed",
        Class::Transient,
        "that of the service's error",
    );
    table.check();
}

fn erased(error: impl StdError + Send + Sync + 'static) -> BoxError {
    Box::new(error)
}

fn add(table: &mut Table, fault: &str, error: BoxError, comes: &str, class: Class, why: &str) {
    #[derive(Debug)]
    struct Erased(BoxError);

    impl std::fmt::Display for Erased {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.fmt(f)
        }
    }

    impl StdError for Erased {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&*self.0)
        }
    }

    impl Classify for Erased {
        fn class(&self) -> Class {
            self.0.class()
        }
    }

    table.add(fault, &Erased(error), comes, class, why);
}

/// A service that is never ready, for want of a connection.
struct Unready<S>(S);

impl<S: tower::Service<(), Error = BoxError>> tower::Service<()> for Unready<S> {
    type Response = S::Response;
    type Error = BoxError;
    type Future = S::Future;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Err(io::Error::from(io::ErrorKind::ConnectionReset).into()))
    }

    fn call(&mut self, request: ()) -> S::Future {
        self.0.call(request)
    }
}

/// Connects to a port on which nobody listens.
#[derive(Debug)]
struct Refused;

impl managed::Manager for Refused {
    type Type = TcpStream;
    type Error = io::Error;

    async fn create(&self) -> io::Result<TcpStream> {
        TcpStream::connect("127.0.0.1:1").await
    }

    async fn recycle(&self, _: &mut TcpStream, _: &Metrics) -> RecycleResult<io::Error> {
        Ok(())
    }
}

impl bb8::ManageConnection for Refused {
    type Connection = TcpStream;
    type Error = io::Error;

    async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect("127.0.0.1:1").await
    }

    async fn is_valid(&self, _: &mut TcpStream) -> io::Result<()> {
        Ok(())
    }

    fn has_broken(&self, _: &mut TcpStream) -> bool {
        false
    }
}

/// Needs no connection.
#[derive(Debug)]
struct Free;

impl managed::Manager for Free {
    type Type = ();
    type Error = io::Error;

    async fn create(&self) -> io::Result<()> {
        Ok(())
    }

    async fn recycle(&self, (): &mut (), _: &Metrics) -> RecycleResult<io::Error> {
        Ok(())
    }
}
