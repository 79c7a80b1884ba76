use resilient::fan_out;

#[fan_out]
async fn generic(item: impl Into<String>) -> usize {
    item.into().len()
}

#[fan_out]
async fn nested(#[each] item: Option<impl Into<String>>, _unit: impl Clone) -> bool {
    item.is_some()
}

fn main() {
    let _ = generic("");
    let _ = nested(Some(""), 1);
}
