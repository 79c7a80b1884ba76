//! Every form of a function that blocks.

#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(
    clippy::items_after_statements,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    unsafe_code,
    dead_code
)]

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;

use resilient::{bulkhead, circuit_breaker, fallback, rate_limit, resilient, retry};
use resilient_tests::{Error, Script};

/// Neither it nor what it holds can go to another thread, which nothing here needs.
struct Local {
    script: Rc<Script>,
    words: RefCell<Vec<String>>,
    count: Cell<u32>,
}

impl Local {
    fn failing(times: u32) -> Self {
        Self { script: Rc::new(Script::failing(times)), words: RefCell::default(), count: Cell::new(0) }
    }

    #[retry(backoff = "none")]
    #[bulkhead(limit = 3)]
    fn shared(&self, word: &str) -> Result<usize, Error> {
        self.words.borrow_mut().push(word.to_owned());
        self.script.next()?;
        Ok(self.words.borrow().len())
    }

    #[circuit_breaker]
    #[retry(backoff = "none")]
    fn exclusive(&mut self, into: &mut String) -> Result<(), Error> {
        into.push('a');
        self.count.set(self.count.get() + 1);
        self.script.next()
    }

    #[rate_limit("1000/s", burst = 100)]
    fn owning(mut self) -> Result<Vec<String>, Error> {
        self.words.get_mut().push("last".to_owned());
        Ok(self.words.into_inner())
    }

    #[retry(backoff = "none", clone(self))]
    fn counted(self: Rc<Self>) -> Result<u32, Error> {
        self.script.next()?;
        Ok(u32::try_from(Rc::strong_count(&self)).unwrap_or_default())
    }

    #[fallback(value = 7)]
    fn associated(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(1)
    }
}

#[retry(backoff = "none")]
fn generic<'a, T, const N: usize>(
    script: &Script,
    items: &'a [T; N],
    shown: impl Fn(&T) -> String,
) -> Result<Cow<'a, str>, Error>
where
    T: Display,
{
    script.next()?;
    Ok(items.iter().map(&shown).collect::<Vec<_>>().join(" ").into())
}

#[circuit_breaker]
#[bulkhead]
fn returns_an_impl(script: &Script, times: u32) -> Result<impl Iterator<Item = u32> + use<'_>, Error> {
    script.next()?;
    Ok((0..times).map(move |n| n + script.attempts()))
}

#[retry(backoff = "none")]
fn patterns((first, second): (u32, u32), [a, ..]: [u32; 3], script: &Script) -> Result<u32, Error> {
    script.next()?;
    Ok(first + second + a)
}

#[resilient(retry(backoff = "none"))]
unsafe fn dangerous(script: &Script, pointer: *const u32) -> Result<u32, Error> {
    script.next()?;
    // SAFETY: the caller promises that it points to a number.
    Ok(unsafe { *pointer })
}

#[bulkhead]
#[allow(improper_ctypes_definitions)]
extern "C" fn foreign(number: u32) -> Result<u32, Error> {
    Ok(number)
}

#[retry(backoff = "none")]
fn with_items(script: &Script) -> Result<u32, Error> {
    #![allow(clippy::let_and_return)]
    const STEP: u32 = 2;
    fn doubled(number: u32) -> u32 {
        number * STEP
    }
    script.next()?;
    for n in 0.. {
        if n == 3 {
            return Ok(doubled(n));
        }
    }
    unreachable!()
}

#[circuit_breaker]
fn never_returns(script: &Script) -> Result<(), Error> {
    loop {
        script.next()?;
        if script.attempts() > 2 {
            return Err(Error::Gone);
        }
    }
}

#[retry(backoff = "none")]
fn some_conditions(script: &Script, #[cfg(test)] word: &str, #[cfg(not(test))] _number: u32) -> Result<usize, Error> {
    script.next()?;
    Ok(word.len())
}

#[retry(backoff = "none")]
#[tracing::instrument(skip_all)]
fn instrumented_inside(script: &Script) -> Result<(), Error> {
    script.next()
}

#[tracing::instrument(skip_all)]
#[retry(backoff = "none")]
fn instrumented_outside(script: &Script) -> Result<(), Error> {
    script.next()
}

/// Drives a runtime in its body, which no other attribute has made.
#[retry(backoff = "none")]
fn drives_a_runtime(script: &Script) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|_| Error::Gone)?;
    runtime.block_on(async { script.next() })
}

macro_rules! made {
    ($name:ident, $argument:ident: $ty:ty => $body:expr) => {
        #[retry(backoff = "none")]
        fn $name($argument: $ty) -> Result<u32, Error> {
            $body
        }
    };
}

made!(by_a_macro, script: &Script => script.next().map(|()| script.attempts()));

trait Reads {
    #[circuit_breaker]
    fn read(&self, key: u32) -> Result<u32, Error> {
        Ok(key)
    }
}

impl Reads for HashMap<u32, u32> {
    #[retry(backoff = "none")]
    #[circuit_breaker(key = key)]
    fn read(&self, key: u32) -> Result<u32, Error> {
        self.get(&key).copied().ok_or(Error::Gone)
    }
}

impl Reads for () {}

#[test]
fn they_do_as_the_plain_function() {
    let mut local = Local::failing(2);
    assert_eq!(local.shared("a").unwrap(), 3);
    let mut into = String::new();
    local.exclusive(&mut into).unwrap();
    assert_eq!((into.as_str(), local.count.get()), ("a", 1));
    assert_eq!(local.owning().unwrap(), ["a", "a", "a", "last"]);
    assert_eq!(Rc::new(Local::failing(1)).counted().unwrap(), 2);
    assert_eq!(Local::associated(&Script::failing(1)).unwrap(), 7);

    assert_eq!(generic(&Script::failing(1), &[1, 2], ToString::to_string).unwrap(), "1 2");
    assert_eq!(returns_an_impl(&Script::fine(), 2).unwrap().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(patterns((1, 2), [3, 0, 0], &Script::failing(1)).unwrap(), 6);
    let number = 5;
    // SAFETY: it points to a number.
    assert_eq!(unsafe { dangerous(&Script::failing(1), &raw const number) }.unwrap(), 5);
    assert_eq!(foreign(3).unwrap(), 3);
    assert_eq!(with_items(&Script::failing(1)).unwrap(), 6);
    never_returns(&Script::fine()).unwrap_err();
    assert_eq!(some_conditions(&Script::failing(1), "word").unwrap(), 4);
    instrumented_inside(&Script::failing(1)).unwrap();
    instrumented_outside(&Script::failing(1)).unwrap();
    drives_a_runtime(&Script::failing(1)).unwrap();
    assert_eq!(by_a_macro(&Script::failing(1)).unwrap(), 2);
    assert_eq!(HashMap::from([(1, 2)]).read(1).unwrap(), 2);
    assert_eq!(().read(1).unwrap(), 1);
    assert_eq!(Arc::new(()).read(1).unwrap(), 1);
}
