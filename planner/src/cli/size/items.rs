//! The arguments of `planner size` that describe items instead of giving their sum.

use clap::{Args, ValueEnum};

use crate::error::{PlanError, Result};
use crate::model::items::{ItemMemory, ItemModel, Items, keys_alive, memory, node_memory};
use crate::model::measured::Measured;
use crate::model::sizes::Sizes;
use crate::quantity::{
    ByteUnit, Count, Rate, Seconds, Share, Units, decimals, grouped, spoken_seconds,
};
use crate::report::cell::finite;
use crate::report::{Block, Cell, Report, Step, Table, Unit};

/// Other layouts shown beside the one that is asked for.
const COMPARED: [ItemModel; 3] = [ItemModel::Skep, ItemModel::Valkey9, ItemModel::Redis7];

/// Items to hold, instead of --data.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Items")]
pub(crate) struct ItemArgs {
    /// Keys to hold
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["data", "arrivals"])]
    keys: Option<Count>,
    /// New keys a second; with --ttl they give the keys alive at once (Little's law)
    #[arg(long, value_name = "RATE", requires = "ttl", conflicts_with = "data")]
    arrivals: Option<Rate>,
    /// How long a key lives
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Seconds>,
    /// Size of keys: 51, p50=40,p99=120, mean=60,p99=120 or lognormal:MEDIAN,SIGMA
    #[arg(long, value_name = "SIZES")]
    key_size: Option<Sizes>,
    /// Size of values, written as --key-size
    #[arg(long, value_name = "SIZES")]
    value_size: Option<Sizes>,
    /// Share of the keys that expire [default: all with --ttl, else none]
    #[arg(long, value_name = "SHARE")]
    expiring: Option<Share>,
    /// A usual shape of items; --key-size, --value-size and --expiring change it
    #[arg(long, value_enum)]
    shape: Option<Shape>,
    /// Whose layout in memory
    #[arg(long, value_enum, default_value_t, value_name = "LAYOUT")]
    item_model: ItemModel,
    /// Worker threads of a node, for what its INFO will say
    #[arg(long, value_name = "N", default_value_t = 2)]
    workers: u16,
}

/// Usual shapes of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// session:<43 characters> and 120 bytes of JSON, all expiring
    Sessions,
    /// Keys of 20 bytes and whole numbers of 5 digits
    Counters,
    /// Keys of 24 bytes and 4 KB of JSON
    Json,
    /// Keys of 30 bytes and values around 200 bytes, half of them expiring
    Mixed,
}

impl Shape {
    /// Key sizes, value sizes, share that expires.
    fn parts(self) -> (Sizes, &'static str, f64) {
        match self {
            Shape::Sessions => (Sizes::fixed(51), "120", 1.0),
            Shape::Counters => (Sizes::fixed(20), "5", 0.0),
            Shape::Json => (Sizes::fixed(24), "4096", 0.0),
            Shape::Mixed => (Sizes::fixed(30), "p50=160,p99=700", 0.5),
        }
    }
}

impl ItemArgs {
    /// Whether items are described at all.
    pub(super) fn is_given(&self) -> bool {
        self.keys.is_some() || self.arrivals.is_some()
    }

    /// Whether nothing is said of the items but, at most, how many there are.
    pub(super) fn has_no_sizes(&self) -> bool {
        self.shape.is_none() && self.key_size.is_none() && self.value_size.is_none()
    }

    /// What as many keys take as are asked for, or as there are, of the kinds a server has.
    pub(super) fn carry_over(&self, measured: &Measured, report: &mut Report) -> Result<f64> {
        let keys = if self.is_given() { self.count(report)? } else { measured.keys };
        let said = measured.predict(keys);
        report.steps.extend(measured.steps(keys));
        report.input("keys", keys);
        let nodes = f64::from(measured.nodes);
        report.figure("used_memory", (said.used_bytes / nodes) as u64);
        report.figure("used_memory_rss", (said.resident_bytes / nodes) as u64);
        report.figure("items_bytes", said.data_bytes as u64);
        let mut table = Table::new("measured", ["when", "keys", "used_memory", "used_memory_rss"]);
        let nodes = measured.nodes;
        table.title = format!("measured  on {nodes} primaries, all together");
        for (name, keys) in [("now", measured.keys), ("planned", keys)] {
            let said = measured.predict(keys);
            let (used, resident) = (said.used_bytes as u64, said.resident_bytes as u64);
            let cells = [Cell::Count(keys), Cell::Bytes(used), Cell::Bytes(resident)];
            table.row(std::iter::once(Cell::text(name)).chain(cells));
        }
        report.block(Block::Table(table));
        Ok(said.data_bytes)
    }

    /// What the items take, on so many nodes. Records inputs, steps and a comparison of layouts.
    pub(super) fn read(&self, nodes: u32, report: &mut Report) -> Result<(ItemMemory, Table)> {
        let items = self.items(report)?;
        report.input("keys", items.keys);
        report.input("key_size", items.key_sizes.text());
        report.input("value_size", items.value_sizes.text());
        report.input("expiring", finite(items.expiring));
        report.input("item_model", name(self.item_model));
        let taken = memory(self.item_model, &items, nodes);
        report.steps.extend(taken.steps.iter().cloned());
        report.figure("payload_bytes", taken.payload_bytes as u64);
        report.figure("items_bytes", taken.used_bytes as u64);
        report.figure("bytes_per_item", finite(taken.item_bytes(items.keys)));
        if self.item_model == ItemModel::Skep {
            let (used, resident) = node_memory(&taken, nodes, self.workers.into());
            report.figure("used_memory", used as u64);
            report.figure("used_memory_rss", resident as u64);
        }
        let mut table = Table::new("layouts", ["layout", "bytes an item", "over payload", "all"]);
        table.title = self.title(&items, nodes, &taken, report.units);
        let others = COMPARED.into_iter().filter(|other| *other != self.item_model);
        for model in std::iter::once(self.item_model).chain(others) {
            let memory = memory(model, &items, nodes);
            let ratio = memory.used_bytes / memory.payload_bytes.max(1.0);
            table.row([
                Cell::text(name(model)),
                Cell::Number(memory.item_bytes(items.keys), 1),
                Cell::text(format!("x{}", decimals(ratio, 2))),
                Cell::Bytes(memory.used_bytes as u64),
            ]);
        }
        Ok((taken, table))
    }

    /// How many items there are, and what a node of ours will say of them.
    fn title(&self, items: &Items, nodes: u32, taken: &ItemMemory, units: Units) -> String {
        let text = format!("items  {} keys as {}", grouped(items.keys), name(self.item_model));
        if self.item_model != ItemModel::Skep {
            return text;
        }
        let (used, resident) = node_memory(taken, nodes, self.workers.into());
        let unit = ByteUnit::of(used as u64, units);
        let (used, resident) = (unit.text(used), unit.text(resident));
        format!("{text}; INFO of {nodes} each: used_memory {used}, used_memory_rss {resident}")
    }

    fn items(&self, report: &mut Report) -> Result<Items> {
        let shape = self.shape.map(Shape::parts);
        let missing = |what: &str| {
            PlanError::usage(format!(
                "{what} is missing: how large they are decides what fits; give it, or a --shape"
            ))
        };
        let value_of_shape = shape.as_ref().and_then(|(_, value, _)| value.parse().ok());
        let key_sizes = self.key_size.clone().or(shape.as_ref().map(|(key, ..)| key.clone()));
        let expiring = match (self.expiring, &shape, self.ttl) {
            (Some(share), ..) => share.0,
            (None, _, Some(_)) => 1.0,
            (None, Some((.., share)), None) => *share,
            (None, None, None) => 0.0,
        };
        Ok(Items {
            keys: self.count(report)?,
            key_sizes: key_sizes.ok_or_else(|| missing("--key-size"))?,
            value_sizes: self
                .value_size
                .clone()
                .or(value_of_shape)
                .ok_or_else(|| missing("--value-size"))?,
            expiring,
            integers: self.shape == Some(Shape::Counters) && self.value_size.is_none(),
        })
    }

    fn count(&self, report: &mut Report) -> Result<u64> {
        let keys = match (self.keys, self.arrivals, self.ttl) {
            (Some(Count(keys)), ..) => keys,
            (None, Some(Rate(arrivals)), Some(Seconds(ttl))) => {
                let keys = keys_alive(arrivals, ttl);
                report.input("arrivals_per_second", finite(arrivals));
                report.input("ttl_seconds", finite(ttl));
                report.steps.push(Step {
                    id: "keys",
                    label: "keys alive at once".to_owned(),
                    formula: format!("{arrivals}/s x {}", spoken_seconds(ttl)),
                    value: keys as f64,
                    unit: Unit::Count,
                    why: "in the long run as many keys come as expire".to_owned(),
                    source: "Little, A Proof for the Queuing Formula L = lambda W, 1961",
                });
                keys
            }
            (None, ..) => {
                return Err(PlanError::usage("--arrivals needs --ttl: how long a key lives"));
            }
        };
        match keys {
            0 => Err(PlanError::usage("no keys take no memory; give more --keys or --arrivals")),
            keys => Ok(keys),
        }
    }
}

fn name(model: ItemModel) -> String {
    model.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}
