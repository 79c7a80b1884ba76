//! `reqwest::Error`.

use std::error::Error as StdError;

use super::cause;
use crate::{Class, Classify, Error};

/// By the stage at which it failed, and by what caused it.
///
/// | error | class |
/// |---|---|
/// | of a status, from `error_for_status` | that of the [status](crate::http::class_of_status) |
/// | the request could not be built, or was redirected too often | permanent |
/// | time-out, also of the connection; a name that was not resolved | transient |
/// | connecting, sending | that of the source, transient where it is not known |
/// | a body that could not be sent, received or decoded, a failed upgrade | that of the source, permanent where it is not known |
///
/// So a refused connection is transient and a certificate that rustls or OpenSSL rejects is permanent; a body that breaks off is
/// transient even while it is decoded, and JSON of the wrong shape is permanent, as is an error of the caller's own stream.
///
/// Of a proxy, a wrong password and what it does not allow are permanent. Its other refusals cannot be told apart, and are transient.
///
/// An error of a status has no headers, and so no hint. [`check`](crate::http::check) in place of `error_for_status` keeps it, and
/// [`by_response`](crate::http::by_response) reads it from the response itself.
///
/// A transient failure does not mean that the request was not carried out.
impl Classify for reqwest::Error {
    fn class(&self) -> Class {
        if let Some(status) = self.status() {
            return status.class();
        }
        if self.is_builder() || self.is_redirect() {
            return Class::Permanent;
        }
        if self.is_timeout() || is_dns(self) {
            return Class::Transient;
        }
        let ours = self.is_body() || self.is_decode() || self.is_upgrade();
        let unknown = if ours { Class::Permanent } else { Class::Transient };
        self.source().and_then(cause::class).unwrap_or(unknown)
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn is_dns(error: &reqwest::Error) -> bool {
    error.is_dns()
}

/// A browser does not tell.
#[cfg(target_arch = "wasm32")]
fn is_dns(_error: &reqwest::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::thread;
    use std::time::Duration;

    use reqwest::{Client, redirect};

    use super::*;

    /// A server on this machine that reads one request, answers with `answer` and hangs up.
    fn server(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let _ = connection.read(&mut [0; 1024]);
            let _ = connection.write_all(answer.as_bytes());
        });
        address
    }

    fn client() -> reqwest::ClientBuilder {
        Client::builder().no_proxy()
    }

    async fn get(answer: &'static str) -> reqwest::Result<reqwest::Response> {
        client().build().unwrap().get(format!("http://{}/", server(answer))).send().await
    }

    fn hyper_error(error: &reqwest::Error) -> &hyper::Error {
        cause::causes(error).find_map(|cause| cause.downcast_ref()).unwrap()
    }

    #[tokio::test]
    async fn a_refused_connection_is_transient() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

        let error = client().build().unwrap().get(format!("http://{closed}/")).send().await.unwrap_err();

        assert!(error.is_connect());
        assert_eq!(error.class(), Class::Transient);
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_built_is_permanent() {
        for url in ["not a url", "/relative", "http://", "ftp://127.0.0.1/"] {
            let error = client().build().unwrap().get(url).send().await.unwrap_err();

            assert_eq!(error.class(), Class::Permanent, "{url}");
        }
    }

    #[tokio::test]
    async fn a_time_out_is_transient() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        let client = client().timeout(Duration::from_millis(20)).build().unwrap();

        let error = client.get(url).send().await.unwrap_err();

        assert!(error.is_timeout());
        assert_eq!(error.class(), Class::Transient);
    }

    #[tokio::test]
    async fn a_connection_that_ends_before_the_response_is_transient() {
        for answer in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
            let error = get(answer).await.unwrap_err();

            assert!(hyper_error(&error).is_incomplete_message(), "{error:?}");
            assert_eq!(hyper_error(&error).class(), Class::Transient);
            assert_eq!(error.class(), Class::Transient);
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_transient() {
        let response = get("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();

        let error = response.bytes().await.unwrap_err();

        assert_eq!(hyper_error(&error).class(), Class::Transient);
        assert_eq!(error.class(), Class::Transient);
    }

    #[tokio::test]
    async fn what_is_not_http_is_permanent() {
        let error = get("SSH-2.0-OpenSSH_9.7\r\n\r\n").await.unwrap_err();

        assert!(hyper_error(&error).is_parse(), "{error:?}");
        assert_eq!(hyper_error(&error).class(), Class::Permanent);
        assert_eq!(error.class(), Class::Permanent);
    }

    #[tokio::test]
    async fn a_status_has_its_class() {
        let table = [
            ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", Class::Transient),
            ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", Class::Permanent),
            ("HTTP/1.1 429 Too Many Requests\r\nretry-after: 9\r\n\r\n", Class::Throttled { after: None }),
        ];

        for (answer, class) in table {
            let error = get(answer).await.unwrap().error_for_status().unwrap_err();

            assert_eq!(error.class(), class, "{answer}");
        }
    }

    #[tokio::test]
    async fn too_many_redirects_are_permanent() {
        let answer = "HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n";
        let client = client().redirect(redirect::Policy::limited(0)).build().unwrap();

        let error = client.get(format!("http://{}/", server(answer))).send().await.unwrap_err();

        assert!(error.is_redirect());
        assert_eq!(error.class(), Class::Permanent);
    }

    #[tokio::test]
    async fn a_response_keeps_its_hint() {
        let outcome = get("HTTP/1.1 429 Too Many Requests\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n").await;

        let class = crate::http::by_response(&outcome).class;

        assert_eq!(class, Class::Throttled { after: Some(Duration::from_secs(9)) });
    }

    #[tokio::test]
    async fn a_checked_response_keeps_its_hint_where_error_for_status_loses_it() {
        let answer = "HTTP/1.1 502 Bad Gateway\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n";

        let checked = crate::http::check(get(answer).await.unwrap()).unwrap_err();
        let lost = get(answer).await.unwrap().error_for_status().unwrap_err();

        assert_eq!((checked.class(), checked.hint()), (Class::Transient, Some(Duration::from_secs(9))));
        assert_eq!((lost.class(), lost.hint()), (Class::Transient, None));
    }

    #[tokio::test]
    async fn a_call_error_has_the_class_of_the_clients() {
        for answer in ["", "SSH-2.0-OpenSSH_9.7\r\n\r\n"] {
            let error = get(answer).await.unwrap_err();
            let class = error.class();

            assert_eq!(crate::http::CallError::from(error).class(), class);
        }
    }
}
