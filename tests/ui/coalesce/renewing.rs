use std::sync::Arc;

use resilient::{bulkhead, coalesce, fallback, retry};
use resilient_tests::Error;

struct Api;

#[coalesce(key = id, stale_while_revalidate = "1m")]
async fn without_hold(id: u32) -> Result<(), Error> {
    Ok(())
}

#[coalesce(key = id, hold = "1s", stale_while_revalidate = "0s")]
async fn zero(id: u32) -> Result<(), Error> {
    Ok(())
}

#[coalesce(key = id, hold = "1s", stale_while_revalidate = 60)]
async fn without_a_unit(id: u32) -> Result<(), Error> {
    Ok(())
}

#[coalesce(key = word, hold = "1s", stale_while_revalidate = "1m")]
async fn a_reference(word: &str) -> Result<(), Error> {
    Ok(())
}

impl Api {
    #[coalesce(key = id, shared_across(self), hold = "1s", stale_while_revalidate = "1m")]
    async fn a_borrowed_self(&self, id: u32) -> Result<(), Error> {
        Ok(())
    }

    #[coalesce(key = id, shared_across(self), hold = "1s", stale_while_revalidate = "1m")]
    #[bulkhead(key = id)]
    async fn a_policy_of_the_call(self: Arc<Self>, id: u32) -> Result<(), Error> {
        Ok(())
    }
}

#[retry]
#[coalesce(key = id, hold = "1s", stale_while_revalidate = "1m")]
async fn below_a_retry(id: u32) -> Result<(), Error> {
    Ok(())
}

#[fallback(function = instead)]
#[coalesce(key = id, hold = "1s", stale_while_revalidate = "1m")]
async fn below_what_reads_the_arguments(id: u32) -> Result<(), Error> {
    Ok(())
}

#[coalesce(with = RUNS, key = id, stale_while_revalidate = "1m")]
async fn beside_with(id: u32) -> Result<(), Error> {
    Ok(())
}

fn main() {}
