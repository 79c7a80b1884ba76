// @generated from the case beside it
use resilient::{coalesce, retry, timeout};
use crate::support::{Error, Script};
struct Api {
    name: &'static str,
    script: Script,
}
impl Api {
    async fn load(&self, id: u32) -> Result<String, Error> {
        static COALESCE_: ::resilient::Coalesce = ::resilient::Coalesce::named("load");
        static TOTAL_TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
            "load",
            ::core::time::Duration::from_secs(1),
        );
        static RETRY_: ::resilient::Retry = ::resilient::Retry::named("load")
            .max(2)
            .backoff(::resilient::Backoff::none());
        ::resilient::listed!("load" : own COALESCE_, own TOTAL_TIMEOUT_, own RETRY_);
        let coalesce_ = COALESCE_.call(&id).on(self);
        let call_ = async move {
            let mut total_timeout_ = TOTAL_TIMEOUT_.begin();
            let mut retry_ = RETRY_.begin();
            loop {
                let attempt_ = async {
                    ::resilient::returns!(Result < String, Error >);
                    tokio::task::yield_now().await;
                    self.script.next()?;
                    Ok(format!("{} {id} at {}", self.name, self.script.attempts()))
                };
                let settled_ = ::resilient::run(
                        (&mut total_timeout_, &mut retry_),
                        attempt_,
                    )
                    .await;
                let delay_ = match retry_.verdict(settled_) {
                    ::resilient::Verdict::Accept(outcome_) => break outcome_,
                    ::resilient::Verdict::Retry(delay_) => delay_,
                };
                total_timeout_.wait(delay_).await;
            }
        };
        ::resilient::finish::<Result<String, Error>>(coalesce_.run_settled(call_).await)
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
