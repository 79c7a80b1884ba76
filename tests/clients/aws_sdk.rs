//! The client of SQS, with servers that answer as AWS documents for it and other services: all clients read errors alike.

use std::time::Duration;

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::send_message::SendMessageError;
use aws_sdk_sqs::{Client, Config};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use resilient::Class::{self, Permanent, Transient};
use tokio::net::TcpListener;

use crate::{BUSY, Table, answering};

/// The status, the code, the message, and what the answer means to a caller.
const ANSWERS: &[(&str, &str, &str, Class, &str)] = &[
    ("400 Bad Request", "ThrottlingException", "Rate exceeded", BUSY, "the server wants less"),
    ("400 Bad Request", "ProvisionedThroughputExceededException", "exceeded", BUSY, "the server wants less"),
    ("400 Bad Request", "TooManyRequestsException", "too many", BUSY, "the server wants less"),
    ("400 Bad Request", "LimitExceededException", "limit", BUSY, "as AWS's own retries have it"),
    ("503 Service Unavailable", "SlowDown", "reduce your request rate", BUSY, "the server wants less"),
    ("403 Forbidden", "RequestThrottled", "throttled", BUSY, "by an error that SQS has a type for"),
    ("400 Bad Request", "RequestTimeout", "idle", Transient, "the next call may be quicker"),
    ("500 Internal Server Error", "InternalFailure", "later", Transient, "as with every client"),
    ("503 Service Unavailable", "ServiceUnavailable", "later", Transient, "it comes back"),
    ("400 Bad Request", "IDPCommunicationError", "no answer", Transient, "STS did not reach the other server"),
    ("409 Conflict", "OperationAborted", "in progress", Transient, "another operation is in progress"),
    (
        "400 Bad Request",
        "TransactionConflictException",
        "ongoing",
        Transient,
        "DynamoDB: with the other one at its end",
    ),
    (
        "400 Bad Request",
        "TransactionCanceledException",
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, TransactionConflict]",
        Transient,
        "with the whole transaction",
    ),
    (
        "400 Bad Request",
        "TransactionCanceledException",
        "Transaction cancelled, please refer cancellation reasons for specific reasons [ThrottlingError, None]",
        BUSY,
        "the server wants less",
    ),
    (
        "400 Bad Request",
        "TransactionCanceledException",
        "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, ConditionalCheckFailed]",
        Permanent,
        "one of them fails again",
    ),
    ("400 Bad Request", "ConditionalCheckFailedException", "failed", Permanent, "the caller expects another state"),
    ("400 Bad Request", "ValidationException", "wrong", Permanent, "the caller's mistake"),
    ("400 Bad Request", "QueueDoesNotExist", "no such queue", Permanent, "the caller's mistake"),
    ("400 Bad Request", "ExpiredTokenException", "expired", Permanent, "a configuration"),
    ("403 Forbidden", "AccessDeniedException", "not authorized", Permanent, "a configuration"),
    ("403 Forbidden", "SignatureDoesNotMatch", "signature", Permanent, "a wrong password"),
];

#[tokio::test]
async fn aws_sdk() {
    let mut table = Table::of("aws-sdk");
    for &(status, code, message, class, why) in ANSWERS {
        let error = send(answer(status, "", code, message).await).await;
        let comes = message.rsplit_once(" reasons ").map_or(message, |(_, reasons)| reasons);
        table.add(&format!("{status}, `{code}`"), &error, comes, class, why);
    }
    headers(&mut table).await;
    connections(&mut table).await;
    table.check();
}

/// Answers whose class is in the status or the headers, which a `dyn Error` loses.
async fn headers(table: &mut Table) {
    let throttled = |milliseconds| Class::Throttled { after: Some(Duration::from_millis(milliseconds)) };
    for (status, header, code, class, erased, why) in [
        ("429 Too Many Requests", "", "Unknown", BUSY, Permanent, "by the status"),
        ("500 Internal Server Error", "", "Unknown", Transient, Permanent, "by the status"),
        ("400 Bad Request", "retry-after: 7", "ThrottlingException", throttled(7_000), BUSY, "the server said so"),
        ("400 Bad Request", "x-amz-retry-after: 1500", "ThrottlingException", throttled(1_500), BUSY, "the same"),
        ("503 Service Unavailable", "retry-after: 7", "Unknown", throttled(7_000), Permanent, "the same"),
        ("500 Internal Server Error", "x-amz-retry-after: 1500", "InternalFailure", Transient, Transient, "the same"),
    ] {
        let error = send(answer(status, header, code, "it says").await).await;
        let header = if header.is_empty() { String::new() } else { format!(", `{header}`") };
        table.add_apart(&format!("{status}, `{code}`{header}"), &error, "it says", class, erased, why);
    }
    let page = "HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 13\r\n\r\n<html></html>";
    let error = send(answering(&[page.as_bytes()]).await).await;
    table.add_apart("502 Bad Gateway, a page of HTML", &error, "", Transient, Permanent, "by the status");
}

async fn connections(table: &mut Table) {
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    table.add("nobody listens", &send(refused).await, "refused", Transient, "it comes back");
    let error = send(answering(&[b""]).await).await;
    table.add("the server hangs up", &error, "", Transient, "it comes back");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = send(silent.local_addr().unwrap().port()).await;
    table.add("the server says nothing", &error, "timeout", Transient, "the next call may be quicker");
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{";
    let error = send(answering(&[half]).await).await;
    table.add("an answer that breaks off", &error, "", Transient, "a proxy or the server ended it");
    let error = send(answering(&[b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>"]).await).await;
    table.add("200 with a page of HTML", &error, "", Permanent, "it will be again");
    let error = send_to("http://nowhere.invalid".to_owned(), Some(credentials())).await;
    table.add("the name is not found", &error, "lookup", Transient, "as with every client");
    let plain = answering(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    let error = send_to(format!("https://127.0.0.1:{plain}"), Some(credentials())).await;
    table.add("TLS to a port without it", &error, "corrupt message", Permanent, "it will not learn TLS");
    let error = send_to(format!("http://127.0.0.1:{plain}"), None).await;
    table.add("no credentials", &error, "no identity resolver", Permanent, "a configuration");
}

/// Returns the port of a server with one answer.
async fn answer(status: &str, header: &str, code: &str, message: &str) -> u16 {
    let body = format!("{{\"__type\":\"com.amazonaws.service#{code}\",\"message\":\"{message}\"}}");
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{header}content-length: {}\r\n\r\n", body.len());
    answering(&[(head + &body).as_bytes()]).await
}

async fn send(port: u16) -> SdkError<SendMessageError> {
    send_to(format!("http://127.0.0.1:{port}"), Some(credentials())).await
}

/// Sends with a client that makes no retries of its own.
async fn send_to(endpoint: String, credentials: Option<Credentials>) -> SdkError<SendMessageError> {
    let http = Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_millis(500)).build());
    config.set_credentials_provider(credentials.map(aws_sdk_sqs::config::SharedCredentialsProvider::new));
    let client = Client::from_conf(config.build());
    client.send_message().queue_url("http://127.0.0.1/orders").message_body("seven").send().await.unwrap_err()
}

fn credentials() -> Credentials {
    Credentials::new("ada", "right", None, None, "the test")
}
