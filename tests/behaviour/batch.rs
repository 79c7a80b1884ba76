//! `#[batch]`: the companion function. The tests beside the policy show how it gathers its callers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use resilient::{Batch, Reason, batch, fan_out, retry, timeout};
use resilient_tests::{Error, Script, Stopwatch, ms};
use tokio::time::sleep;

/// Records the keys of each call, and takes 10 ms.
#[derive(Default)]
struct Api {
    calls: Mutex<Vec<Vec<u64>>>,
}

impl Api {
    /// Returns ten times each key, and no value for 13.
    #[batch]
    async fn load(&self, keys: Vec<u64>) -> Result<HashMap<u64, u64>, Error> {
        self.take(&keys).await;
        Ok(keys.into_iter().filter(|key| *key != 13).map(|key| (key, key * 10)).collect())
    }

    #[batch(max_size = 2, max_wait = "5ms", companion = one_of_few)]
    async fn few(&self, keys: Vec<u64>) -> Result<HashMap<u64, u64>, Error> {
        self.load(keys).await
    }

    async fn take(&self, keys: &[u64]) {
        self.calls.lock().unwrap().push(keys.to_vec());
        sleep(ms(10)).await;
    }

    fn calls(&self) -> Vec<Vec<u64>> {
        self.calls.lock().unwrap().clone()
    }

    /// Returns the calls, with those that began at the same time in sorted order.
    fn sorted_calls(&self) -> Vec<Vec<u64>> {
        let mut calls = self.calls();
        calls.sort();
        calls
    }
}

#[tokio::test(start_paused = true)]
async fn clones_of_one_arc_are_one_object() {
    struct Shop(Api);
    impl Shop {
        #[batch]
        async fn prices(self: &Arc<Self>, keys: Vec<u64>) -> Result<HashMap<u64, u64>, Error> {
            self.0.load(keys).await
        }
    }
    let (shop, other) = (Arc::new(Shop(Api::default())), Arc::new(Shop(Api::default())));
    let clone = shop.clone();

    let prices = tokio::join!(shop.prices_one(1), clone.prices_one(2), other.prices_one(3));

    assert_eq!(prices, (Ok(Some(10)), Ok(Some(20)), Ok(Some(30))));
    assert_eq!((shop.0.calls(), other.0.calls()), (vec![vec![1, 2]], vec![vec![3]]));
}

#[tokio::test(start_paused = true)]
async fn each_caller_gets_the_answer_to_its_own_key() {
    let api = Api::default();
    let watch = Stopwatch::start();

    let got = join_all([1, 2, 13, 1].map(|key| api.load_one(key))).await;

    assert_eq!(got, [Ok(Some(10)), Ok(Some(20)), Ok(None), Ok(Some(10))]);
    assert_eq!(api.calls(), [[1, 2, 13]]);
    // gathering takes 2 ms, which is the default
    assert_eq!(watch.elapsed(), 12);
}

#[tokio::test(start_paused = true)]
async fn without_a_size_it_is_a_hundred() {
    let api = Api::default();

    join_all((0..250).map(|key| api.load_one(key))).await;

    assert_eq!(api.calls().iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
}

#[tokio::test(start_paused = true)]
async fn the_size_and_the_wait_are_those_of_the_attribute() {
    let api = Api::default();
    let watch = Stopwatch::start();

    let got = tokio::join!(api.one_of_few(1), api.one_of_few(2), async {
        api.one_of_few(3).await.unwrap();
        watch.elapsed()
    });

    assert_eq!(api.calls(), [vec![1, 2], vec![3]]);
    assert_eq!(got, (Ok(Some(10)), Ok(Some(20)), 15));
}

#[tokio::test(start_paused = true)]
async fn settings_may_be_constants() {
    const SIZE: u32 = 3;
    const WAIT: std::time::Duration = ms(7);
    #[batch(max_size = SIZE, max_wait = WAIT)]
    async fn count(keys: Vec<u8>) -> Result<BTreeMap<u8, usize>, Error> {
        let size = keys.len();
        Ok(keys.into_iter().map(|key| (key, size)).collect())
    }
    let watch = Stopwatch::start();

    assert_eq!(join_all((0..4).map(count_one)).await.into_iter().flatten().flatten().collect::<Vec<_>>(), [3, 3, 3, 1]);
    assert_eq!(watch.elapsed(), 7);
}

#[tokio::test(start_paused = true)]
async fn two_objects_are_two_batches() {
    let (one, other) = (Api::default(), Api::default());

    let _ = tokio::join!(one.load_one(1), other.load_one(2), one.load_one(3));

    assert_eq!((one.calls(), other.calls()), (vec![vec![1, 3]], vec![vec![2]]));
}

#[tokio::test(start_paused = true)]
async fn references_are_compared_by_their_address() {
    #[batch]
    async fn load(api: &Api, prefix: &str, keys: Vec<u64>) -> Result<HashMap<u64, String>, Error> {
        api.take(&keys).await;
        Ok(keys.into_iter().map(|key| (key, format!("{prefix}{key}"))).collect())
    }
    let api = Api::default();
    let (low, high) = ("low".to_owned(), "high".to_owned());

    let got = tokio::join!(load_one(&api, &low, 1), load_one(&api, &high, 1), load_one(&api, &low, 2));

    assert_eq!(api.sorted_calls(), [vec![1], vec![1, 2]]);
    assert_eq!(got.1.unwrap().unwrap(), "high1");
    assert_eq!(got.2.unwrap().unwrap(), "low2");
}

#[tokio::test(start_paused = true)]
async fn a_key_says_what_calls_agree_on() {
    #[derive(Clone)]
    struct Client {
        tenant: &'static str,
        api: Arc<Api>,
    }
    impl Client {
        #[batch(group = (self.tenant, scale))]
        async fn load(&self, keys: Vec<u64>, scale: u64) -> Result<HashMap<u64, u64>, Error> {
            self.api.take(&keys).await;
            Ok(keys.into_iter().map(|key| (key, key * scale)).collect())
        }
    }
    let api = Arc::new(Api::default());
    let [one, other] = ["one", "other"].map(|tenant| Client { tenant, api: api.clone() });
    let clone = one.clone();

    let got = tokio::join!(one.load_one(1, 2), clone.load_one(2, 2), one.load_one(1, 3), other.load_one(1, 2));

    assert_eq!(got, (Ok(Some(2)), Ok(Some(4)), Ok(Some(3)), Ok(Some(2))));
    assert_eq!(api.sorted_calls(), [vec![1], vec![1], vec![1, 2]]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_the_users_own_has_its_own_settings_and_counts() {
    struct Client {
        batch: Arc<Batch>,
        api: Api,
    }
    impl Client {
        #[batch(with = self.batch, companion = get)]
        async fn load(&self, keys: Vec<u64>) -> Result<HashMap<u64, u64>, Error> {
            self.api.load(keys).await
        }
    }
    let batch = Arc::new(Batch::named("mine").max_size(2));
    let [one, other] = [(); 2].map(|()| Client { batch: batch.clone(), api: Api::default() });

    let _ = tokio::join!(one.get(1), other.get(2), one.get(3), one.get(3));

    // the batch trusts `self`: its fields say which callers belong together
    assert_eq!((one.api.sorted_calls(), other.api.calls()), (vec![vec![1, 2], vec![3]], vec![]));
    assert_eq!((batch.counts().batches, batch.counts().duplicates), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_not_the_objects_still_tells_objects_apart() {
    static SHARED: Batch = Batch::named("shared");
    struct Client(Api);
    impl Client {
        #[batch(with = SHARED)]
        async fn load(&self, keys: Vec<u64>) -> Result<HashMap<u64, u64>, Error> {
            self.0.load(keys).await
        }
    }
    let [one, other] = [(); 2].map(|()| Client(Api::default()));

    let _ = tokio::join!(one.load_one(1), other.load_one(2));

    assert_eq!((one.0.calls(), other.0.calls()), (vec![vec![1]], vec![vec![2]]));
}

#[tokio::test(start_paused = true)]
async fn instances_of_a_generic_function_are_apart() {
    #[batch]
    async fn name<T: ?Sized, const N: usize>(keys: Vec<u64>) -> Result<HashMap<u64, (String, usize)>, Error> {
        let all = (format!("{} {N}", std::any::type_name::<T>()), keys.len());
        Ok(keys.into_iter().map(|key| (key, all.clone())).collect())
    }

    let got = tokio::join!(name_one::<u8, 1>(1), name_one::<str, 1>(2), name_one::<u8, 2>(3), name_one::<u8, 1>(4));

    let named = |name: &str, count| Ok(Some((name.to_owned(), count)));
    assert_eq!(got, (named("u8 1", 2), named("str 1", 1), named("u8 2", 1), named("u8 1", 2)));
}

#[tokio::test(start_paused = true)]
async fn instances_of_a_generic_object_are_apart_wherever_they_are() {
    #[derive(Clone, Copy)]
    struct Kind<T>(std::marker::PhantomData<T>);
    impl<T: 'static> Kind<T> {
        #[batch]
        #[allow(clippy::unused_async)]
        async fn name(&self, keys: Vec<u64>) -> Result<HashMap<u64, &'static str>, Error> {
            Ok(keys.into_iter().map(|key| (key, std::any::type_name::<T>())).collect())
        }

        #[batch]
        async fn of_type(keys: Vec<u64>) -> Result<HashMap<u64, &'static str>, Error> {
            Self(std::marker::PhantomData).name(keys).await
        }
    }
    let (small, large) = (Kind::<u8>(std::marker::PhantomData), Kind::<u64>(std::marker::PhantomData));

    assert_eq!(tokio::join!(small.name_one(1), large.name_one(1)), (Ok(Some("u8")), Ok(Some("u64"))));
    let got = tokio::join!(Kind::<u8>::of_type_one(1), Kind::<u64>::of_type_one(1));
    assert_eq!(got, (Ok(Some("u8")), Ok(Some("u64"))));
}

#[tokio::test(start_paused = true)]
async fn a_batch_passes_through_the_functions_own_stack() {
    #[timeout(total = "50ms")]
    #[retry(max = 1, backoff = "none")]
    #[batch]
    async fn load(script: &Script, keys: Vec<u32>) -> Result<Vec<Result<u32, Error>>, Error> {
        script.next()?;
        Ok(keys.iter().map(|&key| if key == 3 { Err(Error::Gone) } else { Ok(key) }).collect())
    }
    let script = Script::failing(1);

    assert_eq!(join_all((1..4).map(|key| load_one(&script, key))).await, [Ok(1), Ok(2), Err(Error::Gone)]);
    assert_eq!(script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_vector_that_is_too_short_is_an_error_for_all() {
    #[batch(name = "numbers")]
    async fn load(keys: Vec<u32>) -> Vec<Result<u32, Error>> {
        keys.into_iter().skip(1).map(Ok).collect()
    }

    for got in join_all((1..4).map(load_one)).await {
        let Err(Error::Refused(rejection)) = got else { panic!("{got:?}") };
        assert_eq!((rejection.reason(), rejection.name()), (Reason::Unanswered, "numbers"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_shape_that_only_the_types_tell_is_found_by_them() {
    type Names = Result<HashMap<u32, &'static str>, Error>;
    #[batch]
    async fn load(keys: Vec<u32>) -> Names {
        Ok(keys.into_iter().zip(["a", "b"]).collect())
    }
    #[batch]
    #[allow(clippy::unused_async)]
    async fn files(#[each] keys: Vec<u32>, _roots: &Vec<u32>) -> std::result::Result<BTreeMap<u32, u32>, Error> {
        Ok(keys.into_iter().map(|key| (key, key)).collect())
    }

    assert_eq!(tokio::join!(load_one(7), load_one(8)), (Ok(Some("a")), Ok(Some("b"))));
    assert_eq!(files_one(7, &vec![]).await, Ok(Some(7)));
}

#[tokio::test(start_paused = true)]
async fn it_may_stand_beside_a_fan_out() {
    #[fan_out(limit = 2)]
    #[batch]
    async fn load(api: &Api, #[each] keys: Vec<u64>) -> Result<HashMap<u64, u64>, Error> {
        api.load(keys).await
    }
    let api = Api::default();

    let all = load_all(&api, [vec![1, 2], vec![3]]).await;

    assert_eq!((all.len(), load_one(&api, 4).await), (2, Ok(Some(40))));
    assert_eq!(api.calls(), [vec![1, 2], vec![3], vec![4]]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_time_is_over_hands_its_batch_over() {
    #[timeout("15ms")]
    async fn hurried(api: &Api, key: u64) -> Result<Option<u64>, Error> {
        api.one_of_few(key).await
    }
    let api = Api::default();

    let (hurried, patient) = tokio::join!(hurried(&api, 1), async {
        sleep(ms(4)).await;
        api.one_of_few(2).await
    });

    // the batch begins at 0, is full at 4 and ends at 14
    assert_eq!((hurried, patient), (Ok(Some(10)), Ok(Some(20))));
    assert_eq!(api.calls(), [[1, 2]]);

    let late = tokio::join!(tokio::time::timeout(ms(8), api.one_of_few(3)), api.one_of_few(4));
    assert!(late.0.is_err());
    assert_eq!(late.1, Ok(Some(40)));
    assert_eq!(api.calls()[1..], [vec![3, 4], vec![4]]);
}

#[tokio::test]
async fn it_can_be_spawned() {
    let api = Arc::new(Api::default());
    let tasks = (0..10).map(|key| {
        let api = api.clone();
        tokio::spawn(async move { api.load_one(key).await })
    });

    let got: Vec<_> = join_all(tasks).await.into_iter().map(|got| got.unwrap().unwrap().unwrap()).collect();

    assert_eq!(got, (0..10).map(|key| key * 10).collect::<Vec<_>>());
    assert_eq!(api.calls().len(), 1);
}
