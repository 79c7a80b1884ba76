// @generated from the case beside it
use resilient::rate_limit;
use crate::support::Error;
pub async fn ask(tenant: &str) -> Result<(), Error> {
    let rate_limit_ = &{
        static POLICY: ::resilient::PerKey<::resilient::RateLimit> = ::resilient::PerKey::new(
            ::resilient::RateLimit::named("expand: tenants")
                .rate(1, ::core::time::Duration::from_secs(60)),
        );
        POLICY.shared()
    }
        .of(&tenant);
    let settled_ = 'limited: {
        let permit_ = match rate_limit_.acquire().await {
            ::core::result::Result::Ok(permit_) => permit_,
            ::core::result::Result::Err(rejection_) => {
                let refused_ = ::resilient::Settled::Rejected(rejection_);
                break 'limited refused_;
            }
        };
        let attempt_ = async move {
            if let ::core::option::Option::Some(outcome_) = ::core::option::Option::None::<
                Result<(), Error>,
            > {
                return outcome_;
            }
            let _ = tenant;
            Ok(())
        };
        ::resilient::Settled::Outcome(permit_.settle(attempt_.await))
    };
    ::resilient::finish::<Result<(), Error>>(settled_)
}
pub async fn transcript() -> String {
    let tenant = module_path!().len().to_string();
    let (first, second) = (ask(&tenant).await, ask(&tenant).await);
    format!("{first:?} {} {:?}", second.is_err(), ask(& format!("not {tenant}")). await)
}
