use std::rc::Rc;

use resilient::{Error, fan_out};

#[fan_out(executor = "spawn")]
async fn no_room(item: u32) -> u32 {
    item
}

#[fan_out(executor = "spawn")]
async fn not_send(item: u32) -> Result<u32, Error> {
    let shared = Rc::new(item);
    tokio::task::yield_now().await;
    Ok(*shared)
}

#[fan_out(limit = "adaptive")]
async fn no_result(item: u32) -> u32 {
    item
}

#[derive(PartialEq, Clone)]
struct Unhashable;

#[fan_out(dedup)]
async fn unhashable(item: Unhashable) -> Result<(), Error> {
    drop(item);
    Ok(())
}

struct NotClone;

#[fan_out(dedup)]
async fn not_clone(item: u32) -> NotClone {
    drop(item);
    NotClone
}

fn main() {}
