//! Functions that macros make.

use resilient::{bulkhead, circuit_breaker, rate_limit, resilient, retry, timeout};

use crate::{Connection, Error};

/// Writes a getter for each name, with the stack in the macro.
macro_rules! getters {
    ($($(#[$meta:meta])* $name:ident => $key:literal as $type:ty),* $(,)?) => {$(
        $(#[$meta])*
        #[timeout(total = "1s", attempt = "100ms")]
        #[retry(max = 2)]
        #[circuit_breaker]
        pub async fn $name(connection: &Connection) -> Result<$type, Error> {
            let text = connection.ask($key).await?;
            Ok(text.parse::<$type>()?)
        }
    )*};
}

getters! {
    /// Returns the age.
    age => "age" as u8,
    /// Returns the quantity.
    #[inline]
    quantity => "quantity" as i64,
}

/// Writes a function under the stack that it gets.
macro_rules! under {
    ([$($stack:tt)*] $($function:tt)*) => {
        $($stack)*
        $($function)*
    };
}

under! {
    [#[timeout("1s")] #[retry] #[bulkhead]]
    /// Returns its argument; all of its tokens come from the call of the macro.
    pub async fn from_tokens(n: u32) -> Result<u32, Error> {
        Ok(n)
    }
}

/// Writes methods on a type that the macro names.
macro_rules! service {
    ($service:ident { $($method:ident($($argument:ident: $type:ty),*) -> $output:ty = $body:expr;)* }) => {
        /// Made by a macro.
        #[derive(Debug, Default)]
        pub struct $service {
            connection: Connection,
        }

        impl $service {
            $(
                /// Made by a macro.
                #[resilient(timeout("1s"), retry(backoff = "none"), circuit_breaker)]
                pub async fn $method(&self, $($argument: $type),*) -> Result<$output, Error> {
                    let respond = $body;
                    let text = self.connection.ask(stringify!($method)).await;
                    respond(text.ok())
                }
            )*
        }
    };
}

service! {
    Accounts {
        open(owner: &str) -> String = |before: Option<String>| Ok(before.unwrap_or_default() + owner);
        balance(account: u32, scale: u32) -> u32 = |_: Option<String>| Ok(account * scale);
    }
}

/// Writes a function of values, types, patterns and blocks as fragments.
macro_rules! fragments {
    ($name:ident, $pattern:pat, $type:ty, $limit:expr, $max:literal, $body:block) => {
        /// Made of fragments.
        #[timeout($limit)]
        #[retry(max = $max)]
        #[circuit_breaker(name = "corpus: fragments")]
        pub async fn $name($pattern: $type) -> Result<u32, Error> $body
    };
}

fragments!(of_fragments, (a, b), (u32, u32), "1s", 2, { Ok(a + b) });
fragments!(of_other_fragments, [a, ..], [u32; 3], std::time::Duration::from_secs(1), 1, {
    tokio::task::yield_now().await;
    if a == 0 {
        return Err(Error::NotFound);
    }
    Ok(a)
});

/// Writes a function of a lifetime and a generic argument as fragments.
macro_rules! borrowed {
    ($name:ident, $life:lifetime, $generic:ident: $bound:path) => {
        /// Made of a lifetime.
        #[timeout("1s")]
        #[retry]
        #[rate_limit("100/s")]
        pub async fn $name<$life, $generic: $bound + Sync>(value: &$life $generic) -> Result<&$life $generic, Error> {
            Ok(value)
        }
    };
}

borrowed!(same, 'a, T: std::fmt::Debug);

/// Writes a function with names that would clash without hygiene.
macro_rules! hygienic {
    ($name:ident($argument:ident)) => {
        /// Adds two names that hygiene keeps apart.
        #[timeout("1s")]
        #[retry(number = number)]
        #[circuit_breaker(key = $argument)]
        pub async fn $name($argument: u32) -> Result<u32, Error> {
            let attempt = $argument + number;
            Ok(attempt)
        }
    };
}

hygienic!(numbered(attempt));
hygienic!(numbered_too(number));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn what_macros_make_works() {
        let connection = Connection::with("age", "7");

        assert_eq!(sent(age(&connection)).await.unwrap(), 7);
        assert!(sent(quantity(&connection)).await.is_err());
        assert_eq!(sent(from_tokens(1)).await.unwrap(), 1);
        let accounts = Accounts::default();
        assert_eq!(sent(accounts.open("Ada")).await.unwrap(), "Ada");
        assert_eq!(sent(accounts.balance(2, 3)).await.unwrap(), 6);
        assert_eq!(sent(of_fragments((1, 2))).await.unwrap(), 3);
        assert_eq!(sent(of_other_fragments([4, 0, 0])).await.unwrap(), 4);
        assert_eq!(sent(same(&5)).await.unwrap(), &5);
        assert_eq!(sent(numbered(3)).await.unwrap(), 3);
        assert_eq!(sent(numbered_too(3)).await.unwrap(), 3);
    }
}
