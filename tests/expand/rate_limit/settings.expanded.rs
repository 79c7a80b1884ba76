// @generated from the case beside it
use resilient::{RateLimit, rate_limit};
use crate::support::Error;
/// Three calls at once for long names in region 1.
fn plan_of(tenant: &str, region: u8, shared: RateLimit) -> RateLimit {
    if tenant.len() > 3 && region == 1 { shared.burst(3) } else { shared }
}
pub async fn ask(tenant: &str) -> Result<(), Error> {
    static RATE_LIMIT_PER_KEY_: ::resilient::PerKey<::resilient::RateLimit> = ::resilient::PerKey::new(
        ::resilient::RateLimit::named("ask")
            .rate(1, ::core::time::Duration::from_secs(60)),
    );
    ::resilient::listed!(
        "ask" : own RATE_LIMIT_PER_KEY_ { settings :
        "|tenant, region, shared| plan_of(tenant, * region, shared)" }
    );
    let rate_limit_: &::resilient::RateLimit = &RATE_LIMIT_PER_KEY_
        .of_with(
            &(&tenant, &1_u8),
            |&(tenant, region): &(_, _), shared| plan_of(tenant, *region, shared),
        );
    let attempt_ = async move {
        ::resilient::returns!(Result < (), Error >);
        let _ = tenant;
        Ok(())
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(::resilient::run((rate_limit_,), attempt_).await)
}
/// Twice the shared burst.
fn twice(_: &str, shared: RateLimit) -> RateLimit {
    shared.burst(2)
}
pub async fn look(tenant: &str) -> Result<(), Error> {
    static RATE_LIMIT_PER_KEY_: ::resilient::PerKey<::resilient::RateLimit> = ::resilient::PerKey::new(
        ::resilient::RateLimit::named("look")
            .rate(1, ::core::time::Duration::from_secs(60)),
    );
    ::resilient::listed!("look" : own RATE_LIMIT_PER_KEY_ { settings : "twice" });
    let rate_limit_: &::resilient::RateLimit = &RATE_LIMIT_PER_KEY_
        .of_with(&tenant, |key_, shared_| twice(key_, shared_));
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
    let tenant = module_path!();
    let mut admitted = [0; 3];
    for _ in 0..9 {
        admitted[0] += u8::from(ask(tenant).await.is_ok());
        admitted[1] += u8::from(ask(&tenant[..3]).await.is_ok());
        admitted[2] += u8::from(look(tenant).await.is_ok());
    }
    format!("{admitted:?}")
}
