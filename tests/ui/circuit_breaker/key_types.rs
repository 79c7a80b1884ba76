use resilient::{Classify, circuit_breaker};

#[derive(Classify)]
enum Error {
    #[transparent(from)]
    Refused(resilient::Error),
}

struct Request {
    weight: f64,
}

#[circuit_breaker(key = request)]
async fn not_hash(request: &Request) -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(key = request.weight)]
async fn field_not_hash(request: &Request) -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(key = (name, request.weight))]
async fn part_not_hash(name: &str, request: &Request) -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(key = hots)]
async fn no_such_name(host: &str) -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(key = POLICY)]
async fn not_the_macros_static(host: &str) -> Result<(), Error> {
    Ok(())
}

fn main() {}
