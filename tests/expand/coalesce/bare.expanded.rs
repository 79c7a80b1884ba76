// @generated from the case beside it
use resilient::coalesce;
async fn settings() -> u32 {
    static COALESCE_: ::resilient::Coalesce = ::resilient::Coalesce::named("settings");
    ::resilient::listed!("settings" : own COALESCE_);
    let coalesce_ = COALESCE_.call(&());
    let attempt_ = async move {
        ::resilient::returns!(u32);
        tokio::task::yield_now().await;
        7
    };
    coalesce_.run(attempt_).await
}
pub async fn transcript() -> String {
    format!("{:?}", tokio::join!(settings(), settings()))
}
