//! Somebody who speaks TLS and QUIC, has a certificate, and then does what it likes.

use std::net::SocketAddr;
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, Endpoint};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use skep_keyspace::NodeId;
use skep_mesh::CredentialFiles;
use skep_tests::TestResult;

pub(crate) const VERSION: u8 = 1;
pub(crate) const HELLO: u8 = 0x10;
pub(crate) const REQUEST: u8 = 0x20;

pub(crate) struct Intruder {
    // Drives the connection.
    _endpoint: Endpoint,
    pub(crate) connection: Connection,
}

impl Intruder {
    /// Passes TLS, and has said nothing yet.
    pub(crate) async fn connect(files: &CredentialFiles, to: SocketAddr) -> TestResult<Intruder> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(&files.roots)? {
            roots.add(root?)?;
        }
        let certificate = CertificateDer::from_pem_file(&files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;
        config.alpn_protocols = vec![b"skep-mesh/1".to_vec()];
        let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(config)?));
        let endpoint = Endpoint::client("127.0.0.1:0".parse()?)?;
        // Our certificates name this host for tools like this one.
        let connection = endpoint.connect_with(config, to, "localhost")?.await?;
        Ok(Intruder { _endpoint: endpoint, connection })
    }

    /// Sends bytes on a stream of their own and ends it; gives what came back.
    pub(crate) async fn send(&self, bytes: &[u8]) -> TestResult<Vec<u8>> {
        let (mut send, mut receive) = self.connection.open_bi().await?;
        send.write_all(bytes).await?;
        send.finish()?;
        Ok(receive.read_to_end(1 << 20).await?)
    }

    /// Says who it is, and is believed.
    pub(crate) async fn introduce(&self, node: NodeId) -> TestResult {
        let answer = self.send(&hello(node, "bees")).await?;
        assert_eq!(answer[..2], [VERSION, HELLO]);
        Ok(())
    }

    /// Waits until the other side has closed the connection, and says with which words.
    pub(crate) async fn closed(&self) -> String {
        self.connection.closed().await.to_string()
    }
}

pub(crate) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![VERSION, kind];
    bytes.extend(u32::try_from(payload.len()).expect("short").to_be_bytes());
    bytes.extend(payload);
    bytes
}

pub(crate) fn hello(node: NodeId, cluster: &str) -> Vec<u8> {
    let incarnation = 7_u64.to_be_bytes();
    frame(HELLO, &[&node.0[..], &incarnation, cluster.as_bytes()].concat())
}
