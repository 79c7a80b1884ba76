//! A program whose policies are in every state that the status page knows, with the page on a port of its own: at `/` and at `/ops`.
//!
//! `cargo run -p resilient-ops --example page -- 127.0.0.1:9000` serves it. Changes need the token `example`.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use resilient::{
    Bulkhead, CircuitBreaker, Class, Classify, Mode, Quota, RateLimit, Timeout, bulkhead, circuit_breaker, coalesce,
    config, measure, rate_limit, retry, throttle, timeout,
};
use resilient_ops::Ops;
use resilient_ops::router::{Access, Events};
use tokio::net::TcpListener;
use tokio::time::{interval, sleep};
use tracing_subscriber::layer::SubscriberExt;

/// Serves the status page of a program in trouble.
#[derive(Debug, Parser)]
#[command(name = "page", disable_version_flag = true)]
struct Args {
    /// Serve the page on this address
    address: SocketAddr,
    /// The number of further policies, made by hand
    #[arg(long, default_value_t = 0)]
    further: u32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Args { address, further } = Args::parse();
    let events = Events::new();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(events.layer()))?;

    by_hand()?;
    loads();
    for number in 0..further {
        let name: &'static str = format!("further-{number:04}").leak();
        match number % 3 {
            0 => tokio::spawn(one_of_many(Box::leak(Box::new(CircuitBreaker::named(name))), number)),
            1 => tokio::spawn(one_of_many(Box::leak(Box::new(Bulkhead::named(name).limit(20))), number)),
            _ => tokio::spawn(one_of_many(Box::leak(Box::new(RateLimit::named(name))), number)),
        };
    }

    let router = Ops::new()
        .events(&events)
        .authorise(|request| match request.headers.get("authorization") {
            None => Access::identify("Bearer"),
            Some(token) => Access::from(token == "Bearer example"),
        })
        .router();
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/", listener.local_addr()?);
    let router = axum::Router::new().nest("/ops", router.clone()).merge(router);
    axum::serve(listener, router).await?;
    Ok(())
}

/// Calls what never answers.
#[measure]
#[timeout(total = "1s")]
#[retry(max = 2, base = "5ms")]
#[circuit_breaker(open_for = "5m", open_max = "10m")]
async fn pay() -> Result<(), CallError> {
    Err(CallError::Unavailable)
}

/// Fails, and is tried again as long as the budget pays for it.
#[retry(max = 3, base = "2ms")]
async fn deliver() -> Result<(), CallError> {
    Err(CallError::Unavailable)
}

/// Has fewer permits than callers.
#[bulkhead(limit = 4, queue = 8, max_wait = "150ms")]
async fn search() -> Result<(), CallError> {
    sleep(Duration::from_millis(120)).await;
    Ok(())
}

/// Is called twice as often as it may be.
#[rate_limit("20/s", burst = 5)]
async fn prices() -> Result<(), CallError> {
    Ok(())
}

/// Is refused by its server.
#[throttle(max_drop = 0.7)]
async fn suggest() -> Result<(), CallError> {
    Err(CallError::Busy)
}

/// Fails for one of its tenants.
#[circuit_breaker(key = tenant, log_key, open_for = "5m", open_max = "10m")]
async fn invoices(tenant: &'static str) -> Result<(), CallError> {
    if tenant == "acme" { Err(CallError::Unavailable) } else { Ok(()) }
}

/// Is well, with settings from a file.
#[measure]
#[timeout(total = "2s")]
#[retry]
#[circuit_breaker]
#[bulkhead(limit = 32)]
#[timeout(attempt = "500ms")]
async fn profile() -> Result<(), CallError> {
    sleep(Duration::from_millis(30)).await;
    Ok(())
}

/// Runs once for all who ask.
#[coalesce(key = currency, share)]
async fn exchange_rates(currency: &'static str) -> Result<u32, CallError> {
    sleep(Duration::from_millis(80)).await;
    Ok(u32::from(currency == "EUR"))
}

static MAPS: RateLimit = RateLimit::named("maps").max_pause(Duration::from_secs(3_600));
static STOCK: CircuitBreaker = CircuitBreaker::named("stock")
    .consecutive(1)
    .open_for(Duration::from_millis(200))
    .open_max(Duration::from_millis(200))
    .probes(1)
    .probe_timeout(Duration::from_secs(3_600));
static LEDGER: CircuitBreaker = CircuitBreaker::named("ledger");
static MAIL: Bulkhead = Bulkhead::named("mail").limit(2).mode(Mode::Observe);
static AUDIT: Timeout = Timeout::named("audit", Duration::from_secs(1)).mode(Mode::Off);
static MARKUP: CircuitBreaker = CircuitBreaker::named("<img src=x onerror=alert(1)> & \"quotes\"");
static UNUSED: Timeout = Timeout::named("report", Duration::from_secs(30));

/// Lists the policies by hand, and puts them into their states.
fn by_hand() -> Result<(), Box<dyn Error>> {
    for breaker in [&STOCK, &LEDGER, &MARKUP] {
        resilient::list(breaker);
    }
    resilient::list(&MAPS);
    resilient::list(&MAIL);
    resilient::list(&AUDIT);
    resilient::list(&UNUSED);
    config::apply("shop.toml", "[profile.retry]\nmax = 1\nbase = \"200ms\"\n\n[end]\n")?;
    config::Changes::new().set("ledger", "circuit_breaker", "force", "open").apply()?;
    MAPS.heed(Quota::of(0, Duration::from_secs(3_000)));
    tokio::spawn(async {
        if let Ok(permit) = STOCK.acquire() {
            permit.settle_as(Class::Transient, ());
        }
        sleep(Duration::from_millis(400)).await;
        let probe = STOCK.acquire();
        // it never ends, and so the breaker stays half-open
        std::future::pending::<()>().await;
        drop(probe);
    });
    Ok(())
}

fn loads() {
    load(25, pay);
    load(60, deliver);
    load(60, search);
    load(40, prices);
    load(40, suggest);
    load(20, || invoices("acme"));
    load(20, || invoices("umbrella"));
    load(50, profile);
    load(30, || exchange_rates("EUR"));
    load(10, || {
        MAIL.run(async {
            sleep(Duration::from_millis(300)).await;
            Ok::<_, CallError>(())
        })
    });
    load(10, || AUDIT.run(async {}));
    load(5, || LEDGER.run(async { Ok::<_, CallError>(()) }));
    load(5, || MARKUP.run(async { Ok::<_, CallError>(()) }));
}

/// Calls without end, so often in a second.
fn load<F: Future<Output: Send> + Send + 'static>(each_second: u32, call: impl Fn() -> F + Send + 'static) {
    tokio::spawn(async move {
        let mut ticks = interval(Duration::from_secs(1) / each_second);
        loop {
            ticks.tick().await;
            tokio::spawn(call());
        }
    });
}

/// A call through a policy of any kind.
trait Called: resilient::snapshot::Listed + Sync {
    async fn call(&self, outcome: Result<(), CallError>);
}

impl Called for CircuitBreaker {
    async fn call(&self, outcome: Result<(), CallError>) {
        let _ = self.run(async { outcome }).await;
    }
}

impl Called for Bulkhead {
    async fn call(&self, outcome: Result<(), CallError>) {
        let _ = self.run(async { outcome }).await;
    }
}

impl Called for RateLimit {
    async fn call(&self, outcome: Result<(), CallError>) {
        let _ = self.run(async { outcome }).await;
    }
}

/// Calls through one of many policies every few seconds. One in fifty fails.
async fn one_of_many(policy: &'static impl Called, number: u32) {
    resilient::list(policy);
    let mut ticks = interval(Duration::from_millis(500 + u64::from(number % 7) * 400));
    loop {
        ticks.tick().await;
        policy.call(if number.is_multiple_of(50) { Err(CallError::Unavailable) } else { Ok(()) }).await;
    }
}

/// The reasons why a call failed.
#[derive(Debug, Classify)]
enum CallError {
    /// 503.
    #[transient]
    Unavailable,
    /// 429.
    #[throttled]
    Busy,
    /// A policy did not let the call begin, or did not wait for it.
    #[transparent(from)]
    Refused(resilient::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => f.write_str("the server is unavailable"),
            Self::Busy => f.write_str("the server is busy"),
            Self::Refused(rejection) => write!(f, "{rejection}"),
        }
    }
}

impl Error for CallError {}
