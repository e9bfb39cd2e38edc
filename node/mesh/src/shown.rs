//! What humans and metrics are told of a certificate. Never a key.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::identity::{IdentityError, uris};

/// A certificate, as shown to humans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Where it stands.
    pub file: PathBuf,
    /// Its subject.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Whether it is an authority's.
    pub is_authority: bool,
    /// The `spiffe://` names first, then hosts and addresses.
    pub names: Vec<String>,
    /// When it begins to be valid.
    pub not_before: SystemTime,
    /// When it ends.
    pub not_after: SystemTime,
    /// SHA-256 of the certificate, in hexadecimal.
    pub fingerprint: String,
}

impl Shown {
    /// Reads one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(file: &Path, certificate: &CertificateDer<'_>) -> Result<Shown, IdentityError> {
        let unreadable = |error: String| IdentityError::Certificate(error);
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|error| unreadable(error.to_string()))?;
        let mut names: Vec<String> = uris(&parsed)?.into_iter().map(str::to_owned).collect();
        let extension =
            parsed.subject_alternative_name().map_err(|error| unreadable(error.to_string()))?;
        for name in extension.iter().flat_map(|extension| &extension.value.general_names) {
            match name {
                GeneralName::DNSName(name) => names.push((*name).to_owned()),
                GeneralName::IPAddress(bytes) => names.extend(address(bytes)),
                _ => {}
            }
        }
        let validity = parsed.validity();
        let hash = digest(&SHA256, certificate);
        Ok(Shown {
            file: file.to_owned(),
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            is_authority: parsed.is_ca(),
            names,
            not_before: moment(validity.not_before.timestamp()),
            not_after: moment(validity.not_after.timestamp()),
            fingerprint: hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = OffsetDateTime::from(self.not_after).date();
        writeln!(f, "{}", self.file.display())?;
        writeln!(f, "  subject      {}", self.subject)?;
        writeln!(f, "  signed by    {}", self.issuer)?;
        writeln!(f, "  names        {}", self.names.join(", "))?;
        writeln!(f, "  valid until  {until}")?;
        write!(f, "  SHA-256      {}", self.fingerprint)
    }
}

/// Certificates of this program are all of a time after 1970.
fn moment(unix_seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(unix_seconds).unwrap_or(0))
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(bytes).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
}
