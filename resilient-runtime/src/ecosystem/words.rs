//! The messages of errors whose types cannot be named: they are private, or belong to crates that are not worth a feature.

use std::error::Error as StdError;

use crate::Class;

/// Returns the class that the message of an error tells, not looking at its sources.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    let message = error.to_string();
    let phrase = PHRASES.iter().find(|phrase| phrase.0.iter().all(|words| message.contains(words)));
    phrase.map(|phrase| phrase.1).or_else(|| class_of_code(&message))
}

#[cfg(feature = "aws-sdk-1")]
fn class_of_code(message: &str) -> Option<Class> {
    super::aws_sdk::class_of_words(message)
}

#[cfg(not(feature = "aws-sdk-1"))]
fn class_of_code(_message: &str) -> Option<Class> {
    None
}

/// The first whose words are all in the message counts.
const PHRASES: &[(&[&str], Class)] = &[
    // the standard library's resolver, below other types than `io::Error`
    (&["failed to lookup address information"], Class::Transient),
    // OpenSSL, below native-tls and others: a server that hangs up, and all that the two sides disagree about
    (&["SSL routines", "unexpected eof"], Class::Transient),
    (&["SSL routines"], Class::Permanent),
    // hyper-util's connector
    (&["invalid URL, "], Class::Permanent),
    // hyper-util's ways through proxies
    (&["tunnel error: proxy authorization required"], Class::Permanent),
    (&["SOCKS error", "connection not allowed"], Class::Permanent),
    (&["SOCKS error", "not supported"], Class::Permanent),
    (&["SOCKS error", "authentication"], Class::Permanent),
    (&["SOCKS error", "credentials not accepted"], Class::Permanent),
    (&["SOCKS error", "ident service did not recognise"], Class::Permanent),
    // pools, whose errors have types of their own for each client
    (&["Timeout occurred while waiting for a slot to become available"], Class::Transient),
    (&["Timeout occurred while creating a new object"], Class::Transient),
    (&["Timeout occurred while recycling an object"], Class::Transient),
    (&["Timed out in bb8"], Class::Transient),
    // the clients of AWS, whose error has a type of its own for each operation
    (&["failed to construct request"], Class::Permanent),
    (&["request has timed out"], Class::Transient),
    (&["credentials provider timed out"], Class::Transient),
    // rustls' connectors, and tonic's without TLS
    (&["invalid dns name"], Class::Permanent),
    (&["Connecting to HTTPS without TLS enabled"], Class::Permanent),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Option<Class> {
        class(&*Box::<dyn StdError + Send + Sync>::from(message))
    }

    #[test]
    fn phrases_have_classes() {
        let handshake =
            "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed:a.c:1889:";

        assert_eq!(said(handshake), Some(Class::Permanent));
        assert_eq!(said("error:0A000126:SSL routines::unexpected eof while reading:a.c:1:"), Some(Class::Transient));
        assert_eq!(said("SOCKS error: connection not allowed"), Some(Class::Permanent));
        assert_eq!(said("SOCKS error: host unreachable"), None);
        assert_eq!(said("tunnel error: unsuccessful"), None);
        assert_eq!(said(""), None);
    }
}
