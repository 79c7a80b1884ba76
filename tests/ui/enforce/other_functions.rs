use std::future::Future;
use std::ops::Add;
use std::pin::Pin;

use resilient::{circuit_breaker, enforce, exempt, profile, resilient, retry};

#[derive(Debug, resilient::Classify)]
enum Error {
    #[permanent]
    Gone,
    #[transparent(from)]
    Refused(resilient::Error),
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

profile! {
    stubborn = retry(max = 9, base = "1ms")
}

struct Client;

#[enforce(timeout, retry(max <= 5), any(bulkhead, cancel))]
impl Client {
    #[retry(max = 50)]
    fn blocks(&self) -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[circuit_breaker]
    fn carries_another(&self) -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[cfg_attr(all(), resilient(profile = stubborn))]
    fn by_profile(&self) -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[exempt(timeout, bulkhead, reason = "it reads a file")]
    #[retry(max = 3)]
    fn excepted(&self) -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[exempt(timeout, bulkhead, reason = "it reads a file")]
    #[retry(max = 6)]
    fn excepted_from_others(&self) -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[inline]
    fn carries_none(&self) {}

    #[cfg_attr(not(all()), retry)]
    fn carries_none_here(&self) {}

    const fn constant(&self) {}

    fn returns_a_future(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Err(Error::Gone) }
    }

    fn returns_a_box(&self) -> Pin<Box<dyn Future<Output = u32> + Send + '_>> {
        Box::pin(async { 7 })
    }

    fn returns_an_alias(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    #[exempt(reason = "it asks nobody")]
    fn returns_an_excepted_future(&self) -> impl Future<Output = ()> {
        async {}
    }

    fn returns_a_sum(&self) -> impl Add<Output = i32> {
        7
    }

    fn returns_a_function(&self) -> fn() -> BoxFuture<'static, ()> {
        || Box::pin(async {})
    }
}

#[enforce(retry)]
fn plain() {}

#[enforce(retry)]
#[track_caller]
fn returns_a_future() -> impl Future<Output = ()> {
    async {}
}

#[enforce(timeout)]
#[cfg_attr(not(all()), retry)]
fn plain_here() {}

#[enforce(retry(max <= 5))]
#[retry(max = 3)]
fn fine() -> Result<(), Error> {
    Err(Error::Gone)
}

#[enforce(retry(max <= 5))]
const fn constant() {}

#[retry]
fn sums() -> Result<impl Add<Output = i32>, Error> {
    Ok(7)
}

fn main() {
    let _ = (Client.blocks(), Client.carries_another(), Client.by_profile(), Client.excepted());
    let _ = (Client.excepted_from_others(), Client.carries_none(), Client.carries_none_here(), Client.constant());
    let _ = (Client.returns_a_future(), Client.returns_a_box(), Client.returns_an_alias());
    let _ = (Client.returns_an_excepted_future(), Client.returns_a_sum(), Client.returns_a_function());
    let _ = (plain(), returns_a_future(), plain_here(), fine(), constant(), sums());
}
