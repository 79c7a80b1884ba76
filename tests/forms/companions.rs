//! The functions that `#[fan_out]` and `#[batch]` add, for items and arguments of every form.

#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(
    dead_code,
    clippy::cast_possible_truncation,
    clippy::unused_async,
    clippy::needless_pass_by_value,
    clippy::ref_option
)]

use std::borrow::Cow;
use std::collections::HashMap;
use std::marker::PhantomData;

use resilient::{batch, fan_out, retry};
use resilient_tests::Error;

/// Shares its name with an associated function. A companion that called it would go past the policies.
async fn load(_: u64) -> Result<&'static str, Error> {
    Err(Error::Gone)
}

async fn load_many(keys: Vec<u64>) -> Result<HashMap<u64, &'static str>, Error> {
    drop(keys);
    Err(Error::Gone)
}

struct Store;

impl Store {
    #[fan_out(associated)]
    #[retry(backoff = "none")]
    async fn load(id: u64) -> Result<&'static str, Error> {
        Ok(if id == 1 { "one" } else { "more" })
    }

    #[batch(associated)]
    async fn load_many(keys: Vec<u64>) -> Result<HashMap<u64, &'static str>, Error> {
        Ok(keys.into_iter().map(|key| (key, "stored")).collect())
    }

    #[fan_out(stream, associated)]
    async fn load_from(#[each] id: u64, place: u64) -> Result<u64, Error> {
        Ok(id + place)
    }
}

#[fan_out]
async fn functions(item: fn(&str) -> u8) -> u8 {
    item("letters")
}

#[fan_out]
async fn boxed_functions(item: Box<dyn FnOnce(&str) -> &str + Send>) -> usize {
    item("letters").len()
}

#[fan_out]
async fn borrowed_functions(item: &dyn Fn(&str) -> usize) -> usize {
    item("letters")
}

#[fan_out(stream)]
async fn borrows_from_its_item(word: &str) -> Result<&str, Error> {
    Ok(word.trim())
}

#[fan_out]
async fn borrows_in_a_type(word: &str) -> Cow<'_, str> {
    Cow::Borrowed(word.trim())
}

#[fan_out]
async fn for_its_body<T: Default + Into<u64>>(item: u64) -> u64 {
    item + T::default().into()
}

#[fan_out]
async fn constants<const N: u64>(item: u64, #[each] more: u64) -> u64 {
    item + more + N
}

struct Cache<Key, Value>(PhantomData<(Key, Value)>);

impl<Key: ToString, Value: Default> Cache<Key, Value> {
    #[fan_out]
    async fn look_up(&self, key: &Key) -> (String, Value) {
        (key.to_string(), Value::default())
    }
}

#[derive(Clone)]
struct Counter(u64);

impl Counter {
    #[fan_out]
    async fn counted(mut self, by: u64) -> u64 {
        self.0 += by;
        self.0
    }
}

#[fan_out]
async fn shadowed(#[each] item: u64, shadowed: u64) -> u64 {
    item + shadowed
}

#[batch]
async fn shadowed_too(shadowed_too: &Counter, #[each] keys: Vec<u64>) -> Result<HashMap<u64, u64>, Error> {
    Ok(keys.into_iter().map(|key| (key, key + shadowed_too.0)).collect())
}

#[fan_out]
async fn conditional(#[cfg(any())] never: u64, #[cfg(not(any()))] always: u64, #[each] item: u64) -> u64 {
    item + always
}

#[batch]
async fn conditional_batch<#[cfg(any())] A, #[cfg(not(any()))] B: Default + Into<u64> + Clone>(
    #[cfg(any())] never: &A,
    #[cfg(not(any()))] always: &B,
    #[each] keys: Vec<u64>,
) -> Result<HashMap<u64, u64>, Error> {
    Ok(keys.into_iter().map(|key| (key, key + always.clone().into())).collect())
}

#[allow(unused_parens)]
#[batch]
async fn in_parentheses(keys: (Vec<u64>)) -> Result<HashMap<u64, u64>, Error> {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

type Shout = fn(&str) -> &str;

#[batch]
async fn by_function(keys: Vec<fn(&str) -> &str>) -> Vec<Result<usize, Error>> {
    keys.into_iter().map(|key| Ok(key("letters").len())).collect()
}

macro_rules! typed {
    ($name:ident, $batch:ident, $item:ty, $keys:ty, $argument:ty) => {
        #[fan_out]
        async fn $name(#[each] item: $item, mut more: $argument) -> u64 {
            more.push_str(item);
            more.len() as u64
        }

        #[batch]
        async fn $batch(keys: $keys) -> Result<HashMap<u64, u64>, Error> {
            Ok(keys.into_iter().map(|key| (key, key)).collect())
        }
    };
}
typed!(of_a_macro, batch_of_a_macro, &str, Vec<u64>, String);

#[deprecated(note = "for the test")]
#[fan_out(stream)]
async fn old(item: u64) -> u64 {
    item
}

#[allow(non_snake_case)]
#[fan_out]
async fn Named(#[each] item: u64, Other: u64) -> u64 {
    item + Other
}

#[expect(clippy::many_single_char_names)]
#[fan_out]
async fn letters(a: u64, b: u64, c: u64, d: u64, #[each] e: u64) -> u64 {
    a + b + c + d + e
}

#[tokio::test]
async fn they_run_the_function_that_they_stand_on() {
    assert_eq!(Store::load_all([1, 2]).await, [Ok("one"), Ok("more")]);
    assert_eq!(Store::load_many_one(3).await, Ok(Some("stored")));
    assert_eq!(Store::load_from_all([1], 2).await, [Ok(3)]);
    assert_eq!(functions_all([(|word: &str| word.len() as u8) as fn(&str) -> u8]).await, [7]);
    assert_eq!(boxed_functions_all([Box::new(str::trim) as Box<dyn FnOnce(&str) -> &str + Send>]).await, [7]);
    assert_eq!(borrowed_functions_all([&|word: &str| word.len() as _] as [&dyn Fn(&str) -> usize; 1]).await, [7]);
    let words = [" a ".to_owned(), "b ".to_owned()];
    assert_eq!(borrows_from_its_item_all(words.iter().map(String::as_str)).await, [Ok("a"), Ok("b")]);
    assert_eq!(borrows_in_a_type_all(words.iter().map(String::as_str)).await, ["a", "b"]);
    assert_eq!(for_its_body_all::<u8>([1, 2]).await, [1, 2]);
    assert_eq!(constants_all::<5>(1, [1, 2]).await, [7, 8]);
    assert_eq!(Cache::<u8, u8>(PhantomData).look_up_all([&1, &2]).await, [("1".to_owned(), 0), ("2".to_owned(), 0)]);
    assert_eq!(Counter(1).counted_all([1, 2]).await, [2, 3]);
    assert_eq!(shadowed_all([1, 2], 3).await, [4, 5]);
    assert_eq!(shadowed_too_one(&Counter(1), 2).await, Ok(Some(3)));
    assert_eq!(conditional_all(1, [1, 2]).await, [2, 3]);
    assert_eq!(conditional_batch_one::<u8>(&1, 2).await, Ok(Some(3)));
    assert_eq!(by_function_one(str::trim as Shout).await, Ok(7));
    assert_eq!(of_a_macro_all(["a"], "b".to_owned()).await, [2]);
    assert_eq!(batch_of_a_macro_one(1).await, Ok(Some(1)));
    assert_eq!(in_parentheses_one(1).await, Ok(Some(1)));
    assert_eq!(Named_all([1], 2).await, [3]);
    assert_eq!(letters_all(1, 2, 3, 4, [5]).await, [15]);
}

#[fan_out]
#[allow(clippy::needless_lifetimes, clippy::extra_unused_lifetimes)]
async fn of_a_named_lifetime<'item>(place: &'item str, #[each] word: &str) -> usize {
    place.len() + word.len()
}

#[fan_out]
#[allow(clippy::needless_lifetimes)]
async fn of_a_reference_to_any<'a, T: ?Sized + AsRef<str>>(word: &'a T) -> &'a str {
    word.as_ref()
}

struct Shelf<Word>(Word);

impl<Word: AsRef<str>> Shelf<Word> {
    #[fan_out]
    async fn of_named_lifetimes<'w>(&self, word: &'w Word) -> &'w str {
        let _ = &self.0;
        word.as_ref()
    }
}

#[tokio::test]
async fn lifetimes_may_have_any_name() {
    assert_eq!(of_a_named_lifetime_all("a", ["b", "cd"]).await, [2, 3]);
    assert_eq!(of_a_reference_to_any_all(["b", "cd"]).await, ["b", "cd"]);
    assert_eq!(Shelf("a").of_named_lifetimes_all([&"b", &"cd"]).await, ["b", "cd"]);
}

const LIMIT: u32 = 3;

/// The companion has a limit too, in a `static` of another name.
#[fan_out(limit = "aimd", min_limit = LIMIT, stream)]
async fn learns(#[each] number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

#[tokio::test]
async fn a_constant_may_be_called_limit() {
    assert_eq!(learns_all([LIMIT]).try_all().await.unwrap(), [3]);
    assert_eq!(learns_stream(futures_util::stream::iter([LIMIT])).try_all().await.unwrap(), [3]);
}
