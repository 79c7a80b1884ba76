//! A server of HTTP/2 below all frameworks: it answers or resets as it is told.

use bytes::Bytes;
use h2::Reason;
use http::Response;
use tokio::net::{TcpListener, TcpStream};

/// The server's way with each request.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// Answers with the head, a body if it is not empty, and trailers if there are any.
    Answers(Box<Response<&'static [u8]>>, Option<http::HeaderMap>),
    /// Resets the stream.
    Resets(Reason),
}

/// Returns the port of such a server.
pub(crate) async fn serve(manner: Manner) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, manner.clone()));
        }
    });
    port
}

async fn converse(stream: TcpStream, manner: Manner) -> Option<()> {
    let mut connection = h2::server::handshake(stream).await.ok()?;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        match &manner {
            Manner::Resets(reason) => respond.send_reset(*reason),
            Manner::Answers(answer, trailers) => {
                let (head, body) = Response::clone(answer).into_parts();
                let ends = body.is_empty() && trailers.is_none();
                let mut stream = respond.send_response(Response::from_parts(head, ()), ends).ok()?;
                if !body.is_empty() {
                    stream.send_data(Bytes::from_static(body), trailers.is_none()).ok()?;
                }
                if let Some(trailers) = trailers {
                    stream.send_trailers(trailers.clone()).ok()?;
                }
            }
        }
        drop(request);
    }
    None
}

/// Returns the port of a server that drains each connection after so many requests.
pub(crate) async fn draining(requests: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.ok()?;
                let mut count = 0;
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let _ = respond.send_response(Response::new(()), true);
                    count += 1;
                    if count == requests {
                        connection.graceful_shutdown();
                    }
                }
                Some(())
            });
        }
    });
    port
}
