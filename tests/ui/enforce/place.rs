use resilient::enforce;

#[enforce(timeout)]
fn plain() {}

#[enforce(timeout)]
struct Client;

trait Calls {
    #[enforce(timeout)]
    async fn required(&self);
}

#[enforce(timeout)]
mod api {
    mod missing;
}

fn main() {
    plain();
    let _ = Client;
}
