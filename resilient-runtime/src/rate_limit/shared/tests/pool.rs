//! The decisions of one machine: which permits it uses, when it asks and for how many, and what it passes on.

use super::*;

/// Leases of 250 ms, a permit each millisecond, 750 ms ahead.
const TERMS: Terms = Terms { lease: Units(250 * MILLI), slack: Units(750 * MILLI), interval: Units(MILLI) };

/// An empty pool, and the present.
fn fresh() -> (Pool, Units) {
    let pool = Pool::new(None);
    let now = pool.origin;
    (pool, now)
}

const fn later(now: Units, millis: u64) -> Units {
    now.after(ms(millis))
}

fn asked(wanted: u32, least: u32) -> Ask {
    Ask { least, ..Ask::new(wanted, ms(1), ms(750)) }
}

#[test]
fn permits_can_be_used_from_their_lease_on_until_they_run_out() {
    let batch = Batch::new(7, 300);

    assert_eq!((batch.left(), batch.until()), (7, 300));
    assert_eq!([49, 50, 51, 299, 300, 301].map(|now| batch.usable(now, 250)), [0, 7, 7, 7, 0, 0]);
    let last = (1 << 38) - 1;
    assert_eq!(Batch::new(MOST, last).usable(last - 1, 250), MOST);
    assert_eq!(Batch::new(7, last + 1), Batch(0), "at the end of the range");
}

#[test]
fn a_quarter_of_the_burst_is_for_leases_and_no_lease_is_longer_than_a_quarter_of_a_second() {
    let terms = |interval, burst| {
        let Terms { lease, slack, interval } = Terms::of(Pace { interval: Units(interval), burst });
        (lease.0, slack.0, interval.0)
    };
    let long = 250 * MILLI;

    assert_eq!(terms(MILLI, 401), (100 * MILLI, 300 * MILLI, MILLI));
    assert_eq!(terms(MILLI, 1_001), (long, 750 * MILLI, MILLI));
    assert_eq!(terms(MILLI, 2_001), (long, 1_750 * MILLI, MILLI));
    assert_eq!(terms(160 * MILLI, 1), (10 * MILLI, 0, 170 * MILLI));
    assert_eq!(terms(4_000 * MILLI, 1), (long, 0, 4_250 * MILLI));
    assert_eq!(terms(8_000 * MILLI, 1), (long, 0, 8_250 * MILLI));
    assert_eq!(TERMS.at_once(), 751);
    assert_eq!(Terms { slack: Units(u64::MAX / 2), interval: Units(1), ..TERMS }.at_once(), MOST);
    assert_eq!(Terms { slack: Units(u64::from(MOST) - 1), interval: Units(1), ..TERMS }.at_once(), MOST);
    assert_eq!(Terms { lease: Units(3 * MILLI - 1), ..TERMS }.lease_millis(), 2);
}

#[test]
fn a_pace_is_refused_whose_leases_are_too_short_or_whose_burst_is_too_large() {
    let refuses = |interval, burst| Terms::refuses(Pace { interval: Units(interval), burst }).is_some();

    assert!(!refuses(MILLI, 41));
    assert!(refuses(MILLI, 40));
    assert!(!refuses(160 * MILLI, 1));
    assert!(refuses(160 * MILLI - 1, 1));
    assert_eq!(MOST, 67_108_863);
    assert!(!refuses(8, MOST));
    assert!(refuses(8, MOST + 1));
}

#[test]
fn the_time_is_counted_in_milliseconds_that_have_begun() {
    let (pool, now) = fresh();

    assert_eq!([0, 1, MILLI, MILLI + 1].map(|more| pool.millis(Units(now.0 + more))), [0, 1, 1, 2]);
}

#[test]
fn those_permits_are_used_first_that_run_out_first() {
    for places in [[0, 1], [1, 0]] {
        let (pool, now) = fresh();
        let [sooner, later] = places;
        pool.batches[sooner].store(Batch::new(5, 100).0, Relaxed);
        pool.batches[later].store(Batch::new(8, 200).0, Relaxed);
        let held = || [sooner, later].map(|place| Batch(pool.batches[place].load(Relaxed)).left());

        assert_eq!(pool.take(now, 2, TERMS), Some(11));
        assert_eq!(held(), [3, 8]);
        assert_eq!(pool.take(now, 4, TERMS), Some(7), "of the others, since these are too few");
        assert_eq!(held(), [3, 4]);
        assert_eq!(pool.take(now, 3, TERMS), Some(4));
        assert_eq!(pool.take(now, 5, TERMS), None);
        assert_eq!(pool.used.load(Relaxed), 9);
        assert_eq!(pool.take(now, 4, TERMS), Some(0));
        assert_eq!(pool.take(now, 1, TERMS), None);
    }
}

#[test]
fn permits_come_where_fewer_are_left_and_run_out_one_lease_after_the_question() {
    for emptier in [0, 1] {
        let (pool, now) = fresh();
        pool.batches[emptier].store(Batch::new(1, 100).0, Relaxed);
        pool.batches[1 - emptier].store(Batch::new(2, 100).0, Relaxed);

        pool.add(9, Units(now.0 + 10 * MILLI - 1), TERMS);

        assert_eq!(Batch(pool.batches[emptier].load(Relaxed)), Batch::new(9, 259));
        assert_eq!(Batch(pool.batches[1 - emptier].load(Relaxed)), Batch::new(2, 100));
        pool.discard();
        assert_eq!(pool.take(now, 1, TERMS), None);
    }
}

#[test]
fn the_store_is_asked_again_when_the_time_has_come_or_lies_further_ahead_than_any() {
    let (pool, now) = fresh();
    assert!(pool.may_ask(now));

    pool.hold_off(later(now, 100));

    assert!(!pool.may_ask(later(now, 99)));
    assert!(pool.may_ask(later(now, 100)));
    pool.hold_off(later(now, 1_000));
    assert!(!pool.may_ask(now));
    assert!(pool.may_ask(Units(now.0 - 1)), "the clock has gone back");
}

#[test]
fn a_machine_asks_for_as_many_permits_as_it_uses_in_one_lease() {
    let (pool, begin) = fresh();
    pool.last_ask.store(begin.0, Relaxed);
    let size = |used, millis, calls| {
        let now = later(Units(pool.last_ask.load(Relaxed)), millis);
        pool.used.store(used, Relaxed);
        let size = pool.size_for(calls, now, TERMS.interval, TERMS);
        assert_eq!((pool.used.load(Relaxed), pool.last_ask.load(Relaxed)), (0, now.0), "it counts anew");
        size
    };

    assert_eq!(size(40, 500, 1), 20);
    assert_eq!(size(20, 250, 1), 20);
    assert_eq!(size(1_000, 250, 1), 250, "not more than the whole rate");
    assert_eq!(size(0, 250, 1), 1);
    assert_eq!(size(0, 250, 5), 5, "a call of some weight gets what it weighs");
    assert_eq!(size(1, 0, 1), 250, "and the shortest time is an eighth of a millisecond");
    assert_eq!(size(0, 250, 1), 1);

    // those that are used up before the lease is over were too few
    assert_eq!(size(6, 200, 1), 7);
    assert_eq!(size(10, 200, 1), 14);
    assert_eq!(size(25, 200, 1), 31);
    assert_eq!(size(0, 249, 1), 62);
    let now = Units(pool.last_ask.load(Relaxed));
    pool.batches[0].store(Batch::new(1, pool.millis(now) + 240).0, Relaxed);
    assert_eq!(size(2, 200, 1), 2, "there are some left");
}

#[test]
fn no_question_is_for_more_than_can_be_had_at_once() {
    let (pool, now) = fresh();
    let terms = Terms { slack: Units(9 * MILLI), ..TERMS };
    pool.used.store(1_000, Relaxed);
    pool.last_ask.store(now.0, Relaxed);

    assert_eq!(pool.size_for(1, later(now, 250), terms.interval, terms), 10);
    pool.used.store(1_000, Relaxed);
    assert_eq!(pool.size_for(1, later(now, 500), Units(1_000 * MILLI), TERMS), 1, "a slow rate");
}

#[test]
fn permits_are_old_after_three_quarters_of_a_lease() {
    let (pool, now) = fresh();
    pool.last_ask.store(now.0, Relaxed);

    assert!(!pool.is_old(later(now, 187), TERMS));
    assert!(pool.is_old(Units(now.0 + 250 * MILLI / 4 * 3), TERMS));
}

#[test]
fn words_are_put_into_the_question() {
    let (_, now) = fresh();
    let words = Words {
        owed: -3,
        curbed: Some(9),
        paused_until: Some(later(now, 70)),
        slowed: true,
        spread: Some((ms(4), later(now, 50))),
    };
    let mut ask = asked(5, 2);

    words.say(&mut ask, now);

    let said = Ask {
        owed: -3,
        curbed: Some(9),
        pause: Some(ms(70)),
        slowed: true,
        spread: Some((ms(4), ms(50))),
        ..asked(5, 2)
    };
    assert_eq!(ask, said);
    words.say(&mut ask, later(now, 70));
    assert_eq!(ask.pause, None, "it is over");
}

#[test]
fn later_words_are_added_to_those_that_were_not_heard() {
    let (_, now) = fresh();
    let none = Words::default();
    let one = Words {
        owed: 2,
        curbed: Some(9),
        paused_until: Some(later(now, 70)),
        slowed: false,
        spread: Some((ms(4), later(now, 50))),
    };
    let other = Words {
        owed: 3,
        curbed: Some(4),
        paused_until: Some(later(now, 60)),
        slowed: true,
        spread: Some((ms(5), later(now, 40))),
    };

    assert_eq!((none.with_later(one), one.with_later(none)), (one, one));
    let both = Words { owed: 5, curbed: Some(4), paused_until: one.paused_until, slowed: true, spread: other.spread };
    assert_eq!(one.with_later(other), both);
    assert_eq!(other.with_later(one), Words { spread: one.spread, ..both });
    assert_eq!(Words { owed: i64::MAX, ..none }.with_later(one).owed, i64::MAX);
}

#[tokio::test(start_paused = true)]
async fn an_answer_brings_permits_and_news() {
    let (pool, now) = fresh();
    let lease =
        Lease { granted: 5, version: 7, pause: ms(30), slowdowns: 3, spread: (ms(4), ms(50)), ..Lease::default() };
    pool.down.store(true, Relaxed);

    pool.settle(Ok(lease), asked(5, 1), now, TERMS, Words::default());

    assert_eq!(pool.take(now, 5, TERMS), Some(0));
    assert_eq!(pool.seen.load(Relaxed), 7);
    assert!(!pool.is_down() && pool.has_news.load(Relaxed));
    let news = *pool.news();
    assert_eq!((news.answers, news.failures, news.slowdowns, news.is_slower), (1, 0, Some(3), false));
    assert_eq!(news.paused_until, Some(later(now, 30)));
    assert_eq!(news.spread, Some((ms(4), later(now, 50))));
    assert!(pool.may_ask(now));

    pool.settle(
        Ok(Lease { granted: 9, version: 6, slowdowns: 4, ..Lease::default() }),
        asked(2, 1),
        now,
        TERMS,
        Words::default(),
    );

    let news = *pool.news();
    assert_eq!((news.answers, news.slowdowns, news.is_slower), (2, Some(4), true));
    assert_eq!((news.paused_until, news.spread), (Some(later(now, 30)), Some((ms(4), later(now, 50)))));
    assert_eq!(pool.seen.load(Relaxed), 7, "the highest");
    assert_eq!(pool.take(now, 2, TERMS), Some(0), "not more than it wanted");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_grants_less_is_asked_again_later() {
    // leases of 250 ms, so that the least wait is 31.25 ms
    let gap = Duration::from_micros(31_250);
    for (granted, wait, again, dry) in [
        (0, ms(100), ms(100), ms(100)),
        (0, ms(1), gap, ms(1)),
        (0, ms(900), ms(250), ms(900)),
        (3, ms(100), gap, Duration::ZERO),
    ] {
        let (pool, now) = fresh();

        pool.settle(Ok(Lease { granted, wait, ..Lease::default() }), asked(5, 2), now, TERMS, Words::default());

        assert!(!pool.may_ask(Units(now.after(again).0 - 1)) && pool.may_ask(now.after(again)), "{granted}, {wait:?}");
        let dry_until = if dry.is_zero() { Units(0) } else { now.after(dry) };
        assert_eq!((pool.dry_least.load(Relaxed), pool.dry_until.load(Relaxed)), (2, dry_until.0));
        assert_eq!(pool.take(now, 1, TERMS).is_some(), granted > 0);

        pool.settle(Ok(Lease { granted: 5, ..Lease::default() }), asked(5, 2), now, TERMS, Words::default());

        assert!(pool.may_ask(now));
        assert_eq!(pool.dry_until.load(Relaxed), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn words_that_the_store_has_not_heard_are_kept_but_for_what_was_to_be_given_back() {
    let (pool, now) = fresh();
    let error = || Err(StoreError::new("no answer"));

    pool.settle(error(), asked(0, 0), now, TERMS, Words { owed: -3, ..Words::default() });

    assert!(pool.is_down() && pool.has_news.load(Relaxed) && !pool.has_words.load(Relaxed));
    assert_eq!(pool.failure(), Some(StoreError::new("no answer")));
    assert!(!pool.may_ask(Units(now.after(AGAIN).0 - 1)) && pool.may_ask(now.after(AGAIN)));

    pool.settle(error(), asked(0, 0), now, TERMS, Words { owed: 3, slowed: true, ..Words::default() });

    assert_eq!(pool.news().failures, 2);
    assert!(pool.has_words.load(Relaxed));
    assert_eq!(pool.take_words(), Words { owed: 3, slowed: true, ..Words::default() });
    assert!(!pool.has_words.load(Relaxed));
    assert_eq!(pool.take_words(), Words::default(), "they are said once");

    pool.settle(Ok(Lease::default()), asked(0, 0), now, TERMS, Words::default());
    assert_eq!(pool.failure(), None);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_reset_knows_nothing() {
    let (pool, now) = fresh();
    pool.settle(
        Ok(Lease { granted: 5, version: 7, slowdowns: 3, ..Lease::default() }),
        asked(9, 1),
        now,
        TERMS,
        Words::default(),
    );
    pool.settle(Err(StoreError::new("no answer")), asked(0, 0), now, TERMS, Words { slowed: true, ..Words::default() });
    pool.last_ask.store(now.0, Relaxed);
    pool.said_down.store(true, Relaxed);

    pool.reset();

    assert_eq!(pool.take(now, 1, TERMS), None);
    assert!(pool.may_ask(now) && !pool.is_down() && !pool.said_down.load(Relaxed));
    assert!(!pool.has_news.load(Relaxed) && !pool.has_words.load(Relaxed));
    assert_eq!(pool.take_words(), Words::default());
    let news = *pool.news();
    assert_eq!((news.answers, news.failures, news.slowdowns, news.is_slower), (0, 0, None, false));
    assert_eq!([&pool.seen, &pool.last_ask, &pool.dry_until].map(|word| word.load(Relaxed)), [0; 3]);
}

/// A store that keeps the questions, and gives this answer to each, or none at all.
struct Recorder {
    asks: Mutex<Vec<(String, Ask)>>,
    answer: Mutex<Option<Lease>>,
}

impl Recorder {
    fn with(answer: Option<Lease>) -> &'static Self {
        Box::leak(Box::new(Self { asks: Mutex::default(), answer: Mutex::new(answer) }))
    }

    /// The questions since the last time, once all are asked.
    async fn asks(&self) -> Vec<Ask> {
        tokio::task::yield_now().await;
        std::mem::take(&mut *self.asks.lock().unwrap()).into_iter().map(|(_, ask)| ask).collect()
    }
}

impl shared::Store for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn timeout(&self) -> Duration {
        ms(20)
    }

    fn machines(&self) -> u32 {
        1
    }

    fn lease<'a>(&'a self, limit: &'a str, ask: Ask) -> shared::Leasing<'a> {
        self.asks.lock().unwrap().push((limit.to_owned(), ask));
        let answer = *self.answer.lock().unwrap();
        Box::pin(async move {
            match answer {
                Some(lease) => Ok(lease),
                None => std::future::pending().await,
            }
        })
    }
}

/// A recorder that takes five milliseconds for each answer.
struct Slow(&'static Recorder);

impl shared::Store for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn timeout(&self) -> Duration {
        self.0.timeout()
    }

    fn machines(&self) -> u32 {
        self.0.machines()
    }

    fn lease<'a>(&'a self, limit: &'a str, ask: Ask) -> shared::Leasing<'a> {
        let answer = self.0.lease(limit, ask);
        Box::pin(async move {
            sleep(ms(5)).await;
            answer.await
        })
    }
}

/// A limit of 1,000 a second that goes through the recorder, and the present.
fn recorded(store: &'static Recorder) -> (RateLimit, Units) {
    let limit = RateLimit::named("recorded").rate(1_000, SECOND).shared_through(store);
    limit.link_pool();
    (limit, units(clock::now()))
}

impl RateLimit {
    fn ask_shared(&self, now: Units, calls: u32) -> Result<(), Blocked> {
        self.admit_shared(self.shared.as_ref().unwrap(), now, calls)
    }
}

#[tokio::test(start_paused = true)]
async fn permits_are_asked_for_before_they_are_used_up_or_run_out() {
    for (size, left, is_old, asks) in [
        (8, 2, false, false),
        (8, 1, false, true),
        (8, 7, true, true),
        (8, 7, false, false),
        (4, 0, false, true),
        (4, 3, true, true),
        (3, 0, true, false),
    ] {
        let store = Recorder::with(Some(Lease::default()));
        let (limit, now) = recorded(store);
        let pool = limit.link_pool();
        pool.size.store(size, Relaxed);
        pool.last_ask.store(if is_old { now.before(ms(200)).0 } else { now.0 }, Relaxed);
        pool.batches[0].store(Batch::new(left + 1, pool.millis(now) + 100).0, Relaxed);

        assert_eq!(limit.ask_shared(now, 1), Ok(()));

        let leasts: Vec<u32> = store.asks().await.iter().map(|ask| ask.least).collect();
        assert_eq!(leasts, if asks { vec![1] } else { vec![] }, "{left} of {size} left, old: {is_old}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_the_answer_or_until_there_may_be_another() {
    let (limit, now) = recorded(Recorder::with(Some(Lease::default())));
    let pool = limit.link_pool();
    let patience = limit.shared.as_ref().unwrap().patience(limit.meter.pace());
    let blocked = |slot| Blocked {
        slot,
        outweighed: None,
        paused: None,
        interval: limit.meter.pace().interval,
        is_plain: true,
        asks: false,
    };
    pool.dry_least.store(2, Relaxed);
    pool.dry_until.store(later(now, 500).0, Relaxed);

    pool.hold_off(later(now, 50));
    assert_eq!(limit.ask_shared(now, 1), Err(blocked(later(now, 50))));
    assert_eq!(limit.ask_shared(now, 2), Err(blocked(later(now, 500))));
    assert_eq!(limit.ask_shared(now, 3), Err(blocked(later(now, 500))));
    pool.hold_off(Units(now.0 + 1));
    assert_eq!(limit.ask_shared(now, 1), Err(blocked(later(now, 1))), "timers tick in milliseconds");

    pool.asking.store(true, Relaxed);
    let asked = Blocked { asks: true, ..blocked(now.after(patience)) };
    assert_eq!(limit.ask_shared(now, 2), Err(asked), "one is under way, which is on words alone");
    assert_eq!(patience, ms(23));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_asks_nobody_waits_no_longer_than_it_may() {
    let store = Recorder::with(Some(Lease::default()));
    let limit = RateLimit::named("recorded").rate(1_000, SECOND).max_wait(ms(5)).shared_through(store);
    let now = units(clock::now());
    limit.link_pool().hold_off(later(now, 10));

    let refused = limit.acquire().await.unwrap_err();

    assert_eq!((refused.retry_after(), units(clock::now())), (Some(ms(10)), now));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_weighs_more_than_can_be_had_at_once_is_told_so_and_one_that_is_paused_when_it_ends() {
    let store = Recorder::with(Some(Lease::default()));
    let (limit, now) = recorded(store);
    let most = Terms::of(limit.meter.pace()).at_once();

    let blocked = limit.ask_shared(now, most + 1).unwrap_err();
    assert_eq!((blocked.slot, blocked.outweighed), (Units::NEVER, Some(most)));
    assert_eq!(store.asks().await, []);
    assert!(limit.ask_shared(now, most).unwrap_err().asks);
    assert_eq!(store.asks().await.len(), 1);

    limit.pause_until(later(now, 70), now);
    let blocked = limit.ask_shared(now, most).unwrap_err();
    assert_eq!((blocked.outweighed, blocked.paused), (None, Some(later(now, 70))));
    limit.link_pool().hold_off(Units(0));
    limit.ask_shared(Units(later(now, 70).0 - 1), 1).unwrap_err();
    assert_eq!(store.asks().await, [], "there is nothing to say");
    assert!(limit.ask_shared(later(now, 70), 1).unwrap_err().asks);
}

#[tokio::test(start_paused = true)]
async fn a_pause_passes_on_the_words_that_wait() {
    let store = Recorder::with(Some(Lease::default()));
    let (limit, now) = recorded(store);
    let pool = limit.link_pool();
    pool.last_ask.store(now.0, Relaxed);
    limit.pause_until(later(now, 70), now);
    assert!(limit.owe(now, 3));
    assert_eq!(store.asks().await, [], "it is said with the next question");

    pool.hold_off(later(now, 10));
    limit.ask_shared(now, 1).unwrap_err();
    assert_eq!(store.asks().await, []);
    limit.ask_shared(later(now, 10), 1).unwrap_err();

    let asks = store.asks().await;
    assert_eq!(asks.iter().map(|ask| (ask.owed, ask.wanted, ask.least)).collect::<Vec<_>>(), [(3, 0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn words_that_come_while_the_store_is_asked_are_said_after_the_answer_and_ask_for_no_permits() {
    let store = Recorder::with(Some(Lease { granted: 3, ..Lease::default() }));
    let limit = RateLimit::named("recorded").rate(1_000, SECOND).shared_through(Box::leak(Box::new(Slow(store))));
    limit.link_pool();
    limit.ask_shared(units(clock::now()), 3).unwrap_err();
    sleep(ms(1)).await;

    assert!(limit.owe(units(clock::now()), 7));
    sleep(ms(20)).await;

    let asks = store.asks().await;
    let asked: Vec<_> = asks.iter().map(|ask| (ask.owed, ask.wanted, ask.least)).collect();
    assert_eq!(asked, [(0, 3, 3), (7, 0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_nobody_used_for_an_hour_is_one_that_the_store_may_have_forgotten() {
    for (more, seen) in [(0, 7), (1, 0)] {
        let store = Recorder::with(Some(Lease::default()));
        let (limit, now) = recorded(store);
        let pool = limit.link_pool();
        pool.seen.store(7, Relaxed);
        pool.last_ask.store(now.before(FORGOTTEN).0 - more, Relaxed);

        limit.ask_shared(now, 1).unwrap_err();

        assert_eq!(store.asks().await.iter().map(|ask| ask.seen).collect::<Vec<_>>(), [seen]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_says_the_terms_and_whom_it_is_for() {
    let store = Recorder::with(Some(Lease::default()));
    let limit = RateLimit::named("asks").rate(1_000, SECOND).max_pause(ms(900)).shared_through(store);
    limit.link_pool();

    limit.ask_shared(units(clock::now()), 3).unwrap_err();
    tokio::task::yield_now().await;

    let asks = std::mem::take(&mut *store.asks.lock().unwrap());
    // 999 intervals, of which a quarter is for leases
    let ask = Ask { least: 3, debt: ms(900), ..Ask::new(3, ms(1), ms(749) + Duration::from_micros(250)) };
    assert_eq!(asks, [("asks".to_owned(), ask)]);
}

#[tokio::test(start_paused = true)]
async fn a_store_is_down_that_gives_no_answer_in_its_time() {
    let (limit, now) = recorded(Recorder::with(None));
    let pool = limit.link_pool();

    limit.ask_shared(now, 1).unwrap_err();
    sleep(ms(20)).await;
    assert!(!pool.is_down() && pool.asking.load(Relaxed));
    sleep(ms(2)).await;

    assert!(pool.is_down() && !pool.asking.load(Relaxed));
    assert_eq!(pool.failure(), Some(StoreError::new("no answer in time")));
}

#[test]
fn no_answer_is_waited_for_longer_than_half_a_lease() {
    let (limit, _) = recorded(Recorder::with(None));
    let link = limit.shared.as_ref().unwrap();

    assert_eq!(link.timeout(TERMS), ms(20));
    assert_eq!(link.timeout(Terms { lease: Units(30 * MILLI), ..TERMS }), ms(15));
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_is_said_in_the_second_half_of_a_lease() {
    // leases of 249.75 ms
    for (asked_before, is_held_off, is_said) in
        [(0, false, false), (124, false, false), (125, false, true), (125, true, false)]
    {
        let store = Recorder::with(Some(Lease::default()));
        let (limit, now) = recorded(store);
        let pool = limit.link_pool();
        pool.last_ask.store(now.before(ms(asked_before)).0, Relaxed);
        pool.hold_off(if is_held_off { later(now, 1) } else { now });

        assert!(limit.owe(now, -3));

        let said: Vec<i64> = store.asks().await.iter().map(|ask| ask.owed).collect();
        assert_eq!(said, if is_said { vec![-3] } else { vec![] }, "{asked_before} ms, {is_held_off}");
    }
}

#[tokio::test(start_paused = true)]
async fn quotas_are_passed_on_and_what_was_leased_before_a_curb_is_given_up() {
    let store = Recorder::with(Some(Lease::default()));
    let (limit, now) = recorded(store);
    let pool = limit.link_pool();
    pool.last_ask.store(now.0, Relaxed);
    pool.add(5, now, TERMS);

    limit.tell_spread(Some(Units(4 * MILLI)), later(now, 50), now);
    assert_eq!(store.asks().await.iter().map(|ask| ask.spread).collect::<Vec<_>>(), [Some((ms(4), ms(50)))]);
    assert_eq!(pool.take(now, 1, TERMS), Some(4), "they may be used");

    limit.tell_spread(None, now, now);
    assert_eq!(store.asks().await, [], "the end of it is no haste");
    limit.tell_curbed(now, 9);
    limit.tell_curbed(now, 7);
    limit.tell_curbed(now, 8);

    let asks = store.asks().await;
    assert_eq!(asks.iter().map(|ask| ask.curbed).collect::<Vec<_>>(), [Some(7)]);
    assert_eq!(asks[0].spread, Some((Duration::ZERO, Duration::ZERO)));
    assert_eq!(pool.take(now, 1, TERMS), None);
}

#[tokio::test(start_paused = true)]
async fn a_spread_quota_is_followed_while_it_lasts_and_if_it_is_slower() {
    for (interval, until, is_followed) in [(4, 51, true), (4, 1, false), (4, 0, false), (1, 51, false), (2, 2, true)] {
        let (limit, begin) = recorded(Recorder::with(None));
        let pool = limit.link_pool();
        let (now, until) = (later(begin, 1), later(begin, until));
        pool.news().spread = Some((ms(interval), until));

        limit.hear(pool, now);

        assert_eq!(limit.meter.pressure.is_spread(|| now), is_followed, "{interval} ms");
        assert!(pool.news().spread.is_none(), "it is heard once");
    }
}

/// A store that has lost its memory counts from zero again.
#[tokio::test(start_paused = true)]
async fn each_slowdown_of_another_machine_is_followed_also_by_a_store_that_counts_anew() {
    let (limit, _) = recorded(Recorder::with(None));
    let pool = limit.link_pool();

    for (slowdowns, followed) in [(3, 0), (3, 0), (4, 1), (4, 1), (0, 1), (1, 2), (1, 2), (2, 3)] {
        sleep(SECOND).await;
        let now = units(clock::now());
        pool.settle(Ok(Lease { slowdowns, ..Lease::default() }), asked(0, 0), now, TERMS, Words::default());
        limit.hear(pool, now);

        assert_eq!(limit.counts().slowed, followed, "{slowdowns}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_permits_leaves_those_that_are_held() {
    let (pool, now) = fresh();
    pool.add(2, now, TERMS);
    pool.add(3, now, TERMS);

    pool.settle(Ok(Lease::default()), asked(5, 1), now, TERMS, Words::default());

    assert_eq!(pool.usable(pool.millis(now), 250), 5);
}
