//! Attributes on methods: with `&mut self`, in a trait's `impl`, and on generic functions.

use std::future::Future;
use std::io::{self, ErrorKind};

use resilient::{Class, retry};

/// A connection that has to be opened again after it breaks.
#[derive(Default)]
struct Session {
    open: bool,
    reconnects: u32,
}

impl Session {
    /// Sends a line. Each attempt borrows the session anew, so the next attempt finds it as this one has repaired it.
    #[retry(max = 2, backoff = "fixed", base = "10ms")]
    async fn send(&mut self, line: &str) -> io::Result<usize> {
        if !self.open {
            self.open = true;
            self.reconnects += 1;
            return Err(ErrorKind::ConnectionReset.into());
        }
        Ok(line.len())
    }
}

/// A store. The trait says nothing of policies, since each implementation has its own.
trait Store {
    fn load(&self, key: &str) -> impl Future<Output = io::Result<String>> + Send;
}

struct Remote;

impl Store for Remote {
    #[retry(max = 3, backoff = "full_jitter", base = "10ms", number = number)]
    async fn load(&self, key: &str) -> io::Result<String> {
        if number == 0 { Err(ErrorKind::TimedOut.into()) } else { Ok(format!("{key} at attempt {number}")) }
    }
}

/// Parses a text. `when` gives a class to errors that have none, and `clone` gives each attempt its own copy of an argument that
/// the body uses up.
#[retry(max = 4, base = "5ms", when = |_: &E| Class::Transient, clone(fallback), number = number)]
async fn parse<T, E>(texts: &[T], parser: impl Fn(String) -> Result<u32, E>, fallback: String) -> Result<u32, E>
where
    T: AsRef<str>,
{
    parser(texts.get(number as usize).map_or(fallback, |text| text.as_ref().to_owned()))
}

#[tokio::main]
async fn main() {
    let mut session = Session::default();
    println!("sent {:?} bytes after {} reconnect", session.send("hello").await, session.reconnects);
    println!("loaded {:?}", Remote.load("greeting").await);
    println!("parsed {:?}", parse(&["one", "two"], |text| text.parse::<u32>(), "3".to_owned()).await);
}
