//! What a node says of its cluster: `CLUSTER NODES`, without what differs from node to node.

use crate::TestResult;

/// Lines in the order of ids; equal for nodes that agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// One for each node.
    pub lines: Vec<Line>,
}

/// A node in a [`View`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// `host:port@mesh-port`.
    pub address: String,
    /// As written, but for `myself`.
    pub flags: Vec<String>,
    /// Of a replica, the id of its primary.
    pub primary: Option<String>,
    /// The epoch of its shard.
    pub epoch: u64,
    /// First and last slots of ranges.
    pub slots: Vec<(u16, u16)>,
}

impl View {
    /// Reads it.
    ///
    /// # Errors
    /// When it is not written as Redis writes it.
    pub fn parse(text: &str) -> TestResult<View> {
        let lines: TestResult<Vec<Line>> = text.lines().map(Line::parse).collect();
        let mut lines = lines?;
        lines.sort();
        Ok(View { lines })
    }

    /// A node by its id.
    pub fn line(&self, id: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == id)
    }

    /// The primary of a slot.
    pub fn primary_of(&self, slot: u16) -> Option<&Line> {
        self.lines.iter().find(|line| line.has(slot))
    }

    /// The replicas of a node.
    pub fn replicas_of(&self, id: &str) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.primary.as_deref() == Some(id))
    }

    /// How many slots have an owner.
    pub fn slot_count(&self) -> usize {
        let ranges = self.lines.iter().flat_map(|line| &line.slots);
        ranges.map(|(first, last)| usize::from(last - first) + 1).sum()
    }
}

impl Line {
    fn parse(text: &str) -> TestResult<Line> {
        let words: Vec<&str> = text.split(' ').collect();
        let [id, address, flags, primary, _, _, epoch, _, slots @ ..] = &words[..] else {
            return Err(format!("no line of CLUSTER NODES: {text}").into());
        };
        let flags = flags.split(',').filter(|flag| *flag != "myself").map(str::to_owned);
        let slots: TestResult<Vec<(u16, u16)>> = slots.iter().map(|text| range(text)).collect();
        Ok(Line {
            id: (*id).to_owned(),
            address: (*address).to_owned(),
            flags: flags.collect(),
            primary: (*primary != "-").then(|| (*primary).to_owned()),
            epoch: epoch.parse()?,
            slots: slots?,
        })
    }

    /// Whether it has a flag.
    pub fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }

    /// Whether it owns a slot.
    pub fn has(&self, slot: u16) -> bool {
        self.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    }
}

fn range(text: &str) -> TestResult<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ok((first.parse()?, last.parse()?))
}
