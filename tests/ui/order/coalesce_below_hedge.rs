//! A second attempt that would join the first.

use resilient::{coalesce, hedge};

#[hedge(idempotent)]
#[coalesce(key = id)]
async fn fetch(id: u32) -> Result<u32, std::io::Error> {
    Ok(id)
}

fn main() {}
