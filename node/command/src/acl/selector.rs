//! One set of permissions: commands, key patterns and channel patterns. A command must be allowed
//! by one selector in all three.

use std::collections::BTreeMap;

use skep_keyspace::glob;

use super::command_set::CommandSet;
use super::key_pattern::{Access, KeyPattern};
use super::rule::{RuleError, has_blanks};
use crate::row::Categories;
use crate::table::{self, Command};

/// `+name` or `-name`; the name is a command's, a category's with `@`, or has `|` and more behind.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CommandRule {
    allows: bool,
    name: Vec<u8>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    commands: CommandSet,
    /// What commands that are not allowed may have as their first argument after all (`+get|a`).
    first_arguments: BTreeMap<u16, Vec<Vec<u8>>>,
    /// Nothing has been taken from all commands.
    has_all_commands: bool,
    /// What the rules take away from or add to: all commands, or none.
    begins_with_all: bool,
    rules: Vec<CommandRule>,
    has_all_keys: bool,
    keys: Vec<KeyPattern>,
    has_all_channels: bool,
    channels: Vec<Vec<u8>>,
}

impl Selector {
    /// Nothing is allowed, but perhaps every channel.
    pub(super) fn new(has_all_channels: bool) -> Selector {
        Selector {
            commands: CommandSet::none(),
            first_arguments: BTreeMap::new(),
            has_all_commands: false,
            begins_with_all: false,
            rules: Vec::new(),
            has_all_keys: false,
            keys: Vec::new(),
            has_all_channels,
            channels: Vec::new(),
        }
    }

    /// Everything is allowed.
    pub(super) fn has_all(&self) -> bool {
        self.has_all_commands && self.has_all_keys && self.has_all_channels
    }

    /// Follows a word.
    pub(super) fn set(&mut self, word: &[u8]) -> Result<(), RuleError> {
        match word.to_ascii_lowercase().as_slice() {
            b"allcommands" | b"+@all" => self.begin_commands(true),
            b"nocommands" | b"-@all" => self.begin_commands(false),
            b"allkeys" | b"~*" => self.begin_keys(true),
            b"resetkeys" => self.begin_keys(false),
            b"allchannels" | b"&*" => self.begin_channels(true),
            b"resetchannels" => self.begin_channels(false),
            [b'~' | b'%', ..] => self.add_keys(word)?,
            [b'&', ..] => self.add_channels(&word[1..])?,
            [sign @ (b'+' | b'-'), b'@', ..] => self.set_category(&word[2..], *sign == b'+')?,
            [b'+', ..] => self.allow(&word[1..])?,
            [b'-', ..] => self.forbid(&word[1..])?,
            _ => return Err(RuleError::Syntax),
        }
        Ok(())
    }

    fn begin_commands(&mut self, all: bool) {
        self.commands = if all { CommandSet::all() } else { CommandSet::none() };
        self.has_all_commands = all;
        self.begins_with_all = all;
        self.rules.clear();
        self.first_arguments.clear();
    }

    fn begin_keys(&mut self, all: bool) {
        self.has_all_keys = all;
        self.keys.clear();
    }

    fn begin_channels(&mut self, all: bool) {
        self.has_all_channels = all;
        self.channels.clear();
    }

    /// `~pattern` or `%RW~pattern`.
    fn add_keys(&mut self, word: &[u8]) -> Result<(), RuleError> {
        if self.has_all_keys {
            return Err(RuleError::BehindAllKeys);
        }
        let added = KeyPattern::parse(word).ok_or(RuleError::Syntax)?;
        match self.keys.iter_mut().find(|one| one.pattern == added.pattern) {
            Some(one) => one.access = one.access.and(added.access),
            None => self.keys.push(added),
        }
        Ok(())
    }

    fn add_channels(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        if self.has_all_channels {
            return Err(RuleError::BehindAllChannels);
        }
        if has_blanks(pattern) {
            return Err(RuleError::Syntax);
        }
        if !self.channels.iter().any(|one| one == pattern) {
            self.channels.push(pattern.to_vec());
        }
        Ok(())
    }

    fn set_category(&mut self, name: &[u8], allows: bool) -> Result<(), RuleError> {
        let category = Categories::from_name(name).ok_or(RuleError::Unknown)?;
        self.note_rule(&[b"@", name].concat(), allows);
        for command in table::commands() {
            if command.row.acl_categories().has(category) {
                self.put(command, allows);
            }
        }
        Ok(())
    }

    fn allow(&mut self, name: &[u8]) -> Result<(), RuleError> {
        let Some(bar) = name.iter().rposition(|&byte| byte == b'|') else {
            let command = table::by_full_name(name).ok_or(RuleError::Unknown)?;
            self.put(command, true);
            self.note_rule(command.full_name.as_bytes(), true);
            return Ok(());
        };
        let (before, behind) = (&name[..bar], &name[bar + 1..]);
        let command = table::by_full_name(before).ok_or(RuleError::Unknown)?;
        if before.contains(&b'|') {
            return Err(RuleError::FirstArgumentOfSubcommand);
        }
        if behind.is_empty() {
            return Err(RuleError::Syntax);
        }
        if command.row.subcommands.is_empty() {
            let allowed = self.first_arguments.entry(command.index).or_default();
            if !allowed.iter().any(|one| one.eq_ignore_ascii_case(behind)) {
                allowed.push(behind.to_vec());
            }
        } else {
            self.put(command.subcommand(behind).ok_or(RuleError::Unknown)?, true);
        }
        self.note_rule(name, true);
        Ok(())
    }

    fn forbid(&mut self, name: &[u8]) -> Result<(), RuleError> {
        let command = table::by_full_name(name).ok_or(RuleError::Unknown)?;
        self.put(command, false);
        self.note_rule(command.full_name.as_bytes(), false);
        Ok(())
    }

    /// Allows or forbids a command with its subcommands.
    fn put(&mut self, command: &'static Command, allows: bool) {
        self.commands.put(command, allows);
        self.has_all_commands &= allows;
        self.first_arguments.remove(&command.index);
        command.subcommands().for_each(|sub| self.put(sub, allows));
    }

    /// Keeps a rule for those who ask, in place of those that it makes void.
    fn note_rule(&mut self, name: &[u8], allows: bool) {
        let name = name.to_ascii_lowercase();
        self.rules.retain(|rule| {
            let rest = rule.name.strip_prefix(name.as_slice());
            !rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'|')
        });
        self.rules.push(CommandRule { allows, name });
    }

    /// Whether a command may be called at all. `first` is its first argument.
    #[inline]
    pub(super) fn allows_command(&self, command: &Command, first: Option<&[u8]>) -> bool {
        self.has_all_commands
            || self.commands.has(command)
            || self.allows_first_argument(command, first)
    }

    fn allows_first_argument(&self, command: &Command, first: Option<&[u8]>) -> bool {
        let Some((allowed, first)) = self.first_arguments.get(&command.index).zip(first) else {
            return false;
        };
        allowed.iter().any(|one| one.eq_ignore_ascii_case(first))
    }

    #[inline]
    pub(super) fn has_all_keys(&self) -> bool {
        self.has_all_keys
    }

    #[inline]
    pub(super) fn has_all_channels(&self) -> bool {
        self.has_all_channels
    }

    /// Whether one pattern allows all that is to be done to a key.
    pub(super) fn allows_key(&self, key: &[u8], needed: Access) -> bool {
        self.has_all_keys || self.keys.iter().any(|one| one.allows(key, needed))
    }

    /// Whether a channel is allowed; a pattern only if it is one of the user's own.
    pub(super) fn allows_channel(&self, channel: &[u8], is_pattern: bool) -> bool {
        let allows = |one: &Vec<u8>| match is_pattern {
            true => one == channel,
            false => glob::matches(one, channel),
        };
        self.has_all_channels || self.channels.iter().any(allows)
    }

    /// `-@all +get ...`.
    pub(super) fn show_commands(&self) -> Vec<u8> {
        let mut text = if self.begins_with_all { b"+@all".to_vec() } else { b"-@all".to_vec() };
        for rule in &self.rules {
            text.extend_from_slice(if rule.allows { b" +" } else { b" -" });
            text.extend_from_slice(&rule.name);
        }
        text
    }

    /// `~a %R~b`.
    pub(super) fn show_keys(&self) -> Vec<u8> {
        if self.has_all_keys {
            return b"~*".to_vec();
        }
        let shown = self.keys.iter().map(KeyPattern::show);
        shown.collect::<Vec<_>>().join(&b' ')
    }

    /// `&a &b`.
    pub(super) fn show_channels(&self) -> Vec<u8> {
        if self.has_all_channels {
            return b"&*".to_vec();
        }
        let shown = self.channels.iter().map(|one| [b"&", one.as_slice()].concat());
        shown.collect::<Vec<_>>().join(&b' ')
    }

    /// All of it, as a line of a file says it.
    pub(super) fn show(&self) -> Vec<u8> {
        let mut parts = Vec::new();
        let (keys, channels) = (self.show_keys(), self.show_channels());
        if !keys.is_empty() {
            parts.push(keys);
        }
        if !self.has_all_channels {
            parts.push(b"resetchannels".to_vec());
        }
        if !channels.is_empty() {
            parts.push(channels);
        }
        parts.push(self.show_commands());
        parts.join(&b' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(line: &str) -> Selector {
        let mut selector = Selector::new(false);
        for word in line.split(' ') {
            selector.set(word.as_bytes()).unwrap_or_else(|error| panic!("{word}: {error}"));
        }
        selector
    }

    fn shown(line: &str) -> String {
        String::from_utf8(selector(line).show()).expect("text")
    }

    #[test]
    fn a_later_rule_takes_the_place_of_those_it_makes_void() {
        for (line, expected) in [
            ("+get -get", "resetchannels -@all -get"),
            ("+@all -@all +@read -get +get -@read", "resetchannels -@all +get -@read"),
            ("+@all -get +acl -acl|list +acl|list", "resetchannels +@all -get +acl +acl|list"),
            ("+config|get +config|set -config", "resetchannels -@all -config"),
            ("+GET|x +Get", "resetchannels -@all +get"),
            ("%R~a %W~a %RW~b %r~c ~c &x &x", "~a ~b ~c resetchannels &x -@all"),
            ("~a allkeys allchannels", "~* &* -@all"),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn a_container_brings_its_subcommands_and_a_category_its_members() {
        let allows = |line: &str, name: &str| {
            let command = table::by_full_name(name.as_bytes()).expect("a command");
            selector(line).allows_command(command, Some(b"x"))
        };
        assert!(allows("+config", "config|get"));
        assert!(!allows("+config -config|get", "config|get"));
        assert!(allows("+config -config|get", "config|set"));
        assert!(allows("+@string", "get") && !allows("+@string", "ping"));
        assert!(allows("+get|x", "get") && !allows("+get|y", "get"));
        assert!(!allows("+get|x -get", "get"));
        assert!(allows("+@all", "get") && !allows("+@all -@string", "get"));
    }

    #[test]
    fn a_pattern_allows_what_its_letters_say() {
        let read = Access { reads: true, writes: false };
        let write = Access { reads: false, writes: true };
        let selector = selector("%R~a* %W~b* ~c*");
        assert!(selector.allows_key(b"a1", read) && !selector.allows_key(b"a1", write));
        assert!(!selector.allows_key(b"b1", read) && selector.allows_key(b"b1", write));
        assert!(
            selector.allows_key(b"c1", Access::FULL) && !selector.allows_key(b"a1", Access::FULL)
        );
        assert!(!selector.allows_key(b"d", Access::default()));
    }

    #[test]
    fn words_that_mean_nothing_are_named() {
        for (word, expected) in [
            ("foo", RuleError::Syntax),
            ("%~a", RuleError::Syntax),
            ("%RR~a", RuleError::Syntax),
            ("~a b", RuleError::Syntax),
            ("+nosuch", RuleError::Unknown),
            ("-get|x", RuleError::Unknown),
            ("+@nosuch", RuleError::Unknown),
            ("+config|nosuch", RuleError::Unknown),
            ("+config|", RuleError::Syntax),
            ("+config|get|x", RuleError::FirstArgumentOfSubcommand),
        ] {
            assert_eq!(Selector::new(false).set(word.as_bytes()), Err(expected), "{word}");
        }
        let mut all = selector("~* &*");
        assert_eq!(all.set(b"~a"), Err(RuleError::BehindAllKeys));
        assert_eq!(all.set(b"&a"), Err(RuleError::BehindAllChannels));
    }
}
