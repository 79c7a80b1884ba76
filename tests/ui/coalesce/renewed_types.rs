use resilient::coalesce;
use resilient_tests::Error;

#[coalesce(key = id, hold = "1s", stale_while_revalidate = "1m")]
async fn no_result(id: u32) -> u32 {
    id
}

#[coalesce(key = id, hold = "1s", stale_while_revalidate = "1m")]
async fn not_sent(id: u32) -> Result<u32, Error> {
    let here = std::rc::Rc::new(id);
    tokio::task::yield_now().await;
    Ok(*here)
}

#[coalesce(key = word, hold = "1s", stale_while_revalidate = "1m")]
async fn borrowed_unseen(word: Word<'_>) -> Result<u32, Error> {
    Ok(word.len() as u32)
}

type Word<'a> = std::borrow::Cow<'a, str>;

fn main() {}
