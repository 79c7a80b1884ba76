//! The scripts: how they are run, their arguments and their answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Cmd, RedisError, RedisResult, Value};
use resilient::shared::{Ask, CircuitAsk, CircuitView, Lease, SharedState};

/// A connection that can be cloned, of whichever kind.
pub(crate) trait Connection: Send {
    fn ask<'a>(&'a mut self, command: &'a Cmd) -> Pin<Box<dyn Future<Output = RedisResult<Value>> + Send + 'a>>;

    fn another(&self) -> Box<dyn Connection>;
}

impl<C: ConnectionLike + Clone + Send + 'static> Connection for C {
    fn ask<'a>(&'a mut self, command: &'a Cmd) -> Pin<Box<dyn Future<Output = RedisResult<Value>> + Send + 'a>> {
        // not by `req_packed_command`, to which the server's errors are values
        Box::pin(command.query_async(self))
    }

    fn another(&self) -> Box<dyn Connection> {
        Box::new(self.clone())
    }
}

/// A script, which the server knows by its hash once it has seen it.
pub(crate) struct Script {
    text: &'static str,
    hash: LazyLock<String>,
}

pub(crate) static LEASE: Script = Script {
    text: include_str!("lease.lua"),
    hash: LazyLock::new(|| redis::Script::new(LEASE.text).get_hash().to_owned()),
};

pub(crate) static CIRCUIT: Script = Script {
    text: include_str!("circuit.lua"),
    hash: LazyLock::new(|| redis::Script::new(CIRCUIT.text).get_hash().to_owned()),
};

pub(crate) static MACHINES: Script = Script {
    text: include_str!("machines.lua"),
    hash: LazyLock::new(|| redis::Script::new(MACHINES.text).get_hash().to_owned()),
};

impl Script {
    /// Runs it by its hash, and by its text where the server does not know that.
    ///
    /// The text goes with the key, so that in a cluster it reaches the node that the key is on.
    pub(crate) async fn run(
        &self,
        connection: &mut dyn Connection,
        key: &str,
        arguments: &[String],
    ) -> RedisResult<Value> {
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(1).arg(key).arg(arguments);
            command
        };
        let known = command("EVALSHA", &self.hash);
        match connection.ask(&known).await {
            Err(error) if error.code() == Some("NOSCRIPT") => connection.ask(&command("EVAL", self.text)).await,
            answer => answer,
        }
    }
}

/// The question as arguments of the script.
pub fn arguments(ask: &Ask) -> Vec<String> {
    let (spread, spread_for) = match ask.spread {
        Some((interval, time)) => (interval.as_nanos().to_string(), micros(time)),
        None => ("-1".to_owned(), 0),
    };
    vec![
        ask.wanted.to_string(),
        ask.least.to_string(),
        ask.interval.as_nanos().max(1).to_string(),
        micros(ask.slack).to_string(),
        ask.seen.to_string(),
        ask.owed.to_string(),
        ask.curbed.map_or_else(|| "-1".to_owned(), |curbed| curbed.to_string()),
        ask.pause.map_or(0, micros).to_string(),
        u8::from(ask.slowed).to_string(),
        spread,
        spread_for.to_string(),
        micros(ask.debt).to_string(),
    ]
}

/// The answer of the script.
///
/// # Errors
///
/// If it is not seven numbers.
pub fn lease(answer: Value) -> Result<Lease, RedisError> {
    let [granted, wait, version, pause, slowdowns, spread, spread_for] = numbers(answer)?;
    Ok(Lease {
        granted: small(granted),
        wait: Duration::from_micros(wait),
        version,
        pause: Duration::from_micros(pause),
        slowdowns,
        spread: (Duration::from_nanos(spread), Duration::from_micros(spread_for)),
    })
}

/// The question about a circuit breaker as arguments of its script.
pub fn circuit_arguments(ask: &CircuitAsk) -> Vec<String> {
    let terms = &ask.terms;
    let numbers = [
        ask.epoch,
        micros(ask.open_for),
        ask.reopenings.into(),
        ask.cause.into(),
        ask.probed,
        ask.succeeded.into(),
        ask.failed.into(),
        ask.returned.into(),
        ask.wanted.into(),
        terms.first.into(),
        terms.probes.into(),
        terms.failure_rate.into(),
        micros(terms.limit),
        micros(terms.open_for),
        terms.patience.into(),
    ];
    numbers.iter().map(u64::to_string).collect()
}

/// The answer of the script about a circuit breaker.
///
/// # Errors
///
/// If it is not six numbers.
pub fn view(answer: Value) -> Result<CircuitView, RedisError> {
    let [epoch, state, left, reopenings, cause, granted] = numbers(answer)?;
    Ok(CircuitView {
        epoch,
        state: SharedState::of(state),
        left: Duration::from_micros(left),
        reopenings: small(reopenings),
        cause: small(cause),
        granted: small(granted),
    })
}

fn numbers<const N: usize>(answer: Value) -> Result<[u64; N], RedisError> {
    let numbers: Vec<u64> = redis::from_redis_value(answer)?;
    let error = |_| (redis::ErrorKind::UnexpectedReturnType, "not the answer of the script").into();
    numbers.try_into().map_err(error)
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
