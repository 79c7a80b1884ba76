// @generated from the case beside it
use resilient::{fallback, retry};
use crate::support::{Error, Script};
struct Api {
    tenant: u32,
    script: Script,
}
impl Api {
    async fn load(&self, name: String, trace: u64) -> Result<String, Error> {
        static FALLBACK_: ::resilient::Fallback = ::resilient::Fallback::named("load")
            .max_age(::core::time::Duration::from_secs(300));
        static RETRY_: ::resilient::Retry = ::resilient::Retry::named("load")
            .max(1)
            .backoff(::resilient::Backoff::none());
        ::resilient::listed!("load" : own FALLBACK_, own RETRY_);
        let kept_ = FALLBACK_.call(&(&self.tenant, &name)).instance(|| ());
        'fallback: {
            let watch_ = FALLBACK_.begin();
            let mut retry_ = RETRY_.begin();
            let failure_ = match watch_
                .settle::<
                    Result<String, Error>,
                >(
                    loop {
                        let attempt_ = async {
                            ::resilient::returns!(Result < String, Error >);
                            self.script.next()?;
                            Ok(format!("{name} of {} ({trace})", self.tenant))
                        };
                        let delay_ = match retry_
                            .settle::<Result<String, Error>>(attempt_.await)
                        {
                            ::resilient::Verdict::Accept(outcome_) => break outcome_,
                            ::resilient::Verdict::Retry(delay_) => delay_,
                        };
                        delay_.await;
                    },
                )
            {
                ::resilient::call::Rescue::Accept(outcome_) => {
                    break 'fallback kept_.keep(outcome_);
                }
                ::resilient::call::Rescue::FallBack(failure_) => failure_,
            };
            if let ::core::option::Option::Some(value_) = kept_.recall() {
                break 'fallback failure_.stale(value_);
            }
            failure_.unanswered()
        }
    }
}
pub async fn transcript() -> String {
    let api = |tenant: u32, failures: u32| Api {
        tenant,
        script: Script::failing(failures),
    };
    let fresh = api(1, 1).load("tide".to_owned(), 7).await;
    let stale = api(1, 2).load("tide".to_owned(), 8).await;
    let none = api(2, 2).load("tide".to_owned(), 9).await;
    format!("{fresh:?} {stale:?} {none:?}")
}
