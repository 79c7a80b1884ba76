use resilient::retry;

struct Error;

#[retry(clone(nope))]
async fn unknown(request: String, user: u32) -> Result<(), Error> {
    let _ = (request, user);
    Ok(())
}

#[retry(clone(reqest))]
async fn misspelt(request: String) -> Result<(), Error> {
    let _ = request;
    Ok(())
}

#[retry(clone(anything))]
async fn nothing_to_clone() -> Result<(), Error> {
    Ok(())
}

#[retry(clone(request, request))]
async fn twice(request: String) -> Result<(), Error> {
    drop(request);
    Ok(())
}

struct Client;

impl Client {
    #[retry(clone(self))]
    async fn itself(&self) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {
    let _ = unknown(String::new(), 1);
    let _ = misspelt(String::new());
    let _ = nothing_to_clone();
    let _ = twice(String::new());
    let _ = Client.itself();
}
