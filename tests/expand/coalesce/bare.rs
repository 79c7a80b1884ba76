use resilient::coalesce;

#[coalesce]
async fn settings() -> u32 {
    tokio::task::yield_now().await;
    7
}

pub async fn transcript() -> String {
    format!("{:?}", tokio::join!(settings(), settings()))
}
