//! A server that gives the answers that it is told.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Returns the port of a server that, on each connection, sends the next of `answers` after each packet of the client.
///
/// After the last answer the server hangs up.
pub(crate) async fn answering(answers: &[&[u8]]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers: Vec<Vec<u8>> = answers.iter().map(|answer| answer.to_vec()).collect();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answers = answers.clone();
            tokio::spawn(async move {
                for answer in answers {
                    if !matches!(stream.read(&mut [0; 4096]).await, Ok(1..)) {
                        return;
                    }
                    let _ = stream.write_all(&answer).await;
                }
            });
        }
    });
    port
}
