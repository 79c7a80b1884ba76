use resilient::{Classify, retry};

#[derive(Debug, Classify)]
#[transient]
struct Error;

struct Client {
    buffer: Vec<u8>,
}

struct Transaction<'c>(&'c mut Client);

impl Client {
    #[retry]
    async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(Transaction(self))
    }

    #[retry]
    async fn named<'c>(&'c mut self, _name: &str) -> Result<Transaction<'c>, Error> {
        Ok(Transaction(self))
    }

    #[retry]
    async fn shared_of_exclusive(&mut self) -> Result<&[u8], Error> {
        self.buffer.push(1);
        Ok(&self.buffer)
    }
}

#[retry]
async fn argument(client: &mut Client) -> Result<Transaction<'_>, Error> {
    Ok(Transaction(client))
}

fn main() {}
