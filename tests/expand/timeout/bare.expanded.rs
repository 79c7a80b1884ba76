// @generated from the case beside it
use resilient::timeout;
use crate::support::Error;
pub async fn lookup(name: String) -> Result<String, Error> {
    static TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "lookup",
        ::core::time::Duration::from_millis(250),
    );
    ::resilient::listed!("lookup" : own TIMEOUT_);
    let attempt_ = async move {
        ::resilient::returns!(Result < String, Error >);
        std::future::pending::<()>().await;
        Ok(name)
    };
    ::resilient::finish::<
        Result<String, Error>,
    >(::resilient::run((&TIMEOUT_,), attempt_).await)
}
pub async fn transcript() -> String {
    let outcome = lookup("name".to_owned()).await;
    format!("{outcome:?}")
}
