use resilient::{cancel, retry};
use tokio_util::sync::CancellationToken;

use crate::support::{Error, Script};

#[cancel(on = stop)]
#[retry(max = 2)]
pub async fn sync(stop: &CancellationToken, script: &Script) -> Result<(), Error> {
    script.next()
}

pub async fn transcript() -> String {
    let stop = CancellationToken::new();
    let before = sync(&stop, &Script::failing(1)).await;
    stop.cancel();
    let after = sync(&stop, &Script::fine()).await.is_err();
    format!("{before:?} {after}")
}
