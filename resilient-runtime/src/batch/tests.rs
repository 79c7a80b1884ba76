use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::hash::Hasher;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::{Class, Classify, Deadline, Error, PolicyKind, Reason};

#[derive(Debug, Clone, PartialEq)]
enum Failure {
    Down,
    Refused(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// A back end that takes 10 ms, and remembers what it was asked for.
#[derive(Default)]
struct Backend(Mutex<Vec<Vec<u64>>>);

impl Backend {
    /// Tenfold; nothing for 13.
    async fn load(&self, keys: Vec<u64>) -> Result<HashMap<u64, u64>, Failure> {
        self.note(&keys);
        sleep(ms(10)).await;
        Ok(keys.into_iter().filter(|key| *key != 13).map(|key| (key, key * 10)).collect())
    }

    fn note(&self, keys: &[u64]) {
        self.0.lock().unwrap().push(keys.to_vec());
    }

    fn asked(&self) -> Vec<Vec<u64>> {
        self.0.lock().unwrap().clone()
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_key_knows_its_place_among_those_of_its_batch() {
    let item = BatchItem { key: &"b", position: 2, of: 5, name: "load" };

    assert_eq!((*item.key(), item.position(), item.of()), ("b", 2, 5));
    assert_eq!(item.unanswered().reason(), Reason::Unanswered);
}

#[tokio::test(start_paused = true)]
async fn batches_that_gather_are_counted_until_they_run() {
    let (batch, backend) = (Batch::named("load"), Backend::default());

    let mut call = pin!(batch.run(1, |keys| backend.load(keys)));
    assert!(poll(&mut call).is_pending());
    assert_eq!(batch.counts().gathering, 1);

    assert_eq!(call.await, Ok(Some(10)));
    assert_eq!(batch.counts().gathering, 0);
}

#[tokio::test(start_paused = true)]
async fn callers_of_the_same_time_become_one_batch() {
    let (batch, backend) = (Batch::named("load"), Backend::default());
    let start = Instant::now();

    let got = join_all([1, 2, 13].map(|key| batch.run(key, |keys| backend.load(keys)))).await;

    assert_eq!(got, [Ok(Some(10)), Ok(Some(20)), Ok(None)]);
    assert_eq!(backend.asked(), [[1, 2, 13]]);
    assert_eq!(start.elapsed(), ms(12));
    assert_eq!((batch.counts().batches, batch.counts().keys, batch.counts().gathering), (1, 3, 0));
    assert!((batch.counts().mean_size() - 3.0).abs() < f64::EPSILON);
    assert!((BatchCounts { batches: 4, ..batch.counts() }.mean_size() - 0.75).abs() < f64::EPSILON);
    assert_eq!(BatchCounts { batches: 0, ..batch.counts() }.mean_size().to_bits(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_runs_at_once_and_others_begin_the_next_meanwhile() {
    let (batch, backend) = (Batch::named("load").max_size(2).max_wait(ms(5)), Backend::default());
    let start = Instant::now();

    let ends = join_all((0..5).map(|key| {
        let call = batch.run(key, |keys| backend.load(keys));
        async move { (call.await, start.elapsed()) }
    }))
    .await;

    assert_eq!(backend.asked(), [vec![0, 1], vec![2, 3], vec![4]]);
    assert_eq!(ends.iter().map(|(_, end)| end.as_millis()).collect::<Vec<_>>(), [10, 10, 10, 10, 15]);
    assert!(ends.into_iter().enumerate().all(|(key, (got, _))| got == Ok(Some(key as u64 * 10))));
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_whose_leader_goes_runs_again_at_once() {
    let (batch, backend) = (Batch::named("load").max_size(2).max_wait(ms(1_000)), Backend::default());
    let call = |key| batch.run(key, |keys| backend.load(keys));
    let start = Instant::now();

    let got = tokio::join!(timeout(ms(5), call(1)), call(2));

    assert_eq!((got.0.is_err(), got.1, start.elapsed()), (true, Ok(Some(20)), ms(15)));
    assert_eq!((backend.asked(), batch.counts().handed_over), (vec![vec![1, 2], vec![2]], 1));
}

#[tokio::test(start_paused = true)]
async fn equal_keys_are_asked_for_once() {
    let (batch, backend) = (Batch::named("load"), Backend::default());

    let got = join_all([1, 2, 1, 13, 2, 13, 1].map(|key| batch.run(key, |keys| backend.load(keys)))).await;

    let values: Vec<_> = got.into_iter().map(Result::unwrap).collect();
    assert_eq!(values, [Some(10), Some(20), Some(10), None, Some(20), None, Some(10)]);
    assert_eq!(backend.asked(), [[1, 2, 13]]);
    assert_eq!((batch.counts().keys, batch.counts().duplicates), (3, 4));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_batch_is_everybodys() {
    let batch = Batch::named("load");
    let load = async |_: Vec<u64>| Err::<HashMap<u64, u64>, _>(Failure::Down);

    assert_eq!(join_all([1, 2].map(|key| batch.run(key, load))).await, [Err(Failure::Down), Err(Failure::Down)]);
}

#[tokio::test(start_paused = true)]
async fn a_vector_answers_in_the_order_of_the_keys() {
    let batch = Batch::named("load");
    let halve = |key: u64| if key.is_multiple_of(2) { Ok(key / 2) } else { Err(Failure::Down) };
    let bare = async |keys: Vec<u64>| keys.into_iter().map(halve).collect::<Vec<_>>();
    let whole = async |keys: Vec<u64>| Ok::<_, Failure>(keys.into_iter().map(halve).collect::<Vec<_>>());
    let wanted = [Ok(4), Err(Failure::Down), Ok(1), Ok(4)];

    assert_eq!(join_all([8, 3, 2, 8].map(|key| batch.run(key, bare))).await, wanted);
    assert_eq!(join_all([8, 3, 2, 8].map(|key| batch.run(key, whole))).await, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_vector_of_another_length_is_nobodys() {
    let batch = Batch::named("load");
    for length in [0, 1, 3] {
        let load = async |_: Vec<u64>| vec![Ok::<u64, Failure>(7); length];

        let got = join_all([1, 2].map(|key| batch.run(key, load))).await;

        let error = Error::new(PolicyKind::Batch, "load", Reason::Unanswered);
        assert_eq!(got, vec![Err(Failure::Refused(error.clone())); 2]);
        assert_eq!((error.class(), error.ends_the_call()), (Class::Permanent, true));
    }
}

#[tokio::test(start_paused = true)]
async fn an_ordered_map_answers_as_well() {
    let batch = Batch::named("load");
    let load = async |keys: Vec<u64>| Ok::<_, Failure>(keys.into_iter().zip("ab".chars()).collect::<BTreeMap<_, _>>());

    assert_eq!(join_all([1, 2].map(|key| batch.run(key, load))).await, [Ok(Some('a')), Ok(Some('b'))]);
}

#[tokio::test(start_paused = true)]
async fn the_list_says_what_was_batched() {
    let (batch, backend) = (Batch::named("load").max_size(9).max_wait(ms(5)), Backend::default());
    let call = |key| batch.run(key, |keys| backend.load(keys));
    let _ = tokio::join!(timeout(ms(1), call(1)), call(2), call(2), call(3));
    let mut gathers = call(4);
    assert!(poll(&mut gathers).is_pending());

    let mut description = Description::default();
    batch.describe_to(&mut description);

    assert_eq!(description.levels, [("gathering", 1.0)]);
    let counts = [("batches", "", 1.0), ("batch_keys", "", 2.0), ("batch_duplicates", "", 1.0), ("handovers", "", 1.0)];
    assert_eq!(description.counts, counts);
    let settings: Vec<_> = description.settings.iter().map(|setting| (setting.key, &*setting.value)).collect();
    assert_eq!(settings, [("max_size", "9"), ("max_wait", "5ms")]);
}

#[tokio::test(start_paused = true)]
async fn when_the_leader_leaves_while_it_gathers_another_gathers_on() {
    let (batch, backend) = (Batch::named("load").max_wait(ms(5)), Backend::default());
    let start = Instant::now();

    let leader = timeout(ms(2), batch.run(1, |keys| backend.load(keys)));
    let others = async {
        sleep(ms(1)).await;
        join_all([2, 3].map(|key| batch.run(key, |keys| backend.load(keys)))).await
    };
    let late = async {
        sleep(ms(4)).await;
        batch.run(4, |keys| backend.load(keys)).await
    };
    let (leader, others, late) = tokio::join!(leader, others, late);

    assert!(leader.is_err());
    assert_eq!((others, late), (vec![Ok(Some(20)), Ok(Some(30))], Ok(Some(40))));
    // in the seat that is free
    assert_eq!(backend.asked(), [[4, 2, 3]]);
    assert_eq!((start.elapsed(), batch.counts().handed_over), (ms(15), 1));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_kept_and_not_polled_holds_up_no_later_call() {
    let (batch, backend) = (Batch::named("load").max_wait(ms(5)), Backend::default());
    let load = |keys| backend.load(keys);
    let mut kept = batch.run(1, load);
    assert!(poll(&mut kept).is_pending());
    let member = async { batch.run(2, load).await };
    let soon = async {
        sleep(ms(50)).await;
        batch.run(3, load).await
    };
    let later = async {
        sleep(ms(200)).await;
        batch.run(4, load).await
    };

    let (member, soon, later) = tokio::join!(member, soon, later);

    assert_eq!((member, soon, later), (Ok(Some(20)), Ok(Some(30)), Ok(Some(40))));
    assert_eq!(backend.asked(), [[1, 2, 3, 4]]);
    assert_eq!(kept.await, Ok(Some(10)), "it is answered as any member");
    assert_eq!((backend.asked().len(), batch.counts().batches, batch.counts().gathering), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn when_the_leader_leaves_while_it_runs_another_runs_what_is_still_wanted() {
    let (batch, backend) = (Batch::named("load").max_wait(ms(5)), Backend::default());
    let call = |key| batch.run(key, |keys| backend.load(keys));

    let got = tokio::join!(timeout(ms(7), call(1)), call(2), timeout(ms(6), call(3)), call(4));

    assert!(got.0.is_err() && got.2.is_err());
    assert_eq!((got.1, got.3), (Ok(Some(20)), Ok(Some(40))));
    assert_eq!(backend.asked(), [vec![1, 2, 3, 4], vec![2, 4]]);
    assert_eq!((batch.counts().handed_over, batch.counts().gathering), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_nobody_wants_any_more_is_not_asked_for() {
    let (batch, backend) = (Batch::named("load").max_wait(ms(5)), Backend::default());
    let call = |key| batch.run(key, |keys| backend.load(keys));

    let got = tokio::join!(call(1), timeout(ms(1), call(2)), timeout(ms(1), call(3)), call(3));

    assert_eq!((got.0, got.3), (Ok(Some(10)), Ok(Some(30))));
    assert_eq!(backend.asked(), [[1, 3]]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_all_have_left_is_forgotten() {
    let (batch, backend) = (Batch::named("load"), Backend::default());
    let call = |key| batch.run(key, |keys| backend.load(keys));

    let left = timeout(ms(1), join_all([1, 2].map(call))).await;

    assert!(left.is_err());
    assert_eq!((backend.asked().len(), batch.counts().gathering, batch.counts().batches), (0, 0, 0));
    assert_eq!(call(3).await, Ok(Some(30)));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_dropped_at_whatever_poll_the_others_get_their_own() {
    for dropped in 0..3 {
        for polls in 0..6 {
            let (batch, backend) = (Batch::named("load"), Backend::default());
            let call = |key| batch.run(key, |keys| backend.load(keys));
            let mut calls: Vec<_> = [0, 1, 2].map(|key| Some(Box::pin(call(key)))).into();
            let mut seen = 0;
            let mut got = [None; 3];

            poll_fn(|context| {
                for (key, call) in calls.iter_mut().enumerate() {
                    if key == dropped && seen >= polls {
                        *call = None;
                    }
                    if let Some(running) = call
                        && let Poll::Ready(value) = running.poll_unpin(context)
                    {
                        got[key] = Some(value.unwrap());
                        *call = None;
                    }
                }
                seen += 1;
                if calls.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;

            for (key, got) in got.into_iter().enumerate() {
                let expected = Some(Some(key as u64 * 10));
                assert!(got == expected || (key == dropped && got.is_none()), "{dropped} at {polls}: {got:?}");
            }
            assert_eq!(batch.counts().gathering, 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_stays_with_the_leader() {
    let batch = Batch::named("load");
    let runs = AtomicUsize::new(0);
    let load = async |keys: Vec<u64>| {
        sleep(ms(1)).await;
        assert!(runs.fetch_add(1, SeqCst) > 0, "the first");
        Ok::<_, Failure>(keys.into_iter().map(|key| (key, key)).collect::<HashMap<_, _>>())
    };

    let got = join_all([1, 2, 3].map(|key| AssertUnwindSafe(batch.run(key, load)).catch_unwind())).await;

    assert!(got[0].is_err());
    assert_eq!(got[1].as_ref().unwrap(), &Ok(Some(2)));
    assert_eq!(got[2].as_ref().unwrap(), &Ok(Some(3)));
    assert_eq!((runs.into_inner(), batch.counts().handed_over), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_always_panics_takes_down_no_more_than_its_batch() {
    let batch = Batch::named("load");
    let runs = AtomicUsize::new(0);
    let load = |_: Vec<u64>| -> std::future::Ready<Result<HashMap<u64, u64>, Failure>> {
        runs.fetch_add(1, SeqCst);
        panic!("always");
    };

    let got = join_all([1, 2, 3].map(|key| AssertUnwindSafe(batch.run(key, load)).catch_unwind())).await;

    assert!(got.iter().all(Result::is_err));
    assert_eq!((runs.into_inner(), batch.counts().gathering), (3, 0));
}

thread_local! {
    /// The operation in which the next use of a [`Touchy`] panics.
    static TRAP: Cell<&'static str> = const { Cell::new("") };
}

/// A key, or a value, whose every trait can be made to panic.
#[derive(Debug)]
struct Touchy(u64);

fn trap(place: &'static str) {
    if TRAP.get() == place {
        TRAP.set("");
        panic!("{place}");
    }
}

impl Clone for Touchy {
    fn clone(&self) -> Self {
        trap("clone");
        Self(self.0)
    }
}

impl std::hash::Hash for Touchy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        trap("hash");
        0_u64.hash(state);
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        trap("eq");
        self.0 == other.0
    }
}

impl Eq for Touchy {}

impl Drop for Touchy {
    fn drop(&mut self) {
        trap("drop");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_users_own_traits_stays_with_the_leader() {
    for place in ["clone", "hash", "eq", "drop", "answer"] {
        let batch = Batch::named("load");
        let load = async |keys: Vec<Touchy>| {
            if TRAP.get() == "answer" {
                TRAP.set("clone");
            }
            keys.iter().map(|key| Ok::<_, Failure>(Touchy(key.0))).collect::<Vec<_>>()
        };

        TRAP.set(place);
        let got = join_all([1, 2, 3].map(|key| AssertUnwindSafe(batch.run(Touchy(key), load)).catch_unwind())).await;
        TRAP.set("");

        assert_eq!(got.iter().filter(|got| got.is_err()).count(), 1, "{place}");
        for (got, key) in got.iter().zip([1, 2, 3]) {
            assert!(got.as_ref().is_err() || got.as_ref().unwrap().as_ref().unwrap().0 == key, "{place}");
        }
        assert_eq!(batch.counts().gathering, 0, "{place}");
        assert_eq!(batch.run(Touchy(4), load).await.unwrap().0, 4, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn half_of_the_time_until_the_earliest_deadline_is_left_for_the_work() {
    let (batch, backend) = (Batch::named("load").max_wait(ms(20)), Backend::default());
    let call = |key| batch.run(key, |keys| backend.load(keys));
    let start = Instant::now();

    let hurried = async {
        sleep(ms(2)).await;
        Deadline::after(ms(24)).scope(call(2)).await
    };
    let relaxed = Deadline::after(ms(100)).scope(call(3));
    let got = tokio::join!(call(1), hurried, relaxed);

    assert_eq!(got, (Ok(Some(10)), Ok(Some(20)), Ok(Some(30))));
    // 2 + 24 / 2, and 10 for the back end
    assert_eq!((start.elapsed(), backend.asked().len()), (ms(24), 1));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_the_leaders_own_counts_too_and_one_that_has_passed_does_not_wait() {
    let (batch, backend) = (Batch::named("load").max_wait(ms(20)), Backend::default());
    let call = |key| batch.run(key, |keys| backend.load(keys));
    let start = Instant::now();

    assert_eq!(Deadline::after(ms(8)).scope(call(1)).await, Ok(Some(10)));
    assert_eq!(start.elapsed(), ms(14));

    assert_eq!(Deadline::after(ms(0)).scope(call(1)).await, Ok(Some(10)));
    assert_eq!(start.elapsed(), ms(24));
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_it_takes_whoever_is_there() {
    let (batch, backend) = (Batch::named("load").max_wait(Duration::ZERO), Backend::default());
    let start = Instant::now();

    let got = join_all([1, 2].map(|key| batch.run(key, |keys| backend.load(keys)))).await;

    assert_eq!(got, [Ok(Some(10)), Ok(Some(20))]);
    assert_eq!((backend.asked().len(), start.elapsed()), (1, ms(10)));
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_an_end_ends_when_it_is_full() {
    let (batch, backend) = (Batch::named("load").max_size(2).max_wait(Duration::MAX), Backend::default());
    let call = |key| batch.run(key, |keys| backend.load(keys));

    let late = async {
        sleep(ms(100)).await;
        call(2).await
    };

    assert_eq!(tokio::join!(call(1), late), (Ok(Some(10)), Ok(Some(20))));
    assert_eq!(backend.asked(), [[1, 2]]);
}

#[test]
fn without_a_runtime_it_takes_whoever_is_there() {
    let batch = Batch::named("load");
    let load =
        async |keys: Vec<u64>| Ok::<_, Failure>(keys.into_iter().map(|key| (key, key)).collect::<HashMap<_, _>>());
    let (mut one, mut two) = (Box::pin(batch.run(1, load)), Box::pin(batch.run(2, load)));

    assert_eq!(poll(&mut one), Poll::Pending);
    assert_eq!(poll(&mut two), Poll::Pending);
    assert_eq!(poll(&mut one), Poll::Ready(Ok(Some(1))));
    assert_eq!(poll(&mut two), Poll::Ready(Ok(Some(2))));
    assert_eq!(batch.counts().batches, 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_polled_in_vain() {
    let (batch, backend) = (Batch::named("load"), Backend::default());
    let polls = [const { AtomicUsize::new(0) }; 4];

    let calls = polls.iter().zip(0..).map(|(polls, key)| {
        let mut call = batch.run(key, |keys| backend.load(keys));
        poll_fn(move |context| {
            polls.fetch_add(1, SeqCst);
            call.poll_unpin(context)
        })
    });
    // as tasks of their own, so that each is polled when it is woken
    let mut set: futures_util::stream::FuturesUnordered<_> = calls.collect();
    while futures_util::StreamExt::next(&mut set).await.is_some() {}

    // to come and to be answered; the leader also when its time is over
    assert_eq!(polls.each_ref().map(|polls| polls.load(SeqCst)), [3, 2, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn calls_with_something_in_common_are_batched_together_and_no_others() {
    struct Unit;
    let (batch, backend) = (Batch::named("load"), Backend::default());
    let load = |keys| backend.load(keys);
    let (one, other) = (String::from("abc"), String::from("abc"));

    let _ = tokio::join!(
        batch.of(&one).run(1, load),
        batch.of(&other).run(2, load),
        batch.of(&one).run(3, load),
        batch.of(one.as_str()).run(4, load),
        batch.of(&one[..2]).run(5, load),
        batch.of(one.as_str()).run(6, load),
        batch.by(&7_u8).run(7, load),
        batch.by(&8_u8).run(8, load),
        batch.by(&7_u8).run(9, load),
        batch.of(&Unit).run(10, load),
        batch.of(&Unit).run(11, load),
        batch.typed::<u8>().run(12, load),
        batch.typed::<i8>().run(13, load),
        batch.typed::<u8>().run(14, load),
        batch.of(&one).by(&7_u8).run(15, load),
        batch.run(16, load),
    );

    let mut asked = backend.asked();
    asked.sort();
    let wanted: [&[u64]; 11] = [&[1, 3], &[2], &[4, 6], &[5], &[7, 9], &[8], &[10, 11], &[12, 14], &[13], &[15], &[16]];
    assert_eq!(asked, wanted);
}

#[tokio::test(start_paused = true)]
async fn keys_and_answers_of_other_types_are_apart() {
    async fn load<K: Clone + Eq + Hash>(keys: Vec<K>) -> Result<HashMap<K, usize>, Failure> {
        let count = keys.len();
        Ok(keys.into_iter().map(|key| (key, count)).collect())
    }
    let batch = Batch::named("load");

    let got = tokio::join!(batch.run(1_u8, load), batch.run(1_u16, load), batch.run(2_u8, load));

    assert_eq!(got, (Ok(Some(2)), Ok(Some(1)), Ok(Some(2))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_tasks_each_get_their_own() {
    static BATCH: Batch = Batch::named("load").max_size(16).max_wait(Duration::from_millis(1));
    let calls = (0..1_000_u64).map(|key| {
        tokio::spawn(async move {
            let load = async |keys: Vec<u64>| {
                tokio::task::yield_now().await;
                assert!(keys.len() <= 16);
                Ok::<_, Failure>(keys.into_iter().map(|key| (key, key + 1)).collect::<HashMap<_, _>>())
            };
            let mut call = pin!(BATCH.run(key, load));
            if key % 7 == 0 {
                // leaves at some point of its own
                tokio::select! {
                    biased;
                    got = &mut call => return got.unwrap(),
                    () = async { for _ in 0..key % 5 { tokio::task::yield_now().await } } => return Some(key + 1),
                }
            }
            call.await.unwrap()
        })
    });

    for (key, got) in join_all(calls).await.into_iter().enumerate() {
        assert_eq!(got.unwrap(), Some(key as u64 + 1));
    }
    assert_eq!(BATCH.counts().gathering, 0);
}

#[test]
#[should_panic(expected = "`max_size` must be at least 2")]
fn a_batch_of_one_is_refused() {
    let _ = Batch::named("load").max_size(1);
}

#[tokio::test]
async fn the_future_is_send_where_the_function_is() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    static BATCH: Batch = Batch::named("load");
    let backend = Backend::default();

    assert_eq!(is_send(BATCH.of(&backend).run(1, |keys| backend.load(keys))).await, Ok(Some(10)));
}

mod leaving;
