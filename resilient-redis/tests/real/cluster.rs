//! A cluster of two nodes.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use resilient::RateLimit;
use resilient::shared::WhenDown;
use resilient_redis::Store;

use crate::block_on;
use crate::server::Server;

static STORE: Store = Store::named("cluster").timeout(Duration::from_millis(100));
static LIMIT: RateLimit =
    RateLimit::named("limit").rate(400, Duration::from_secs(1)).shared_through(&STORE).when_down(WhenDown::Closed);

fn node() -> (Server, u16) {
    let bus = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let server = Server::start_with(&["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()]);
    (server, bus)
}

/// Returns how many calls are let through in that time.
async fn served(time: Duration) -> u32 {
    let (begin, mut served) = (Instant::now(), 0);
    while begin.elapsed() < time {
        served += u32::from(LIMIT.acquire().await.is_ok());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    served
}

pub(crate) fn a_slot_that_moves_is_followed() {
    let ((one, _), (other, bus)) = (node(), node());
    one.tell("CLUSTER ADDSLOTSRANGE 0 8191").unwrap();
    other.tell("CLUSTER ADDSLOTSRANGE 8192 16383").unwrap();
    other.tell("CONFIG SET cluster-announce-ip 127.0.0.1").unwrap();
    one.tell("CONFIG SET cluster-announce-ip 127.0.0.1").unwrap();
    one.tell(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port())).unwrap();
    let begin = Instant::now();
    while [&one, &other].iter().any(|node| !node.tell("CLUSTER INFO").unwrap().contains("cluster_state:ok")) {
        assert!(begin.elapsed() < Duration::from_secs(20), "the cluster does not form");
        std::thread::sleep(Duration::from_millis(50));
    }

    block_on(async {
        STORE.connect_cluster(&[&one.address(), &other.address()]).unwrap();
        assert!(STORE.connected(Duration::from_secs(5)).await);
        let before = served(Duration::from_secs(1)).await;

        let key = "resilient:{cluster:limit}";
        let slot = one.tell(&format!("CLUSTER KEYSLOT {key}")).unwrap();
        let slot: u16 = slot.trim_start_matches("int(").trim_end_matches(')').parse().unwrap();
        let (from, to) = if slot < 8192 { (&one, &other) } else { (&other, &one) };
        let id = |node: &Server| node.tell("CLUSTER MYID").unwrap();
        let (from_id, to_id) = (id(from), id(to));
        to.tell(&format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}")).unwrap();
        from.tell(&format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}")).unwrap();
        from.tell(&format!("MIGRATE 127.0.0.1 {} {key} 0 1000", to.port())).unwrap();
        let between = served(Duration::from_secs(1)).await;
        for node in [to, from] {
            node.tell(&format!("CLUSTER SETSLOT {slot} NODE {to_id}")).unwrap();
        }
        let after = served(Duration::from_secs(1)).await;

        println!("    {before} calls before, {between} while the slot moves, {after} after");
        assert!(before > 60 && between > 60 && after > 60, "a rate of 400 a second, asked for at 300 a second or so");
        assert!(to.scripts() > 0, "the other node has answered");
    });
}
