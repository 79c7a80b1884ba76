//! The class of an I/O error.

use std::io;

use crate::{Class, Classify, Error};

/// By [`ErrorKind`](std::io::ErrorKind): what a network or an interrupted call causes is transient, the rest permanent.
///
/// | kinds | class |
/// |---|---|
/// | any, of a policy's rejection that was converted | that of the rejection |
/// | `ConnectionRefused`, `ConnectionReset`, `ConnectionAborted`, `NotConnected`, `BrokenPipe`, `HostUnreachable`, `NetworkUnreachable`, `NetworkDown`, `AddrNotAvailable` | transient |
/// | `TimedOut`, `WouldBlock`, `Interrupted`, `UnexpectedEof`, `WriteZero`, `ResourceBusy` | transient |
/// | a name that was not found, a host that is down, a full table of files or of buffers: no kind on stable, so by the code of the system or by the words of the standard library | transient |
/// | every other | permanent |
///
/// A name that does not exist cannot be told from one that could not be asked for.
impl Classify for io::Error {
    fn class(&self) -> Class {
        use std::io::ErrorKind as Kind;
        if let Some(rejection) = self.rejection() {
            return rejection.class();
        }
        match self.kind() {
            Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::NotConnected
            | Kind::BrokenPipe
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::AddrNotAvailable
            | Kind::TimedOut
            | Kind::WouldBlock
            | Kind::Interrupted
            | Kind::UnexpectedEof
            | Kind::WriteZero
            | Kind::ResourceBusy => Class::Transient,
            _ if is_unnamed(self) || is_unresolved(self) => Class::Transient,
            _ => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        self.get_ref()?.downcast_ref()
    }
}

/// Returns whether the system gave a code that has no stable kind.
fn is_unnamed(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| UNNAMED.contains(&code))
}

/// Returns whether a name could not be turned into an address. The standard library says so in words only.
fn is_unresolved(error: &io::Error) -> bool {
    let Some(inside) = error.get_ref() else { return false };
    let message = inside.to_string();
    UNRESOLVED.iter().any(|words| message.contains(words))
}

/// The words of the standard library, and of tokio for an answer without an address.
const UNRESOLVED: &[&str] = &["failed to lookup address information", "could not resolve to any address"];

/// `ENFILE`, `EMFILE`, `ENONET`, `ENETRESET`, `ENOBUFS`, `EHOSTDOWN`.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNNAMED: &[i32] = &[23, 24, 64, 102, 105, 112];

/// `ENFILE`, `EMFILE`, `ENETRESET`, `ENOBUFS`, `EHOSTDOWN`.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
const UNNAMED: &[i32] = &[23, 24, 52, 55, 64];

/// `WSAEMFILE`, `WSAENETRESET`, `WSAENOBUFS`, `WSAEHOSTDOWN`, and what the resolver gives: `WSAHOST_NOT_FOUND`, `WSATRY_AGAIN`,
/// `WSANO_RECOVERY`, `WSANO_DATA`.
#[cfg(windows)]
const UNNAMED: &[i32] = &[10_024, 10_052, 10_055, 10_064, 11_001, 11_002, 11_003, 11_004];

#[cfg(not(any(unix, windows)))]
const UNNAMED: &[i32] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_converts_and_is_found() {
        crate::ecosystem::tests::holds_rejections::<io::Error>();
    }

    #[test]
    fn a_name_that_is_not_found_is_transient() {
        let error = std::net::ToSocketAddrs::to_socket_addrs("name.invalid:1").err().unwrap();

        assert_eq!(error.class(), Class::Transient, "{error:?}");
    }

    #[test]
    fn codes_without_a_kind_have_a_class() {
        for code in UNNAMED {
            let error = io::Error::from_raw_os_error(*code);

            assert_eq!(error.class(), Class::Transient, "{error:?}");
        }
    }

    #[test]
    fn other_words_and_codes_are_permanent() {
        assert_eq!(io::Error::other("failed to look at the address").class(), Class::Permanent);
        assert_eq!(io::Error::from_raw_os_error(i32::MAX).class(), Class::Permanent);
        assert_eq!(io::Error::from(io::ErrorKind::InvalidInput).class(), Class::Permanent);
    }
}
