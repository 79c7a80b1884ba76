use std::time::Duration;

use resilient::Classify;

#[derive(Debug, Classify)]
pub enum FetchError {
    #[transient(after = 0)]
    Down(Duration),
    #[throttled]
    Busy,
    #[permanent]
    Gone,
}

pub async fn transcript() -> String {
    let errors = [FetchError::Down(Duration::from_secs(2)), FetchError::Busy, FetchError::Gone];
    let said = errors.iter().map(|error| format!("{:?} {:?}", error.class(), error.hint()));
    said.collect::<Vec<_>>().join(" ")
}
