// @generated from the case beside it
use resilient::coalesce;
use crate::support::Error;
async fn search(query: String, page: u32, token: &str) -> Result<String, Error> {
    static COALESCE_: ::resilient::Coalesce = ::resilient::Coalesce::named("find")
        .hold(::core::time::Duration::from_millis(100));
    ::resilient::listed!("search" : own COALESCE_);
    let coalesce_ = COALESCE_.call(&(&query, &page));
    let attempt_ = async move {
        ::resilient::returns!(Result < String, Error >);
        tokio::task::yield_now().await;
        Ok(format!("{query} {page} by {token}"))
    };
    coalesce_.run(attempt_).await
}
pub async fn transcript() -> String {
    let search = |page, token| search("tide".to_owned(), page, token);
    format!("{:?}", tokio::join!(search(1, "a"), search(1, "b"), search(2, "c")))
}
