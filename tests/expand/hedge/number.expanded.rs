// @generated from the case beside it
use std::time::Duration;
use resilient::{bulkhead, hedge};
use crate::support::Error;
pub async fn ask(servers: &[&str], word: String) -> Result<String, Error> {
    static HEDGE_: ::resilient::Hedge = ::resilient::Hedge::named("ask")
        .after(::core::time::Duration::from_millis(20))
        .ratio(1.0);
    ::resilient::listed!("ask" : own HEDGE_);
    let attempt_ = HEDGE_
        .run(
            ::resilient::call::numbered(|attempt_| async {
                ::resilient::returns!(Result < String, Error >);
                let number = attempt_.number();
                let word = ::core::clone::Clone::clone(&word);
                if number == 0 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Ok(format!("{word} of {}", servers[number as usize]))
            }),
        );
    attempt_.await
}
pub async fn limited(servers: &[&str]) -> Result<String, Error> {
    static HEDGE_: ::resilient::Hedge = ::resilient::Hedge::named("limited")
        .after(::core::time::Duration::from_millis(20))
        .ratio(1.0);
    static BULKHEAD_: ::resilient::Bulkhead = ::resilient::Bulkhead::named("limited")
        .limit(2);
    ::resilient::listed!("limited" : own HEDGE_, own BULKHEAD_);
    let attempt_ = HEDGE_
        .unless_busy(&BULKHEAD_)
        .run(
            ::resilient::call::numbered(|attempt_| async {
                let number = attempt_.number();
                let attempt_ = async {
                    ::resilient::returns!(Result < String, Error >);
                    if number == 0 {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    Ok(servers[number as usize].to_owned())
                };
                ::resilient::run((&BULKHEAD_,), attempt_).await
            }),
        );
    ::resilient::finish::<Result<String, Error>>(attempt_.await)
}
pub async fn transcript() -> String {
    let asked = ask(&["a", "b"], "tide".to_owned()).await;
    let limited = limited(&["a", "b"]).await;
    format!("{asked:?} {limited:?}")
}
