use resilient::fan_out;

#[fan_out(companion = find)]
async fn find(query: u32) -> u32 {
    query
}

fn main() {
    let _ = find(1);
}
