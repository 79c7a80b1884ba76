use resilient::fallback;
use resilient_tests::Error;

#[fallback(stale = "5m")]
async fn no_key(id: u32, page: u32) -> Result<u32, Error> {
    Ok(id + page)
}

#[fallback(stale = "5m", key = id)]
async fn whose(id: u32, token: &str) -> Result<usize, Error> {
    Ok(token.len() + id as usize)
}

#[fallback(stale = "5m", key = (id, tenant), shared_across(session))]
async fn fine(id: u32, tenant: u32, session: &str) -> Result<usize, Error> {
    Ok((id + tenant) as usize + session.len())
}

#[fallback(stale = "5m", key = id, shared_across(toke))]
async fn misspelt(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[fallback(stale = "5m", key = 1)]
async fn same_for_all(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[fallback(value = 0, shared_across(id))]
async fn nothing_shared(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[fallback(stale = "5m", shared_across(id))]
async fn borrowed<'a>(id: &'a str) -> Result<&'a str, Error> {
    Ok(id)
}

#[fallback(stale = "5m", shared_across(id))]
async fn borrowing_error<'a>(id: &'a str) -> Result<u32, &'a Error> {
    Ok(id.len() as u32)
}

struct Api;

impl Api {
    #[fallback(stale = "5m", key = id)]
    async fn method(&self, id: u32) -> Result<u32, Error> {
        Ok(id)
    }

    #[fallback(stale = "5m", shared_across(self))]
    async fn of_all(self) -> Result<u32, Error> {
        Ok(7)
    }
}

fn main() {}
