//! The bytes of a trace: a file, decompressed by the tool for its suffix, or the standard input.
//!
//! The tools (`xz`, `zstd`, `gzip`) run beside, on a core of their own where there is one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::error::{Context, PlanError, Result};

const BUFFER_BYTES: usize = 256 << 10;
/// Suffix, tool, and the Debian package that has it.
const TOOLS: [(&str, &str, &str); 3] =
    [("xz", "xz", "xz-utils"), ("zst", "zstd", "zstd"), ("gz", "gzip", "gzip")];

/// The bytes of a trace.
pub(super) struct Input {
    name: String,
    bytes: Bytes,
}

enum Bytes {
    File(BufReader<File>),
    Tool(BufReader<ChildStdout>, Child),
    Stdin(BufReader<io::Stdin>),
    #[cfg(test)]
    Memory(io::Cursor<Vec<u8>>),
}

/// The file's name without the suffix of its compression, and the tool that undoes it.
pub(super) fn compression(path: &Path) -> (&Path, Option<(&'static str, &'static str)>) {
    let suffix = path.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default();
    match TOOLS.iter().find(|(known, ..)| *known == suffix) {
        Some((_, tool, package)) => {
            (path.file_stem().map_or(path, Path::new), Some((tool, package)))
        }
        None => (path, None),
    }
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Input> {
        let name = path.display().to_string();
        let bytes = if path == Path::new("-") {
            Bytes::Stdin(BufReader::with_capacity(BUFFER_BYTES, io::stdin()))
        } else {
            // Opened in any case: a missing file is told as such, not as a tool's failure.
            let file = File::open(path).context(&name)?;
            if file.metadata().context(&name)?.is_dir() {
                return Err(PlanError::source(name, "is a directory; name a trace in it"));
            }
            match compression(path).1 {
                None => Bytes::File(BufReader::with_capacity(BUFFER_BYTES, file)),
                Some((tool, package)) => {
                    let mut child = Command::new(tool)
                        .arg("-dc")
                        .stdin(file)
                        .stdout(Stdio::piped())
                        .spawn()
                        .context(format!("{tool}, to decompress {name} (package {package})"))?;
                    let output = child.stdout.take();
                    let output = output.ok_or_else(|| PlanError::source(tool, "has no output"))?;
                    Bytes::Tool(BufReader::with_capacity(BUFFER_BYTES, output), child)
                }
            }
        };
        Ok(Input { name, bytes })
    }

    #[cfg(test)]
    pub(super) fn of(name: &str, bytes: &[u8]) -> Input {
        Input { name: name.to_owned(), bytes: Bytes::Memory(io::Cursor::new(bytes.to_vec())) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn reader(&mut self) -> &mut dyn BufRead {
        match &mut self.bytes {
            Bytes::File(reader) => reader,
            Bytes::Tool(reader, _) => reader,
            Bytes::Stdin(reader) => reader,
            #[cfg(test)]
            Bytes::Memory(reader) => reader,
        }
    }

    /// At the end of a tool's output: whether it got to the end of the file.
    fn finish(&mut self) -> io::Result<()> {
        if let Bytes::Tool(_, child) = &mut self.bytes {
            let status = child.wait()?;
            if !status.success() {
                return Err(io::Error::other(format!("decompressing failed ({status})")));
            }
        }
        Ok(())
    }
}

impl Read for Input {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.reader().read(to)?;
        if count == 0 && !to.is_empty() {
            self.finish()?;
        }
        Ok(count)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.reader().fill_buf()?.is_empty() {
            self.finish()?;
        }
        self.reader().fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.reader().consume(count);
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if let Bytes::Tool(_, child) = &mut self.bytes {
            // Whoever stops reading early has no use for the rest.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
