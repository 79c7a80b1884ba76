use resilient::{Classify, retry, timeout};

#[derive(Classify)]
enum Error {
    #[transient]
    Down,
    #[transparent]
    Refused(resilient::Error),
}

impl From<resilient::Error> for Error {
    fn from(rejection: resilient::Error) -> Self {
        Self::Refused(rejection)
    }
}

#[retry]
async fn moved(request: String) -> Result<usize, Error> {
    let bytes = request.into_bytes();
    Err(Error::Down).map(|()| bytes.len())
}

#[timeout("1s")]
#[retry]
async fn moved_in_a_stack(request: String) -> Result<usize, Error> {
    drop(request);
    Ok(1)
}

#[retry]
async fn assigned(count: u32) -> Result<u32, Error> {
    count += 1;
    Ok(count)
}

#[derive(Debug)]
struct NotClone;

#[retry(clone(request))]
async fn not_clone(request: NotClone) -> Result<(), Error> {
    drop(request);
    Ok(())
}

fn main() {}
