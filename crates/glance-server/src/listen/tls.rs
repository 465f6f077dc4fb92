//! TLS 1.2 and 1.3 with rustls. HTTP/2 is offered, HTTP/1.1 is what clients get that do not ask for it.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::settings::TlsFiles;

/// The name of HTTP/2 in the handshake (RFC 9113).
const H2: &[u8] = b"h2";

/// What handshakes need; certificates can be read again while connections go on.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ArcSwap<ServerConfig>>,
}

impl Tls {
    /// Reads certificates and key.
    ///
    /// # Errors
    /// For files that cannot be read or do not fit each other.
    pub fn open(files: &TlsFiles) -> anyhow::Result<Self> {
        Ok(Self { config: Arc::new(ArcSwap::from_pointee(read(files)?)) })
    }

    /// Reads certificates and key again; connections that are open keep theirs.
    ///
    /// # Errors
    /// As [`Tls::open`]; then the old ones stay.
    pub fn reload(&self, files: &TlsFiles) -> anyhow::Result<()> {
        self.config.store(Arc::new(read(files)?));
        Ok(())
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// When the client does not speak TLS, or has no certificate that is trusted where one is asked for.
    pub async fn accept<IO>(&self, stream: IO) -> std::io::Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        TlsAcceptor::from(self.config.load_full()).accept(stream).await
    }
}

/// Whether the client chose HTTP/2.
pub(crate) fn is_http2<IO>(stream: &TlsStream<IO>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(H2)
}

fn read(files: &TlsFiles) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = match &files.clients {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path, "ca_file")? {
                roots.add(certificate).with_context(|| format!("ca_file: {}", path.display()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::from_pem_file(&files.key);
    let key = key.map_err(|error| anyhow!("key_file: {}: {error}", files.key.display()))?;
    let chain = certificates(&files.certificate, "cert_file")?;
    let mut config = builder
        .with_single_cert(chain, key)
        .with_context(|| format!("cert_file and key_file: {}", files.certificate.display()))?;
    config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &std::path::Path, option: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let failed = |error: &dyn std::fmt::Display| anyhow!("{option}: {}: {error}", path.display());
    let found = CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| failed(&error))?;
    if found.is_empty() { Err(failed(&"there is no certificate in it")) } else { Ok(found) }
}
