use resilient::{retry, timeout};

use crate::support::Error;

#[timeout(total = "1s", attempt = "100ms")]
#[retry(number = number)]
pub async fn slow_at_first() -> Result<u32, Error> {
    if number == 0 {
        std::future::pending::<()>().await;
    }
    Ok(number)
}

pub async fn transcript() -> String {
    let outcome = slow_at_first().await;
    format!("{outcome:?}")
}
