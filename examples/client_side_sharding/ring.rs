//! What a ring document says: which node has a key, and where the ring would place a slot.

use serde_json::Value;

const DOCUMENT_VERSION: u64 = 1;
const RING_VERSION: u64 = 1;
const SLOT_COUNT: usize = 16_384;
/// Points that a ring may have.
const POINTS_MAX: usize = 1 << 24;
/// The first 64 bytes of XXH3's secret, as little-endian numbers.
const XXH3_SECRET: [u64; 8] = [
    0xbe4b_a423_396c_feb8,
    0x1cad_21f7_2c81_017c,
    0xdb97_9083_e96d_d4de,
    0x1f67_b3b7_a4a4_4072,
    0x78e5_c0cc_4ee6_79cb,
    0x2172_ffcc_7dd0_5a82,
    0x8e24_43f7_7446_08b8,
    0x4c26_3a81_e690_35e0,
];

/// Who owns which slot, in one version of a cluster's topology.
pub(crate) struct Ring {
    /// Of two documents of a cluster, the one with the higher version holds.
    pub(crate) topology_version: u64,
    shards: Vec<Shard>,
    /// The index of each slot's shard.
    owners: Vec<Option<usize>>,
    rule: Rule,
}

/// What shards look like to a client that writes. Replicas, for those that read old data, stand in the
/// document as the primary does.
pub(crate) struct Shard {
    pub(crate) id: String,
    /// The id of the node that takes writes.
    pub(crate) primary: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    weight: f64,
}

/// How the ring places slots.
struct Rule {
    is_known: bool,
    virtual_nodes: f64,
}

/// The slot of a key.
pub(crate) fn slot_of(key: &[u8]) -> usize {
    usize::from(crc16(hash_tag(key))) % SLOT_COUNT
}

/// What stands between the first `{` and the next `}`, if that is not empty; else the whole key.
fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&byte| byte == b'{') else { return key };
    let tail = &key[open + 1..];
    match tail.iter().position(|&byte| byte == b'}') {
        Some(0) | None => key,
        Some(close) => &tail[..close],
    }
}

/// CRC16/XMODEM, a bit a step: a table makes it faster.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| match crc & 0x8000 {
            0 => crc << 1,
            _ => (crc << 1) ^ 0x1021,
        })
    })
}

impl Ring {
    /// Reads a document, or says what is wrong with it.
    pub(crate) fn parse(document: &Value) -> Result<Ring, String> {
        if document["version"] != DOCUMENT_VERSION {
            let version = &document["version"];
            return Err(format!(
                "version {version} of the ring document is unknown; update this program"
            ));
        }
        let (mut shards, mut owners) = (Vec::new(), vec![None; SLOT_COUNT]);
        for entry in document["shards"].as_array().ok_or("there are no shards")? {
            for range in entry["slots"].as_array().ok_or("a shard has no slots")? {
                let is_wrong = || format!("{range} is no range of slots");
                let end = |at: usize| range[at].as_u64().map(|slot| slot as usize);
                let ends = end(0).zip(end(1)).filter(|(first, last)| first <= last);
                let (first, last) = ends.ok_or_else(is_wrong)?;
                let range = owners.get_mut(first..last.saturating_add(1)).ok_or_else(is_wrong)?;
                range.fill(Some(shards.len()));
            }
            shards.push(Shard::parse(entry)?);
        }
        let topology_version =
            document["topology_version"].as_u64().ok_or("there is no version")?;
        Ok(Ring { topology_version, shards, owners, rule: Rule::parse(&document["ring"]) })
    }

    /// The shard of a key; nothing if nobody serves its slot.
    pub(crate) fn shard_of(&self, key: &[u8]) -> Option<&Shard> {
        self.owners[slot_of(key)].map(|index| &self.shards[index])
    }
}

impl Shard {
    fn parse(entry: &Value) -> Result<Shard, String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let primary = &entry["primary"];
        let port = primary["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        let shard = || {
            Some(Shard {
                id: text(&entry["id"])?,
                primary: text(&primary["id"])?,
                host: text(&primary["host"])?,
                port: port?,
                weight: entry["weight"].as_f64().filter(|weight| *weight >= 0.0)?,
            })
        };
        shard().ok_or_else(|| format!("{entry} is no shard"))
    }
}

impl Rule {
    fn parse(ring: &Value) -> Rule {
        let is_known =
            ring["version"] == RING_VERSION && ring["hash"] == "xxh3-64" && ring["seed"] == 0;
        let virtual_nodes = ring["virtual_nodes"].as_f64();
        Rule {
            is_known: is_known && virtual_nodes.is_some(),
            virtual_nodes: virtual_nodes.unwrap_or(0.0),
        }
    }

    fn point_count(&self, weight: f64) -> usize {
        match weight > 0.0 {
            true => (self.virtual_nodes * weight).round().max(1.0) as usize,
            false => 0,
        }
    }
}

/// Which shards the ring gives slots that nobody owns. No use for finding keys.
pub(crate) struct Placement<'a>(Vec<(u64, &'a str)>);

impl Placement<'_> {
    /// The circle of points, or why there is none.
    pub(crate) fn new(ring: &Ring) -> Result<Placement<'_>, String> {
        if !ring.rule.is_known {
            return Err("the rule of the ring is unknown; update this program".to_owned());
        }
        let mut points = Vec::new();
        for shard in &ring.shards {
            let count = ring.rule.point_count(shard.weight);
            if points.len().saturating_add(count) > POINTS_MAX {
                return Err(format!("more than {POINTS_MAX} points"));
            }
            for number in 0..count {
                points.push((point(&shard.id, number)?, shard.id.as_str()));
            }
        }
        points.sort_unstable();
        match points.is_empty() {
            true => Err("no shard has a weight above 0, so slots go to nobody".to_owned()),
            false => Ok(Placement(points)),
        }
    }

    /// The id of the first shard at or after a slot's place on the circle.
    pub(crate) fn shard_of_slot(&self, slot: usize) -> &str {
        let position = (slot as u64) << 50;
        let at = self.0.partition_point(|point| point.0 < position);
        self.0[at % self.0.len()].1
    }
}

fn point(shard: &str, number: usize) -> Result<u64, String> {
    let text = format!("{shard}#{number}");
    match text.len() {
        33..=64 => Ok(xxh3_64(text.as_bytes())),
        bytes => Err(format!("{text:?} has {bytes} bytes; this part of XXH3 is for 33 to 64")),
    }
}

/// XXH3-64 with the seed 0, of 33 to 64 bytes.
fn xxh3_64(text: &[u8]) -> u64 {
    let word = |at: usize| {
        text[at..at + 8].iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte))
    };
    let mut total = (text.len() as u64).wrapping_mul(0x9e37_79b1_85eb_ca87);
    for (number, at) in [0, text.len() - 16, 16, text.len() - 32].into_iter().enumerate() {
        let low = word(at) ^ XXH3_SECRET[2 * number];
        let high = word(at + 8) ^ XXH3_SECRET[2 * number + 1];
        let product = u128::from(low) * u128::from(high);
        total = total.wrapping_add((product as u64) ^ (product >> 64) as u64);
    }
    total = (total ^ (total >> 37)).wrapping_mul(0x1656_6791_9e37_79f9);
    total ^ (total >> 32)
}
