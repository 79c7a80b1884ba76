// @generated from the case beside it
use resilient::coalesce;
async fn settings() -> u32 {
    let coalesce = {
        static POLICY: ::resilient::Coalesce = ::resilient::Coalesce::named("settings");
        &POLICY
    };
    let coalesce = coalesce.call(&());
    let attempt = async move {
        if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
            u32,
        > {
            return outcome;
        }
        tokio::task::yield_now().await;
        7
    };
    coalesce.run(attempt).await
}
pub async fn transcript() -> String {
    format!("{:?}", tokio::join!(settings(), settings()))
}
