use resilient::{profile, resilient};

#[derive(resilient::Classify)]
enum Error {
    #[permanent]
    Gone,
    #[transparent(from)]
    Refused(resilient::Error),
}

profile! { search = retry }

mod policies {
    resilient::profile! { private = retry }
}

#[resilient(profile = serch)]
async fn unknown() -> Result<u32, Error> {
    Err(Error::Gone)
}

struct Client;

impl Client {
    #[resilient(profile = crate::policies::search)]
    async fn in_a_module(&self) -> Result<u32, Error> {
        Err(Error::Gone)
    }

    #[resilient(profile = policies::private)]
    async fn private(&self) -> Result<u32, Error> {
        Err(Error::Gone)
    }
}

async fn caller() {
    let _ = unknown().await;
    let _ = Client.in_a_module().await;
    let _ = Client.private().await;
}

fn main() {
    let _ = caller();
}
