//! Names and weights of shards as they are written on the command line.

use skep_keyspace::layout::SHARDS_MAX;

use crate::error::{PlanError, Result};
use crate::shell;

/// `node-1` to `node-N`.
///
/// # Errors
/// None, or more than there are slots.
pub(super) fn numbered(prefix: &str, count: u32) -> Result<Vec<String>> {
    match count as usize {
        0 => Err(PlanError::usage("0 shards own nothing; give at least 1")),
        count if count > SHARDS_MAX => Err(PlanError::usage(format!(
            "{count} shards are more than the 16,384 slots; give at most 16384"
        ))),
        count => Ok((1..=count).map(|number| format!("{prefix}-{number}")).collect()),
    }
}

/// Weights in the order of the names (`1,2,1`), or of some by name (`a=2`, the others 1).
///
/// # Errors
/// What is no number of 0 or more, a name that is not there, or another number of weights.
pub(super) fn weights(text: &[String], names: &[String]) -> Result<Vec<f64>> {
    let number = |text: &str| {
        let value = text.trim().parse::<f64>().ok();
        value.filter(|value| value.is_finite() && *value >= 0.0).ok_or_else(|| {
            PlanError::usage(format!("--weights {text}: a weight is a number of 0 or more"))
        })
    };
    if text.iter().all(|part| !part.contains('=')) {
        if text.len() != names.len() {
            return Err(PlanError::usage(format!(
                "--weights has {} weights for {} shards; give one for each, or name=weight",
                text.len(),
                names.len()
            )));
        }
        return text.iter().map(|part| number(part)).collect();
    }
    let mut weights = vec![1.0; names.len()];
    for part in text {
        let (name, weight) = part.rsplit_once('=').ok_or_else(|| {
            PlanError::usage(format!("--weights {part}: write name=weight, as for the others"))
        })?;
        let shard = names.iter().position(|known| known == name).ok_or_else(|| {
            PlanError::usage(format!(
                "--weights {part}: there is no shard {name}; there are {}",
                shown(names)
            ))
        })?;
        weights[shard] = number(weight)?;
    }
    Ok(weights)
}

/// Some names, for an error.
pub(super) fn shown(names: &[String]) -> String {
    let more = if names.len() > 6 { ", ..." } else { "" };
    let some: Vec<&str> = names.iter().take(6).map(String::as_str).collect();
    format!("{}{more}", some.join(", "))
}

/// `-h host -p port` of a node that is named by its address; the port is Redis's if there is none.
pub(super) fn endpoint(name: &str) -> (String, String) {
    let port = name.rsplit_once(':').filter(|(host, port)| {
        !host.is_empty() && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    let (host, port) = port.unwrap_or((name, "6379"));
    (shell::word(host), port.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn weights_are_given_in_order_or_by_name() {
        let names = words(&["a", "b=c", "d"]);
        assert_eq!(weights(&words(&["1", "0", "2.5"]), &names).unwrap(), [1.0, 0.0, 2.5]);
        assert_eq!(weights(&words(&["b=c=4"]), &names).unwrap(), [1.0, 4.0, 1.0]);
        for (text, hint) in [
            (&["1", "2"][..], "2 weights for 3 shards"),
            (&["x=1"], "there is no shard x"),
            (&["a=1", "2"], "write name=weight"),
            (&["1", "2", "-1"], "0 or more"),
            (&["a=NaN"], "0 or more"),
        ] {
            let error = weights(&words(text), &names).unwrap_err().to_string();
            assert!(error.contains(hint), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_name_may_be_an_address_and_no_shell_is_surprised() {
        assert_eq!(endpoint("10.0.0.1:7000"), ("10.0.0.1".to_owned(), "7000".to_owned()));
        assert_eq!(endpoint("cache-1"), ("cache-1".to_owned(), "6379".to_owned()));
        assert_eq!(endpoint("$(reboot)").0, "'$(reboot)'");
    }
}
