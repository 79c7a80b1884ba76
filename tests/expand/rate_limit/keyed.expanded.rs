// @generated from the case beside it
use resilient::rate_limit;
use crate::support::Error;
pub async fn ask(tenant: &str) -> Result<(), Error> {
    let rate_limit = &{
        static POLICY: ::resilient::PerKey<::resilient::RateLimit> = ::resilient::PerKey::new(
            ::resilient::RateLimit::named("expand: tenants")
                .rate(1, ::core::time::Duration::from_secs(60)),
        );
        POLICY.shared()
    }
        .of(&tenant);
    let settled = 'limited: {
        let permit = match rate_limit.acquire().await {
            ::core::result::Result::Ok(permit) => permit,
            ::core::result::Result::Err(rejection) => {
                break 'limited ::resilient::Settled::Rejected(rejection);
            }
        };
        let attempt = async move {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<(), Error>,
            > {
                return outcome;
            }
            let _ = tenant;
            Ok(())
        };
        ::resilient::Settled::Outcome(permit.settle(attempt.await))
    };
    ::resilient::finish::<Result<(), Error>>(settled)
}
pub async fn transcript() -> String {
    let tenant = module_path!().len().to_string();
    let (first, second) = (ask(&tenant).await, ask(&tenant).await);
    format!("{first:?} {} {:?}", second.is_err(), ask(& format!("not {tenant}")). await)
}
