//! Names that clash with those of the expansion, and with those of the standard library.
//!
//! This module has its own `Result`, `Ok`, `Some`, `Duration` and `tokio`.

use resilient::{bulkhead, circuit_breaker, fallback, fan_out, rate_limit, resilient, retry, timeout};

use crate::Error;

/// A `Result` that is not the standard one.
#[derive(Debug)]
pub struct Result;

/// A `Duration` that is not the standard one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration(pub u8);

/// A `Future` that is not the standard one.
#[derive(Debug)]
pub struct Future;

/// An `Option` that is not the standard one.
#[derive(Debug)]
pub struct Option;

/// A `Clone` that is not the standard one.
pub trait Clone {}

/// A `tokio` that is not the runtime.
pub mod tokio {
    /// A module without a clock.
    pub mod time {
        /// Returns a number, and does not sleep.
        #[must_use]
        pub const fn sleep() -> u8 {
            8
        }
    }
}

/// A `core` that is not the crate.
pub mod core {}

/// A `std` that is not the crate.
pub mod std {}

#[expect(non_snake_case, reason = "the name of the standard one")]
const fn Ok(n: u8) -> u8 {
    n
}

#[expect(non_snake_case, reason = "the name of the standard one")]
const fn Some(n: u8) -> u8 {
    n
}

/// Adds durations where the names of the prelude are taken.
#[timeout(total = "1s", attempt = "100ms")]
#[retry]
#[circuit_breaker]
#[bulkhead]
#[rate_limit("100/s")]
pub async fn shadowed(n: u8) -> ::std::result::Result<Duration, Error> {
    ::std::result::Result::Ok(Duration(Ok(n) + Some(n) + tokio::time::sleep()))
}

/// Falls back where the names of the prelude are taken.
#[fallback(value = Duration(0))]
#[timeout("1s")]
#[retry(max = 1, backoff = "none")]
pub async fn shadowed_fallback() -> ::std::result::Result<Duration, Error> {
    ::std::result::Result::Err(Error::Disconnected)
}

/// Runs for many items where the names of the prelude are taken.
#[fan_out]
#[timeout("1s")]
#[retry]
pub async fn shadowed_item(n: u8) -> ::std::result::Result<u8, Error> {
    ::std::result::Result::Ok(n)
}

/// Has arguments with the names that the expansion declares.
#[timeout(total = "1s", attempt = "100ms")]
#[retry(number = number)]
#[circuit_breaker]
#[bulkhead]
pub async fn arguments(
    attempt: u8,
    retry: u8,
    outcome: u8,
    delay: u8,
    permit: u8,
    settled: u8,
) -> ::std::result::Result<u8, Error> {
    let timeout = attempt + retry + outcome;
    let circuit_breaker = delay + permit + settled;
    let call = timeout + circuit_breaker;
    ::std::result::Result::Ok(call + u8::try_from(number)?)
}

impl From<::std::num::TryFromIntError> for Error {
    fn from(error: ::std::num::TryFromIntError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Has arguments with the names of the policies.
#[timeout("1s")]
#[retry(clone(retry))]
#[circuit_breaker(key = circuit_breaker)]
#[rate_limit("100/s", key = (rate_limit, retry.len()))]
pub async fn policies(retry: String, circuit_breaker: &str, rate_limit: u8) -> ::std::result::Result<usize, Error> {
    let bulkhead = retry.len() + circuit_breaker.len();
    drop(retry);
    ::std::result::Result::Ok(bulkhead + usize::from(rate_limit))
}

/// Has a type and statics with names of the expansion.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn statics(policy: u32) -> ::std::result::Result<u32, Error> {
    static POLICY: u32 = 40;
    const RETRY: u32 = 1;
    enum Verdict {
        Accept(u32),
    }
    let Verdict::Accept(n) = Verdict::Accept(POLICY + RETRY + policy);
    ::std::result::Result::Ok(n)
}

/// Has labels with names of the expansion.
#[fallback(value = 0)]
#[timeout("1s")]
#[retry]
#[circuit_breaker]
#[rate_limit("100/s")]
pub async fn labels(rounds: u32) -> ::std::result::Result<u32, Error> {
    let mut n = 0;
    'limited: loop {
        'fallback: loop {
            n += 1;
            if n > rounds {
                break 'limited;
            }
            if n % 2 == 0 {
                break 'fallback;
            }
        }
    }
    ::std::result::Result::Ok(n)
}

/// Has keywords for names.
#[timeout("1s")]
#[retry(clone(r#type))]
#[circuit_breaker(key = r#fn)]
pub async fn r#match(mut r#type: Vec<u8>, r#fn: u32) -> ::std::result::Result<u32, Error> {
    r#type.push(1);
    let r#loop = u32::try_from(r#type.len())?;
    ::std::result::Result::Ok(r#loop + r#fn)
}

/// Has a name in another script.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn größe(länge: u32) -> ::std::result::Result<u32, Error> {
    ::std::result::Result::Ok(länge * 2)
}

/// Has a name that ends in an underscore, and arguments that are never read.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn unread_(_: u32, _name: &str) -> ::std::result::Result<(), Error> {
    ::std::result::Result::Ok(())
}

/// Has the name of a policy.
#[resilient(timeout("1s"), retry, circuit_breaker)]
pub async fn cancel(n: u32) -> ::std::result::Result<u32, Error> {
    ::std::result::Result::Ok(n)
}

/// Has a macro of its own in the body.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn macros(n: u32) -> ::std::result::Result<u32, Error> {
    macro_rules! twice {
        ($n:expr) => {{
            let attempt = $n;
            attempt + attempt
        }};
    }
    let attempt = twice!(n);
    ::std::result::Result::Ok(twice!(attempt))
}

#[cfg(test)]
mod tests {
    use super::{
        Duration, arguments, cancel, größe, labels, macros, r#match, policies, shadowed, shadowed_fallback,
        shadowed_item, shadowed_item_all, statics, unread_,
    };
    use crate::sent;

    #[::tokio::test(start_paused = true)]
    async fn names_do_not_clash() {
        assert_eq!(sent(shadowed(1)).await.unwrap(), Duration(10));
        assert_eq!(sent(shadowed_fallback()).await.unwrap(), Duration(0));
        assert_eq!(sent(shadowed_item(1)).await.unwrap(), 1);
        assert_eq!(sent(shadowed_item_all([1, 2])).await.len(), 2);
        assert_eq!(sent(arguments(1, 2, 3, 4, 5, 6)).await.unwrap(), 21);
        assert_eq!(sent(policies("ab".to_owned(), "c", 1)).await.unwrap(), 4);
        assert_eq!(sent(statics(1)).await.unwrap(), 42);
        assert_eq!(sent(labels(3)).await.unwrap(), 4);
        assert_eq!(sent(r#match(vec![1], 2)).await.unwrap(), 4);
        assert_eq!(sent(größe(2)).await.unwrap(), 4);
        drop(sent(unread_(1, "")));
        assert_eq!(sent(cancel(1)).await.unwrap(), 1);
        assert_eq!(sent(macros(1)).await.unwrap(), 4);
    }
}
