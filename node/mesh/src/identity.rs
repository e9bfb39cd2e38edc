//! Who a node is, and the one check that a connection passes before anything else is said on it.
//!
//! A certificate names its node by a URI, `spiffe://<cluster>/node/<40 hexadecimal digits>`. The id
//! in it, the id of the HELLO and the topology must agree, and the cluster's name must be ours.

use std::fmt;
use std::str::FromStr;

use rustls_pki_types::CertificateDer;
use skep_keyspace::NodeId;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::Admission;
use crate::hello::Hello;

const SCHEME: &str = "spiffe://";
/// A cluster's name is a trust domain, and may be one label of a host's name.
const CLUSTER_BYTES_MAX: usize = 63;

/// The name of a cluster: 1 to 63 of `a-z`, `0-9`, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(String);

impl ClusterName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ClusterName {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<ClusterName, IdentityError> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if text.is_empty() || text.len() > CLUSTER_BYTES_MAX || !text.bytes().all(is_allowed) {
            return Err(IdentityError::ClusterName(text.chars().take(80).collect()));
        }
        Ok(ClusterName(text.to_owned()))
    }
}

/// A node of a cluster, as its certificate names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Whose authority signed.
    pub cluster: ClusterName,
    /// Which node.
    pub node: NodeId,
}

impl Identity {
    /// As it stands in certificates.
    pub fn uri(&self) -> String {
        format!("{SCHEME}{}/node/{}", self.cluster, self.node)
    }

    /// What a certificate says. Whether somebody trusted signed it has been checked before.
    ///
    /// # Errors
    /// When it cannot be read, or names no node, or several.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Identity, IdentityError> {
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|error| IdentityError::Certificate(error.to_string()))?;
        let names = uris(&parsed)?;
        match &names[..] {
            [uri] => uri.parse(),
            _ => Err(IdentityError::Names(names.len())),
        }
    }
}

/// The SPIFFE ids of a certificate.
pub(crate) fn uris<'a>(
    certificate: &'a X509Certificate<'_>,
) -> Result<Vec<&'a str>, IdentityError> {
    let extension = certificate
        .subject_alternative_name()
        .map_err(|error| IdentityError::Certificate(error.to_string()))?;
    let names = extension.iter().flat_map(|extension| &extension.value.general_names);
    let uris = names.filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    Ok(uris.filter(|uri| uri.starts_with(SCHEME)).collect())
}

/// What the certificate of a cluster's authority has as its name.
pub(crate) fn authority_uri(cluster: &ClusterName) -> String {
    format!("{SCHEME}{cluster}")
}

/// The cluster that an authority's certificate names.
pub(crate) fn authority_cluster(uri: &str) -> Result<ClusterName, IdentityError> {
    uri.strip_prefix(SCHEME).ok_or_else(|| IdentityError::uri(uri))?.parse()
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(uri: &str) -> Result<Identity, IdentityError> {
        let malformed = || IdentityError::uri(uri);
        let rest = uri.strip_prefix(SCHEME).ok_or_else(malformed)?;
        let (cluster, node) = rest.split_once("/node/").ok_or_else(malformed)?;
        // One spelling only, so that equal identities are equal texts.
        if node.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(malformed());
        }
        Ok(Identity { cluster: cluster.parse()?, node: node.parse().map_err(|_| malformed())? })
    }
}

/// The one check. `us` is this node, `certified` what the other's certificate says, `hello` what it
/// says itself, `admission` what the topology says of the certified id.
///
/// # Errors
/// When any two of them disagree.
pub(crate) fn check(
    us: &Identity,
    certified: &Identity,
    hello: &Hello,
    admission: Admission,
) -> Result<(), IdentityError> {
    if certified.cluster != us.cluster || hello.cluster != us.cluster {
        let theirs =
            if certified.cluster == us.cluster { &hello.cluster } else { &certified.cluster };
        return Err(IdentityError::OtherCluster {
            ours: us.cluster.clone(),
            theirs: theirs.clone(),
        });
    }
    if certified.node != hello.node {
        return Err(IdentityError::Disagree { certified: certified.node, said: hello.node });
    }
    if certified.node == us.node {
        return Err(IdentityError::Ourselves(us.node));
    }
    match admission {
        Admission::Refused => Err(IdentityError::NotAdmitted(certified.node)),
        Admission::Guest | Admission::Member => Ok(()),
    }
}

/// Why somebody is not who it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// Not a name for a cluster.
    #[error("{0:?} is no name for a cluster: 1 to 63 of a-z, 0-9, '.', '_' and '-'")]
    ClusterName(String),
    /// Not a URI of ours.
    #[error("{0:?} is not of the form spiffe://<cluster>/node/<40 hexadecimal digits>")]
    Uri(String),
    /// The certificate cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// The other side showed no certificate.
    #[error("no certificate was shown")]
    NoCertificate,
    /// None, or several.
    #[error("the certificate has {0} spiffe:// names, it must have one")]
    Names(usize),
    /// The certificate is of another cluster.
    #[error("it is of cluster {theirs}, this node is of {ours}")]
    OtherCluster {
        /// Ours.
        ours: ClusterName,
        /// Theirs.
        theirs: ClusterName,
    },
    /// The certificate is somebody else's.
    #[error("its certificate is of node {certified}, but it says that it is {said}")]
    Disagree {
        /// In the certificate.
        certified: NodeId,
        /// In the HELLO.
        said: NodeId,
    },
    /// Another node than the one that was called.
    #[error("node {found} answers, node {expected} was called")]
    OtherNode {
        /// Who was called.
        expected: NodeId,
        /// Who answered.
        found: NodeId,
    },
    /// A node that talks to itself, or two with one id.
    #[error("it is node {0}, as is this one: an address of its own, or an id used twice")]
    Ourselves(NodeId),
    /// The topology does not know it, or removed it.
    #[error("node {0} is not admitted to this cluster")]
    NotAdmitted(NodeId),
}

impl IdentityError {
    fn uri(text: &str) -> IdentityError {
        IdentityError::Uri(text.chars().take(120).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us() -> Identity {
        Identity { cluster: "bees".parse().unwrap(), node: NodeId([1; 20]) }
    }

    #[test]
    fn an_identity_has_one_spelling() {
        let other = Identity { node: NodeId([0xab; 20]), ..us() };
        assert_eq!(other.uri().parse(), Ok(other.clone()));
        for wrong in [
            other.uri().to_uppercase(),
            other.uri().replace("ab", "AB"),
            other.uri().replace("spiffe", "https"),
            other.uri().replace("/node/", "/nodes/"),
            other.uri() + "0",
            other.uri().replace("bees", ""),
            other.uri().replace("bees", "a/b"),
            String::new(),
        ] {
            assert!(wrong.parse::<Identity>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn certificate_hello_and_topology_must_agree() {
        let them = Identity { node: NodeId([2; 20]), ..us() };
        let hello =
            |node, cluster: &str| Hello { node, cluster: cluster.parse().unwrap(), incarnation: 7 };
        let right = hello(them.node, "bees");
        assert_eq!(check(&us(), &them, &right, Admission::Member), Ok(()));
        assert_eq!(check(&us(), &them, &right, Admission::Guest), Ok(()));
        let refused = check(&us(), &them, &right, Admission::Refused);
        assert_eq!(refused, Err(IdentityError::NotAdmitted(them.node)));
        let liar = check(&us(), &them, &hello(NodeId([3; 20]), "bees"), Admission::Member);
        let (certified, said) = (them.node, NodeId([3; 20]));
        assert_eq!(liar, Err(IdentityError::Disagree { certified, said }));
        let twin = check(&us(), &us(), &hello(us().node, "bees"), Admission::Member);
        assert_eq!(twin, Err(IdentityError::Ourselves(us().node)));
        let stranger = Identity { cluster: "wasps".parse().unwrap(), ..them.clone() };
        for (certified, hello) in [
            (&stranger, &right),
            (&them, &hello(them.node, "wasps")),
            (&stranger, &hello(them.node, "wasps")),
        ] {
            let found = check(&us(), certified, hello, Admission::Member);
            let is_other = matches!(&found, Err(IdentityError::OtherCluster { theirs, .. })
                if theirs.as_str() == "wasps");
            assert!(is_other, "{found:?}");
        }
    }
}
