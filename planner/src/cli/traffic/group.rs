//! Groups of keys as people write them: `1%=50%`, `20=30%`.

use std::str::FromStr;

use super::percent;
use crate::error::Result;
use crate::model::popularity::Group;
use crate::quantity::{Count, Share, grouped};

/// A group of keys as written: how many, or which share of all keys, and its traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) struct HotGroup {
    pub(in crate::cli) keys: KeysOf,
    pub(in crate::cli) share: f64,
}

/// How many keys a group has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) enum KeysOf {
    /// So many.
    Count(u64),
    /// A share of all keys, 0 to 1.
    Share(f64),
}

impl FromStr for HotGroup {
    type Err = String;

    fn from_str(text: &str) -> Result<HotGroup, String> {
        let Some((keys, share)) = text.split_once('=') else {
            return Err(format!(
                "\"{text}\" is no group; write KEYS=SHARE such as 1%=50% or 20=30%"
            ));
        };
        let keys = match keys.ends_with('%') {
            true => KeysOf::Share(keys.parse::<Share>()?.0),
            false => KeysOf::Count(keys.parse::<Count>()?.0),
        };
        Ok(HotGroup { keys, share: share.parse::<Share>()?.0 })
    }
}

impl HotGroup {
    /// The group among `keys` keys: at least one.
    pub(in crate::cli) fn among(self, keys: u64) -> Group {
        let count = match self.keys {
            KeysOf::Count(count) => count,
            KeysOf::Share(share) => (share * keys as f64).round() as u64,
        };
        Group { keys: count.max(1), share: self.share }
    }

    pub(in crate::cli) fn text(self) -> String {
        let keys = match self.keys {
            KeysOf::Count(1) => "1 key gets".to_owned(),
            KeysOf::Count(count) => format!("{} keys get", grouped(count)),
            KeysOf::Share(share) => format!("{} of the keys get", percent(share)),
        };
        format!("{keys} {} of the traffic", percent(self.share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_counts_or_shares_of_the_keys() {
        let group: HotGroup = "1%=50%".parse().unwrap();
        assert_eq!(group.among(1_000_000), Group { keys: 10_000, share: 0.5 });
        assert_eq!(group.among(3), Group { keys: 1, share: 0.5 }, "a group has a key");
        assert_eq!(group.text(), "1 % of the keys get 50 % of the traffic");
        let group: HotGroup = "20=0.3".parse().unwrap();
        assert_eq!(group.among(1000), Group { keys: 20, share: 0.3 });
        for text in ["", "1%", "=", "x=50%", "1%=x", "1%=150%", "200%=50%", "-1=50%"] {
            assert!(text.parse::<HotGroup>().is_err(), "{text}");
        }
    }
}
