//! A set of commands and subcommands, as bits by their numbers in the table.

use crate::table::{self, Command};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandSet(Box<[u64]>);

impl CommandSet {
    pub(super) fn none() -> CommandSet {
        CommandSet(vec![0; table::commands().len().div_ceil(64)].into())
    }

    pub(super) fn all() -> CommandSet {
        let mut all = CommandSet::none();
        table::commands().iter().for_each(|command| all.put(command, true));
        all
    }

    #[inline]
    pub(super) fn has(&self, command: &Command) -> bool {
        let (word, bit) = place(command);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    pub(super) fn put(&mut self, command: &Command, is_in: bool) {
        let (word, bit) = place(command);
        match self.0.get_mut(word) {
            Some(word) if is_in => *word |= bit,
            Some(word) => *word &= !bit,
            None => {}
        }
    }
}

fn place(command: &Command) -> (usize, u64) {
    (usize::from(command.index) / 64, 1 << (command.index % 64))
}
