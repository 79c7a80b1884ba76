mod body;
mod check;
mod dialect;
mod documented;
mod headers;
mod limits;
mod rate_limit;
mod status;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};

/// Sunday, 6 November 1994, 08:49:37, as in the RFC's examples.
fn now() -> SystemTime {
    at(784_111_777)
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Headers from `name: value` lines.
fn headers(lines: &[&str]) -> HeaderMap {
    let line = |line: &&str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut map = HeaderMap::new();
    for (name, value) in lines.iter().map(line) {
        map.append(name, value);
    }
    map
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const YEAR: Duration = Duration::from_secs(365 * 86_400);
