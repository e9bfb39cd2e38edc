//! `--zones a=2,b=2`: failure domains as they are written on the command line.

use skep_keyspace::zones::PLACEMENT_MAX;

use crate::error::{PlanError, Result};

/// A zone and how many machines are in it.
pub(super) struct Zone {
    pub(super) name: String,
    pub(super) nodes: usize,
}

/// Zones with different names, none empty; `what` is what they hold, for the error.
///
/// # Errors
/// What is not written so, or a name that is there twice.
pub(super) fn parse(parts: &[String], what: &str) -> Result<Vec<Zone>> {
    let mut zones: Vec<Zone> = Vec::new();
    for part in parts {
        let zone = part.split_once('=').and_then(|(name, nodes)| {
            let nodes = nodes.parse().ok().filter(|nodes| (1..=PLACEMENT_MAX).contains(nodes))?;
            (!name.is_empty()).then(|| Zone { name: name.to_owned(), nodes })
        });
        let zone = zone.ok_or_else(|| {
            PlanError::usage(format!(
                "--zones {part}: write zone={what}, with 1 to {PLACEMENT_MAX} {what}, as in a=2,b=2"
            ))
        })?;
        if zones.iter().any(|known| known.name == zone.name) {
            return Err(PlanError::usage(format!("--zones has zone {} twice", zone.name)));
        }
        zones.push(zone);
    }
    Ok(zones)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_names_of_their_own_and_something_in_them() {
        let parsed = |text: &str| {
            let parts: Vec<String> = text.split(',').map(str::to_owned).collect();
            parse(&parts, "machines")
                .map(|zones| zones.iter().map(|zone| zone.nodes).sum::<usize>())
        };
        assert_eq!(parsed("a=2,b=3").unwrap(), 5);
        for (text, hint) in [
            ("a", "write zone=machines"),
            ("=2", "write zone=machines"),
            ("a=0", "with 1 to"),
            ("a=-1", "with 1 to"),
            ("a=2,a=4", "zone a twice"),
        ] {
            assert!(parsed(text).unwrap_err().to_string().contains(hint), "{text}");
        }
    }
}
