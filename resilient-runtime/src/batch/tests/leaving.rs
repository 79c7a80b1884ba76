//! Leaving a batch, leads that are handed over, and wakers that panic.

use std::panic::catch_unwind;
use std::sync::Arc;

use super::*;
use crate::line::steps;
use crate::wake::fragile::Fragile;

const MANY: u64 = 10_000;

fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Arc<Fragile>) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(&waker.waker()))
}

fn large() -> Batch {
    Batch::named("large").max_size(2 * MANY as u32).max_wait(ms(1_000_000))
}

#[tokio::test(start_paused = true)]
async fn leaving_takes_as_long_from_any_seat() {
    for last_first in [false, true] {
        let (batch, backend) = (large(), Backend::default());
        let mut calls: Vec<_> = (0..MANY).map(|key| Some(batch.run(key, |keys| backend.load(keys)))).collect();
        assert!(calls.iter_mut().flatten().all(|call| poll(call).is_pending()));
        let place = |index: u64| (if last_first { MANY - 1 - index } else { index }) as usize;

        let steps = steps::of(|| (0..MANY).for_each(|index| calls[place(index)] = None));

        assert_eq!(batch.counts().gathering, 0);
        assert!(steps <= 8 * MANY, "{steps} steps for {MANY} calls");
    }
}

#[tokio::test(start_paused = true)]
async fn coming_takes_as_long_into_any_seat() {
    let (batch, backend) = (large(), Backend::default());
    let call = |key| batch.run(key, |keys| backend.load(keys));
    let mut calls: Vec<_> = (0..MANY).map(call).collect();
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));

    let steps = steps::of(|| {
        for key in 0..MANY {
            let last = calls.len() - 1;
            drop(calls.pop());
            calls.push(call(key));
            assert!(poll(&mut calls[last]).is_pending());
        }
    });

    assert!(steps <= 16 * MANY, "{steps} steps for {MANY} calls");
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_never_polled_again_holds_up_nobody_who_is() {
    for runs in [false, true] {
        let (batch, backend) = (Batch::named("load").max_size(4).max_wait(ms(5)), Backend::default());
        let mut calls: Vec<_> =
            (0..3 + u64::from(runs)).map(|key| Some(batch.run(key, |keys| backend.load(keys)))).collect();
        assert!(calls.iter_mut().flatten().all(|call| poll(call).is_pending()));
        if runs {
            // it is full
            assert!(poll(calls[0].as_mut().unwrap()).is_pending());
        }

        calls[0] = None;
        let polled = calls[2].take().unwrap();

        // the first of those who wait is not polled
        let got = timeout(ms(100), polled).await;
        assert_eq!(got, Ok(Ok(Some(20))), "while it {}", if runs { "runs" } else { "gathers" });
        assert_eq!(calls[1].take().unwrap().await, Ok(Some(10)));
        assert_eq!((batch.counts().handed_over, batch.counts().gathering), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_a_batch_without_a_leader_leads() {
    let (batch, backend) = (Batch::named("load").max_wait(ms(5)), Backend::default());
    let mut calls: Vec<_> = (0..2).map(|key| Some(batch.run(key, |keys| backend.load(keys)))).collect();
    assert!(calls.iter_mut().flatten().all(|call| poll(call).is_pending()));
    calls[0] = None;

    // the only one who waits is not polled
    let got = timeout(ms(100), batch.run(2, |keys| backend.load(keys))).await;

    assert_eq!(got, Ok(Ok(Some(20))));
    assert_eq!(calls[1].take().unwrap().await, Ok(Some(10)));
    assert_eq!(backend.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_takes_nobody_elses_wake_up() {
    for answers in [true, false] {
        let (batch, backend) = (Batch::named("load").max_size(5), Backend::default());
        let wakers = [Fragile::panicking(), Fragile::sound(), Fragile::panicking(), Fragile::sound()];
        let mut leader = Some(batch.run(0, |keys| backend.load(keys)));
        assert!(poll(leader.as_mut().unwrap()).is_pending());
        let mut calls: Vec<_> = (1..5).map(|key| batch.run(key, |keys| backend.load(keys))).collect();
        for (call, waker) in calls.iter_mut().zip(&wakers) {
            assert!(poll_with(call, waker).is_pending());
        }
        assert!(poll(leader.as_mut().unwrap()).is_pending());
        sleep(ms(11)).await;

        let ended = catch_unwind(AssertUnwindSafe(|| {
            if answers { assert!(poll(leader.as_mut().unwrap()).is_ready()) } else { leader = None }
        }));

        assert!(ended.is_err(), "the panic goes on");
        assert!(wakers.iter().all(|waker| waker.woken() == 1));
        let wanted: Vec<_> = (1..5).map(|key| Ok(Some(key * 10))).collect();
        assert_eq!(timeout(ms(100), join_all(calls)).await, Ok(wanted));
        assert_eq!(batch.counts().gathering, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_wakes_a_leader_whose_waker_panics_keeps_no_seat() {
    let (batch, backend) = (Batch::named("load").max_size(3), Backend::default());
    let fragile = Fragile::panicking();
    let mut calls: Vec<_> = (1..4).map(|key| Some(batch.run(key, |keys| backend.load(keys)))).collect();
    assert!(poll_with(calls[0].as_mut().unwrap(), &fragile).is_pending());
    assert!(poll(calls[1].as_mut().unwrap()).is_pending());

    // it fills the batch, and so wakes the leader
    assert!(catch_unwind(AssertUnwindSafe(|| poll(calls[2].as_mut().unwrap()))).is_err());
    calls[2] = None;

    let rest = calls.into_iter().flatten();
    assert_eq!(timeout(ms(100), join_all(rest)).await, Ok(vec![Ok(Some(10)), Ok(Some(20))]));
    assert_eq!(backend.asked(), [[1, 2]]);
    assert_eq!(batch.counts().gathering, 0);
}

#[tokio::test(start_paused = true)]
async fn on_several_threads_nobody_gets_a_run_that_had_been_given_before_its_call_began() {
    static BATCH: Batch = Batch::named("runs").max_wait(Duration::ZERO);
    static RUN: AtomicUsize = AtomicUsize::new(1);
    static GIVEN: AtomicUsize = AtomicUsize::new(0);

    async fn once(keys: Vec<u64>) -> Result<HashMap<u64, usize>, Failure> {
        let run = RUN.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        Ok(keys.into_iter().map(|key| (key, run)).collect())
    }
    let call_in_a_loop = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for _ in 0..5_000 {
                // several batches run at once, so a later run may be given before an earlier; the latest that had begun is what counts
                let given = GIVEN.load(SeqCst);
                let begun = RUN.load(SeqCst);
                let run = BATCH.run(7, once).await.unwrap().unwrap();
                assert!(run >= begun, "run {run} began before the call, when {given} had been given");
                GIVEN.fetch_max(run, SeqCst);
            }
        });
    };

    let threads: Vec<_> = (0..6).map(|_| std::thread::spawn(call_in_a_loop)).collect();

    assert!(threads.into_iter().all(|thread| thread.join().is_ok()));
    assert!(BATCH.counts().duplicates > 0);
}

/// Panics at every event.
#[cfg(feature = "tracing")]
struct Panicking;

#[cfg(feature = "tracing")]
impl tracing::Subscriber for Panicking {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        assert_ne!(event.metadata().target(), "resilient", "as it should");
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[cfg(feature = "tracing")]
#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_at_a_hand_over_takes_nobodys_wake_up() {
    let (batch, backend) = (Batch::named("load").max_wait(ms(5)), Backend::default());
    let sound = Fragile::sound();
    let (mut leader, mut member) =
        (Some(batch.run(1, |keys| backend.load(keys))), batch.run(2, |keys| backend.load(keys)));
    assert!(poll(leader.as_mut().unwrap()).is_pending() && poll_with(&mut member, &sound).is_pending());

    let left = tracing::subscriber::with_default(Panicking, || catch_unwind(AssertUnwindSafe(|| leader = None)));

    assert!(left.is_err(), "the panic goes on");
    assert_eq!(sound.woken(), 1);
    assert_eq!(timeout(ms(100), member).await, Ok(Ok(Some(20))));
}

type Log = Arc<Mutex<Vec<&'static str>>>;

/// A part of an outcome, which notes its end.
#[derive(Debug, Clone)]
struct Part(Log, &'static str);

impl Drop for Part {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(self.1);
    }
}

/// An outcome that has an answer for one key and panics at the next.
struct Half(Part);

impl BatchOutcome<u64> for Half {
    type One = Part;

    fn one(&mut self, item: BatchItem<'_, u64>) -> Part {
        assert_eq!(item.position(), 0, "as it should");
        Part(self.0.0.clone(), "answer")
    }
}

/// Notes that it was woken.
struct Bell(Log);

impl std::task::Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().push("next leader");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_panics_is_gone_before_the_next_leader_is_woken() {
    let (batch, log) = (Batch::named("load").max_size(2), Log::default());
    let load = |_| std::future::ready(Half(Part(log.clone(), "outcome")));
    let [mut leader, mut other] = [1, 2].map(|key| batch.run(key, load));
    assert!(poll(&mut leader).is_pending());
    let bell = Waker::from(Arc::new(Bell(log.clone())));
    assert!(other.poll_unpin(&mut Context::from_waker(&bell)).is_pending());

    let panicked = catch_unwind(AssertUnwindSafe(|| poll(&mut leader)));

    assert!(panicked.is_err());
    assert_eq!(*log.lock().unwrap(), ["answer", "outcome", "next leader"]);
}
