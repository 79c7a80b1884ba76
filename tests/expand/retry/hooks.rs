use std::cell::RefCell;

use resilient::{retry, timeout};

use crate::support::{Error, Script};

#[retry(
    max = 1,
    backoff = "none",
    on_retry = |retrying, error| {
        told.borrow_mut().push(format!("{error:?} {}", retrying.retry));
    },
    on_give_up = |given_up, error| {
        told.borrow_mut().push(format!("{error:?} {:?}", given_up.why));
    },
)]
#[timeout("1s")]
pub async fn ask(script: &Script, told: &RefCell<Vec<String>>) -> Result<(), Error> {
    script.next()
}

#[retry(max = 1, backoff = "none", on_retry = count)]
pub async fn plain(script: &Script) -> Result<(), Error> {
    script.next()
}

fn count(retrying: &resilient::Retrying) {
    assert_eq!(retrying.retry, 0);
}

pub async fn transcript() -> String {
    let told = RefCell::default();
    let outcome = ask(&Script::failing(2), &told).await;
    let plain = plain(&Script::failing(1)).await;
    format!("{outcome:?} {:?} {plain:?}", told.into_inner())
}
