//! The text of INFO, as fields with their names.

use std::collections::BTreeMap;

use crate::model::profile::cluster::address;

/// Fields by their names. One that is not there was not told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Info {
    fields: BTreeMap<String, String>,
}

/// A line of the section Keyspace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyspaceLine {
    /// Number of the database.
    pub database: u32,
    /// Keys.
    pub keys: u64,
    /// Keys that expire.
    pub expiring: u64,
    /// Mean of their time to live in milliseconds; 0 where the server does not keep it.
    pub ttl_ms: u64,
}

/// A replica as its primary sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaLine {
    /// Host and port.
    pub address: String,
    /// `online`, or what it waits for.
    pub state: String,
    /// How far it has confirmed.
    pub offset_bytes: u64,
    /// Seconds since it confirmed.
    pub acknowledged_seconds_ago: Option<f64>,
}

impl Info {
    /// Reads `name:value` lines; titles and whatever else there is are passed over.
    pub fn parse(text: &str) -> Info {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.trim_end().split_once(':'));
        Info { fields: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    /// Sets a field.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.fields.insert(name.into(), value.into());
    }

    /// A field as it is.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// A field that is a finite number, with or without a percent sign.
    pub fn number(&self, name: &str) -> Option<f64> {
        let text = self.text(name)?.trim_end_matches('%');
        text.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// A field that is a whole number and not negative.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// A field that is 0 or 1.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.count(name).map(|value| value != 0)
    }

    /// The databases that have keys.
    pub fn databases(&self) -> Vec<KeyspaceLine> {
        let lines = self.fields.iter().filter_map(|(name, value)| {
            let database = name.strip_prefix("db")?.parse().ok()?;
            let parts = parts(value);
            let count = |name: &str| parts.get(name).and_then(|text| text.parse().ok());
            Some(KeyspaceLine {
                database,
                keys: count("keys")?,
                expiring: count("expires").unwrap_or(0),
                ttl_ms: count("avg_ttl").unwrap_or(0),
            })
        });
        let mut lines: Vec<KeyspaceLine> = lines.collect();
        lines.sort_by_key(|line| line.database);
        lines
    }

    /// The replicas that are connected to this node.
    pub fn replicas(&self) -> Vec<ReplicaLine> {
        let lines = self.fields.iter().filter_map(|(name, value)| {
            let _: u32 = name.strip_prefix("slave")?.parse().ok()?;
            let parts = parts(value);
            Some(ReplicaLine {
                address: address(parts.get("ip")?, parts.get("port")?),
                state: parts.get("state").copied().unwrap_or("unknown").to_owned(),
                offset_bytes: parts.get("offset").and_then(|text| text.parse().ok()).unwrap_or(0),
                acknowledged_seconds_ago: parts.get("lag").and_then(|text| text.parse().ok()),
            })
        });
        lines.collect()
    }
}

/// `a=1,b=2` by name.
fn parts(value: &str) -> BTreeMap<&str, &str> {
    value.split(',').filter_map(|part| part.split_once('=')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_databases_and_replicas_are_read_as_servers_write_them() {
        let info = Info::parse(
            "# Server\r\nredis_version:7.0.15\r\nused_memory_peak_perc:99.10%\r\n\r\n# Replication\r\n\
             role:master\r\nconnected_slaves:1\r\nslave_priority:100\r\n\
             slave0:ip=10.0.0.2,port=6380,state=online,offset=12345,lag=1\r\n# Keyspace\r\n\
             db0:keys=10,expires=4,avg_ttl=60000\r\ndb10:keys=1,expires=0,avg_ttl=0,subexpiry=0\r\n\
             db2:keys=2,expires=0,avg_ttl=0\r\nbroken\r\nmem_fragmentation_ratio:nan\r\n",
        );
        assert_eq!(info.text("redis_version"), Some("7.0.15"));
        assert_eq!(info.number("used_memory_peak_perc"), Some(99.1));
        assert_eq!(info.number("mem_fragmentation_ratio"), None, "is no number");
        assert_eq!(info.count("nothing"), None);
        let databases: Vec<u32> = info.databases().iter().map(|line| line.database).collect();
        assert_eq!(databases, [0, 2, 10]);
        let first = KeyspaceLine { database: 0, keys: 10, expiring: 4, ttl_ms: 60_000 };
        assert_eq!(info.databases().first(), Some(&first));
        let replica = ReplicaLine {
            address: "10.0.0.2:6380".to_owned(),
            state: "online".to_owned(),
            offset_bytes: 12_345,
            acknowledged_seconds_ago: Some(1.0),
        };
        assert_eq!(info.replicas(), [replica]);
        assert_eq!(address("::1", 7000), "[::1]:7000");
    }
}
