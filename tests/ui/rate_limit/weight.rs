use resilient::{RateLimit, rate_limit};

struct Error;

impl From<resilient::Error> for Error {
    fn from(_: resilient::Error) -> Self {
        Self
    }
}

#[derive(Clone)]
struct Answer {
    tokens: u64,
}

#[rate_limit("90000/m", weight = 0)]
async fn none(_prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

#[rate_limit("90000/m", weight = "500")]
async fn in_quotes(_prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

#[rate_limit("90000/m", weight = -5)]
async fn negative(_prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

#[rate_limit("90000/m", weight = |prompt| 5)]
async fn a_function(_prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

#[rate_limit("90000/m", burst = 500, weight = 501)]
async fn more_than_the_burst(_prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

#[rate_limit("90/m", weight = 91)]
async fn more_than_a_period(_prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

#[rate_limit("90000/m", weight)]
async fn no_value(_prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

static LIMIT: RateLimit = RateLimit::named("tokens");

#[rate_limit(with = LIMIT, cost = |answer: &Answer| answer.tokens)]
async fn a_cost_without_a_weight(_prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

#[rate_limit("90000/m", weight = 5, cost = 7)]
async fn a_cost_that_is_a_number(_prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

#[rate_limit("90000/m", weight = 5, cost = |answer, more| 7)]
async fn a_cost_of_two(_prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

fn main() {}
