//! Stores of things, with transactions, pages and batches.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::{ControlFlow, RangeInclusive};
use std::rc::Rc;
use std::str::FromStr;

use resilient::{Classify, bulkhead, circuit_breaker, fan_out, rate_limit, resilient, retry, timeout};

use crate::{Connection, Error};

/// The standard result with an error of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The number of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub u32);

/// A user of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The number.
    pub id: UserId,
    /// The name.
    pub name: String,
}

/// Users in a database.
#[derive(Debug, Default)]
pub struct Users {
    database: Connection,
    seen: HashSet<UserId>,
}

impl Users {
    /// Finds a user.
    #[timeout(total = "500ms", attempt = "100ms")]
    #[retry(max = 2, base = "10ms")]
    #[circuit_breaker]
    #[bulkhead(limit = 10, queue = 100, priority = "high")]
    pub async fn find(&self, id: UserId) -> Result<User> {
        let name = self.database.ask(&id.0.to_string()).await?;
        Ok(User { id, name })
    }

    /// Finds a user, or returns `None`.
    #[timeout("500ms")]
    #[retry]
    #[circuit_breaker]
    pub async fn find_optional(&self, id: UserId) -> Result<Option<User>> {
        match self.database.ask(&id.0.to_string()).await {
            Ok(name) => Ok(Some(User { id, name })),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Remembers the user that was asked for.
    #[timeout("500ms")]
    #[retry]
    #[circuit_breaker]
    pub async fn find_and_remember(&mut self, id: UserId) -> Result<bool> {
        self.database.ask(&id.0.to_string()).await?;
        Ok(self.seen.insert(id))
    }

    /// Adds a user, taken by value.
    #[timeout("500ms")]
    #[retry(clone(user))]
    #[circuit_breaker]
    #[rate_limit("50/s")]
    pub async fn insert(&self, user: User) -> Result<UserId> {
        let User { id, name } = user;
        self.database.tell(&id.0.to_string(), name).await?;
        Ok(id)
    }

    /// Adds many users. The weight in the bulkhead grows with their number.
    #[timeout("5s")]
    #[retry(backoff = "fibonacci")]
    #[bulkhead(limit = 100, weight = u32::try_from(users.len()).unwrap_or(u32::MAX))]
    pub async fn insert_many(&self, users: &[User]) -> Result<usize> {
        for user in users {
            self.database.tell(&user.id.0.to_string(), user.name.clone()).await?;
        }
        Ok(users.len())
    }

    /// Returns a page of names.
    #[timeout("500ms")]
    #[retry]
    #[circuit_breaker]
    pub async fn page(&self, ids: RangeInclusive<u32>) -> Result<Vec<String>> {
        let mut names = vec![];
        for id in ids.clone() {
            let Ok(name) = self.database.ask(&id.to_string()).await else { break };
            names.push(name);
        }
        Ok(names)
    }

    /// Finds the first user whose name begins with `start`.
    #[timeout("500ms")]
    #[retry]
    #[circuit_breaker]
    pub async fn first(&self, start: &str, ids: &BTreeSet<UserId>) -> Result<ControlFlow<User>> {
        for &id in ids {
            let name = self.database.ask(&id.0.to_string()).await?;
            if name.starts_with(start) {
                return Ok(ControlFlow::Break(User { id, name }));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Renames a user within something like a transaction.
    #[resilient(timeout("1s"), retry(max = 1, nested = "suppress"), circuit_breaker)]
    pub async fn rename(&self, id: UserId, name: Cow<'_, str>) -> Result<String> {
        let before = self.find(id).await?.name;
        let result: Result<_> = async {
            self.database.tell(&id.0.to_string(), name.clone().into_owned()).await?;
            self.find(id).await
        }
        .await;
        result.map(|_| before)
    }

    /// Returns the name of a user. `names_of` returns those of many at once.
    #[fan_out(companion = names_of)]
    #[timeout("500ms")]
    #[retry]
    #[circuit_breaker]
    pub async fn name_of(&self, prefix: &str, #[each] id: UserId) -> Result<String> {
        Ok(format!("{prefix}{}", self.find(id).await?.name))
    }
}

/// A column of a type that can be read from text.
#[derive(Debug, Default)]
pub struct Column<T> {
    database: Connection,
    kind: PhantomData<fn() -> T>,
}

impl<T> Column<T>
where
    T: FromStr + Send,
    Error: From<T::Err>,
{
    /// Reads a value.
    #[timeout("500ms")]
    #[retry]
    #[circuit_breaker]
    pub async fn read(&self, row: NonZeroU32) -> Result<T> {
        let text = self.database.ask(&row.to_string()).await?;
        Ok(text.parse()?)
    }

    /// Reads a value, or makes one of the default.
    #[timeout("500ms")]
    #[retry]
    #[circuit_breaker]
    pub async fn read_or<F>(&self, row: NonZeroU32, default: F) -> Result<T>
    where
        F: Fn() -> T + Send + Sync,
    {
        match self.read(row).await {
            Err(Error::NotFound) => Ok(default()),
            outcome => outcome,
        }
    }
}

/// Drains a queue, one entry after the other.
#[timeout("1s")]
#[retry(max = 5, backoff = "none")]
#[circuit_breaker]
pub async fn drain(database: &Connection, queue: &mut VecDeque<(String, String)>) -> Result<u32> {
    let mut count = 0;
    while let Some((key, value)) = queue.front() {
        database.tell(key, value.clone()).await?;
        queue.pop_front();
        count += 1;
    }
    Ok(count)
}

/// Counts words in a map that must not leave its thread.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn count_here(words: Rc<BTreeMap<String, u32>>, word: &str) -> Result<u32> {
    tokio::task::yield_now().await;
    words.get(word).copied().ok_or(Error::NotFound)
}

/// An error that borrows nothing and wraps another.
#[derive(Debug, Classify)]
#[non_exhaustive]
pub enum Migration {
    /// The database is at this version already.
    #[permanent]
    At(u32),
    /// The database failed.
    #[transparent(from)]
    Database(Error),
    /// A policy refused the call.
    #[transparent(from)]
    Policy(resilient::Error),
}

/// Migrates the database to a version.
#[timeout("30s")]
#[retry(max = 10, backoff = "linear", cap = "5s")]
#[circuit_breaker(min_calls = 3, open_for = "2s", probes = 1)]
pub async fn migrate(database: &Connection, to: u32) -> Result<u32, Migration> {
    let at = match database.ask("version").await {
        Ok(text) => text.parse().map_err(Error::from)?,
        Err(Error::NotFound) => 0,
        Err(error) => Err(error)?,
    };
    if at >= to {
        return Err(Migration::At(at));
    }
    database.tell("version", to.to_string()).await?;
    Ok(to - at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn the_repositories_do_what_they_say() {
        let mut users = Users { database: Connection::with("1", "Ada"), ..Users::default() };
        let ada = User { id: UserId(1), name: "Ada".to_owned() };
        let bob = User { id: UserId(2), name: "Bob".to_owned() };

        assert_eq!(sent(users.find(UserId(1))).await.unwrap(), ada);
        assert_eq!(sent(users.find_optional(UserId(2))).await.unwrap(), None);
        assert!(sent(users.find_and_remember(UserId(1))).await.unwrap());
        assert_eq!(sent(users.insert(bob.clone())).await.unwrap(), UserId(2));
        assert_eq!(sent(users.insert_many(&[ada, bob])).await.unwrap(), 2);
        assert_eq!(sent(users.page(1..=9)).await.unwrap(), ["Ada", "Bob"]);
        let ids = BTreeSet::from([UserId(1), UserId(2)]);
        assert!(sent(users.first("B", &ids)).await.unwrap().is_break());
        assert_eq!(sent(users.rename(UserId(2), Cow::Borrowed("Bea"))).await.unwrap(), "Bob");
        assert_eq!(sent(users.name_of("~", UserId(2))).await.unwrap(), "~Bea");
        assert_eq!(sent(users.names_of("", [UserId(1)])).await, [Ok("Ada".to_owned())]);

        let column = Column::<u8> { database: Connection::with("1", "42"), kind: PhantomData };
        assert_eq!(sent(column.read(NonZeroU32::MIN)).await.unwrap(), 42);
        assert_eq!(sent(column.read_or(NonZeroU32::MAX, || 7)).await.unwrap(), 7);
        let mut queue = VecDeque::from([("a".to_owned(), "b".to_owned())]);
        assert_eq!(sent(drain(&column.database, &mut queue)).await.unwrap(), 1);
        assert_eq!(count_here(Rc::new(BTreeMap::new()), "a").await, Err(Error::NotFound));
        assert_eq!(sent(migrate(&column.database, 3)).await.unwrap(), 3);
        assert!(matches!(migrate(&column.database, 3).await, Err(Migration::At(3))));
    }
}
