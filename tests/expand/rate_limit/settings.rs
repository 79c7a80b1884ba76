use resilient::{RateLimit, rate_limit};

use crate::support::Error;

/// Three calls at once for long names in region 1.
fn plan_of(tenant: &str, region: u8, shared: RateLimit) -> RateLimit {
    if tenant.len() > 3 && region == 1 { shared.burst(3) } else { shared }
}

#[rate_limit("1/min", key = (tenant, 1_u8), settings = |tenant, region, shared| plan_of(tenant, *region, shared))]
pub async fn ask(tenant: &str) -> Result<(), Error> {
    let _ = tenant;
    Ok(())
}

/// Twice the shared burst.
fn twice(_: &str, shared: RateLimit) -> RateLimit {
    shared.burst(2)
}

#[rate_limit("1/min", key = tenant, settings = twice)]
pub async fn look(tenant: &str) -> Result<(), Error> {
    let _ = tenant;
    Ok(())
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
