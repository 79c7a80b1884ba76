use resilient::{fan_out, retry};

struct Error;

#[fan_out]
async fn unmarked(api: &str, query: &str) -> usize {
    api.len() + query.len()
}

#[fan_out]
async fn marked_twice(#[each] api: &str, #[each] query: &str) -> usize {
    api.len() + query.len()
}

#[fan_out]
async fn nothing() -> usize {
    1
}

#[fan_out]
async fn marked_with_an_argument(#[each(4)] item: u32) -> u32 {
    item
}

#[retry]
async fn no_fan_out(#[each] item: u32) -> Result<u32, Error> {
    Ok(item)
}

#[fan_out]
async fn exclusive(buffer: &mut Vec<u32>, #[each] item: u32) {
    buffer.push(item);
}

struct Api {
    buffer: Vec<u32>,
}

impl Api {
    #[fan_out]
    async fn exclusive(&mut self, item: u32) {
        self.buffer.push(item);
    }

    #[fan_out]
    async fn only_self(&self) -> usize {
        self.buffer.len()
    }
}

fn main() {
    let _ = unmarked("", "");
    let _ = marked_twice("", "");
    let _ = nothing();
    let _ = marked_with_an_argument(1);
    let _ = no_fan_out(1);
    let _ = exclusive(&mut Vec::new(), 1);
    let mut api = Api { buffer: Vec::new() };
    drop(api.exclusive(1));
    let _ = api.only_self();
}
