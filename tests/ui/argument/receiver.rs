use resilient::retry;

struct Error;

struct Client {
    buffer: Vec<u8>,
}

impl Client {
    #[retry]
    async fn consumed_mutable(mut self) -> Result<(), Error> {
        self.buffer.clear();
        Ok(())
    }

    #[retry]
    async fn borrowed_out(&mut self) -> Result<&mut Vec<u8>, Error> {
        Ok(&mut self.buffer)
    }
}

fn main() {
    let client = || Client { buffer: Vec::new() };
    let _ = client().consumed_mutable();
    let _ = client().borrowed_out();
}
