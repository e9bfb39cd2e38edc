//! A node's key, certificate and the roots it trusts, read from PEM files, and read again while the
//! node runs.
//!
//! Every handshake, of either direction, takes what was last read whole and found to fit together;
//! connections that stand, and what is under way on them, are not touched. A file that cannot be used
//! changes nothing but the error that [`Credentials::reload`] gives. TLS 1.3 only, both sides show
//! certificates, nothing is resumed (a resumed session would skip the check of the roots).

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use aws_lc_rs::{digest, hmac};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider, verify_tls13_signature};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::identity::{Identity, IdentityError};
use crate::shown::Shown;

/// A handshake between programs that mean something else fails early.
const ALPN: &[u8] = b"skep-mesh/1";
/// A file that is longer is not a certificate.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where a node's key, certificate and roots are. The first two may be one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialFiles {
    /// The node's certificate, then any that lead from it to a root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities that this node trusts.
    pub roots: PathBuf,
}

/// What handshakes use, replaced whole.
pub struct Credentials {
    files: CredentialFiles,
    loaded: ArcSwap<Loaded>,
}

impl Credentials {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be read or do not fit together.
    pub fn load(files: CredentialFiles) -> Result<Credentials, CredentialError> {
        let loaded = Loaded::new(&files, Text::read(&files)?)?;
        Ok(Credentials { files, loaded: ArcSwap::from_pointee(loaded) })
    }

    /// Reads the files again; says whether they had changed. What cannot be used is not used.
    ///
    /// # Errors
    /// When they cannot be read, do not fit together, or are of another node or cluster.
    pub fn reload(&self) -> Result<bool, CredentialError> {
        let text = Text::read(&self.files)?;
        let before = self.loaded.load();
        if text == before.text {
            return Ok(false);
        }
        let loaded = Loaded::new(&self.files, text)?;
        if loaded.identity != before.identity {
            return Err(CredentialError::OtherNode {
                file: self.files.certificate.clone(),
                before: before.identity.uri(),
                found: loaded.identity.uri(),
            });
        }
        self.loaded.store(Arc::new(loaded));
        Ok(true)
    }

    /// Who the certificate says this is. Never changes.
    pub fn identity(&self) -> Identity {
        self.loaded.load().identity.clone()
    }

    /// The certificate in use.
    pub fn shown(&self) -> Shown {
        self.loaded.load().shown.clone()
    }

    /// When the certificate in use ends.
    pub fn not_after(&self) -> SystemTime {
        self.loaded.load().shown.not_after
    }

    pub(crate) fn server(&self) -> Arc<QuicServerConfig> {
        self.loaded.load().server.clone()
    }

    pub(crate) fn client(&self) -> Arc<QuicClientConfig> {
        self.loaded.load().client.clone()
    }

    /// A secret that two runs of this node share, for telling the peers of the run before that it is
    /// over. Not the key itself, nor of use to find it.
    pub(crate) fn reset_key(&self) -> hmac::Key {
        let hash = digest::digest(&digest::SHA256, &self.loaded.load().text.key);
        let key = hmac::Key::new(hmac::HMAC_SHA256, hash.as_ref());
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, b"skep stateless reset").as_ref())
    }
}

/// The files as they were read.
#[derive(PartialEq, Eq)]
struct Text {
    certificate: Vec<u8>,
    key: Vec<u8>,
    roots: Vec<u8>,
}

impl Text {
    fn read(files: &CredentialFiles) -> Result<Text, CredentialError> {
        let read = |path: &PathBuf| {
            let length = fs::metadata(path).map_err(|error| file_error(path, &error))?.len();
            if length > FILE_BYTES_MAX {
                return Err(CredentialError::File(path.clone(), format!("{length} bytes")));
            }
            fs::read(path).map_err(|error| file_error(path, &error))
        };
        Ok(Text {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            roots: read(&files.roots)?,
        })
    }
}

fn file_error(path: &std::path::Path, error: &dyn std::fmt::Display) -> CredentialError {
    CredentialError::File(path.to_owned(), error.to_string())
}

struct Loaded {
    text: Text,
    identity: Identity,
    shown: Shown,
    server: Arc<QuicServerConfig>,
    client: Arc<QuicClientConfig>,
}

impl Loaded {
    fn new(files: &CredentialFiles, text: Text) -> Result<Loaded, CredentialError> {
        let provider = Arc::new(provider::default_provider());
        let chain = certificates(&files.certificate, &text.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&text.key)
            .map_err(|error| file_error(&files.key, &error))?;
        let mut roots = RootCertStore::empty();
        for root in certificates(&files.roots, &text.roots)? {
            roots.add(root).map_err(|error| file_error(&files.roots, &error))?;
        }
        let roots = Arc::new(roots);
        let verifier = Arc::new(ChainVerifier { roots: roots.clone(), provider: provider.clone() });
        let [own, intermediates @ ..] = &chain[..] else {
            return Err(CredentialError::File(files.certificate.clone(), "no certificate".into()));
        };
        // Peers have the same roots: better to say here what they would say.
        verifier.check(own, intermediates, UnixTime::now()).map_err(CredentialError::NotTrusted)?;
        let identity = Identity::of_certificate(own)?;
        let shown = Shown::of(&files.certificate, own)?;
        let server = server(&provider, &roots, chain.clone(), key.clone_key())?;
        let client = client(&provider, verifier, chain, key)?;
        Ok(Loaded { text, identity, shown, server: Arc::new(server), client: Arc::new(client) })
    }
}

fn certificates(
    path: &std::path::Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, CredentialError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| file_error(path, &error))?;
    if certificates.is_empty() {
        return Err(CredentialError::File(path.to_owned(), "no certificate in it".to_owned()));
    }
    Ok(certificates)
}

fn server(
    provider: &Arc<CryptoProvider>,
    roots: &Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<QuicServerConfig, CredentialError> {
    let clients: Arc<dyn ClientCertVerifier> =
        WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
            .build()
            .map_err(|error| CredentialError::Unusable(error.to_string()))?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.try_into().map_err(|error| CredentialError::Unusable(format!("{error}")))
}

fn client(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<ChainVerifier>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<QuicClientConfig, CredentialError> {
    let mut config = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(chain, key)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    config.try_into().map_err(|error| CredentialError::Unusable(format!("{error}")))
}

/// Checks that a trusted authority signed the certificate of the node that was called. Which node it
/// names is checked by `identity::check`: nodes have ids, not the names of hosts.
#[derive(Debug)]
struct ChainVerifier {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ChainVerifier {
    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(certificate)?,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )
    }
}

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity, intermediates, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("only TLS 1.3 is spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why a node's certificate files cannot be used. What was in use before stays in use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A file cannot be read, or is not what it should be.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// The certificate names no node.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No root signed this node's own certificate, or it has ended.
    #[error("peers with these roots would refuse this node's certificate: {0}; issue it again")]
    NotTrusted(rustls::Error),
    /// The files are of another node than the one that runs.
    #[error("{file} is of {found}, but this node is {before}")]
    OtherNode {
        /// The certificate's file.
        file: PathBuf,
        /// Who this is.
        before: String,
        /// Who the file is of.
        found: String,
    },
    /// Key and certificate do not belong together, or are of no use for TLS 1.3.
    #[error("these credentials are of no use: {0}")]
    Unusable(String),
}

impl From<rustls::Error> for CredentialError {
    fn from(error: rustls::Error) -> CredentialError {
        CredentialError::Unusable(error.to_string())
    }
}
