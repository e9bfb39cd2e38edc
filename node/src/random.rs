//! Unguessable bytes from the system.

use skep_keyspace::NodeId;

/// Fills a buffer.
pub(crate) fn fill(out: &mut [u8]) {
    use std::io::Read;
    #[cfg(test)]
    if crate::simulated::fill(out) {
        return;
    }
    // The device always answers on Linux once booted; if it does not, there is nothing to run on.
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(out));
    if let Err(error) = read {
        eprintln!("skep: cannot read random bytes: {error}");
        std::process::exit(1);
    }
}

/// A random number.
pub(crate) fn number() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// A name that nobody else has.
pub(crate) fn id() -> NodeId {
    let mut id = NodeId::default();
    fill(&mut id.0);
    id
}

/// A random identifier of 40 hexadecimal digits, as Redis names runs.
pub(crate) fn run_id() -> String {
    id().to_string()
}
