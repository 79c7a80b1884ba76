//! Work in the background: queues, uploads, streams, files and their lines, each until it is done or told to stop.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use resilient::{
    Budget, Retry, bulkhead, cancel, circuit_breaker, coalesce, fallback, fan_out, hedge, rate_limit, resilient, retry,
    timeout,
};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::{Connection, Error};

/// The retries that all uploads may make together.
static UPLOADS: Budget = Budget::new();
/// The retries of a chunk.
static CHUNKS: Retry = Retry::named("corpus: chunks").max(4);

/// A queue that several workers empty.
#[derive(Debug, Clone)]
pub struct Queue {
    jobs: Arc<Mutex<VecDeque<String>>>,
    stop: CancellationToken,
}

impl Queue {
    /// Returns a queue of these jobs.
    #[must_use]
    pub fn of(jobs: &[&str]) -> Self {
        let jobs = jobs.iter().map(|&job| job.to_owned()).collect();
        Self { jobs: Arc::new(Mutex::new(jobs)), stop: CancellationToken::new() }
    }

    /// Takes the next job, if one is there in time.
    #[cancel(on = self.stop)]
    #[timeout("5s")]
    #[retry(max = 2, base = "100ms", when = |error| matches!(error, Error::Disconnected))]
    #[rate_limit("200/s", burst = 20, max_wait = "1s")]
    pub async fn take(&self) -> Result<String, Error> {
        self.jobs.lock().await.pop_front().ok_or(Error::Disconnected)
    }

    /// Does all jobs that are there, three at a time.
    #[cancel(on = self.stop)]
    #[timeout("1m")]
    #[circuit_breaker(consecutive = 5)]
    #[bulkhead(limit = 1, max_wait = "10s")]
    pub async fn drain(self: Arc<Self>, connection: Arc<Connection>) -> Result<usize, Error> {
        let jobs: Vec<String> = self.jobs.lock().await.drain(..).collect();
        let done = do_job_all(&connection, jobs).limit(3).cancel_on(self.stop.cancelled()).await;
        Ok(done.into_iter().flatten().count())
    }

    /// Waits for its owner to send the next word.
    #[cancel(on = self.stop)]
    #[timeout("30s")]
    #[circuit_breaker]
    #[bulkhead(limit = 4)]
    pub async fn next_word(&self, mut words: watch::Receiver<&'static str>) -> Result<&'static str, Error> {
        words.changed().await.map_err(|_| Error::Disconnected)?;
        let word = *words.borrow_and_update();
        Ok(word)
    }

    /// Hands a job in and waits for the answer.
    #[timeout("10s")]
    #[retry(clone(to), max = 1)]
    #[circuit_breaker]
    #[bulkhead(limit = 10, weight = if job.len() > 100 { 2 } else { 1 })]
    pub async fn hand_in(&self, job: &str, to: mpsc::Sender<(String, oneshot::Sender<usize>)>) -> Result<usize, Error> {
        let (answer, answered) = oneshot::channel();
        to.send((job.to_owned(), answer)).await.map_err(|_| Error::Disconnected)?;
        answered.await.map_err(|_| Error::Disconnected)
    }
}

/// Does one job.
#[fan_out]
#[timeout(total = "10s", attempt = "2s")]
#[retry(budget = UPLOADS, max = 5)]
#[circuit_breaker(slow_call = "1s", slow_rate = "80%")]
#[bulkhead(limit = "aimd", min_limit = 1, max_limit = 50, initial_limit = 10)]
async fn do_job(connection: &Connection, #[each] job: String) -> Result<Option<String>, Error> {
    connection.tell(&job, job.to_uppercase()).await
}

/// Uploads a part of a file. A failed part is tried again.
#[timeout("30s")]
#[retry(with = CHUNKS)]
#[circuit_breaker(key = host)]
#[rate_limit("10/s", key = host)]
pub async fn upload_part(host: &str, file: &[u8], Range { start, end }: Range<usize>) -> Result<usize, Error> {
    let part = file.get(start..end).ok_or_else(|| Error::Malformed(format!("{start}..{end} of {}", file.len())))?;
    tokio::task::yield_now().await;
    Ok(part.len())
}

/// Uploads a file in parts, several at once, and returns its length.
#[coalesce(key = file.len(), shared_across(host), share)]
#[timeout("2m")]
#[circuit_breaker]
#[bulkhead(limit = 2)]
pub async fn upload(host: &str, file: &[u8], size: usize) -> Result<usize, Error> {
    stream::iter((0..file.len()).step_by(size))
        .map(|start| upload_part(host, file, start..(start + size).min(file.len())))
        .buffered(4)
        .try_fold(0, async |sum, part| Ok(sum + part))
        .await
}

/// Returns the lines of a stream of parts. The sender may be anyone.
#[timeout("10s")]
#[circuit_breaker]
#[bulkhead]
pub async fn lines<S>(parts: S) -> Result<Vec<String>, Error>
where
    S: Stream<Item = Result<Vec<u8>, io::Error>> + Send,
{
    let text = parts
        .map_err(|error| Error::Malformed(error.to_string()))
        .try_fold(Vec::new(), async |mut text, part| {
            text.extend(part);
            Ok(text)
        })
        .await?;
    let text = String::from_utf8(text).map_err(|error| Error::Malformed(error.to_string()))?;
    Ok(text.lines().map(ToOwned::to_owned).collect())
}

/// Subscribes to a stream of answers, of which the policies guard only the beginning.
#[timeout("1s")]
#[retry(max = 2)]
#[hedge(idempotent, after = "50ms")]
#[circuit_breaker]
pub async fn subscribe<'c>(
    connection: &'c Connection,
    topic: &'c str,
) -> Result<impl Stream<Item = Result<String, Error>> + use<'c>, Error> {
    connection.ask(topic).await?;
    Ok(stream::repeat(topic).then(|topic| connection.ask(topic)))
}

/// Reads a file on a thread apart from the runtime's own.
#[fallback(value = Vec::new(), when = |error| matches!(error, ReadError::Io(_)))]
#[timeout("5s")]
#[retry(max = 2, base = "1ms")]
#[bulkhead(limit = 16)]
pub async fn read_lines(path: &Path) -> Result<Vec<String>, ReadError> {
    let path: PathBuf = path.to_owned();
    let text = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await??;
    Ok(text.lines().map(ToOwned::to_owned).collect())
}

/// The failures of reading a file.
#[derive(Debug, resilient::Classify)]
pub enum ReadError {
    /// The file could not be read.
    #[transparent(from)]
    Io(io::Error),
    /// The task that read the file failed.
    #[permanent]
    Task(tokio::task::JoinError),
    /// A policy refused the call.
    #[transparent(from)]
    Refused(resilient::Error),
}

impl From<tokio::task::JoinError> for ReadError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Task(error)
    }
}

/// Returns whether the server is ready. Asks it now and then until it is.
#[resilient(
    cancel(on = stop),
    timeout(total = "1m", attempt = "1s"),
    retry(max = unlimited, backoff = "fixed", base = "2s", when = |ready: &Result<bool, Error>| !matches!(ready, Ok(true))),
    rate_limit("2/s")
)]
pub async fn until_ready(connection: &Connection, stop: &CancellationToken) -> Result<bool, Error> {
    Ok(connection.ask("ready").await? == "yes")
}

/// Sends a heartbeat, and returns its number with the time until the next.
#[timeout(total = "3s", attempt = "1s")]
#[retry(max = 2, number = beat)]
#[hedge(idempotent, after = "200ms")]
#[circuit_breaker(mode = "observe")]
pub async fn heartbeat(connection: &Connection, every: Duration) -> Result<(u32, Duration), Error> {
    match connection.ask("heart").await {
        Ok(_) => Ok((beat, every)),
        Err(Error::NotFound) => Ok((beat, every * 2)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn a_queue_does_what_it_says() {
        let queue = Queue::of(&["a", "b", "c"]);
        let connection = Arc::new(Connection::default());

        assert_eq!(sent(queue.take()).await.unwrap(), "a");
        assert_eq!(sent(Arc::new(queue.clone()).drain(connection.clone())).await, Ok(2));
        assert_eq!(connection.ask("c").await.unwrap(), "C");
        assert_eq!(queue.take().await, Err(Error::Disconnected));
        let (say, words) = watch::channel("before");
        let (word, said) = tokio::join!(sent(queue.next_word(words)), async { say.send("after") });
        assert_eq!((word, said.is_ok()), (Ok("after"), true));
        let (to, mut jobs) = mpsc::channel(1);
        let answer = async {
            let (job, answer): (String, oneshot::Sender<usize>) = jobs.recv().await.unwrap();
            answer.send(job.len()).unwrap();
        };
        assert_eq!(tokio::join!(sent(queue.hand_in("four", to)), answer).0, Ok(4));
        queue.stop.cancel();
        assert!(matches!(queue.take().await, Err(Error::Refused(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn uploads_and_streams_do_what_they_say() {
        let connection = Connection::with("topic", "answer");
        let parts = stream::iter([b"one\nt".to_vec(), b"wo".to_vec()]).map(Ok);

        assert_eq!(*sent(upload("host", &[0; 10], 4)).await.unwrap(), 10);
        assert!(upload_part("host", &[0; 10], 8..12).await.is_err());
        assert_eq!(sent(lines(parts)).await.unwrap(), ["one", "two"]);
        let answers = sent(subscribe(&connection, "topic")).await.unwrap().take(2);
        assert_eq!(answers.try_collect::<Vec<_>>().await.unwrap(), ["answer", "answer"]);
        assert!(subscribe(&connection, "other").await.is_err());
        assert_eq!(sent(heartbeat(&connection, Duration::from_secs(1))).await, Ok((0, Duration::from_secs(2))));
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_until_it_is_ready() {
        let connection = Connection::with("ready", "no");
        let stop = CancellationToken::new();

        let ready = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            connection.tell("ready", "yes".to_owned()).await
        };
        assert_eq!(tokio::join!(sent(until_ready(&connection, &stop)), ready).0, Ok(true));
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_has_no_lines() {
        assert!(sent(read_lines(Path::new("/none"))).await.unwrap().is_empty());
    }
}
