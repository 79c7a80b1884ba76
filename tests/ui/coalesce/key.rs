use resilient::coalesce;

#[coalesce]
async fn which(query: &str, page: u32) -> u32 {
    page + query.len() as u32
}

#[coalesce(shared_across(host))]
async fn which_of_the_rest(host: &str, id: u32) -> usize {
    host.len() + id as usize
}

#[coalesce(query)]
async fn without_its_name(query: String) -> usize {
    query.len()
}

#[coalesce(key = "query")]
async fn quoted(query: String) -> usize {
    query.len()
}

#[coalesce(key(query, page))]
async fn listed(query: String, page: u32) -> usize {
    query.len() + page as usize
}

#[coalesce(key = nope)]
async fn unknown(query: String) -> usize {
    query.len()
}

fn main() {}
