use resilient::hedge;

#[derive(Debug, resilient::Classify)]
enum Error {
    #[transient]
    Down,
}

#[hedge(idempotent, number = 3)]
async fn a_number() -> Result<(), Error> {
    Err(Error::Down)
}

#[hedge(idempotent, number = "n")]
async fn quoted() -> Result<(), Error> {
    Err(Error::Down)
}

#[hedge(idempotent, number = self)]
async fn no_variable() -> Result<(), Error> {
    Err(Error::Down)
}

fn main() {
    let _ = (a_number(), quoted(), no_variable());
}
