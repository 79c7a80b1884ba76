use resilient::timeout;

use crate::support::Error;

#[timeout("250ms")]
pub async fn lookup(name: String) -> Result<String, Error> {
    std::future::pending::<()>().await;
    Ok(name)
}

pub async fn transcript() -> String {
    let outcome = lookup("name".to_owned()).await;
    format!("{outcome:?}")
}
