use resilient::fan_out;

#[fan_out]
async fn search(query: u32) -> u32 {
    query
}

fn search_all() {}

fn main() {
    let _ = search(1);
}
