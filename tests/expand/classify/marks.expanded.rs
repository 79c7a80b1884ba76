// @generated from the case beside it
use std::time::Duration;
use resilient::Classify;
#[derive(Debug)]
#[allow(dead_code)]
pub enum SearchError<E> {
    Connect(String),
    Busy { wait: Duration, quota: u32 },
    Full,
    NotFound { id: u64 },
    Inner(E),
    Refused(resilient::Error),
}
#[automatically_derived]
impl<E> ::resilient::Classify for SearchError<E>
where
    E: ::resilient::Classify,
    resilient::Error: ::resilient::Classify,
{
    fn class(&self) -> ::resilient::Class {
        match self {
            Self::Connect { .. } => ::resilient::Class::Transient,
            Self::Busy { wait: after_, .. } => {
                ::resilient::Class::Throttled {
                    after: ::core::convert::From::from(*after_),
                }
            }
            Self::Full { .. } => {
                ::resilient::Class::Throttled {
                    after: ::core::option::Option::None,
                }
            }
            Self::NotFound { .. } => ::resilient::Class::Permanent,
            Self::Inner { 0: inner_, .. } => <E as ::resilient::Classify>::class(inner_),
            Self::Refused { 0: inner_, .. } => {
                <resilient::Error as ::resilient::Classify>::class(inner_)
            }
        }
    }
    fn rejection(&self) -> ::core::option::Option<&::resilient::Error> {
        match self {
            Self::Inner { 0: inner_, .. } => {
                <E as ::resilient::Classify>::rejection(inner_)
            }
            Self::Refused { 0: inner_, .. } => {
                <resilient::Error as ::resilient::Classify>::rejection(inner_)
            }
            _ => ::core::option::Option::None,
        }
    }
    fn forbids_attempts(&self) -> bool {
        match self {
            Self::Inner { 0: inner_, .. } => {
                <E as ::resilient::Classify>::forbids_attempts(inner_)
            }
            Self::Refused { 0: inner_, .. } => {
                <resilient::Error as ::resilient::Classify>::forbids_attempts(inner_)
            }
            _ => false,
        }
    }
    fn hint(&self) -> ::core::option::Option<::core::time::Duration> {
        match self {
            Self::Inner { 0: inner_, .. } => <E as ::resilient::Classify>::hint(inner_),
            Self::Refused { 0: inner_, .. } => {
                <resilient::Error as ::resilient::Classify>::hint(inner_)
            }
            _ => ::core::option::Option::None,
        }
    }
}
#[automatically_derived]
impl<E> ::core::convert::From<resilient::Error> for SearchError<E> {
    fn from(inner_: resilient::Error) -> Self {
        Self::Refused(inner_)
    }
}
pub async fn transcript() -> String {
    let errors = [
        SearchError::Connect(String::new()),
        SearchError::Busy {
            wait: Duration::from_secs(1),
            quota: 3,
        },
        SearchError::Full,
        SearchError::NotFound { id: 4 },
        SearchError::Inner(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let classes = errors.iter().map(|error| format!("{:?}", error.class()));
    classes.collect::<Vec<_>>().join(" ")
}
