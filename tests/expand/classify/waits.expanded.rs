// @generated from the case beside it
use std::time::Duration;
use resilient::Classify;
#[derive(Debug)]
pub enum FetchError {
    Down(Duration),
    Busy,
    Gone,
}
#[automatically_derived]
impl ::resilient::Classify for FetchError {
    fn class(&self) -> ::resilient::Class {
        match self {
            Self::Down { .. } => ::resilient::Class::Transient,
            Self::Busy { .. } => {
                ::resilient::Class::Throttled {
                    after: ::core::option::Option::None,
                }
            }
            Self::Gone { .. } => ::resilient::Class::Permanent,
        }
    }
    fn hint(&self) -> ::core::option::Option<::core::time::Duration> {
        match self {
            Self::Down { 0: after_, .. } => ::core::convert::From::from(*after_),
            _ => ::core::option::Option::None,
        }
    }
}
pub async fn transcript() -> String {
    let errors = [
        FetchError::Down(Duration::from_secs(2)),
        FetchError::Busy,
        FetchError::Gone,
    ];
    let said = errors
        .iter()
        .map(|error| format!("{:?} {:?}", error.class(), error.hint()));
    said.collect::<Vec<_>>().join(" ")
}
