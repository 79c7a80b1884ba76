//! The identity of an object: objects of no size, objects behind `&dyn`, and objects that begin at the same address.

use resilient::{batch, coalesce};
use resilient_tests::Error;
use tokio::task::yield_now;

trait Who: Sync {
    fn who(&self) -> u32;
}

struct A;
struct B;

impl Who for A {
    fn who(&self) -> u32 {
        1
    }
}

impl Who for B {
    fn who(&self) -> u32 {
        2
    }
}

/// An object that begins at the address of its first field.
#[repr(transparent)]
struct Around(Inside);
struct Inside(u32);

impl Who for Inside {
    fn who(&self) -> u32 {
        self.0
    }
}

impl Who for Around {
    fn who(&self) -> u32 {
        self.0.0 + 100
    }
}

#[batch]
async fn asked(of: &dyn Who, keys: Vec<u32>) -> Vec<Result<(u32, u32), Error>> {
    yield_now().await;
    keys.into_iter().map(|key| Ok((of.who(), key))).collect()
}

impl dyn Who {
    #[batch]
    async fn batched(&self, keys: Vec<u32>) -> Vec<Result<(u32, u32), Error>> {
        yield_now().await;
        keys.into_iter().map(|key| Ok((self.who(), key))).collect()
    }

    #[coalesce(key = key)]
    async fn shared(&self, key: u32) -> (u32, u32) {
        yield_now().await;
        (self.who(), key)
    }
}

trait Words {
    async fn shared(&self, key: u32) -> (String, u32);
}

impl Words for str {
    #[coalesce(key = key)]
    async fn shared(&self, key: u32) -> (String, u32) {
        yield_now().await;
        (self.to_owned(), key)
    }
}

trait Ask {
    async fn ask(&self, key: u32) -> (u32, u32);
}

impl<T: Who + ?Sized> Ask for T {
    #[coalesce(key = key)]
    async fn ask(&self, key: u32) -> (u32, u32) {
        yield_now().await;
        (self.who(), key)
    }
}

#[tokio::test(start_paused = true)]
async fn objects_of_no_size_are_told_apart_by_their_types() {
    let (a, b): (Box<dyn Who>, Box<dyn Who>) = (Box::new(A), Box::new(B));

    assert_eq!(tokio::join!(asked_one(&A, 1), asked_one(&B, 2)), (Ok((1, 1)), Ok((2, 2))));
    assert_eq!(tokio::join!(a.batched_one(1), b.batched_one(2)), (Ok((1, 1)), Ok((2, 2))));
    assert_eq!(tokio::join!(a.shared(1), b.shared(1)), ((1, 1), (2, 1)));
    assert_eq!(tokio::join!(a.as_ref().ask(1), b.as_ref().ask(1)), ((1, 1), (2, 1)));
}

#[tokio::test(start_paused = true)]
async fn objects_that_begin_at_one_address_are_told_apart() {
    let around = Around(Inside(1));
    let (outer, inner): (&dyn Who, &dyn Who) = (&around, &around.0);

    assert_eq!(tokio::join!(outer.batched_one(1), inner.batched_one(2)), (Ok((101, 1)), Ok((1, 2))));
    assert_eq!(tokio::join!(outer.shared(1), inner.shared(1)), ((101, 1), (1, 1)));
    assert_eq!(tokio::join!(outer.ask(1), inner.ask(1)), ((101, 1), (1, 1)));

    let text = String::from("abc");
    let (one, two) = tokio::join!(text[..1].shared(1), text[..2].shared(1));
    assert_eq!((one.0.as_str(), two.0.as_str()), ("a", "ab"));
}

#[tokio::test(start_paused = true)]
async fn one_object_is_one_behind_dyn_too() {
    struct Counts(std::sync::atomic::AtomicU32);
    impl Who for Counts {
        fn who(&self) -> u32 {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
        }
    }
    let counts = Counts(0.into());
    let object: &dyn Who = &counts;

    assert_eq!(tokio::join!(object.shared(1), object.shared(1)), ((0, 1), (0, 1)));
    assert_eq!(tokio::join!("text".shared(1), "text".shared(1)).0.0, "text");
}
