//! Leaving the queue, and wakers that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::line::steps;
use crate::wake::fragile::Fragile;

const MANY: usize = 10_000;

/// Returns the calls that wait behind one that has a permit.
fn waiting(bulkhead: &Bulkhead, calls: usize) -> Vec<BulkheadAcquire<'_>> {
    let mut waiting: Vec<_> = (0..calls).map(|_| bulkhead.acquire()).collect();
    assert!(waiting.iter_mut().all(|call| poll(call).is_none()));
    waiting
}

fn long_queue() -> Bulkhead {
    Bulkhead::named("long").limit(1).queue(MANY as u32).max_wait(Duration::MAX)
}

fn poll_with(call: &mut BulkheadAcquire<'_>, waker: &Arc<Fragile>) -> bool {
    std::pin::Pin::new(call).poll(&mut Context::from_waker(&waker.waker())).is_ready()
}

#[test]
fn leaving_takes_as_long_from_any_place_of_the_queue() {
    let first_to_last: fn(usize) -> usize = |index| index;
    for place in [first_to_last, |index| MANY - 1 - index, |index| (index + MANY / 2) % MANY] {
        let bulkhead = long_queue();
        let inside = bulkhead.try_acquire().unwrap();
        let mut calls: Vec<_> = waiting(&bulkhead, MANY).into_iter().map(Some).collect();

        let steps = steps::of(|| (0..MANY).for_each(|index| calls[place(index)] = None));

        assert_eq!(bulkhead.counts().waiting, 0);
        assert!(steps <= 8 * MANY as u64, "{steps} steps for {MANY} calls, from {}", place(0));
        drop(inside);
    }
}

#[test]
fn a_waker_that_panics_takes_nobody_elses_wake_up() {
    let bulkhead = long_queue();
    let inside = bulkhead.try_acquire().unwrap();
    let wakers = [Fragile::panicking(), Fragile::sound(), Fragile::panicking(), Fragile::sound()];
    let mut calls: Vec<_> = (0..4).map(|_| bulkhead.acquire()).collect();
    for (call, waker) in calls.iter_mut().zip(&wakers) {
        assert!(!poll_with(call, waker));
    }

    let resized = catch_unwind(AssertUnwindSafe(|| bulkhead.set_limit(10)));

    assert!(resized.is_err(), "the panic goes on");
    assert!(wakers.iter().all(|waker| waker.woken() == 1));
    assert!(calls.iter_mut().all(|call| poll(call).is_some_and(|permit| permit.is_ok())));
    drop((calls, inside));
    assert_eq!((bulkhead.counts().waiting, bulkhead.counts().in_use), (0, 0));
}

#[test]
fn a_waker_that_panics_when_all_are_let_in_takes_nobody_elses_wake_up() {
    let bulkhead = long_queue();
    let inside = bulkhead.try_acquire().unwrap();
    let (fragile, sound) = (Fragile::panicking(), Fragile::sound());
    let (mut one, mut other) = (bulkhead.acquire(), bulkhead.acquire());
    assert!(!poll_with(&mut one, &fragile) && !poll_with(&mut other, &sound));

    assert!(catch_unwind(AssertUnwindSafe(|| bulkhead.set_mode(Mode::Off))).is_err());

    assert_eq!((fragile.woken(), sound.woken()), (1, 1));
    drop((one, other, inside));
    assert_eq!((bulkhead.counts().waiting, bulkhead.counts().in_use), (0, 0));
}

#[test]
fn whoever_sheds_a_call_whose_waker_panics_keeps_no_place() {
    let bulkhead = Bulkhead::named("shed").limit(1).queue(1).max_wait(Duration::MAX);
    let inside = bulkhead.try_acquire().unwrap();
    let fragile = Fragile::panicking();
    let mut low = bulkhead.entry().priority(Priority::Low).acquire();
    assert!(!poll_with(&mut low, &fragile));

    let mut high = bulkhead.acquire();
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut high))).is_err());
    drop(high);

    assert_eq!((fragile.woken(), bulkhead.counts().waiting), (1, 0));
    assert_eq!(poll(&mut low).map(reason), Some(Reason::QueueFull));
    drop(inside);
    assert!(bulkhead.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_before_a_waker_that_panics_gives_up_once() {
    let bulkhead = Bulkhead::named("heavy").limit(2).queue(9).max_wait(ms(5));
    let inside = bulkhead.try_acquire().unwrap();
    let mut heavy = bulkhead.entry().weight(2).acquire();
    assert!(poll(&mut heavy).is_none());
    advance(ms(2)).await;
    let fragile = Fragile::panicking();
    let mut light = bulkhead.acquire();
    assert!(!poll_with(&mut light, &fragile));
    advance(ms(4)).await;

    // it leaves because of its timer, and lets the light one in, whose waker panics
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut heavy))).is_err());
    let mut another = bulkhead.acquire();
    assert!(poll(&mut another).is_none());
    drop(heavy);

    assert_eq!(bulkhead.counts().waiting, 1, "the place that it had is another's now");
    assert!(poll(&mut light).is_some_and(|permit| permit.is_ok()));
    assert!(poll(&mut another).is_some_and(|permit| permit.is_ok()));
    drop(inside);
    assert_eq!((bulkhead.counts().waiting, bulkhead.counts().in_use), (0, 0));
}
