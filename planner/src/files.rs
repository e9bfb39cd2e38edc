//! Files that are read whole: never more of one than its reader has a use for, whatever it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Context, Result};

/// A file's bytes, or nothing if there are more than so many. What has no length (a pipe, a device) is
/// bounded as well.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let file = File::open(path).context(path.display())?;
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).context(path.display())?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use skep_tests::Scratch;

    use super::*;

    #[test]
    fn no_more_is_read_than_there_is_use_for() {
        let scratch = Scratch::new("files").unwrap();
        let path = scratch.path().join("file");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap().as_deref(), Some(&b"12345"[..]));
        assert_eq!(read(&path, 4).unwrap(), None);
        assert_eq!(read(Path::new("/dev/zero"), 1 << 16).unwrap(), None, "it has no end");
        assert!(read(&scratch.path().join("nothing"), 1).is_err());
    }
}
