//! `#[fallback]`.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use resilient::{Class, Event, FallbackSource, fallback, retry, timeout};
use resilient_tests::{Error, Script, assert_send, ms};
use tokio::time::{advance, sleep};

#[tokio::test(start_paused = true)]
async fn a_value_takes_the_place_of_a_failure_and_not_of_a_success() {
    #[fallback(value = vec![0])]
    async fn search(script: &Script) -> Result<Vec<u32>, Error> {
        script.next()?;
        Ok(vec![script.attempts()])
    }

    assert_eq!(search(&Script::fine()).await, Ok(vec![1]));
    assert_eq!(search(&Script::failing(1)).await, Ok(vec![0]));
    assert_eq!(search(&Script::of([Error::Busy { after: None }])).await, Ok(vec![0]));
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_is_not_hidden() {
    #[fallback(value = 0)]
    async fn search(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(1)
    }

    assert_eq!(search(&Script::of([Error::Gone])).await, Err(Error::Gone));
}

#[tokio::test(start_paused = true)]
async fn when_decides_what_falls_back() {
    #[fallback(value = 0, when = |error| matches!(error, Error::Gone))]
    async fn search(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(1)
    }

    assert_eq!(search(&Script::of([Error::Gone])).await, Ok(0));
    assert_eq!(search(&Script::of([Error::Down])).await, Err(Error::Down));
}

#[tokio::test(start_paused = true)]
async fn a_value_is_evaluated_only_when_it_is_needed_and_may_read_the_arguments() {
    static EVALUATED: AtomicU32 = AtomicU32::new(0);
    fn default(word: &str) -> usize {
        EVALUATED.fetch_add(1, Ordering::SeqCst);
        word.len()
    }
    #[fallback(value = default(&word))]
    async fn search(script: &Script, word: String) -> Result<usize, Error> {
        script.next()?;
        Ok(word.capacity())
    }

    search(&Script::fine(), "word".to_owned()).await.unwrap();
    assert_eq!(EVALUATED.load(Ordering::SeqCst), 0);
    assert_eq!(search(&Script::failing(1), "word".to_owned()).await, Ok(4));
}

struct Api {
    primary: Script,
    archive: Script,
}

impl Api {
    #[fallback(function = Self::archived)]
    #[timeout(total = "1s")]
    #[retry(max = 1, backoff = "none")]
    async fn search(&self, word: &str, page: u32, options: Vec<u32>) -> Result<String, Error> {
        self.primary.next()?;
        Ok(format!("{word} {page} {options:?}"))
    }

    async fn archived(&self, word: &str, page: &u32, options: &Vec<u32>, error: &Error) -> Result<String, Error> {
        sleep(ms(1)).await;
        self.archive.next()?;
        Ok(format!("archived {word} {page} {options:?} after {error:?}"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_gets_the_arguments_by_reference_and_the_error() {
    let api = Api { primary: Script::failing(2), archive: Script::fine() };

    let found = assert_send(api.search("tide", 2, vec![3])).await;

    assert_eq!(found.unwrap(), "archived tide 2 [3] after Down");
}

#[tokio::test(start_paused = true)]
async fn when_the_function_fails_too_the_first_error_is_returned() {
    let api = Api { primary: Script::failing(2), archive: Script::of([Error::Gone]) };

    assert_eq!(api.search("tide", 2, vec![]).await, Err(Error::Down));
}

#[tokio::test(start_paused = true)]
async fn a_chain_is_tried_in_the_order_in_which_it_is_written() {
    fn never(_: &Script, tried: &AtomicU32, _: &Error) -> Result<u32, Error> {
        tried.fetch_add(1, Ordering::SeqCst);
        Err(Error::Gone)
    }
    async fn neither(_: &Script, tried: &AtomicU32, _: &Error) -> Result<u32, Error> {
        tokio::task::yield_now().await;
        tried.fetch_add(10, Ordering::SeqCst);
        Err(Error::Gone)
    }
    #[fallback(function = [never, neither], stale = "1m", value = 7, shared_across(script, tried))]
    async fn search(script: &Script, tried: &AtomicU32) -> Result<u32, Error> {
        let _ = tried;
        script.next()?;
        Ok(1)
    }
    let tried = AtomicU32::new(0);

    assert_eq!(search(&Script::failing(1), &tried).await, Ok(7), "nothing was kept yet");
    assert_eq!(search(&Script::fine(), &tried).await, Ok(1));
    assert_eq!(search(&Script::failing(1), &tried).await, Ok(1), "the stale answer comes before the value");
    assert_eq!(tried.load(Ordering::SeqCst), 22);
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_that_of_its_key_and_no_older_than_it_may_be() {
    #[fallback(stale = "5m", key = word)]
    async fn search(script: &Script, word: &str) -> Result<String, Error> {
        script.next()?;
        Ok(word.to_uppercase())
    }
    search(&Script::fine(), "tide").await.unwrap();

    assert_eq!(search(&Script::failing(1), "tide").await, Ok("TIDE".to_owned()));
    assert_eq!(search(&Script::failing(1), "moon").await, Err(Error::Down));
    advance(ms(300_001)).await;
    assert_eq!(search(&Script::failing(1), "tide").await, Err(Error::Down));
}

#[tokio::test(start_paused = true)]
async fn each_instance_of_a_generic_function_keeps_its_own() {
    #[fallback(stale = "5m", shared_across(script, text))]
    async fn parse<T: std::str::FromStr + Clone + Send + Sync + 'static>(
        script: &Script,
        text: &str,
    ) -> Result<T, Error> {
        script.next()?;
        text.parse().map_err(|_| Error::Gone)
    }
    parse::<u32>(&Script::fine(), "5").await.unwrap();

    assert_eq!(parse::<u32>(&Script::failing(1), "").await, Ok(5));
    assert_eq!(parse::<String>(&Script::failing(1), "").await, Err(Error::Down));
}

#[tokio::test(start_paused = true)]
async fn a_time_out_falls_back() {
    #[fallback(value = 0)]
    #[timeout("10ms")]
    async fn hangs() -> Result<u32, Error> {
        std::future::pending().await
    }

    assert_eq!(hangs().await, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn it_works_in_a_boxed_trait() {
    #[async_trait::async_trait]
    trait Search {
        async fn search(&self, word: String) -> Result<String, Error>;
    }
    #[async_trait::async_trait]
    impl Search for Api {
        #[fallback(function = archived)]
        async fn search(&self, word: String) -> Result<String, Error> {
            self.primary.next()?;
            Ok(word.clone())
        }
    }
    fn archived(api: &Api, word: &String, _: &Error) -> Result<String, Error> {
        api.archive.next()?;
        Ok(format!("archived {word}"))
    }
    let api = Api { primary: Script::failing(1), archive: Script::fine() };

    assert_eq!(Search::search(&api, "tide".to_owned()).await.unwrap(), "archived tide");
}

#[tokio::test(start_paused = true)]
async fn instances_of_a_generic_function_with_one_type_of_outcome_keep_their_own() {
    static DOWN: AtomicBool = AtomicBool::new(false);
    struct Table<T>(std::marker::PhantomData<T>);
    impl<T: Send> Table<T> {
        // nothing in the signature says that there are several instances
        #[fallback(stale = "5m")]
        async fn name() -> Result<String, Error> {
            if DOWN.load(Ordering::SeqCst) { Err(Error::Down) } else { Ok(std::any::type_name::<T>().to_owned()) }
        }
    }
    Table::<u8>::name().await.unwrap();

    DOWN.store(true, Ordering::SeqCst);

    assert_eq!(Table::<u8>::name().await, Ok("u8".to_owned()));
    assert_eq!(Table::<u16>::name().await, Err(Error::Down));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_began_earlier_and_ends_later_replaces_no_newer_answer() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    #[fallback(stale = "5m")]
    async fn price() -> Result<u32, Error> {
        let call = CALLS.fetch_add(1, Ordering::SeqCst);
        match call {
            0 => sleep(ms(100)).await,
            1 => {}
            _ => return Err(Error::Down),
        }
        Ok(call)
    }
    let late = async {
        sleep(ms(1)).await;
        price().await
    };

    assert_eq!(tokio::join!(price(), late), (Ok(0), Ok(1)));

    assert_eq!(price().await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn keys_are_not_kept() {
    static KEYS: AtomicU32 = AtomicU32::new(0);
    #[derive(Hash, PartialEq, Eq)]
    struct Key(u32);
    impl Key {
        fn new(number: u32) -> Self {
            KEYS.fetch_add(1, Ordering::SeqCst);
            Self(number)
        }
    }
    impl Clone for Key {
        fn clone(&self) -> Self {
            Self::new(self.0)
        }
    }
    impl Drop for Key {
        fn drop(&mut self) {
            KEYS.fetch_sub(1, Ordering::SeqCst);
        }
    }
    #[fallback(stale = "5m", key = Key::new(7))]
    async fn hot() -> Result<u32, Error> {
        Ok(1)
    }

    for _ in 0..3_000 {
        hot().await.unwrap();
    }

    assert_eq!(KEYS.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn it_is_said_what_the_answer_was_and_only_if_there_was_one() {
    fn archived(script: &Script, _: &Error) -> Result<u32, Error> {
        script.next()?;
        Ok(2)
    }
    #[fallback(stale = "5m", shared_across(script), function = archived)]
    async fn price(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(1)
    }
    #[fallback(value = 3)]
    async fn amount(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(1)
    }
    let log = resilient::test::record();

    assert_eq!(price(&Script::failing(2)).await, Err(Error::Down));
    assert!(log.fell_back("price").is_empty(), "{log:?}");
    assert_eq!(price(&Script::failing(1)).await, Ok(2));
    assert_eq!(price(&Script::fine()).await, Ok(1));
    assert_eq!(price(&Script::failing(1)).await, Ok(1));
    assert_eq!(amount(&Script::failing(1)).await, Ok(3));

    assert_eq!(
        log.fell_back("price"),
        [(Class::Transient, FallbackSource::Function), (Class::Transient, FallbackSource::Stale)]
    );
    assert_eq!(log.fell_back("amount"), [(Class::Transient, FallbackSource::Value)]);
    let is_unanswered = |event: &Event| matches!(event, Event::Unanswered { .. });
    assert_eq!(log.count(is_unanswered), 1);
    let of_price = |event: &Event| matches!(event, Event::Unanswered { policy: "price", class: Class::Transient, .. });
    assert_eq!(log.count(of_price), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_moves_nothing_and_may_borrow() {
    #[fallback(stale = "5m", key = (name, page, words), shared_across(script))]
    async fn search(script: &Script, name: String, page: &u32, words: &[&str]) -> Result<String, Error> {
        script.next()?;
        Ok(format!("{name} {page} {}", words.join(" ")))
    }
    let page = 2;
    search(&Script::fine(), "tide".to_owned(), &page, &["high", "low"]).await.unwrap();

    let again = async |words: &[&str]| search(&Script::failing(1), "tide".to_owned(), &page, words).await;

    assert_eq!(again(&["high", "low"]).await, Ok("tide 2 high low".to_owned()));
    assert_eq!(again(&["high"]).await, Err(Error::Down));
}

struct Shop {
    tenant: u32,
    script: Script,
}

impl Shop {
    #[fallback(stale = "5m", key = (self.tenant, id))]
    async fn price(&self, id: u32) -> Result<u32, Error> {
        self.script.next()?;
        Ok(self.tenant * 100 + id)
    }

    #[fallback(stale = "5m", key = id, shared_across(self))]
    async fn name(&self, id: u32) -> Result<String, Error> {
        self.script.next()?;
        Ok(format!("number {id}"))
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_is_another_objects_only_if_that_is_said() {
    let shop = |tenant: u32, failures: u32| Shop { tenant, script: Script::failing(failures) };
    assert_eq!(shop(1, 0).price(5).await, Ok(105));
    assert_eq!(shop(1, 0).name(5).await.as_deref(), Ok("number 5"));

    assert_eq!(shop(1, 1).price(5).await, Ok(105), "another object of the tenant");
    assert_eq!(shop(2, 1).price(5).await, Err(Error::Down));
    assert_eq!(shop(2, 1).name(5).await.as_deref(), Ok("number 5"));
}
