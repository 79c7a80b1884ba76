// @generated from the case beside it
use resilient::rate_limit;
use crate::support::Error;
pub async fn ask(tenant: &str) -> Result<(), Error> {
    static RATE_LIMIT_PER_KEY_: ::resilient::PerKey<::resilient::RateLimit> = ::resilient::PerKey::new(
        ::resilient::RateLimit::named("expand: tenants")
            .rate(1, ::core::time::Duration::from_secs(60)),
    );
    ::resilient::listed!("ask" : shared RATE_LIMIT_PER_KEY_);
    let rate_limit_per_key_ = RATE_LIMIT_PER_KEY_.shared();
    let rate_limit_: &::resilient::RateLimit = &rate_limit_per_key_.of(&tenant);
    let attempt_ = async move {
        ::resilient::returns!(Result < (), Error >);
        let _ = tenant;
        Ok(())
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(::resilient::run((rate_limit_,), attempt_).await)
}
pub async fn transcript() -> String {
    let tenant = module_path!().len().to_string();
    let (first, second) = (ask(&tenant).await, ask(&tenant).await);
    format!("{first:?} {} {:?}", second.is_err(), ask(& format!("not {tenant}")). await)
}
