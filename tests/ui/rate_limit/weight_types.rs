use resilient::{Classify, rate_limit};

#[derive(Classify)]
#[transparent]
struct Error(resilient::Error);

impl From<resilient::Error> for Error {
    fn from(rejection: resilient::Error) -> Self {
        Self(rejection)
    }
}

struct Answer {
    tokens: u32,
}

#[rate_limit("90000/m", weight = prompt.len())]
async fn a_length(prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

#[rate_limit("90000/m", weight = 5, cost = |answer| answer.tokens)]
async fn a_u32(prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

fn of_text(text: &String) -> u64 {
    text.len() as u64
}

#[rate_limit("90000/m", weight = 5, cost = of_text)]
async fn of_something_else(prompt: &str) -> Result<Answer, Error> {
    Ok(Answer { tokens: 0 })
}

fn main() {}
