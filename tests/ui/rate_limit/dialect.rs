use resilient::rate_limit;

struct Error;
struct Response;
struct Dialect;

const KUCOIN: Dialect = Dialect;

#[rate_limit("100/s", dialect = "kucoin")]
async fn in_quotes() -> Result<Response, Error> {
    Ok(Response)
}

#[rate_limit("100/s", dialect = KUCOIN, when = |_| true)]
async fn beside_a_when() -> Result<Response, Error> {
    Ok(Response)
}

#[rate_limit("100/s", dialect = KUCOIN)]
async fn no_response() -> Result<String, Error> {
    Ok(String::new())
}

#[rate_limit("100/s", dialekt = KUCOIN)]
async fn misspelt() -> Result<Response, Error> {
    Ok(Response)
}

fn main() {}
