//! Rules of users, as ACL LIST, ACL files and `redis.conf` write them, and what is wrong with them.
//!
//! Rules take effect from left to right. Only the user's own permissions are judged, not those of
//! selectors in parentheses. No password or hash is kept.

/// What a user may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// Whether it may log in.
    pub is_on: bool,
    /// Whether any password will do.
    pub needs_no_password: bool,
    /// How many passwords it has.
    pub passwords: usize,
    /// Whether one of them is written as it is.
    pub has_plain_password: bool,
    /// Patterns of keys, as written.
    pub keys: Vec<String>,
    /// Patterns of channels, as written.
    pub channels: Vec<String>,
    /// Rules about commands in their order, as written.
    pub commands: Vec<String>,
    /// Words that are no rule.
    pub unknown: Vec<String>,
}

/// Something about a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Stable name.
    pub id: &'static str,
    /// How bad it is.
    pub weight: Weight,
    /// What it is.
    pub what: String,
    /// The rules that say so.
    pub evidence: String,
    /// What to type, or to write instead.
    pub fix: String,
}

/// How bad something about a user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Anybody may come in.
    Critical,
    /// It grants more than it seems to.
    Warning,
    /// It says what it need not.
    Note,
}

/// Rules about commands that grant what only operators need.
const BROAD: [&str; 4] = ["+@all", "allcommands", "+@admin", "+@dangerous"];
/// Commands that touch no key: who has only these may have every key.
const KEYLESS: [&str; 15] = [
    "acl", "auth", "client", "cluster", "command", "config", "dbsize", "hello", "info", "latency",
    "ping", "role", "select", "slowlog", "time",
];
const ALL_KEYS: [&str; 2] = ["~*", "allkeys"];
const ALL_CHANNELS: [&str; 2] = ["&*", "allchannels"];

impl User {
    /// Reads `user NAME rule ...`; nothing if the line is none.
    pub fn parse(line: &str) -> Option<User> {
        let mut words = line.split_whitespace();
        if words.next() != Some("user") {
            return None;
        }
        let mut user = User { name: words.next()?.to_owned(), ..User::default() };
        let mut depth = 0usize;
        for word in words {
            let opens = word.matches('(').count();
            let is_inside = depth > 0 || opens > 0;
            depth = (depth + opens).saturating_sub(word.matches(')').count());
            if !is_inside {
                user.apply(word);
            }
        }
        Some(user)
    }

    fn apply(&mut self, rule: &str) {
        match rule {
            "on" => self.is_on = true,
            "off" => self.is_on = false,
            "nopass" => self.needs_no_password = true,
            "resetpass" => {
                (self.needs_no_password, self.passwords, self.has_plain_password) =
                    (false, 0, false);
            }
            "resetkeys" => self.keys.clear(),
            "resetchannels" => self.channels.clear(),
            "allkeys" => self.keys.push(rule.to_owned()),
            "allchannels" => self.channels.push(rule.to_owned()),
            "allcommands" | "nocommands" => self.commands.push(rule.to_owned()),
            "reset" => *self = User { name: std::mem::take(&mut self.name), ..User::default() },
            "sanitize-payload"
            | "skip-sanitize-payload"
            | "clearselectors"
            | "alldbs"
            | "resetdbs" => {}
            _ => match rule.as_bytes().first() {
                Some(b'>') => {
                    (self.passwords, self.has_plain_password) = (self.passwords + 1, true)
                }
                Some(b'#') => self.passwords += 1,
                Some(b'<' | b'!') => self.passwords = self.passwords.saturating_sub(1),
                Some(b'~' | b'%') => self.keys.push(rule.to_owned()),
                Some(b'&') => self.channels.push(rule.to_owned()),
                Some(b'+' | b'-') => self.commands.push(rule.to_owned()),
                _ if rule.starts_with("db=") => {}
                _ => self.unknown.push(rule.to_owned()),
            },
        }
    }

    /// Whether it may touch every key.
    pub fn has_all_keys(&self) -> bool {
        self.keys.iter().any(|pattern| ALL_KEYS.contains(&pattern.as_str()))
    }

    /// Whether it may run every command.
    pub fn has_all_commands(&self) -> bool {
        let whole = self.commands.iter().rev().find_map(|rule| match rule.as_str() {
            "+@all" | "allcommands" => Some(true),
            "-@all" | "nocommands" => Some(false),
            _ => None,
        });
        whole == Some(true)
    }

    /// What is wrong with it. The default user's password is the server's matter, not told here.
    pub fn remarks(&self) -> Vec<Remark> {
        let mut remarks = Vec::new();
        if self.is_on {
            self.openness(&mut remarks);
        }
        self.shadowed(&mut remarks);
        self.spelling(&mut remarks);
        remarks
    }

    fn openness(&self, remarks: &mut Vec<Remark>) {
        let name = &self.name;
        if name == "default" {
            return;
        }
        if self.needs_no_password {
            remarks.push(Remark {
                id: "acl_no_password",
                weight: Weight::Critical,
                what: format!("user {name} needs no password"),
                evidence: format!("user {name} on nopass"),
                fix: format!("ACL SETUSER {name} resetpass >PASSWORD"),
            });
        }
        if self.has_all_commands() && self.has_all_keys() {
            remarks.push(Remark {
                id: "acl_opens_everything",
                weight: Weight::Warning,
                what: format!("user {name} may do everything to every key"),
                evidence: format!(
                    "user {name} {} {}",
                    self.keys.join(" "),
                    self.commands.join(" ")
                ),
                fix: format!("ACL SETUSER {name} resetkeys ~app:* nocommands +@read +@write"),
            });
            return;
        }
        if self.has_only_wide_keys() && self.touches_keys() {
            remarks.push(Remark {
                id: "acl_all_keys",
                weight: Weight::Warning,
                what: format!("user {name} has every key: no prefix keeps it to its own"),
                evidence: format!("user {name} {}", self.keys.join(" ")),
                fix: format!("ACL SETUSER {name} resetkeys ~app:*"),
            });
        }
        if let Some(rule) = self.broad_rule() {
            remarks.push(Remark {
                id: "acl_broad_commands",
                weight: Weight::Warning,
                what: format!("user {name} may run commands that only operators need"),
                evidence: format!("user {name} {rule}"),
                fix: format!("ACL SETUSER {name} -@admin -@dangerous"),
            });
        }
    }

    /// Whether every key is all it was given; servers drop narrower patterns beside it.
    fn has_only_wide_keys(&self) -> bool {
        !self.keys.is_empty() && self.keys.iter().all(|text| ALL_KEYS.contains(&text.as_str()))
    }

    /// Whether it was granted a command that is not known to leave keys alone.
    fn touches_keys(&self) -> bool {
        self.commands.iter().any(|rule| {
            let command = rule.strip_prefix('+').map(|rule| rule.split('|').next());
            command.flatten().is_some_and(|name| !KEYLESS.contains(&name)) && !self.ends_closed()
        })
    }

    /// Whether the last rule takes everything back.
    fn ends_closed(&self) -> bool {
        self.commands.last().is_some_and(|rule| rule == "-@all" || rule == "nocommands")
    }

    /// A rule that grants what only operators need and is not taken back behind it.
    fn broad_rule(&self) -> Option<&str> {
        let at = self.commands.iter().rposition(|rule| BROAD.contains(&rule.as_str()))?;
        let behind = &self.commands[at + 1..];
        let takes_back = |rule: &str| behind.iter().any(|one| one == rule);
        let is_closed = takes_back("-@all")
            || takes_back("nocommands")
            || takes_back("-@dangerous") && (takes_back("-@admin") || self.commands[at] != "+@all");
        (!is_closed).then(|| self.commands[at].as_str())
    }

    /// Patterns that a wider one makes useless.
    fn shadowed(&self, remarks: &mut Vec<Remark>) {
        let kinds = [
            (&self.keys, ALL_KEYS, "key", "keys"),
            (&self.channels, ALL_CHANNELS, "channel", "channels"),
        ];
        for (patterns, all, one, many) in kinds {
            let narrow: Vec<&str> =
                patterns.iter().map(String::as_str).filter(|text| !all.contains(text)).collect();
            let Some(wide) = patterns.iter().find(|text| all.contains(&text.as_str())) else {
                continue;
            };
            if narrow.is_empty() {
                continue;
            }
            let (name, narrow) = (&self.name, narrow.join(" "));
            remarks.push(Remark {
                id: "acl_pattern_useless",
                weight: Weight::Warning,
                what: format!("{wide} makes {narrow} useless: user {name} has every {one}"),
                evidence: format!("user {name} {}", patterns.join(" ")),
                fix: format!("ACL SETUSER {name} reset{many} {narrow}"),
            });
        }
    }

    fn spelling(&self, remarks: &mut Vec<Remark>) {
        let name = &self.name;
        let mut add = |id, weight, what: String, evidence: String, fix: String| {
            remarks.push(Remark { id, weight, what, evidence, fix });
        };
        if self.has_plain_password {
            add(
                "acl_plain_password",
                Weight::Warning,
                format!("a password of user {name} is written as it is"),
                format!("user {name} >..."),
                "write # and its SHA-256 instead: printf %s PASSWORD | sha256sum".to_owned(),
            );
        }
        if self.passwords > 1 {
            add(
                "acl_many_passwords",
                Weight::Warning,
                format!("user {name} has {} passwords, and each opens it", self.passwords),
                "a word behind > is a password, not a database".to_owned(),
                format!("ACL SETUSER {name} resetpass >PASSWORD"),
            );
        }
        let grants = |rule: &String| rule.starts_with('+') || rule == "allcommands";
        let first =
            self.commands.iter().position(|rule| rule.starts_with("+@") || rule == "allcommands");
        let useless: Vec<&str> = self
            .commands
            .iter()
            .enumerate()
            .filter(|(at, rule)| {
                let taken = rule.strip_prefix('-').filter(|taken| !taken.starts_with('@'));
                let named = taken.is_some_and(|taken| {
                    self.commands[..*at].iter().any(|one| one.strip_prefix('+') == Some(taken))
                });
                taken.is_some() && !named && first.is_none_or(|first| first > *at)
            })
            .map(|(_, rule)| rule.as_str())
            .collect();
        if !useless.is_empty() && self.commands.iter().any(grants) {
            add(
                "acl_takes_nothing",
                Weight::Note,
                format!("user {name} is denied what it was never given"),
                useless.join(" "),
                "leave it out: a user may run only what is granted".to_owned(),
            );
        }
        if !self.unknown.is_empty() {
            add(
                "acl_no_rule",
                Weight::Warning,
                format!("user {name} has {} words that are no rule", self.unknown.len()),
                format!("word {} behind the name, for one", self.unknown.len()),
                "see ACL HELP and the server's documentation of ACL SETUSER".to_owned(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTICLE: &str = "user appuser on >apppassword ~app:* on >appdb ~* +get +set +del +exists \
                           -flushall -flushdb";

    fn ids(line: &str) -> Vec<&'static str> {
        User::parse(line).unwrap_or_default().remarks().iter().map(|remark| remark.id).collect()
    }

    #[test]
    fn the_articles_user_has_every_key() {
        let found = User::parse(ARTICLE).unwrap_or_default().remarks();
        assert_eq!(found[0].what, "~* makes ~app:* useless: user appuser has every key");
        assert_eq!(found[0].fix, "ACL SETUSER appuser resetkeys ~app:*");
        let expected = [
            "acl_pattern_useless",
            "acl_plain_password",
            "acl_many_passwords",
            "acl_takes_nothing",
        ];
        assert_eq!(ids(ARTICLE), expected);
        let text = format!("{found:?}");
        assert!(!text.contains("apppassword") && !text.contains("appdb"), "{text}");
    }

    #[test]
    fn rules_take_effect_from_left_to_right() {
        assert_eq!(ids("user app on # ~* resetkeys ~app:* resetchannels -@all +get"), [""; 0]);
        assert_eq!(ids("user app on # ~* &* +@all"), ["acl_opens_everything"]);
        assert_eq!(ids("user app on # ~app:* +@all"), ["acl_broad_commands"]);
        assert_eq!(ids("user app on # ~app:* +@all -@admin -@dangerous"), [""; 0]);
        assert_eq!(ids("user app on # ~* +@all -@all +get"), ["acl_all_keys"]);
        assert_eq!(ids("user app on # ~* +@all -@all"), [""; 0]);
        assert_eq!(ids("user watcher on # ~* -@all +info +config|get +cluster"), [""; 0]);
        assert_eq!(ids("user app on nopass ~app:* +get"), ["acl_no_password"]);
        assert_eq!(ids("user app off nopass ~app:* +get"), [""; 0]);
        assert_eq!(ids("user app on # %R~app:* %W~app:* +get (~* +@all)"), [""; 0]);
        assert_eq!(ids("user app on # ~app:* +@read -keys"), [""; 0]);
        assert_eq!(ids("user app on # app:* +get"), ["acl_no_rule"]);
        assert_eq!(ids("user default on nopass ~* &* +@all"), [""; 0]);
        assert_eq!(User::parse("requirepass x"), None);
    }
}
