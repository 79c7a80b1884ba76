// @generated from the case beside it
use std::time::Duration;
use resilient::hedge;
use crate::support::Error;
pub async fn load(host: &str) -> Result<usize, Error> {
    static HEDGE_PER_KEY_: ::resilient::PerKey<::resilient::Hedge> = ::resilient::PerKey::new(
        ::resilient::Hedge::named("hedge: learning")
            .after_percentile(99.0)
            .min_after(::core::time::Duration::from_millis(5))
            .max_after(::core::time::Duration::from_secs(1))
            .retry_budget_by_name(),
    );
    ::resilient::listed!("load" : shared HEDGE_PER_KEY_);
    let hedge_per_key_ = HEDGE_PER_KEY_.shared();
    let hedge_: &::resilient::Hedge = &hedge_per_key_.of(&host);
    let attempt_ = hedge_
        .run(|| async {
            ::resilient::returns!(Result < usize, Error >);
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(host.len())
        });
    attempt_.await
}
pub async fn transcript() -> String {
    format!("{:?}", load("a.example"). await)
}
