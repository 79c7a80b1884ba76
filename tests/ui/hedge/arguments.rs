use resilient::{hedge, retry};

struct Error;

struct Client {
    buffer: Vec<u8>,
}

impl Client {
    #[hedge(idempotent)]
    async fn exclusive(&mut self) -> Result<(), Error> {
        self.buffer.clear();
        Ok(())
    }

    #[hedge(idempotent)]
    async fn exclusive_and_typed(self: &mut Self) -> Result<(), Error> {
        self.buffer.clear();
        Ok(())
    }

    #[hedge(idempotent)]
    async fn borrowed_out(&self, buffer: &mut Vec<u8>) -> Result<&mut Vec<u8>, Error> {
        Ok(buffer)
    }
}

#[hedge(idempotent)]
async fn argument(list: Option<&mut Vec<u32>>) -> Result<(), Error> {
    let _ = list;
    Ok(())
}

#[hedge(idempotent)]
async fn mutable(mut request: String) -> Result<(), Error> {
    request.push('x');
    Ok(())
}

#[retry(clone(first))]
#[hedge(idempotent)]
async fn once(mut first: String, mut second: String) -> Result<(), Error> {
    first.push('x');
    second.push('x');
    Ok(())
}

#[hedge(idempotent, clone(requests))]
async fn misspelt(request: String) -> Result<(), Error> {
    let _ = request;
    Ok(())
}

fn main() {
    let client = || Client { buffer: Vec::new() };
    let _ = client().exclusive();
    let _ = client().exclusive_and_typed();
    let _ = client().borrowed_out(&mut Vec::new());
    let _ = argument(None);
    let _ = mutable(String::new());
    let _ = once(String::new(), String::new());
    let _ = misspelt(String::new());
}
