//! `skep ca`: the cluster's own certificate authority, for people.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use skep_keyspace::NodeId;
use skep_mesh::authority::{self, AuthorityError};
use skep_mesh::{CredentialFiles, Shown};

use crate::config::CaRequest;
use crate::{log, random};

const DAY_S: u64 = 86_400;
/// Digits of a fingerprint that tell certificates apart in a table.
const FINGERPRINT_DIGITS: usize = 16;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaError {
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("cannot write {file}: {source}", file = .0.display(), source = .1)]
    Copy(PathBuf, io::Error),
}

/// Does what is asked, and answers the text for standard output.
pub(crate) fn run(request: &CaRequest) -> Result<String, CaError> {
    match request {
        CaRequest::Init { directory, cluster } => {
            authority::init(directory, cluster)?;
            let shown = directory.display();
            Ok(format!(
                "{shown} is the authority of cluster '{cluster}': authority.pem signs, keep it off \
                 the nodes; roots.pem is what they trust\n\
                 next: skep ca issue {shown}\n"
            ))
        }
        CaRequest::Issue { directory, node, hosts, out } => {
            let node = node.unwrap_or_else(random::id);
            let files = issue(directory, node, hosts, out.as_deref())?;
            let folder = files.certificate.parent().unwrap_or(directory).display();
            Ok(format!(
                "node {node}\n\
                 {} (key and certificate), {}\n\
                 start it: skep --cluster-enabled yes --dir {folder}\n",
                files.certificate.display(),
                files.roots.display(),
            ))
        }
        CaRequest::Rotate { directory } => {
            authority::rotate(directory)?;
            let shown = directory.display();
            Ok(format!(
                "{shown} has a new authority; its roots.pem trusts this one and the one before\n\
                 next: give every node the new roots.pem, then renew each: \
                 skep ca issue {shown} --node ID\n"
            ))
        }
        CaRequest::Show { directory } => {
            Ok(table(directory, &authority::show(directory)?, SystemTime::now()))
        }
    }
}

/// Makes or renews a node's files in the authority's folder, and copies them to `out`, if there is
/// such. Answers where a node is to find them.
pub(crate) fn issue(
    directory: &Path,
    node: NodeId,
    hosts: &[String],
    out: Option<&Path>,
) -> Result<CredentialFiles, CaError> {
    let files = authority::issue(directory, node, hosts)?;
    let Some(out) = out else { return Ok(files) };
    let copies = CredentialFiles::in_folder(out);
    std::fs::create_dir_all(out).map_err(|error| CaError::Copy(out.to_owned(), error))?;
    // The roots first: a certificate that its own node's roots do not sign would be refused.
    copy(&files.roots, &copies.roots)?;
    copy(&files.certificate, &copies.certificate)?;
    Ok(copies)
}

/// Copies a file with its mode; a node that polls the copy never reads half of it.
fn copy(from: &Path, to: &Path) -> Result<(), CaError> {
    let beside = to.with_extension("new");
    let copied = std::fs::copy(from, &beside).and_then(|_| std::fs::rename(&beside, to));
    copied.map_err(|error| CaError::Copy(to.to_owned(), error))
}

/// One line for each certificate.
fn table(directory: &Path, certificates: &[Shown], now: SystemTime) -> String {
    let heading = ["file", "of", "valid from", "until", "days left", "SHA-256"];
    let mut rows = vec![heading.map(str::to_owned)];
    for one in certificates {
        let file = one.file.strip_prefix(directory).unwrap_or(&one.file);
        let of = one.subject.strip_prefix("CN=").unwrap_or(&one.subject);
        rows.push([
            file.display().to_string(),
            of.to_owned(),
            log::day(unix_seconds(one.not_before)),
            log::day(unix_seconds(one.not_after)),
            days_left(one.not_after, now),
            one.fingerprint.chars().take(FINGERPRINT_DIGITS).collect(),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..heading.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    text
}

fn unix_seconds(moment: SystemTime) -> u64 {
    moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs())
}

fn days_left(end: SystemTime, now: SystemTime) -> String {
    let whole_days = |left: Duration| left.as_secs() / DAY_S;
    end.duration_since(now).map_or_else(|_| "over".to_owned(), |left| whole_days(left).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(file: &str, subject: &str, until_days: u64) -> Shown {
        Shown {
            file: file.into(),
            subject: subject.to_owned(),
            issuer: String::new(),
            is_authority: false,
            names: Vec::new(),
            not_before: SystemTime::UNIX_EPOCH,
            not_after: SystemTime::UNIX_EPOCH + Duration::from_secs(until_days * DAY_S),
            fingerprint: "0123456789abcdef0123".to_owned(),
        }
    }

    #[test]
    fn a_certificate_is_a_line_with_the_days_that_are_left() {
        let certificates = [
            shown("ca/roots.pem", "CN=demo authority", 31),
            shown("ca/nodes/ab/node.pem", "CN=ab", 1),
        ];
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2 * DAY_S + 1);
        assert_eq!(
            table(Path::new("ca"), &certificates, now),
            "file               of              valid from  until       days left  SHA-256\n\
             roots.pem          demo authority  1970-01-01  1970-02-01  28         0123456789abcdef\n\
             nodes/ab/node.pem  ab              1970-01-01  1970-01-02  over       0123456789abcdef\n"
        );
    }

    #[test]
    fn ids_are_not_made_twice() {
        assert_ne!(random::id(), random::id());
    }
}
