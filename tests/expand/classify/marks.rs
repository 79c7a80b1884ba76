use std::time::Duration;

use resilient::Classify;

#[derive(Debug, Classify)]
#[allow(dead_code)]
pub enum SearchError<E> {
    #[transient]
    Connect(String),
    #[throttled(after = wait)]
    Busy { wait: Duration, quota: u32 },
    #[throttled]
    Full,
    #[permanent]
    NotFound { id: u64 },
    #[transparent]
    Inner(E),
    #[transparent(from)]
    Refused(resilient::Error),
}

pub async fn transcript() -> String {
    let errors = [
        SearchError::Connect(String::new()),
        SearchError::Busy { wait: Duration::from_secs(1), quota: 3 },
        SearchError::Full,
        SearchError::NotFound { id: 4 },
        SearchError::Inner(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let classes = errors.iter().map(|error| format!("{:?}", error.class()));
    classes.collect::<Vec<_>>().join(" ")
}
