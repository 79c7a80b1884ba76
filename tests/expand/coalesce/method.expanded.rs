// @generated from the case beside it
use resilient::{coalesce, retry, timeout};
use crate::support::{Error, Script};
struct Api {
    name: &'static str,
    script: Script,
}
impl Api {
    async fn load(&self, id: u32) -> Result<String, Error> {
        let coalesce = {
            static POLICY: ::resilient::Coalesce = ::resilient::Coalesce::named("load");
            &POLICY
        };
        let coalesce = coalesce.call(&id).on(self);
        let total_timeout = {
            static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
                "load",
                ::core::time::Duration::from_secs(1),
            );
            &POLICY
        };
        let call = async move {
            let mut total_timeout = total_timeout.begin();
            let mut retry = {
                static POLICY: ::resilient::Retry = ::resilient::Retry::named("load")
                    .max(2)
                    .backoff(::resilient::Backoff::none());
                POLICY.begin()
            };
            loop {
                let attempt = async {
                    if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                        Result<String, Error>,
                    > {
                        return outcome;
                    }
                    tokio::task::yield_now().await;
                    self.script.next()?;
                    Ok(format!("{} {id} at {}", self.name, self.script.attempts()))
                };
                if let ::core::option::Option::Some(outcome) = retry
                    .run_within(&mut total_timeout, attempt)
                    .await
                {
                    break outcome;
                }
            }
        };
        ::resilient::finish::<Result<String, Error>>(coalesce.run_settled(call).await)
    }
}
pub async fn transcript() -> String {
    let (a, b) = (
        Api {
            name: "a",
            script: Script::failing(1),
        },
        Api {
            name: "b",
            script: Script::fine(),
        },
    );
    format!("{:?}", tokio::join!(a.load(1), a.load(1), b.load(1)))
}
