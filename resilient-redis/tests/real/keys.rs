//! A limit for each of many keys.

use std::time::{Duration, Instant};

use resilient::{PerKey, RateLimit};
use resilient_redis::Store;

use crate::block_on;
use crate::server::Server;

const TENANTS: u32 = 100_000;

static STORE: Store = Store::named("keys").timeout(Duration::from_secs(1));
static LIMITS: PerKey<RateLimit> =
    PerKey::new(RateLimit::named("tenants").rate(100, Duration::from_secs(1)).shared_through(&STORE))
        .capacity(TENANTS as usize + 10);

pub(crate) fn a_hundred_thousand_keys_have_limits_of_their_own() {
    let server = Server::start();
    block_on(async {
        STORE.connect(&server.address()).unwrap();
        assert!(STORE.connected(Duration::from_secs(5)).await);
        let begin = Instant::now();
        let callers = (0..100).map(|caller| {
            tokio::spawn(async move {
                let mut admitted = 0;
                for tenant in (caller..TENANTS).step_by(100) {
                    admitted += u32::from(LIMITS.of_logged(&tenant).acquire().await.is_ok());
                }
                admitted
            })
        });
        let mut admitted = 0;
        for caller in callers.collect::<Vec<_>>() {
            admitted += caller.await.unwrap();
        }
        let took = begin.elapsed();

        let count = |command| server.tell(command).unwrap();
        let memory = count("INFO memory");
        let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
        let bytes = used.trim().parse::<u32>().unwrap() / TENANTS;
        println!(
            "    {admitted} of {TENANTS} keys served in {took:.1?}, {} a second; {bytes} bytes a key in the server",
            (f64::from(TENANTS) / took.as_secs_f64()) as u32
        );
        assert!(admitted > TENANTS / 100 * 99, "{admitted}");
        assert!(count("DBSIZE").contains(&TENANTS.to_string()) || count("DBSIZE").contains(&(TENANTS + 1).to_string()));

        // a busy one, whose burst comes back first
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut in_a_row = 0;
        while LIMITS.of_logged(&7_u32).acquire().await.is_ok() {
            in_a_row += 1;
        }
        println!("    a busy key: {in_a_row} in a row");
        assert!((60..=110).contains(&in_a_row));
    });
}
