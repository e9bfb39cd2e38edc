//! The certificate authority of a cluster under test.

use std::path::Path;

use crate::{PATIENCE, Program, Scratch, TestResult, run};

/// Made by `skep ca` of the program under test; its files go when it is dropped.
#[derive(Debug)]
pub struct Authority {
    directory: Scratch,
}

impl Authority {
    /// A new one, for a cluster of this name.
    ///
    /// # Errors
    /// When the program does not make it.
    pub fn new(cluster: &str) -> TestResult<Authority> {
        let directory = Scratch::new("authority")?;
        let authority = Authority { directory };
        authority.ca(&["init", &authority.path(), "--cluster", cluster])?;
        Ok(authority)
    }

    /// Issues the files of a new node into its directory, and answers the node's id.
    ///
    /// # Errors
    /// When the program does not issue them.
    pub fn issue(&self, out: &Path) -> TestResult<String> {
        let told = self.ca(&["issue", &self.path(), "--out", &out.display().to_string()])?;
        let id = told.lines().find_map(|line| line.strip_prefix("node "));
        Ok(id.ok_or_else(|| format!("no node's id in: {told}"))?.to_owned())
    }

    fn path(&self) -> String {
        self.directory.path().join("ca").display().to_string()
    }

    fn ca(&self, words: &[&str]) -> TestResult<String> {
        let line = ["ca"].iter().chain(words);
        let done = run(Program::Skep.path()?, line, b"", PATIENCE)?;
        match done.status.success() {
            true => Ok(done.output),
            false => Err(format!("skep ca {}: {}", words.join(" "), done.errors).into()),
        }
    }
}
