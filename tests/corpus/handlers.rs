//! Handlers of requests, jobs and commands, as frameworks call them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use resilient::{
    Class, Classify, Deadline, bulkhead, cancel, circuit_breaker, coalesce, fallback, hedge, rate_limit, retry, timeout,
};
use tokio::sync::{Mutex, RwLock, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Connection, Error};

/// The state of the application that every handler gets.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The database.
    pub database: Arc<Connection>,
    /// The names of the users that are logged in.
    pub sessions: Arc<RwLock<HashMap<u64, String>>>,
    /// The token that stops the whole application.
    pub stop: CancellationToken,
}

/// An extractor, as frameworks have them.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// A path segment.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

/// The status of a response, which is an outcome without a `Result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

/// An error that is a status.
#[derive(Debug, PartialEq, Eq)]
pub struct Rejected(pub Status);

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rejected with {}", self.0.0)
    }
}

impl std::error::Error for Rejected {}

impl Classify for Rejected {
    fn class(&self) -> Class {
        if self.0.0 >= 500 { Class::Transient } else { Class::Permanent }
    }
}

impl From<resilient::Error> for Rejected {
    fn from(_: resilient::Error) -> Self {
        Self(Status(503))
    }
}

/// Shows a user's page.
#[timeout(total = "1s", attempt = "200ms")]
#[retry]
#[circuit_breaker]
pub async fn show(state: State, Path(id): Path<u64>) -> Result<Json<String>, Rejected> {
    let sessions = state.sessions.read().await;
    let name = sessions.get(&id).ok_or(Rejected(Status(404)))?;
    Ok(Json(name.clone()))
}

/// Creates a user.
#[timeout("1s")]
#[rate_limit("100/s")]
#[bulkhead(limit = 16)]
pub async fn create(state: State, Json(name): Json<String>) -> Result<(Status, Json<u64>), Rejected> {
    let id = name.len() as u64;
    state.sessions.write().await.insert(id, name);
    Ok((Status(201), Json(id)))
}

/// Returns the state of the database as a status instead of a `Result`.
#[coalesce(shared_across(database))]
#[retry(backoff = "none", when = |status: &Status| status.0 >= 500)]
#[hedge(idempotent, when = |status: &Status| status.0 >= 500)]
pub async fn probe(database: &Connection) -> Status {
    match database.ask("health").await {
        Ok(_) => Status(200),
        Err(_) => Status(503),
    }
}

/// Works until there are no more jobs.
#[cancel(on = stop)]
#[timeout("1m")]
#[circuit_breaker]
pub async fn work(jobs: &mut mpsc::Receiver<u32>, stop: &CancellationToken) -> Result<u32, Error> {
    let mut sum = 0;
    while let Some(job) = jobs.recv().await {
        sum += job;
    }
    Ok(sum)
}

/// Asks an actor.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn ask_actor(actor: &mpsc::Sender<oneshot::Sender<u32>>) -> Result<u32, Error> {
    let (answer, answered) = oneshot::channel();
    actor.send(answer).await.map_err(|_| Error::Disconnected)?;
    answered.await.map_err(|_| Error::Disconnected)
}

/// Waits for a value.
#[timeout("1s")]
#[circuit_breaker]
#[bulkhead]
pub async fn wait_for(mut value: watch::Receiver<Option<u32>>) -> Result<u32, Error> {
    let seen = value.wait_for(Option::is_some).await.map_err(|_| Error::Disconnected)?;
    (*seen).ok_or(Error::NotFound)
}

/// Returns the answer that comes first.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn race(one: &Connection, other: &Connection, key: &str) -> Result<String, Error> {
    tokio::select! {
        biased;
        answer = one.ask(key) => answer,
        answer = other.ask(key) => answer,
    }
}

/// Returns both answers, which are asked for at once.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn both(one: &Connection, other: &Connection, key: &str) -> Result<(String, String), Error> {
    tokio::try_join!(one.ask(key), other.ask(key))
}

/// Asks for each key in a task of its own.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn spread(database: &Arc<Connection>, keys: &'static [&'static str]) -> Result<usize, Error> {
    let mut tasks = JoinSet::new();
    for key in keys {
        let database = Arc::clone(database);
        tasks.spawn(async move { database.ask(key).await });
    }
    let answers = tasks.join_all().await;
    Ok(answers.iter().filter(|answer| answer.is_ok()).count())
}

/// Computes a hash on another thread.
#[timeout("10s")]
#[bulkhead(limit = 2)]
#[circuit_breaker]
pub async fn hash(password: String) -> Result<u64, Error> {
    let hashed = tokio::task::spawn_blocking(move || password.bytes().map(u64::from).sum());
    hashed.await.map_err(|error| Error::Malformed(error.to_string()))
}

/// Returns the time until the deadline.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn time_left() -> Result<Duration, Error> {
    Deadline::current().map(Deadline::remaining).ok_or(Error::NotFound)
}

/// Increments a counter, which only one call at a time may change.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn increment(counter: &Mutex<u32>) -> Result<u32, Error> {
    let mut counter = counter.lock().await;
    *counter += 1;
    tokio::task::yield_now().await;
    Ok(*counter)
}

/// Writes a log of its own for each attempt.
#[tracing::instrument(skip_all, fields(id), err)]
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn logged(database: &Connection, id: u32) -> Result<String, Error> {
    tracing::Span::current().record("id", id);
    database.ask(&id.to_string()).await
}

/// Writes one log for the whole call.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
#[tracing::instrument(level = "debug", skip(database))]
pub async fn logged_as_a_whole(database: &Connection, id: u32) -> Result<String, Error> {
    database.ask(&id.to_string()).await
}

/// Greets a user, or says hello to the number of an unknown one.
#[fallback(function = greet_nobody)]
#[timeout("1s")]
#[retry(max = 1)]
#[circuit_breaker]
pub async fn greet(state: &State, id: u64) -> Result<String, Error> {
    match state.sessions.read().await.get(&id) {
        Some(name) => Ok(format!("hello {name}")),
        None => Err(Error::Disconnected),
    }
}

async fn greet_nobody(_state: &State, id: &u64, _error: &Error) -> Result<String, Error> {
    std::future::ready(Ok(format!("hello {id}"))).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn handlers_handle() {
        let state = State { database: Arc::new(Connection::with("1", "one")), ..State::default() };
        let (jobs, mut queue) = mpsc::channel(4);

        assert_eq!(sent(create(state.clone(), Json("Ada".to_owned()))).await.unwrap().0, Status(201));
        assert_eq!(sent(show(state.clone(), Path(3))).await.unwrap().0, "Ada");
        assert_eq!(sent(show(state.clone(), Path(4))).await.unwrap_err(), Rejected(Status(404)));
        assert_eq!(sent(probe(&state.database)).await, Status(503));
        jobs.send(7).await.unwrap();
        drop(jobs);
        assert_eq!(sent(work(&mut queue, &state.stop)).await.unwrap(), 7);
        let (actor, inbox) = mpsc::channel(1);
        drop(inbox);
        assert!(sent(ask_actor(&actor)).await.is_err());
        assert_eq!(sent(wait_for(watch::channel(Some(1)).1)).await.unwrap(), 1);
        assert_eq!(sent(race(&state.database, &state.database, "1")).await.unwrap(), "one");
        assert_eq!(sent(both(&state.database, &state.database, "1")).await.unwrap().1, "one");
        assert_eq!(sent(spread(&state.database, &["1", "2"])).await.unwrap(), 1);
        assert!(sent(time_left()).await.unwrap() <= Duration::from_secs(1));
        assert_eq!(sent(increment(&Mutex::new(1))).await.unwrap(), 2);
        assert_eq!(sent(logged(&state.database, 1)).await.unwrap(), "one");
        assert_eq!(sent(logged_as_a_whole(&state.database, 1)).await.unwrap(), "one");
        assert_eq!(sent(greet(&state, 3)).await.unwrap(), "hello Ada");
        assert_eq!(sent(greet(&state, 9)).await.unwrap(), "hello 9");
        drop(sent(hash("secret".to_owned())));
    }
}
