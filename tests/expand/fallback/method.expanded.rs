// @generated from the case beside it
use resilient::{fallback, retry};
use crate::support::{Error, Script};
struct Api {
    tenant: u32,
    script: Script,
}
impl Api {
    async fn load(&self, name: String, trace: u64) -> Result<String, Error> {
        let fallback = {
            static POLICY: ::resilient::Fallback = ::resilient::Fallback::named("load")
                .max_age(::core::time::Duration::from_secs(300));
            &POLICY
        };
        let kept = fallback.call(&(&self.tenant, &name)).instance(|| ());
        'fallback: {
            let mut retry = {
                static POLICY: ::resilient::Retry = ::resilient::Retry::named("load")
                    .max(1)
                    .backoff(::resilient::Backoff::none());
                POLICY.begin()
            };
            let failure = match fallback
                .settle::<
                    Result<String, Error>,
                >(
                    loop {
                        let attempt = async {
                            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                                Result<String, Error>,
                            > {
                                return outcome;
                            }
                            self.script.next()?;
                            Ok(format!("{name} of {} ({trace})", self.tenant))
                        };
                        let delay = match retry
                            .settle::<Result<String, Error>>(attempt.await)
                        {
                            ::resilient::Verdict::Accept(outcome) => break outcome,
                            ::resilient::Verdict::Retry(delay) => delay,
                        };
                        delay.await;
                    },
                )
            {
                ::resilient::Rescue::Accept(outcome) => {
                    break 'fallback kept.keep(outcome);
                }
                ::resilient::Rescue::FallBack(failure) => failure,
            };
            if let ::core::option::Option::Some(value) = kept.recall() {
                break 'fallback failure.stale(value);
            }
            failure.unanswered()
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
