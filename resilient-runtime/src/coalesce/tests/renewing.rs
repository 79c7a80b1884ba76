//! Outcomes that are given out while they are renewed.

use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;
use tokio::task::yield_now;
use tokio::time::{Instant, advance};

use super::*;
use crate::Event;
use crate::test::record;

const SECOND: Duration = Duration::from_secs(1);
const HOLD: Duration = Duration::from_secs(10);
const STALE: Duration = Duration::from_secs(50);
/// A millisecond less.
const NEARLY_HELD: Duration = ms(9_999);
const NEARLY_STALE: Duration = ms(49_999);
const NEARLY_ALL: Duration = ms(59_999);

fn policy() -> &'static Coalesce {
    Box::leak(Box::new(Coalesce::named("renewing").hold(HOLD).stale_while_revalidate(STALE)))
}

/// A call whose own run takes no time.
async fn ask(policy: &'static Coalesce, own: Result<u32, u32>) -> Result<u32, u32> {
    policy.call("key").run_renewing(async move { own }).await
}

/// As `ask`, and lets a run behind it end.
async fn ask_and_settle(policy: &'static Coalesce, own: Result<u32, u32>) -> Result<u32, u32> {
    let outcome = ask(policy, own).await;
    yield_now().await;
    outcome
}

#[tokio::test(start_paused = true)]
async fn a_stale_outcome_is_given_out_at_once_and_renewed_once() {
    let (policy, log) = (policy(), record());
    let slow = |own| {
        policy.call("key").run_renewing(async move {
            sleep(SECOND).await;
            Ok::<_, u32>(own)
        })
    };
    assert_eq!(slow(1).await, Ok(1));
    advance(NEARLY_HELD).await;
    assert_eq!(slow(2).await, Ok(1));
    advance(ms(1)).await;

    let began = Instant::now();
    for own in 3..9 {
        assert_eq!(slow(own).await, Ok(1), "the old one, without a wait");
        yield_now().await;
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(SECOND).await;
    yield_now().await;

    assert_eq!(slow(9).await, Ok(3), "the future of the first call that found it stale");
    let counts = policy.counts();
    assert_eq!((counts.leaders, counts.followers, counts.stale), (1, 8, 6));
    assert_eq!(listed(policy, ["coalesced", "stale_answers"]), [8, 6]);
    assert_eq!((counts.renewals, counts.renewals_failed, counts.keys), (1, 0, 1));
    let of = |event: Event| log.count(move |seen| *seen == event);
    assert_eq!(of(Event::GaveStale { policy: "renewing" }), 6);
    assert_eq!((of(Event::Renewed { policy: "renewing" }), of(Event::NotRenewed { policy: "renewing" })), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_older_than_both_times() {
    let policy = policy();
    assert_eq!(ask(policy, Ok(1)).await, Ok(1));
    advance(NEARLY_ALL).await;
    assert_eq!(ask(policy, Err(0)).await, Ok(1));
    advance(ms(1)).await;

    assert_eq!(ask(policy, Ok(2)).await, Ok(2), "its own");
}

#[tokio::test(start_paused = true)]
async fn a_renewed_outcome_is_let_go_of_when_its_time_is_over() {
    let policy = policy();
    assert_eq!(ask(policy, Ok(1)).await, Ok(1));
    advance(HOLD).await;
    assert_eq!(ask_and_settle(policy, Ok(2)).await, Ok(1));

    advance(NEARLY_ALL).await;
    assert_eq!(policy.counts().keys, 1);
    advance(ms(1)).await;
    assert_eq!(policy.counts().keys, 0);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_keeps_the_old_and_the_next_begins_after_another_hold() {
    let (policy, log) = (policy(), record());
    assert_eq!(ask(policy, Ok(1)).await, Ok(1));
    advance(HOLD).await;
    assert_eq!(ask_and_settle(policy, Err(2)).await, Ok(1));
    for _ in 0..9 {
        advance(SECOND).await;
        assert_eq!(ask_and_settle(policy, Ok(3)).await, Ok(1));
    }
    assert_eq!((policy.counts().renewals, policy.counts().renewals_failed), (1, 1));
    assert_eq!(log.count(|event| *event == Event::NotRenewed { policy: "renewing" }), 1);

    advance(SECOND).await;
    assert_eq!(ask_and_settle(policy, Ok(4)).await, Ok(1));
    assert_eq!(ask(policy, Ok(5)).await, Ok(4));

    advance(HOLD).await;
    for _ in 0..100 {
        advance(SECOND).await;
        if ask_and_settle(policy, Err(6)).await.is_err() {
            break;
        }
    }
    assert_eq!(policy.counts().renewals_failed, 6, "one in ten seconds until the old one ended");
    assert_eq!(policy.counts().leaders, 2);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_may_have_been_refused_is_renewed_if_it_is_good() {
    let ask = async |policy: &'static Coalesce, own| policy.call("key").run_settled_renewing(async move { own }).await;
    let outcome = |own: Result<u32, u32>| Settled::Outcome(own);
    let refusal = |reason| Settled::Rejected(Error::new(PolicyKind::Bulkhead, "inner", reason));

    let good = policy();
    assert_eq!(ask(good, outcome(Ok(1))).await, outcome(Ok(1)));
    advance(HOLD).await;
    assert_eq!(ask(good, outcome(Ok(2))).await, outcome(Ok(1)));

    let bad = policy();
    assert_eq!(ask(bad, outcome(Err(1))).await, outcome(Err(1)));
    advance(NEARLY_HELD).await;
    assert_eq!(ask(bad, outcome(Ok(2))).await, outcome(Err(1)));
    advance(ms(1)).await;
    assert_eq!(ask(bad, outcome(Ok(3))).await, outcome(Ok(3)));

    let refused = policy();
    assert_eq!(ask(refused, refusal(Reason::QueueFull)).await, refusal(Reason::QueueFull));
    assert_eq!(ask(refused, outcome(Ok(2))).await, refusal(Reason::QueueFull));

    let of_the_caller = policy();
    assert_eq!(ask(of_the_caller, refusal(Reason::Cancelled)).await, refusal(Reason::Cancelled));
    assert_eq!(ask(of_the_caller, outcome(Ok(2))).await, outcome(Ok(2)));
}

#[test]
fn a_shared_outcome_is_as_good_as_what_it_holds() {
    use super::renewing::Renewable;

    let is_good = |outcome: Result<u32, u32>| Arc::new(outcome).is_good();

    assert!(is_good(Ok(1)) && !is_good(Err(1)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_held_and_never_stale() {
    let policy = policy();
    assert_eq!(ask(policy, Err(1)).await, Err(1));
    advance(NEARLY_HELD).await;
    assert_eq!(ask(policy, Ok(2)).await, Err(1));
    advance(ms(1)).await;

    assert_eq!(ask(policy, Ok(3)).await, Ok(3));
    assert_eq!(policy.counts().stale, 0);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_holds_up_nobody() {
    let policy = policy();
    // one closure, as futures of one type are joined
    let either = |hangs| {
        policy.call("either").run_renewing(async move {
            if hangs {
                sleep(1000 * SECOND).await;
            }
            Ok::<_, u32>(hangs)
        })
    };
    assert_eq!(either(false).await, Ok(false));
    advance(HOLD).await;
    assert_eq!(either(true).await, Ok(false));
    yield_now().await;
    advance(NEARLY_STALE).await;
    assert_eq!(either(false).await, Ok(false));
    assert_eq!(policy.counts().renewals, 1);
    advance(ms(1)).await;

    assert_eq!(either(false).await, Ok(false), "its own");
    advance(1000 * SECOND).await;
    yield_now().await;
    assert_eq!(either(false).await, Ok(false), "the late one is dropped");
    assert_eq!((policy.counts().leaders, policy.counts().renewals), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_panics_has_failed() {
    let policy = policy();
    let run = |panics: bool| {
        policy.call("key").run_renewing(async move {
            assert!(!panics, "on purpose");
            Ok::<_, u32>(1)
        })
    };
    assert_eq!(run(false).await, Ok(1));
    advance(HOLD).await;

    assert_eq!(run(true).await, Ok(1));
    yield_now().await;

    assert_eq!(policy.counts().renewals_failed, 1);
    advance(HOLD).await;
    assert_eq!(run(false).await, Ok(1));
    assert_eq!((policy.counts().renewals, policy.counts().leaders), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_has_nothing_of_its_caller() {
    static SEEN: Mutex<Vec<bool>> = Mutex::new(Vec::new());
    let policy = policy();
    let run = || {
        policy.call("key").run_renewing(async {
            SEEN.lock().unwrap().push(Deadline::current().is_some());
            yield_now().await;
            Ok::<_, u32>(1)
        })
    };
    let call = || Deadline::after(SECOND).scope(run());
    call().await.unwrap();
    advance(HOLD).await;

    call().await.unwrap();
    sleep(2 * SECOND).await;

    assert_eq!(*SEEN.lock().unwrap(), [true, false]);
    assert_eq!((policy.counts().renewals, policy.counts().renewals_failed), (1, 0));
}

#[test]
fn a_renewal_that_ends_with_its_runtime_has_failed() {
    let policy = policy();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let run = || policy.call("key").run_renewing(async { Ok::<_, u32>(1) });
    let first = runtime();
    first.block_on(async {
        run().await.unwrap();
        advance(HOLD).await;
        run().await.unwrap();
    });
    assert_eq!(policy.counts().renewals, 1);

    drop(first);

    assert_eq!(policy.counts().renewals_failed, 1);
}

#[test]
fn off_a_runtime_nothing_is_renewed() {
    let policy: &'static Coalesce = Box::leak(Box::new(
        Coalesce::named("off a runtime").hold(Duration::from_nanos(1)).stale_while_revalidate(1000 * SECOND),
    ));
    for own in [1, 2] {
        let outcome = futures_util::future::FutureExt::now_or_never(ask(policy, Ok(own)));
        assert_eq!(outcome, Some(Ok(own)));
        std::thread::sleep(Duration::from_micros(1));
    }
    assert_eq!((policy.counts().renewals, policy.counts().stale), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_plain_run_gets_what_is_fresh_only() {
    let policy = policy();
    let body = |own| async move { Ok::<u32, u32>(own) };
    assert_eq!(policy.call("key").run_renewing(body(1)).await, Ok(1));
    assert_eq!(policy.run("key", body(2)).await, Ok(1));
    advance(HOLD).await;

    assert_eq!(policy.run("key", body(3)).await, Ok(3));
    advance(HOLD).await;
    assert_eq!(policy.call("key").run_renewing(body(4)).await, Ok(4), "that of a plain run is not known to be good");
}

#[tokio::test(start_paused = true)]
async fn a_rejection_renews_nothing() {
    let policy = policy();
    let rejection = || Error::new(PolicyKind::Bulkhead, "inner", Reason::QueueFull);
    let run = |good: bool| {
        policy.call("key").run_settled_renewing(async move {
            if good { Settled::Outcome(Ok::<u32, u32>(1)) } else { Settled::Rejected(rejection()) }
        })
    };
    assert!(matches!(run(true).await, Settled::Outcome(Ok(1))));
    advance(HOLD).await;
    assert!(matches!(run(false).await, Settled::Outcome(Ok(1))));
    yield_now().await;

    assert_eq!(policy.counts().renewals_failed, 1);
}

#[tokio::test(start_paused = true)]
async fn no_mode_but_enforce_gives_out_what_is_stale() {
    let policy = policy();
    ask(policy, Ok(1)).await.unwrap();
    advance(HOLD).await;
    for (mode, own) in [(Mode::Observe, 2), (Mode::Off, 3)] {
        policy.set_mode(mode);
        assert_eq!(ask(policy, Ok(own)).await, Ok(own));
    }
    assert_eq!(policy.counts().renewals, 0);
}

/// The steps of a test.
#[derive(Debug, Clone, Copy)]
enum Step {
    Wait(u64),
    /// A call whose run takes so many seconds, and may fail.
    Call {
        takes: u64,
        fails: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_u64..15).prop_map(Step::Wait),
        Just(Step::Wait(60)),
        (0_u64..20, any::<bool>()).prop_map(|(takes, fails)| Step::Call { takes, fails }),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    #[test]
    fn nothing_older_is_given_out_and_one_run_renews(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let policy = policy();
            let running = Arc::new(AtomicU32::new(0));
            for step in steps {
                match step {
                    Step::Wait(seconds) => sleep(Duration::from_secs(seconds)).await,
                    Step::Call { takes, fails } => {
                        let (running, began) = (running.clone(), Instant::now());
                        let outcome = policy.call("key").run_renewing(async move {
                            let others = running.fetch_add(1, SeqCst);
                            sleep(Duration::from_secs(takes)).await;
                            running.fetch_sub(1, SeqCst);
                            // the end of the run, and how many ran beside it
                            if fails { Err((Instant::now(), others)) } else { Ok((Instant::now(), others)) }
                        }).await;
                        let most = if outcome.is_ok() { HOLD + STALE } else { HOLD };
                        let (Ok((end, others)) | Err((end, others))) = outcome;
                        assert!(end + most > began, "{:?} old", began - end);
                        // a renewal that outlives the outcome runs beside a call's own
                        assert!(others <= 1, "{others}");
                    }
                }
            }
            let counts = policy.counts();
            assert!(counts.stale >= counts.renewals && counts.renewals >= counts.renewals_failed);
        });
    }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
