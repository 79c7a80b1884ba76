use resilient::fan_out;

struct Connection;

#[fan_out]
async fn send(connection: Connection, #[each] message: String) -> usize {
    let _ = connection;
    message.len()
}

#[fan_out(limit = "four".len() as u32)]
async fn typed_limit(item: u32) -> u32 {
    item
}

fn main() {}
