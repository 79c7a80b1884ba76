//! Modules in modules, with every visibility, without a prelude, and with attributes by their paths.

/// A module in this module.
pub mod outer {
    /// A module in that module.
    pub mod inner {
        use crate::Error;

        /// Is visible to everyone.
        #[resilient::timeout(total = "1s", attempt = "100ms")]
        #[resilient::retry]
        #[resilient::circuit_breaker]
        #[resilient::bulkhead]
        pub async fn by_path(n: u32) -> Result<u32, Error> {
            here(n).await?;
            crate::nested::outer::above(n).await
        }

        #[::resilient::timeout("1s")]
        #[::resilient::retry]
        #[::resilient::bulkhead]
        async fn here(n: u32) -> Result<u32, Error> {
            Ok(n)
        }

        #[resilient::resilient(timeout("1s"), retry, circuit_breaker)]
        pub(in crate::nested) async fn within(n: u32) -> Result<u32, Error> {
            super::above(n).await
        }
    }

    use resilient::{circuit_breaker, retry, timeout};

    /// Is visible in the crate.
    #[timeout("1s")]
    #[retry]
    #[circuit_breaker]
    pub(crate) async fn above(n: u32) -> Result<u32, crate::Error> {
        Ok(n + 1)
    }

    #[timeout("1s")]
    #[retry]
    #[circuit_breaker]
    pub(super) async fn for_the_parent(n: u32) -> Result<u32, crate::Error> {
        self::inner::within(n).await
    }
}

/// Is visible to everyone, through a function that only the parent sees.
#[resilient::timeout("1s")]
#[resilient::retry]
#[resilient::circuit_breaker]
pub async fn through(n: u32) -> Result<u32, crate::Error> {
    outer::for_the_parent(n).await
}

/// A module in which nothing is imported by itself.
#[no_implicit_prelude]
pub mod bare {
    use ::resilient::{bulkhead, circuit_breaker, fallback, fan_out, rate_limit, retry, throttle, timeout};
    use ::std::result::Result;
    use ::std::result::Result::{Err, Ok};
    use ::std::string::String;

    use crate::Error;

    /// Counts without a prelude.
    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(number = n)]
    #[circuit_breaker]
    #[rate_limit("100/s")]
    #[bulkhead(limit = 4)]
    pub async fn counted(text: &str) -> Result<usize, Error> {
        if n > 3 {
            return Err(Error::NotFound);
        }
        Ok(text.len())
    }

    /// Clones without a prelude.
    #[fallback(value = String::new())]
    #[timeout("1s")]
    #[retry(clone(text), when = |error: &Error| ::std::matches!(error, Error::Disconnected))]
    #[circuit_breaker(key = text)]
    pub async fn cloned(mut text: String) -> Result<String, Error> {
        text.push('.');
        Ok(text)
    }

    /// Runs for many items at once without a prelude.
    #[fan_out]
    #[timeout("1s")]
    #[throttle]
    #[bulkhead(limit = "aimd")]
    pub async fn spread(n: u32) -> Result<u32, Error> {
        Ok(n)
    }
}

/// Has functions in functions, blocks and constants.
pub async fn local(n: u32) -> Result<u32, crate::Error> {
    use resilient::{circuit_breaker, retry, timeout};

    struct Local(u32);

    impl Local {
        #[timeout("1s")]
        #[retry]
        #[circuit_breaker]
        async fn doubled(&self) -> Result<u32, crate::Error> {
            Ok(self.0 * 2)
        }
    }

    #[timeout("1s")]
    #[retry]
    #[circuit_breaker]
    async fn halved(n: u32) -> Result<u32, crate::Error> {
        Ok(n / 2)
    }

    let doubled = Local(n).doubled().await?;
    let halved = halved(doubled).await?;
    {
        #[timeout("1s")]
        #[retry]
        #[circuit_breaker]
        async fn halved(n: u32) -> Result<u32, crate::Error> {
            Ok(n / 4)
        }
        halved(doubled).await?;
    }
    Ok(halved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn modules_nest() {
        assert_eq!(sent(outer::inner::by_path(1)).await.unwrap(), 2);
        assert_eq!(sent(through(1)).await.unwrap(), 2);
        assert_eq!(sent(bare::counted("abc")).await.unwrap(), 3);
        assert_eq!(sent(bare::cloned("a".to_owned())).await.unwrap(), "a.");
        assert_eq!(sent(bare::spread(1)).await.unwrap(), 1);
        assert_eq!(sent(bare::spread_all([1, 2])).await.len(), 2);
        assert_eq!(sent(local(4)).await.unwrap(), 4);
    }
}
