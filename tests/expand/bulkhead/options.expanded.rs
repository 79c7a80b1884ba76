// @generated from the case beside it
use resilient::{bulkhead, retry};
use crate::support::{Error, Script};
pub async fn load(items: Vec<u32>, script: &Script) -> Result<usize, Error> {
    let bulkhead = {
        static POLICY: ::resilient::Bulkhead = ::resilient::Bulkhead::named("load")
            .limit(8)
            .queue(4)
            .max_wait(::core::time::Duration::from_millis(50))
            .mode(::resilient::Mode::Observe);
        &POLICY
    };
    let bulkhead = bulkhead
        .entry()
        .weight(items.len() as u32)
        .priority(::resilient::Priority::Low);
    let mut retry = {
        static POLICY: ::resilient::Retry = ::resilient::Retry::named("load")
            .max(1)
            .backoff(::resilient::Backoff::none());
        POLICY.begin()
    };
    let settled = loop {
        let attempt = async {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<usize, Error>,
            > {
                return outcome;
            }
            script.next()?;
            Ok(items.len())
        };
        let delay = match retry.settle(bulkhead.run(attempt).await) {
            ::resilient::Verdict::Accept(outcome) => break outcome,
            ::resilient::Verdict::Retry(delay) => delay,
        };
        delay.await;
    };
    ::resilient::finish::<Result<usize, Error>>(settled)
}
pub async fn transcript() -> String {
    let script = Script::failing(1);
    let outcome = load(vec![1, 2, 3], &script).await;
    format!("{outcome:?} {}", script.attempts())
}
