use resilient::rate_limit;

use crate::support::Error;

#[derive(Debug)]
pub struct Answer {
    pub tokens: u64,
}

fn estimate(prompt: &str) -> u64 {
    prompt.len() as u64 / 4 + 500
}

#[rate_limit("600/min", name = "expand: tokens", key = org, weight = estimate(prompt), cost = |answer| answer.tokens)]
pub async fn ask(org: &str, prompt: &str) -> Result<Answer, Error> {
    let _ = org;
    Ok(Answer { tokens: prompt.len() as u64 })
}

pub async fn transcript() -> String {
    let org = module_path!().len().to_string();
    let first = ask(&org, "why?").await;
    let second = ask(&org, "how?").await;
    format!("{first:?} {}", second.is_ok())
}
