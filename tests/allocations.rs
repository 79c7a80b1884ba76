//! The allocations of a call, under every policy that has a state of its own for a key or a name.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::pending;
use std::time::Duration;

use futures_util::StreamExt;
use resilient::{CircuitBreaker, FanOut, FanOutLimit, PerKey, circuit_breaker, coalesce, hedge};
use resilient_tests::Error;

struct Counting;

thread_local! {
    // const, and without a destructor, because it is used while others are destroyed
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every method passes its arguments on to the system's allocator, whose contract is the same.
#[expect(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Counts the allocations of the second run of `act`.
fn allocations(mut act: impl FnMut()) -> u32 {
    act();
    let before = COUNT.get();
    act();
    COUNT.get() - before
}

#[test]
fn what_is_counted_is_counted() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn asking_for_a_key_that_is_there_allocates_nothing() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("hosts"));
    let owned = String::from("a.example");

    assert_eq!(allocations(|| drop(HOSTS.of("a.example"))), 0);
    assert_eq!(allocations(|| drop(HOSTS.of(&owned))), 0);
    assert_eq!(allocations(|| drop(HOSTS.of(&("a.example", 443)))), 0);
}

#[test]
fn asking_for_a_key_that_there_is_no_room_for_allocates_nothing() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("hosts")).capacity(1);
    let _held = HOSTS.of("a.example");
    // the stand-ins are made for the first key that needs one
    drop(HOSTS.of("b.example"));
    let mut key = 0;

    let made_up = || {
        key += 1;
        assert!(HOSTS.of(&key).is_overflow());
    };

    assert_eq!(allocations(made_up), 0);
}

#[test]
fn a_call_under_the_breaker_of_a_key_or_a_name_allocates_nothing() {
    #[circuit_breaker(name = "allocations", key = (host, port))]
    async fn keyed(host: &str, port: u16) -> Result<(), Error> {
        Ok(())
    }
    #[circuit_breaker(name = "allocations: plain")]
    async fn named() -> Result<(), Error> {
        Ok(())
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();

    runtime.block_on(async {
        for _ in 0..3 {
            keyed("a.example", 443).await.unwrap();
            named().await.unwrap();
        }
        let before = COUNT.get();
        keyed("a.example", 443).await.unwrap();
        named().await.unwrap();
        assert_eq!(COUNT.get() - before, 0);
    });
}

#[test]
fn a_hedged_call_allocates_nothing_until_it_starts_a_second_attempt() {
    #[hedge(idempotent, after = "1s")]
    async fn ready() -> Result<(), Error> {
        Ok(())
    }
    #[hedge(idempotent)]
    async fn waiting() -> Result<(), Error> {
        tokio::task::yield_now().await;
        Ok(())
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();

    runtime.block_on(async {
        for _ in 0..30 {
            ready().await.unwrap();
            waiting().await.unwrap();
        }
        let before = COUNT.get();
        ready().await.unwrap();
        waiting().await.unwrap();
        assert_eq!(COUNT.get() - before, 0);
    });
}

/// A fan-out allocates for its places and its results, and not for its items: nine thousand more items cost no more than
/// the growth of the returned list.
#[test]
fn no_form_of_a_fan_out_allocates_for_an_item() {
    static LIMIT: FanOutLimit = FanOutLimit::gradient(1, 200, 20);
    macro_rules! more_for_more_items {
        (|$fan_out:ident| $run:expr) => {{
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let [few, many] = [1_000, 10_000].map(|items| {
                allocations(|| {
                    runtime.block_on(async {
                        let $fan_out = FanOut::new(0..items, async |n: u32| {
                            tokio::task::yield_now().await;
                            Ok::<_, Error>(n)
                        });
                        _ = std::hint::black_box($run.await);
                    });
                })
            });
            many - few
        }};
    }

    assert!(more_for_more_items!(|fan_out| fan_out) < 10);
    assert!(more_for_more_items!(|fan_out| fan_out.try_all()) < 10);
    assert!(more_for_more_items!(|fan_out| fan_out.quorum(900)) < 10);
    assert!(more_for_more_items!(|fan_out| fan_out.settle_within(Duration::from_secs(60))) < 10);
    assert_eq!(more_for_more_items!(|fan_out| fan_out.unordered().count()), 0);
    assert_eq!(more_for_more_items!(|fan_out| fan_out.ordered().count()), 0);
    assert_eq!(more_for_more_items!(|fan_out| fan_out.progress(|_| ()).unordered().count()), 0);
    assert_eq!(more_for_more_items!(|fan_out| fan_out.cancel_on(pending::<()>()).unordered().count()), 0);
    assert_eq!(more_for_more_items!(|fan_out| fan_out.adaptive(&LIMIT).unordered().count()), 0);
    let by_stream = [1_000, 10_000].map(|items| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        allocations(|| {
            let items = futures_util::stream::iter(0..items);
            runtime.block_on(FanOut::from_stream(items, async |n: u32| n).unordered().count());
        })
    });
    assert_eq!(by_stream[0], by_stream[1]);
}

#[test]
fn a_coalesced_call_that_nobody_joins_allocates_nothing() {
    #[coalesce(key = (host, port))]
    async fn coalesced(host: &str, port: u16) -> Result<(), Error> {
        Ok(())
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    runtime.block_on(async {
        coalesced("a.example", 443).await.unwrap();
        let before = COUNT.get();
        coalesced("a.example", 443).await.unwrap();
        assert_eq!(COUNT.get() - before, 0);
    });
}
