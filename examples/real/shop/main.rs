//! A shop on axum, with two upstreams: a catalogue that does not answer for a while, and prices with a quota. People and a crawler call it.
//!
//! `cargo run -p resilient-real-examples --example shop` runs the same load against the shop without policies and with them. The policies are in `service.rs`.

mod service;
mod upstream;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use axum::Router;
use tokio::net::TcpListener;
use tokio::time::{interval, sleep};

use self::service::Shop;

/// The time that a caller waits for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Ticks of 10 ms, in each of which a person asks for one of 20 articles, and a crawler for the prices of three.
const TICKS: u32 = 300;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "shop: three seconds of load; the catalogue does not answer for one of them, and prices have a quota of 40/s"
    );
    println!(
        "{:10} {:>8} {:>7} {:>9} {:>9} {:>9} {:>8} {:>5}",
        "", "people", "failed", "their p90", "crawler", "catalogue", "prices", "429s"
    );
    let before = run("before", service::plain_router).await?;
    let after = run("after", service::router).await?;
    if after <= before {
        return Err(format!("{after} people had an answer with policies, and {before} without").into());
    }
    Ok(())
}

/// Runs the load against a shop, prints a line, and returns how many people had an answer.
async fn run(name: &str, router: fn(Arc<Shop>) -> Router) -> Result<u32, Box<dyn std::error::Error>> {
    let (catalogue, prices) = (upstream::catalogue().await?, upstream::prices().await?);
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let shop = Shop { http: http.clone(), catalogue: catalogue.url.clone(), prices: prices.url.clone() };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(axum::serve(listener, router(Arc::new(shop))).into_future());
    let outage = {
        let seen = catalogue.seen.clone();
        tokio::spawn(async move {
            sleep(Duration::from_secs(1)).await;
            seen.is_down.store(true, Relaxed);
            sleep(Duration::from_secs(1)).await;
            seen.is_down.store(false, Relaxed);
        })
    };

    let (mut people, mut crawler) = (Vec::new(), Vec::new());
    let mut ticks = interval(Duration::from_millis(10));
    for tick in 0..TICKS {
        ticks.tick().await;
        let article = http.get(format!("{url}/articles/{}", tick % 20));
        people.push(tokio::spawn(ask(article.header("x-caller", format!("person {tick}")))));
        for number in 0..3 {
            let price = format!("{url}/prices/{}", 100 + tick * 3 + number);
            crawler.push(tokio::spawn(ask(http.get(price).header("x-caller", "crawler"))));
        }
    }
    let mut times = Vec::new();
    let mut answered = 0;
    for person in people {
        let (is_good, took) = person.await?;
        answered += u32::from(is_good);
        times.push(took);
    }
    let mut prices_had = 0;
    for request in crawler {
        prices_had += u32::from(request.await?.0);
    }
    outage.await?;
    server.abort();

    times.sort_unstable();
    let (failed, p90) = (TICKS - answered, times[times.len() * 9 / 10]);
    let [asked, quoted] = [&catalogue, &prices].map(|upstream| upstream.seen.requests.load(Relaxed));
    let throttled = prices.seen.throttled.load(Relaxed);
    println!("{name:10} {answered:8} {failed:7} {p90:>9.1?} {prices_had:9} {asked:9} {quoted:8} {throttled:5}");
    Ok(answered)
}

/// Makes one request, and returns whether it had a good answer, and after how long.
async fn ask(request: reqwest::RequestBuilder) -> (bool, Duration) {
    let began = Instant::now();
    let response = request.timeout(PATIENCE).send().await;
    (response.is_ok_and(|response| response.status().is_success()), began.elapsed())
}
