use resilient::{enforce, resilient, retry, timeout};

#[derive(resilient::Classify)]
enum Error {
    #[permanent]
    Gone,
    #[transparent(from)]
    Refused(resilient::Error),
}

#[enforce(timeout, retry(max <= 5))]
async fn nothing() -> Result<(), Error> {
    Err(Error::Gone)
}

#[enforce(timeout, circuit_breaker)]
#[retry]
async fn above() -> Result<(), Error> {
    Err(Error::Gone)
}

#[timeout("1s")]
#[enforce(timeout, any(cancel, bulkhead(limit <= 8)))]
async fn below() -> Result<(), Error> {
    Err(Error::Gone)
}

struct Client;

#[enforce(timeout)]
impl Client {
    #[retry]
    async fn first(&self) -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[resilient(timeout("1s"), retry)]
    async fn fine(&self) -> Result<(), Error> {
        Err(Error::Gone)
    }

    fn plain(&self) {}

    async fn second(&self) {}
}

#[enforce(timeout)]
trait Calls {
    async fn required(&self);

    async fn provided(&self) {}
}

#[enforce(timeout)]
impl Calls for Client {
    async fn required(&self) {}
}

#[enforce(timeout)]
#[async_trait::async_trait]
trait Boxed {
    async fn required(&self);

    async fn provided(&self) {}
}

#[async_trait::async_trait]
#[enforce(timeout)]
impl Boxed for Client {
    async fn required(&self) {}
}

#[enforce(timeout)]
mod api {
    pub mod inner {
        pub async fn nested() {}
    }

    pub struct Inner<const N: usize>;

    impl Inner<{ 1 + 1 }> {
        pub async fn method(&self) {}
    }

    const fn plain() {}

    #[cfg(test)]
    mod tests {
        async fn only_in_tests() {}
    }

    #[cfg_attr(all(), resilient::timeout("1s"))]
    pub async fn conditional() -> Result<(), super::Error> {
        Err(super::Error::Gone)
    }

    #[cfg_attr(not(all()), resilient::timeout("1s"))]
    pub async fn conditional_not() -> Result<(), super::Error> {
        Err(super::Error::Gone)
    }
}

macro_rules! made {
    ($client:ty, $output:ty, $function:item) => {
        #[enforce(timeout)]
        impl $client {
            $function

            async fn typed(&self) -> $output {
                Err(Error::Gone)
            }
        }
    };
}

made!(Client, Result<(), Error>, async fn item(&self) {});

fn main() {
    let _ = (nothing(), above(), below(), Client.first(), Client.fine(), Client.plain(), Client.second());
    let _ = (Calls::provided(&Client), api::inner::nested(), api::Inner::<2>.method(), api::conditional());
    let _ = (api::conditional_not(), Client.item(), Client.typed());
}
