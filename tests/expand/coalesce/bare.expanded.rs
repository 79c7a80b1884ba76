// @generated from the case beside it
use resilient::coalesce;
async fn settings() -> u32 {
    static COALESCE_: ::resilient::Coalesce = ::resilient::Coalesce::named("settings");
    ::resilient::listed!("settings" : own COALESCE_);
    let coalesce_ = &COALESCE_;
    let coalesce_ = coalesce_.call(&());
    let attempt_ = async move {
        if let ::core::option::Option::Some(outcome_) = ::core::option::Option::None::<
            u32,
        > {
            return outcome_;
        }
        tokio::task::yield_now().await;
        7
    };
    coalesce_.run(attempt_).await
}
pub async fn transcript() -> String {
    format!("{:?}", tokio::join!(settings(), settings()))
}
