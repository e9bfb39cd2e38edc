//! Users and options out of an ACL file or a `redis.conf`.

use std::path::Path;

use crate::error::{PlanError, Result};
use crate::files;
use crate::model::profile::{NodeProfile, Role};

/// Longer files are none of these.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Options that are judged, and what a server takes if the file says nothing.
const OPTIONS: [(&str, &str); 9] = [
    ("bind", "127.0.0.1 -::1"),
    ("protected-mode", "yes"),
    ("port", "6379"),
    ("tls-port", "0"),
    ("tls-cluster", "no"),
    ("tls-replication", "no"),
    ("tls-auth-clients", "yes"),
    ("requirepass", ""),
    ("enable-debug-command", "no"),
];
const SECRET: &str = "requirepass";

/// The text of a file of bounded length.
///
/// # Errors
/// When it cannot be read.
pub(super) fn text(path: &Path) -> Result<String> {
    let bytes = files::read(path, FILE_BYTES_MAX)?.ok_or_else(|| {
        PlanError::source(path.display(), "is longer than the 16 MB that are read")
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Users and options of a file, as if a server had told them.
///
/// # Errors
/// When it cannot be read, or has neither.
pub(super) fn guards(path: &Path) -> Result<NodeProfile> {
    let name = path.display().to_string();
    of_text(&name, &text(path)?).ok_or_else(|| {
        let what = "has no user lines and no options: is it an ACL file or a redis.conf?";
        PlanError::source(name, what)
    })
}

fn of_text(name: &str, text: &str) -> Option<NodeProfile> {
    let mut users = Vec::new();
    let mut options = std::collections::BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((option, value)) = line.split_once(char::is_whitespace) else { continue };
        let option = option.to_ascii_lowercase();
        let value = value.trim().trim_matches(['"', '\'']);
        if option == "user" {
            users.push(format!("user {value}"));
        } else if OPTIONS.iter().any(|(known, _)| *known == option) {
            let value = if option == SECRET && !value.is_empty() { "set" } else { value };
            options.insert(option, value.to_owned());
        }
    }
    if users.is_empty() && options.is_empty() {
        return None;
    }
    let is_configuration = !options.is_empty();
    for (option, value) in OPTIONS.iter().filter(|_| is_configuration) {
        options.entry((*option).to_owned()).or_insert_with(|| (*value).to_owned());
    }
    Some(NodeProfile {
        address: name.to_owned(),
        role: Role::Primary,
        config: is_configuration.then_some(options),
        users: Some(users),
        ..NodeProfile::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_options_are_found_and_passwords_are_not_kept() {
        let text = "# bind 1.2.3.4\nbind 10.0.1.1 -::1\nrequirepass \"s3cret\"\n\
                    USER app on >x ~app:* +get\nmaxmemory 1gb\n";
        let node = of_text("redis.conf", text).unwrap_or_default();
        assert_eq!(node.option("bind"), Some("10.0.1.1 -::1"));
        assert_eq!(node.option("requirepass"), Some("set"));
        assert_eq!(node.option("protected-mode"), Some("yes"), "the server's default");
        assert_eq!(node.users.as_deref(), Some(&["user app on >x ~app:* +get".to_owned()][..]));
        let only_users = of_text("users.acl", "user app on >x ~app:* +get\n").unwrap_or_default();
        assert_eq!(only_users.config, None);
        assert_eq!(of_text("poem.txt", "the quick brown fox\n"), None);
    }
}
