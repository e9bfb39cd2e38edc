//! A cluster's own certificate authority, in a directory: who is a node of this cluster.
//!
//! ```text
//! <directory>/authority.pem        the signing key and its certificate; only the owner reads it
//! <directory>/roots.pem            what nodes trust: this authority and the one before
//! <directory>/nodes/<id>/node.pem  a node's key and certificate; only the owner reads it
//! <directory>/nodes/<id>/roots.pem a copy of the above
//! ```
//!
//! Files are replaced whole (written beside, then renamed), so a node that polls them never reads half
//! of one. Keys never leave their files: nothing here returns or prints one.
//!
//! To change the authority without a refused connection: `rotate`, and every node's `roots.pem` is
//! replaced by one that trusts both; when all nodes have read it, `issue` each again; the next
//! `rotate` ends the trust in the old one. Keys are Ed25519, whose sizes never vary.

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ED25519, SanType,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use skep_keyspace::NodeId;
use time::{Duration, OffsetDateTime};

use crate::credentials::CredentialFiles;
use crate::identity::{ClusterName, Identity, IdentityError, authority_cluster, authority_uri};
use crate::shown::Shown;

const AUTHORITY: &str = "authority.pem";
const ROOTS: &str = "roots.pem";
const NODES: &str = "nodes";
const NODE: &str = "node.pem";
const OWNER_ONLY: u32 = 0o600;
const PUBLIC: u32 = 0o644;
/// A certificate is valid a little before it was made, for nodes whose clocks are behind.
const CLOCK_SKEW: Duration = Duration::hours(1);
const AUTHORITY_LIFE: Duration = Duration::days(3650);
const NODE_LIFE: Duration = Duration::days(365);

/// Makes an authority for a cluster in a directory, which is made if it does not exist.
///
/// # Errors
/// When there is one already, or the directory cannot be written.
pub fn init(directory: &Path, cluster: &ClusterName) -> Result<(), AuthorityError> {
    fs::create_dir_all(directory).map_err(|error| AuthorityError::file(directory, error))?;
    let path = directory.join(AUTHORITY);
    if path.exists() {
        return Err(AuthorityError::Exists(path));
    }
    let (pem, certificate) = make(cluster)?;
    replace(&directory.join(ROOTS), certificate.as_bytes(), PUBLIC)?;
    replace(&path, pem.as_bytes(), OWNER_ONLY)
}

/// Makes a key and a certificate for a node, or new ones. `hosts` are names and addresses that stand
/// in the certificate beside the node's id, for tools that look for them; the mesh does not.
///
/// # Errors
/// When there is no authority there, a host is no name, or files cannot be written.
pub fn issue(
    directory: &Path,
    node: NodeId,
    hosts: &[String],
) -> Result<CredentialFiles, AuthorityError> {
    let authority = Authority::read(directory)?;
    let identity = Identity { cluster: authority.cluster, node };
    let mut parameters = parameters(&node.to_string(), NODE_LIFE);
    parameters.subject_alt_names = vec![san_uri(&identity.uri())?];
    for host in hosts {
        parameters.subject_alt_names.push(match host.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(host.as_str().try_into()?),
        });
    }
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    parameters.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let certificate = parameters.signed_by(&key, &authority.issuer)?;

    let folder = directory.join(NODES).join(node.to_string());
    fs::create_dir_all(&folder).map_err(|error| AuthorityError::file(&folder, error))?;
    let files = CredentialFiles::in_folder(&folder);
    // The roots first: a certificate that its own node's roots do not sign would be refused.
    let roots = read(&directory.join(ROOTS))?;
    replace(&files.roots, roots.as_bytes(), PUBLIC)?;
    let pem = key.serialize_pem() + &certificate.pem();
    replace(&files.certificate, pem.as_bytes(), OWNER_ONLY)?;
    Ok(files)
}

/// Replaces the authority. Nodes then trust the new one and the one before; certificates that the one
/// before signed stay valid until the next rotation.
///
/// # Errors
/// When there is no authority there, or files cannot be written.
pub fn rotate(directory: &Path) -> Result<(), AuthorityError> {
    let before = Authority::read(directory)?;
    let (pem, certificate) = make(&before.cluster)?;
    let roots = certificate + &before.certificate_pem;
    // Trust goes first: were this interrupted here, the old authority would still be in the roots.
    replace(&directory.join(ROOTS), roots.as_bytes(), PUBLIC)?;
    replace(&directory.join(AUTHORITY), pem.as_bytes(), OWNER_ONLY)?;
    for folder in node_folders(directory)? {
        replace(&folder.join(ROOTS), roots.as_bytes(), PUBLIC)?;
    }
    Ok(())
}

/// All certificates of an authority's directory: what is trusted, then the nodes', by id.
///
/// # Errors
/// When there is no authority there, or a certificate cannot be read.
pub fn show(directory: &Path) -> Result<Vec<Shown>, AuthorityError> {
    let mut files = vec![directory.join(ROOTS)];
    files.extend(node_folders(directory)?.into_iter().map(|folder| folder.join(NODE)));
    let mut shown = Vec::new();
    for path in files {
        let text = read(&path)?;
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let certificate = certificate.map_err(|error| AuthorityError::pem(&path, &error))?;
            shown.push(Shown::of(&path, &certificate)?);
        }
    }
    Ok(shown)
}

impl CredentialFiles {
    /// As `issue` lays them out.
    pub fn in_folder(folder: &Path) -> CredentialFiles {
        let node = folder.join(NODE);
        CredentialFiles { certificate: node.clone(), key: node, roots: folder.join(ROOTS) }
    }
}

/// What signs.
struct Authority {
    cluster: ClusterName,
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
}

impl Authority {
    fn read(directory: &Path) -> Result<Authority, AuthorityError> {
        let path = directory.join(AUTHORITY);
        let text = read(&path)?;
        let malformed = |what: &str| AuthorityError::Malformed(path.clone(), what.to_owned());
        // The key is the first section and the certificate the second, as `make` writes them.
        let begin =
            text.find("-----BEGIN CERTIFICATE").ok_or_else(|| malformed("no certificate"))?;
        let (key, certificate_pem) = text.split_at(begin);
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|error| AuthorityError::pem(&path, &error))?;
        let shown = Shown::of(&path, &certificate)?;
        let uri = shown.names.first().ok_or_else(|| malformed("no cluster in the certificate"))?;
        let key = KeyPair::from_pem(key)?;
        Ok(Authority {
            cluster: authority_cluster(uri)?,
            issuer: Issuer::from_ca_cert_der(&certificate, key)?,
            certificate_pem: certificate_pem.to_owned(),
        })
    }
}

/// A new authority: key and certificate together, and the certificate alone, as PEM.
fn make(cluster: &ClusterName) -> Result<(String, String), AuthorityError> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let name = format!("{cluster} authority of {}", OffsetDateTime::now_utc().date());
    let mut parameters = parameters(&name, AUTHORITY_LIFE);
    parameters.subject_alt_names = vec![san_uri(&authority_uri(cluster))?];
    // It signs nodes, and nothing that signs.
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = parameters.self_signed(&key)?.pem();
    Ok((key.serialize_pem() + &certificate, certificate))
}

fn parameters(name: &str, life: Duration) -> CertificateParams {
    let now = OffsetDateTime::now_utc();
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.not_before = now - CLOCK_SKEW;
    parameters.not_after = now + life;
    parameters
}

fn san_uri(uri: &str) -> Result<SanType, AuthorityError> {
    Ok(SanType::URI(uri.try_into()?))
}

fn node_folders(directory: &Path) -> Result<Vec<PathBuf>, AuthorityError> {
    let nodes = directory.join(NODES);
    let entries = match fs::read_dir(&nodes) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(AuthorityError::file(&nodes, error)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| AuthorityError::file(&nodes, error))?.path();
        if path.join(NODE).exists() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn read(path: &Path) -> Result<String, AuthorityError> {
    fs::read_to_string(path).map_err(|error| AuthorityError::file(path, error))
}

/// Writes beside, then renames. The mode is there before the first byte is.
fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), AuthorityError> {
    let beside = path.with_extension("new");
    let write = || -> io::Result<()> {
        // What an interrupted run left may have another mode.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| AuthorityError::file(path, error))
}

/// Why an authority's directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// There is an authority.
    #[error("{0} exists: an authority is replaced with rotate, not made anew")]
    Exists(PathBuf),
    /// There is no authority.
    #[error("{0}: {1}; an authority is made with init")]
    Missing(PathBuf, io::Error),
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A file has something else in it.
    #[error("{0} is not what this program wrote: {1}")]
    Malformed(PathBuf, String),
    /// A certificate of another kind, or a name that is none.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A certificate could not be made: a host is no name, or the key is unusable.
    #[error("the certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
}

impl AuthorityError {
    fn file(path: &Path, error: io::Error) -> AuthorityError {
        let is_made_by_init = path.ends_with(AUTHORITY) || path.ends_with(ROOTS);
        if error.kind() == io::ErrorKind::NotFound && is_made_by_init {
            return AuthorityError::Missing(path.to_owned(), error);
        }
        AuthorityError::File(path.to_owned(), error)
    }

    fn pem(path: &Path, error: &rustls_pki_types::pem::Error) -> AuthorityError {
        AuthorityError::Malformed(path.to_owned(), error.to_string())
    }
}
