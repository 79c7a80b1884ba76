use resilient::fan_out;

#[fan_out(limit = 0)]
async fn none_at_a_time(item: u32) -> u32 {
    item
}

#[fan_out(limit = -1)]
async fn negative(item: u32) -> u32 {
    item
}

fn main() {
    let _ = none_at_a_time(1);
    let _ = negative(1);
}
