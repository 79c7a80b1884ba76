//! A server that speaks TLS, and certificates for it.

use std::time::Duration;

use tokio::sync::oneshot;
use tonic::transport::{Identity, Server, ServerTlsConfig};

use crate::tonic::{Answering, start};

pub(crate) const AUTHORITY: &str = include_str!("certificates/ca.pem");
pub(crate) const GOOD: &str = include_str!("certificates/good.pem");
pub(crate) const EXPIRED: &str = include_str!("certificates/expired.pem");
pub(crate) const KEY: &str = include_str!("certificates/server.key");

/// Starts a server with this certificate, and returns its port and the way to stop it.
pub(crate) async fn serve(certificate: &str) -> (u16, oneshot::Sender<()>) {
    let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, KEY));
    start(Server::builder().tls_config(tls).unwrap(), Answering::At(Duration::ZERO)).await
}
