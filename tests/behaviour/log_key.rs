//! `log_key`: where the key of a policy may be seen, and where not.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use resilient::test::record;
use resilient::{
    CircuitBreakerState, Event, bulkhead, circuit_breaker, hedge, policies, rate_limit, snapshot::KeysSnapshot,
    snapshot::PolicySnapshot, throttle,
};
use resilient_tests::{Error, ms};
use tokio::time::sleep;
use tracing::field::{Field, Visit};
use tracing::subscriber::set_default;

/// A line for each event, with all its fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
}

impl Log {
    fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

/// The snapshot of the one policy of that function.
fn listed(function: &str) -> PolicySnapshot {
    let all = policies().functions;
    let found = all.into_iter().find(|listed| listed.function == function).expect("it is listed");
    found.stack.into_iter().next().and_then(|layer| layer.policy).expect("its own")
}

fn keys(function: &str) -> KeysSnapshot {
    listed(function).keys.expect("it has keys")
}

#[tokio::test(start_paused = true)]
async fn events_and_the_list_show_the_key_where_that_is_allowed() {
    #[circuit_breaker(consecutive = 1, key = host, log_key)]
    async fn shown(host: &str, fails: bool) -> Result<(), Error> {
        if fails { Err(Error::Down) } else { Ok(()) }
    }
    let log = Log::default();
    let _guard = set_default(log.clone());
    let recorder = record();

    shown("down.example", true).await.unwrap_err();
    for _ in 0..3 {
        shown("up.example", false).await.unwrap();
    }

    assert!(log.text().contains("key=\"\\\"down.example\\\"\" from=\"closed\" to=\"open\""), "{}", log.text());
    assert!(!log.text().contains("up.example"), "nothing was to be said of it");
    let opened = recorder.events_of_key("\"down.example\"");
    assert!(matches!(opened[..], [Event::Transition { to: CircuitBreakerState::Open, .. }]), "{opened:?}");
    assert!(recorder.events_of_key("\"up.example\"").is_empty());
    let keys = keys("shown");
    assert_eq!((keys.len, keys.unhealthy, keys.in_trouble.len()), (2, 1, 1));
    assert_eq!(keys.in_trouble[0].key, "\"down.example\"");
    assert_eq!(keys.in_trouble[0].state, Some(CircuitBreakerState::Open));
    let busiest: Vec<(&str, u64)> = keys.busiest.iter().map(|key| (key.key.as_str(), key.activity)).collect();
    assert_eq!(busiest, [("\"up.example\"", 3)]);
    let line = listed("shown").to_string();
    assert!(line.contains("in trouble: \"down.example\" open 0 · busiest: \"up.example\" closed 3"), "{line}");
}

/// Without the word, no event and no list has a key.
#[tokio::test(start_paused = true)]
async fn nothing_shows_a_key_otherwise() {
    #[circuit_breaker(consecutive = 1, key = (secret, 7))]
    async fn silent(secret: &str) -> Result<(), Error> {
        Err(Error::Down)
    }
    let log = Log::default();
    let _guard = set_default(log.clone());

    silent("canary").await.unwrap_err();
    let refused = silent("canary").await.unwrap_err();

    assert!(log.text().contains("to=\"open\"") && !log.text().contains("key="), "{}", log.text());
    let (first, again) = (keys("silent"), keys("silent"));
    assert!(first.in_trouble[0].key.starts_with('#') && first == again, "the number stays");
    let json = serde_json::to_string(&policies()).unwrap();
    let everything = format!("{}{refused:?}{}{json}", log.text(), policies());
    assert!(!everything.contains("canary"), "{everything}");
    for sample in resilient::metrics::collect() {
        assert!(!sample.all_labels().any(|(_, value)| value.contains("canary") || value.contains("example")));
    }
}

#[tokio::test(start_paused = true)]
async fn every_policy_with_a_key_takes_the_word() {
    #[bulkhead(key = tenant, log_key)]
    async fn room(tenant: &str) -> Result<KeysSnapshot, Error> {
        sleep(ms(1)).await;
        assert_eq!(tenant, "one");
        Ok(keys("room"))
    }
    #[rate_limit("10/s", key = tenant, log_key)]
    async fn rate(tenant: &str) -> Result<(), Error> {
        assert_eq!(tenant, "two");
        Ok(())
    }
    #[throttle(key = tenant, log_key)]
    async fn share(tenant: &str) -> Result<(), Error> {
        assert_eq!(tenant, "three");
        Ok(())
    }
    #[hedge(key = tenant, log_key, idempotent, after = "5ms", ratio = "100%")]
    async fn twice(tenant: &str) -> Result<(), Error> {
        sleep(ms(7)).await;
        assert_eq!(tenant, "four");
        Ok(())
    }
    let first = |keys: &KeysSnapshot| keys.busiest.first().map(|key| (key.key.clone(), key.activity));
    let busy = |text: &str| Some((format!("{text:?}"), 1));
    let log = Log::default();
    let _guard = set_default(log.clone());

    let inside = room("one").await.unwrap();
    rate("two").await.unwrap();
    share("three").await.unwrap();
    twice("four").await.unwrap();

    assert_eq!((first(&inside), first(&keys("rate"))), (busy("one"), busy("two")));
    assert_eq!((first(&keys("share")), first(&keys("twice"))), (busy("three"), busy("four")));
    assert!(log.text().contains("message=hedging") && log.text().contains("key=\"\\\"four\\\"\""), "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn the_list_names_ten_keys_of_ten_thousand() {
    #[rate_limit("1000000/s", key = tenant, log_key)]
    async fn crowd(tenant: u32) -> Result<(), Error> {
        assert!(tenant < 2_000);
        Ok(())
    }
    for tenant in 0..2_000 {
        crowd(tenant).await.unwrap();
    }
    for tenant in 100..120 {
        crowd(tenant).await.unwrap();
    }

    let keys = keys("crowd");

    assert_eq!((keys.len, keys.busiest.len(), keys.in_trouble.len()), (2_000, 10, 0));
    assert!(keys.busiest.iter().all(|key| key.activity == 2 && key.key.starts_with('1')), "{keys:?}");
}
