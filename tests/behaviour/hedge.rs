//! `#[hedge]`: each argument's effect. The tests beside the hedge cover the hedge itself.

use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use resilient::{Bulkhead, Hedge, Mode, PerKey, Reason, bulkhead, circuit_breaker, fallback, hedge, retry, timeout};
use resilient_tests::{Alive, Error, Script, Stopwatch, assert_send, ms};
use tokio::time::sleep;

/// Replicas, each of which answers the next attempt after its own delay.
struct Replicas {
    times: Mutex<Vec<u64>>,
    alive: AtomicU32,
    watch: Stopwatch,
    starts: Mutex<Vec<u128>>,
}

impl Replicas {
    fn of(times: &[u64]) -> Self {
        Self {
            times: Mutex::new(times.iter().rev().copied().collect()),
            alive: AtomicU32::new(0),
            watch: Stopwatch::start(),
            starts: Mutex::default(),
        }
    }

    async fn answer(&self) -> u64 {
        let _alive = Alive::new(&self.alive);
        self.starts.lock().unwrap().push(self.watch.elapsed());
        let time = self.times.lock().unwrap().pop().expect("no more attempts than times");
        sleep(ms(time)).await;
        time
    }

    fn starts(&self) -> Vec<u128> {
        self.starts.lock().unwrap().clone()
    }
}

const SLOW: u64 = 1_000_000;

#[tokio::test(start_paused = true)]
async fn the_first_success_wins_and_the_loser_is_gone() {
    #[hedge(idempotent, after = "50ms", ratio = "100%")]
    async fn read(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }
    let replicas = Replicas::of(&[SLOW, 10]);

    assert_eq!(read(&replicas).await, Ok(10));

    assert_eq!(replicas.starts(), [0, 50]);
    assert_eq!((replicas.watch.elapsed(), replicas.alive.load(Ordering::SeqCst)), (60, 0));
}

#[tokio::test(start_paused = true)]
async fn bare_learns_the_95th_percentile_and_spends_a_twentieth() {
    #[hedge(idempotent)]
    async fn read(number: u64, attempts: &AtomicU32) -> Result<u64, Error> {
        // one of ten calls is slow, and so is its second attempt
        attempts.fetch_add(1, Ordering::SeqCst);
        sleep(ms(if number.is_multiple_of(10) { 500 } else { 10 + number % 7 })).await;
        Ok(number)
    }
    let attempts = AtomicU32::new(0);

    for number in 0..1_000 {
        read(number, &attempts).await.unwrap();
    }

    let extra = attempts.load(Ordering::SeqCst) - 1_000;
    assert!((30..=50).contains(&extra), "{extra}");
}

#[tokio::test(start_paused = true)]
async fn after_takes_a_percentile_a_duration_or_a_constant() {
    const DELAY: std::time::Duration = ms(30);
    #[hedge(idempotent, after = DELAY, ratio = 1.0)]
    async fn constant(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }
    #[hedge(idempotent, after = "p50", ratio = "100%")]
    async fn median(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }
    let replicas = Replicas::of(&[SLOW, 10]);
    constant(&replicas).await.unwrap();
    assert_eq!(replicas.starts(), [0, 30]);

    let times: Vec<u64> = (0..100).map(|n| 10 + 30 * (n % 2)).collect();
    for &time in &times[..20] {
        median(&Replicas::of(&[time])).await.unwrap();
    }
    let replicas = Replicas::of(&[SLOW, 10]);
    median(&replicas).await.unwrap();
    let delay = replicas.starts()[1];
    assert!((5..45).contains(&delay), "{delay}");
}

#[tokio::test(start_paused = true)]
async fn min_after_and_max_after_bound_the_percentile() {
    #[hedge(idempotent, ratio = "100%", min_after = "70ms")]
    async fn at_least(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }
    #[hedge(idempotent, ratio = "100%", max_after = "300us")]
    async fn at_most(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }
    for _ in 0..20 {
        at_least(&Replicas::of(&[10])).await.unwrap();
        at_most(&Replicas::of(&[10])).await.unwrap();
    }
    let replicas = [Replicas::of(&[SLOW, 10]), Replicas::of(&[SLOW, 10])];

    at_least(&replicas[0]).await.unwrap();
    let slow = replicas[0].watch.elapsed();
    at_most(&replicas[1]).await.unwrap();

    assert_eq!(replicas[0].starts(), [0, 70]);
    // the timer fires at the next millisecond
    assert_eq!(replicas[1].starts(), [slow, slow + 1]);
}

#[tokio::test(start_paused = true)]
async fn max_allows_several() {
    #[hedge(idempotent, after = "50ms", max = 3, ratio = "100%")]
    async fn read(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }
    for _ in 0..3 {
        read(&Replicas::of(&[1])).await.unwrap();
    }
    let replicas = Replicas::of(&[SLOW, SLOW, SLOW, 10]);

    assert_eq!(read(&replicas).await, Ok(10));

    assert_eq!(replicas.starts(), [0, 50, 100, 150]);
}

#[tokio::test(start_paused = true)]
async fn budget_limits_the_share_of_calls() {
    static HALF: Hedge = Hedge::named("half").after(ms(5)).ratio(0.5);
    #[hedge(idempotent, with = HALF)]
    async fn read() -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }

    for _ in 0..100 {
        read().await.unwrap();
    }

    let counts = HALF.counts();
    assert_eq!((counts.sent, counts.won, counts.suppressed), (50, 0, 50));
}

#[tokio::test(start_paused = true)]
async fn mode_observe_only_counts_and_off_does_nothing() {
    #[hedge(idempotent, after = "1ms", ratio = "100%", mode = "observe")]
    async fn observed(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }
    #[hedge(idempotent, after = "1ms", ratio = "100%", mode = "off")]
    async fn off(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }

    assert_eq!(observed(&Replicas::of(&[100])).await, Ok(100));
    assert_eq!(off(&Replicas::of(&[100])).await, Ok(100));
}

#[tokio::test(start_paused = true)]
async fn when_decides_what_starts_another() {
    #[hedge(idempotent, after = "1s", ratio = "100%", when = |error| *error == Error::Gone)]
    async fn unusual(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(script.attempts())
    }

    assert_eq!(unusual(&Script::of([Error::Gone])).await, Ok(2));
    let down = Script::failing(9);
    assert_eq!((unusual(&down).await, down.attempts()), (Err(Error::Down), 1));
}

#[tokio::test(start_paused = true)]
async fn clone_gives_each_attempt_its_own() {
    #[hedge(idempotent, after = "1s", ratio = "100%", clone(words))]
    async fn join(script: &Script, mut words: Vec<String>) -> Result<Vec<String>, Error> {
        words.push("more".to_owned());
        script.next()?;
        Ok(words)
    }

    let joined = join(&Script::failing(1), vec!["some".to_owned()]).await;

    assert_eq!(joined.unwrap(), ["some", "more"]);
}

#[tokio::test(start_paused = true)]
async fn functions_of_one_name_share_a_hedge_and_draw_on_its_retries() {
    #[hedge(idempotent, name = "hedge: shared", after = "5ms", ratio = "50%")]
    async fn one(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }
    #[hedge(idempotent, name = "hedge: shared", after = "5ms", ratio = "50%")]
    async fn other(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }
    one(&Replicas::of(&[1])).await.unwrap();
    let replicas = Replicas::of(&[SLOW, 10]);

    assert_eq!(other(&replicas).await, Ok(10), "the first call has paid half");
    assert!(resilient::conflicts().iter().all(|conflict| conflict.name() != "hedge: shared"));
}

#[tokio::test(start_paused = true)]
async fn each_key_has_its_own() {
    static HOSTS: PerKey<Hedge> = PerKey::new(Hedge::named("hosts").after(ms(5)).ratio(1.0));
    #[hedge(idempotent, with = HOSTS.of(host))]
    async fn by_hand(host: &str, time: u64) -> Result<u64, Error> {
        sleep(ms(time)).await;
        Ok(time)
    }
    #[hedge(idempotent, after = "5ms", ratio = "50%", key = host)]
    async fn keyed(host: &str, replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }

    by_hand("a.example", 10).await.unwrap();
    assert_eq!((HOSTS.of("a.example").counts().sent, HOSTS.of("b.example").counts().sent), (1, 0));

    keyed("a.example", &Replicas::of(&[1])).await.unwrap();
    let other = Replicas::of(&[100]);
    keyed("b.example", &other).await.unwrap();
    assert_eq!(other.starts(), [0], "what a paid in is not for b");
    let same = Replicas::of(&[SLOW, 10]);
    assert_eq!(keyed("a.example", &same).await, Ok(10));
}

#[tokio::test(start_paused = true)]
async fn none_starts_while_the_bulkhead_below_is_busy() {
    static HEDGE: Hedge = Hedge::named("gated").after(ms(5)).ratio(1.0);
    static PLACES: Bulkhead = Bulkhead::named("gated").limit(4);
    #[hedge(idempotent, with = HEDGE)]
    #[circuit_breaker]
    #[bulkhead(with = PLACES)]
    async fn plain() -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }
    #[hedge(idempotent, with = HEDGE)]
    #[bulkhead(limit = 4, key = host, weight = 3)]
    async fn heavy(host: &str) -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }

    plain().await.unwrap();
    assert_eq!((HEDGE.counts().sent, HEDGE.counts().suppressed), (1, 0));

    let _others = [PLACES.try_acquire().unwrap(), PLACES.try_acquire().unwrap()];
    plain().await.unwrap();
    assert_eq!((HEDGE.counts().sent, HEDGE.counts().suppressed), (1, 1));

    heavy("a.example").await.unwrap();
    assert_eq!((HEDGE.counts().sent, HEDGE.counts().suppressed), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_time_out_and_the_call_has_one() {
    #[timeout(total = "200ms", attempt = "80ms")]
    #[hedge(idempotent, after = "50ms", max = 9, ratio = "100%")]
    async fn read(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }
    for _ in 0..9 {
        read(&Replicas::of(&[1])).await.unwrap();
    }
    let replicas = Replicas::of(&[SLOW; 10]);

    assert_eq!(read(&replicas).await.unwrap_err().reason(), Reason::TimedOut { limit: ms(200) });

    assert_eq!(replicas.watch.elapsed(), 200);
    assert_eq!(replicas.alive.load(Ordering::SeqCst), 0);
    let starts = replicas.starts();
    // each time-out starts the next attempt at once, beside the attempts that the delay starts
    assert!(starts.len() <= 10 && starts.iter().all(|&at| at < 200), "{starts:?}");
    assert_eq!(starts[..3], [0, 50, 80]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_above_tries_all_of_it_again() {
    #[retry(max = 1, backoff = "none", number = number)]
    #[hedge(idempotent, after = "1s", ratio = "100%")]
    async fn read(script: &Script, numbers: &Mutex<Vec<u32>>) -> Result<u32, Error> {
        numbers.lock().unwrap().push(number);
        script.next()?;
        Ok(script.attempts())
    }
    let numbers = Mutex::default();

    assert_eq!(read(&Script::failing(3), &numbers).await, Ok(4));

    assert_eq!(*numbers.lock().unwrap(), [0, 0, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_above_answers_when_all_have_failed() {
    #[fallback(value = 7)]
    #[hedge(idempotent, after = "1s", ratio = "100%")]
    async fn read(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(script.attempts())
    }
    let script = Script::failing(2);

    assert_eq!((read(&script).await, script.attempts()), (Ok(7), 2));
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_below_ends_the_call() {
    #[hedge(idempotent, after = "1s", ratio = "100%", max = 5)]
    #[circuit_breaker(consecutive = 2)]
    async fn read(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(script.attempts())
    }
    let script = Script::failing(9);
    for _ in 0..3 {
        let _ = read(&script).await;
    }

    let before = script.attempts();
    assert!(matches!(read(&script).await, Err(Error::Refused(_))));

    assert_eq!((script.attempts(), before), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn losers_give_their_places_back() {
    static PLACES: Bulkhead = Bulkhead::named("places").limit(64);
    #[hedge(idempotent, after = "5ms", ratio = "100%")]
    #[bulkhead(with = PLACES)]
    async fn read(replicas: &Replicas) -> Result<u64, Error> {
        Ok(replicas.answer().await)
    }

    assert_eq!(read(&Replicas::of(&[SLOW, 10])).await, Ok(10));
    assert_eq!(PLACES.counts().in_use, 0);

    for until in [0, 4, 5, 6, 9] {
        let replicas = Replicas::of(&[SLOW, SLOW]);
        assert!(tokio::time::timeout(ms(until), pin!(read(&replicas))).await.is_err());
    }
    assert_eq!(PLACES.counts().in_use, 0);
}

#[test]
fn can_be_switched_at_run_time() {
    static HEDGE: Hedge = Hedge::named("switched");

    HEDGE.set_mode(Mode::Off);

    assert_eq!(HEDGE.current_mode(), Mode::Off);
}

mod told_to_stop {
    //! A server that asks for no further attempt does not end an attempt under way.

    use resilient::{Class, Classify, hedge};
    use resilient_tests::ms;
    use tokio::time::sleep;

    use super::Replicas;

    /// An error that asks for no further attempt, as gRPC's negative pushback does.
    #[derive(Debug, Clone, PartialEq)]
    struct Stop;

    impl Classify for Stop {
        fn class(&self) -> Class {
            Class::Permanent
        }

        fn forbids_attempts(&self) -> bool {
            true
        }
    }

    #[derive(Debug, Clone, PartialEq, Classify)]
    enum Failure {
        #[transparent]
        Stop(Stop),
        #[permanent]
        Gone,
    }

    /// Fails in the attempt that takes `fails` milliseconds, and answers in the others.
    #[hedge(idempotent, after = "50ms", max = 2, ratio = "100%")]
    async fn read(replicas: &Replicas, fails: u64, failure: &Failure) -> Result<u64, Failure> {
        let time = replicas.answer().await;
        if time == fails { Err(failure.clone()) } else { Ok(time) }
    }

    #[tokio::test(start_paused = true)]
    async fn the_other_attempt_goes_on_and_no_third_begins() {
        let replicas = Replicas::of(&[300, 20, 10]);

        assert_eq!(read(&replicas, 20, &Failure::Stop(Stop)).await, Ok(300));
        assert_eq!(replicas.starts(), [0, 50]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_attempt_may_be_the_one() {
        let replicas = Replicas::of(&[70, 300, 10]);

        assert_eq!(read(&replicas, 70, &Failure::Stop(Stop)).await, Ok(300));
        assert_eq!(replicas.starts(), [0, 50]);
    }

    #[tokio::test(start_paused = true)]
    async fn alone_it_ends_the_call() {
        let replicas = Replicas::of(&[10, 20]);

        assert_eq!(read(&replicas, 10, &Failure::Stop(Stop)).await, Err(Failure::Stop(Stop)));
        sleep(ms(100)).await;
        assert_eq!(replicas.starts(), [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn any_other_permanent_failure_ends_the_call() {
        let replicas = Replicas::of(&[300, 20, 10]);

        assert_eq!(read(&replicas, 20, &Failure::Gone).await, Err(Failure::Gone));
        assert_eq!(replicas.starts(), [0, 50]);
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_number_and_can_go_to_another_server() {
    #[hedge(idempotent, after = "10ms", max = 2, ratio = "100%", number = n)]
    async fn ask(servers: &[u64], asked: &Mutex<Vec<u32>>) -> Result<usize, Error> {
        asked.lock().unwrap().push(n);
        sleep(ms(servers[n as usize])).await;
        // the number is that of this attempt, however many have been started since
        asked.lock().unwrap().push(n);
        Ok(n as usize)
    }
    let asked = Mutex::default();

    assert_eq!(ask(&[1, 0, 0], &asked).await, Ok(0));
    assert_eq!(*asked.lock().unwrap(), [0, 0]);

    asked.lock().unwrap().clear();
    assert_eq!(ask(&[90, 90, 1], &asked).await, Ok(2));
    assert_eq!(*asked.lock().unwrap(), [0, 1, 2, 2]);

    asked.lock().unwrap().clear();
    assert_eq!(ask(&[30, 15, 90], &asked).await, Ok(1));
    // the budget has paid for both attempts of the call before, and has enough for one
    assert_eq!(*asked.lock().unwrap(), [0, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn the_numbers_of_retries_and_of_their_hedges_stand_side_by_side() {
    #[retry(max = 1, backoff = "none", number = retried)]
    #[hedge(idempotent, after = "10ms", ratio = "100%", number = hedged, clone(word))]
    #[timeout(attempt = "1s")]
    #[circuit_breaker]
    async fn ask(script: &Script, mut word: String) -> Result<String, Error> {
        sleep(ms(if hedged == 0 { 900 } else { 1 })).await;
        script.next()?;
        word.extend([retried, hedged].map(|number| number.to_string()));
        Ok(word)
    }

    assert_eq!(ask(&Script::fine(), "at ".to_owned()).await.unwrap(), "at 01");
    // the second attempt fails while the first goes on to its end
    assert_eq!(ask(&Script::failing(2), "at ".to_owned()).await.unwrap(), "at 11");
}

#[tokio::test(start_paused = true)]
async fn a_number_is_there_with_when_and_with_methods() {
    struct Client {
        servers: Vec<&'static str>,
    }
    impl Client {
        #[hedge(idempotent, after = "10ms", ratio = "100%", number = n, when = |error: &Error| *error == Error::Gone)]
        async fn ask(&self, word: &str) -> Result<String, Error> {
            let server = self.servers[n as usize];
            if server == "down" { Err(Error::Gone) } else { Ok(format!("{word} of {server}")) }
        }
    }
    let client = Client { servers: vec!["down", "up"] };

    assert_eq!(assert_send(client.ask("tide")).await.unwrap(), "tide of up");
}
