//! A client and two servers of gRPC, with tonic: the time that is left goes from each to the next.
//!
//! A client asks the front server, and that asks the back server, which makes one estimate at a time, and makes it to its end once it has begun. It is asked for
//! twice as many as it can make. Without the deadline it soon works for callers that have gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use futures_util::future::join_all;
use resilient::tower::{DeadlineToHeader, InTime, deadline_from_header, deadline_to_header};
use resilient::{Deadline, bulkhead, timeout};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tower::Layer;

use self::freight::freight_client::FreightClient;
use self::freight::freight_server::{Freight, FreightServer};

/// The code that `build.rs` has tonic write.
#[allow(missing_docs, unreachable_pub, clippy::pedantic)]
mod freight {
    include!(concat!(env!("OUT_DIR"), "/freight.Freight.rs"));
}

#[derive(Clone, PartialEq, prost::Message)]
struct EstimateRequest {
    #[prost(uint32, tag = "1")]
    kilograms: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct EstimateReply {
    #[prost(uint32, tag = "1")]
    cents: u32,
}

/// A client that tells each server how much time is left, where there is a deadline.
type Client = FreightClient<InTime<Channel, DeadlineToHeader>>;

/// Asks for an estimate, for 200 ms and no longer. All servers further on hear of it.
#[timeout("200ms")]
async fn quote(mut front: Client, kilograms: u32) -> Result<u32, Status> {
    Ok(front.estimate(EstimateRequest { kilograms }).await?.into_inner().cents)
}

/// The same with a time-out of tokio, of which no server hears.
async fn plain_quote(mut front: Client, kilograms: u32) -> Result<u32, Status> {
    let reply = tokio::time::timeout(Duration::from_millis(200), front.estimate(EstimateRequest { kilograms }));
    Ok(reply.await.map_err(|_| Status::deadline_exceeded("too late"))??.into_inner().cents)
}

/// Hands requests on.
struct Front {
    back: Client,
}

#[tonic::async_trait]
impl Freight for Front {
    async fn estimate(&self, request: Request<EstimateRequest>) -> Result<Response<EstimateReply>, Status> {
        // under the deadline of this request, which the layer of the server has read
        self.back.clone().estimate(request.into_inner()).await
    }
}

/// Makes estimates.
struct Back {
    with_policies: bool,
    seen: Arc<Seen>,
}

/// Counts of the back server.
#[derive(Default)]
struct Seen {
    requests: AtomicU32,
    worked_on: AtomicU32,
    /// The sum of the times that were left when requests came, in milliseconds.
    left: AtomicU32,
}

#[tonic::async_trait]
impl Freight for Back {
    async fn estimate(&self, request: Request<EstimateRequest>) -> Result<Response<EstimateReply>, Status> {
        self.seen.requests.fetch_add(1, Relaxed);
        if let Some(deadline) = Deadline::current() {
            self.seen.left.fetch_add(deadline.remaining().as_millis() as u32, Relaxed);
        }
        let (kilograms, seen) = (request.into_inner().kilograms, self.seen.clone());
        // a task of its own, because an estimate that has begun is made to its end
        let estimate = if self.with_policies {
            tokio::spawn(Deadline::inherit(estimate(kilograms, seen)))
        } else {
            tokio::spawn(plain_estimate(kilograms, seen))
        };
        let cents = estimate.await.map_err(|error| Status::internal(error.to_string()))??;
        Ok(Response::new(EstimateReply { cents }))
    }
}

/// Makes an estimate when its turn comes, if there is enough time left then.
#[bulkhead(limit = 1, queue = 1_000)]
async fn estimate(kilograms: u32, seen: Arc<Seen>) -> Result<u32, Status> {
    if Deadline::current().is_some_and(|deadline| deadline.remaining() < WORK + WAY_BACK) {
        return Err(Status::deadline_exceeded("the estimate would be late"));
    }
    Ok(work(kilograms, &seen).await)
}

async fn plain_estimate(kilograms: u32, seen: Arc<Seen>) -> Result<u32, Status> {
    static TURN: Semaphore = Semaphore::const_new(1);
    let _turn = TURN.acquire().await;
    Ok(work(kilograms, &seen).await)
}

async fn work(kilograms: u32, seen: &Seen) -> u32 {
    seen.worked_on.fetch_add(1, Relaxed);
    sleep(WORK).await;
    kilograms * 7
}

const WORK: Duration = Duration::from_millis(20);
/// The time that an answer may need to its caller, on a machine that is busy.
const WAY_BACK: Duration = Duration::from_millis(20);
const REQUESTS: u32 = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("grpc: {REQUESTS} quotes in two seconds, of a server that can make half as many; each waits for 200 ms");
    println!("{:10} {:>8} {:>9} {:>8} {:>24}", "", "in time", "worked on", "of use", "left at the back server");
    let before = run("before", false).await?;
    let after = run("after", true).await?;
    if after <= before {
        return Err(format!("{after} quotes in time with the deadline, and {before} without").into());
    }
    Ok(())
}

/// Asks for all quotes, prints a line, and returns how many came in time.
async fn run(name: &str, with_policies: bool) -> Result<u32, Box<dyn std::error::Error>> {
    let seen = Arc::<Seen>::default();
    let back = serve(Back { with_policies, seen: seen.clone() }).await?;
    let front = serve(Front { back }).await?;
    let mut quotes = Vec::new();
    for number in 0..REQUESTS {
        let front = front.clone();
        quotes.push(tokio::spawn(async move {
            let cents = if with_policies { quote(front, number).await } else { plain_quote(front, number).await };
            cents.is_ok_and(|cents| cents == number * 7)
        }));
        sleep(WORK / 2).await;
    }
    let in_time = join_all(quotes).await.into_iter().filter(|is_good| matches!(is_good, Ok(true))).count() as u32;

    let worked_on = seen.worked_on.load(Relaxed).max(1);
    let left = match seen.left.load(Relaxed) / seen.requests.load(Relaxed).max(1) {
        0 => "not known".to_owned(),
        left => format!("{left} ms"),
    };
    println!("{name:10} {in_time:8} {worked_on:9} {:7}% {left:>24}", in_time * 100 / worked_on);
    Ok(in_time)
}

/// Starts a server, and returns a client of it.
async fn serve(service: impl Freight) -> Result<Client, Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = Server::builder().layer(deadline_from_header()).add_service(FreightServer::new(service));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
    Ok(FreightClient::new(deadline_to_header().layer(channel)))
}
