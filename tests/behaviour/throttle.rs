//! `#[throttle]`: each argument's effect. The policy itself is tested beside it.

use std::time::Duration;

use resilient::{Reason, Throttle, throttle};
use resilient_tests::{Error, Script};
use tokio::time::advance;

/// Makes the given number of calls at once, and counts those that the throttle lets through.
macro_rules! admitted {
    ($call:expr, $times:expr) => {{
        let mut admitted = 0;
        for _ in 0..$times {
            admitted += u32::from(!matches!($call.await, Err(Error::Refused(_))));
        }
        admitted
    }};
}

#[tokio::test(start_paused = true)]
async fn drops_calls_that_the_server_would_refuse() {
    #[throttle]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    resilient::test::seed(1);
    let busy = Script::of(std::iter::repeat_n(Error::Busy { after: None }, 10_000));

    let made = admitted!(function(&busy), 1_000);

    assert!((80..160).contains(&made), "a tenth, and those before it was known: {made}");
    let dropped = loop {
        if let Err(Error::Refused(rejection)) = function(&busy).await {
            break rejection;
        }
    };
    assert_eq!(dropped.reason(), Reason::Shed);
    advance(Duration::from_secs(121)).await;
    assert_eq!(admitted!(function(&Script::fine()), 100), 100, "two minutes later it is forgotten");
}

#[tokio::test(start_paused = true)]
async fn k_says_how_much_is_dropped() {
    static STRICT: Throttle = Throttle::named("strict").k(1.0);
    #[throttle(with = STRICT)]
    async fn strict(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[throttle(k = 100)]
    async fn lenient(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let half = || Script::of((0..10_000).map(|n| if n % 2 == 0 { Error::Gone } else { Error::Down }));

    let (for_lenient, for_strict) = (half(), half());

    assert_eq!(admitted!(lenient(&for_lenient), 1_000), 1_000);
    assert!(admitted!(strict(&for_strict), 1_000) < 900);
    assert!(STRICT.counts().shed > 100);
}

#[tokio::test(start_paused = true)]
async fn max_drop_says_how_many_are_made_all_the_same() {
    #[throttle(max_drop = 0.5)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    resilient::test::seed(1);
    let busy = Script::of(std::iter::repeat_n(Error::Busy { after: None }, 10_000));

    let made = admitted!(function(&busy), 1_000);

    assert!((450..550).contains(&made), "{made}");
}

#[tokio::test(start_paused = true)]
async fn observing_drops_nothing() {
    #[throttle(mode = "observe")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let busy = Script::of(std::iter::repeat_n(Error::Busy { after: None }, 10_000));

    assert_eq!(admitted!(function(&busy), 1_000), 1_000);
}

#[tokio::test(start_paused = true)]
async fn functions_of_one_name_share_what_is_learnt() {
    #[throttle(name = "behaviour: one server", crate = ::resilient)]
    async fn one(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[throttle(name = "behaviour: one server")]
    async fn other(script: &Script) -> Result<(), Error> {
        script.next()
    }
    resilient::test::seed(1);
    let busy = Script::of(std::iter::repeat_n(Error::Busy { after: None }, 10_000));
    admitted!(one(&busy), 1_000);

    assert!(admitted!(other(&Script::fine()), 100) < 50);
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_policy_of_its_own() {
    #[throttle(key = host)]
    async fn function(host: &str, script: &Script) -> Result<(), Error> {
        let _ = host;
        script.next()
    }
    let busy = Script::of(std::iter::repeat_n(Error::Busy { after: None }, 10_000));
    admitted!(function("one", &busy), 1_000);

    assert_eq!(admitted!(function("other", &Script::fine()), 100), 100);
}
