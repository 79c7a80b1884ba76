use resilient::coalesce;

struct Page(u32);
struct Hits;
#[derive(Debug)]
struct Failure;

#[coalesce(key = (query, page))]
async fn key_without_hash(query: &str, page: Page) -> usize {
    query.len() + page.0 as usize
}

#[coalesce(key = rate)]
async fn key_of_a_float(rate: f64) -> u32 {
    rate as u32
}

#[coalesce(key = query)]
async fn outcome_without_clone(query: &str) -> Result<Hits, Failure> {
    let _ = query;
    Ok(Hits)
}

#[coalesce]
async fn outcome_of_one_thread() -> std::rc::Rc<u32> {
    std::rc::Rc::new(1)
}

fn main() {}
