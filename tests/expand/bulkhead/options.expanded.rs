// @generated from the case beside it
use resilient::{bulkhead, retry};
use crate::support::{Error, Script};
pub async fn load(items: Vec<u32>, script: &Script) -> Result<usize, Error> {
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("load")
        .max(1)
        .backoff(::resilient::Backoff::none());
    static BULKHEAD_: ::resilient::Bulkhead = ::resilient::Bulkhead::named("load")
        .limit(8)
        .queue(4)
        .max_wait(::core::time::Duration::from_millis(50))
        .mode(::resilient::Mode::Observe);
    ::resilient::listed!("load" : own RETRY_, own BULKHEAD_);
    let bulkhead_ = BULKHEAD_
        .entry()
        .weight(items.len() as u32)
        .priority(::resilient::Priority::Low);
    let mut retry_ = RETRY_.begin();
    let settled_ = loop {
        let attempt_ = async {
            ::resilient::returns!(Result < usize, Error >);
            script.next()?;
            Ok(items.len())
        };
        let settled_ = ::resilient::run((&mut retry_, bulkhead_), attempt_).await;
        let delay_ = match retry_.verdict(settled_) {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        delay_.await;
    };
    ::resilient::finish::<Result<usize, Error>>(settled_)
}
pub async fn transcript() -> String {
    let script = Script::failing(1);
    let outcome = load(vec![1, 2, 3], &script).await;
    format!("{outcome:?} {}", script.attempts())
}
