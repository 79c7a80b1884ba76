use resilient::rate_limit;

use crate::support::Error;

#[rate_limit("1/min", key = tenant, name = "expand: tenants")]
pub async fn ask(tenant: &str) -> Result<(), Error> {
    let _ = tenant;
    Ok(())
}

pub async fn transcript() -> String {
    let tenant = module_path!().len().to_string();
    let (first, second) = (ask(&tenant).await, ask(&tenant).await);
    format!("{first:?} {} {:?}", second.is_err(), ask(&format!("not {tenant}")).await)
}
