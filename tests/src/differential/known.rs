//! Every difference that is intended, with its reason. Nothing else may differ.

use crate::Program;

/// Whose reply is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Ours differs from Redis 7.2 on purpose.
    Ours,
    /// An oracle differs from Redis 7.2.
    Oracle(Program),
}

/// Command (`object|encoding`), whose reply is not looked at, and why.
pub const DIFFERENCES: &[(&str, Who, &str)] = &[(
    "object|encoding",
    Who::Oracle(Program::Valkey91),
    "embeds longer strings in the key's record than Redis 7.2 does",
)];

/// The name under which a command stands in the table.
pub fn name_of(words: &[Vec<u8>]) -> String {
    const CONTAINERS: [&str; 10] = [
        "object", "client", "config", "command", "memory", "pubsub", "slowlog", "latency", "debug",
        "acl",
    ];
    let lower =
        |at: usize| words.get(at).map(|word| String::from_utf8_lossy(word).to_ascii_lowercase());
    let name = lower(0).unwrap_or_default();
    match lower(1) {
        Some(sub) if CONTAINERS.contains(&name.as_str()) => format!("{name}|{sub}"),
        _ => name,
    }
}

/// Whether our reply to a command is different on purpose.
pub fn is_ours(command: &str) -> bool {
    DIFFERENCES.iter().any(|(name, who, _)| *name == command && *who == Who::Ours)
}

/// Whether an oracle's reply to a command is known not to be that of Redis 7.2.
pub fn is_theirs(command: &str, program: Program) -> bool {
    DIFFERENCES.iter().any(|(name, who, _)| *name == command && *who == Who::Oracle(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_has_a_reason() {
        for (command, who, reason) in DIFFERENCES {
            assert!(reason.len() > 10, "{command} {who:?}");
        }
    }
}
