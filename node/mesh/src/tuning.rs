//! How the two kinds of connections differ: windows, timeouts, sizes of packets.
//!
//! Beacons, not QUIC, tell that a node failed; the idle timeouts only clear what is left of one.

use std::sync::Arc;
use std::time::Duration;

use quinn::congestion::CubicConfig;
use quinn::{IdleTimeout, MtuDiscoveryConfig, TransportConfig, VarInt};

use crate::frame::Class;

/// Which of the two endpoints of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Control,
    Bulk,
}

impl Class {
    /// Which connection its frames take.
    pub(crate) fn channel(self) -> Channel {
        match self {
            Class::Control => Channel::Control,
            Class::Bulk | Class::Forward => Channel::Bulk,
        }
    }
}

/// How a channel's connections behave.
struct Tuning {
    idle_timeout_ms: u32,
    keep_alive: Duration,
    /// Requests and streams that the other side may have under way at once; more wait at their sender.
    streams_max: u32,
    stream_window_bytes: u32,
    connection_window_bytes: u32,
    send_window_bytes: u64,
    /// Received, and to be sent. None where there are no datagrams.
    datagram_buffer_bytes: Option<usize>,
}

const CONTROL: Tuning = Tuning {
    idle_timeout_ms: 2_000,
    keep_alive: Duration::from_millis(400),
    streams_max: 256,
    stream_window_bytes: 1 << 20,
    connection_window_bytes: 4 << 20,
    send_window_bytes: 4 << 20,
    // Seconds of beacons. When it is full the oldest are dropped.
    datagram_buffer_bytes: Some(64 << 10),
};

const BULK: Tuning = Tuning {
    idle_timeout_ms: 5_000,
    keep_alive: Duration::from_millis(1_000),
    streams_max: 1_024,
    stream_window_bytes: 4 << 20,
    connection_window_bytes: 16 << 20,
    send_window_bytes: 16 << 20,
    datagram_buffer_bytes: None,
};

/// What may be sent before the first answer. Nodes are near each other; and while this is used up, not
/// even the end of a connection is sent.
const INITIAL_WINDOW_BYTES: u64 = 256 << 10;
/// Lost first packets are sent again after three of these, not after a second.
const INITIAL_RTT: Duration = Duration::from_millis(30);
impl Channel {
    /// The largest packet that is tried. Loopback and jumbo frames take the larger one, at half the cost
    /// of a byte. The system cuts what it is given at once into packets, and that must be less than
    /// 64 KiB: quinn gives it up to ten, and drops what is refused for its length without a word, again
    /// each time that it is sent anew.
    pub(crate) fn packet_bytes_max(self) -> u16 {
        match self {
            Channel::Control => 1_452,
            Channel::Bulk => 6_500,
        }
    }
}

/// `is_simulated`: the network is made up, and carries no large packets to find out about.
pub(crate) fn transport(channel: Channel, is_simulated: bool) -> Arc<TransportConfig> {
    let tuning = match channel {
        Channel::Control => CONTROL,
        Channel::Bulk => BULK,
    };
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(channel.packet_bytes_max());
    let mut congestion = CubicConfig::default();
    congestion.initial_window(INITIAL_WINDOW_BYTES);
    let mut config = TransportConfig::default();
    config
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(tuning.idle_timeout_ms))))
        .keep_alive_interval(Some(tuning.keep_alive))
        .max_concurrent_bidi_streams(VarInt::from_u32(tuning.streams_max))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(tuning.stream_window_bytes))
        .receive_window(VarInt::from_u32(tuning.connection_window_bytes))
        .send_window(tuning.send_window_bytes)
        .datagram_receive_buffer_size(tuning.datagram_buffer_bytes)
        .datagram_send_buffer_size(tuning.datagram_buffer_bytes.unwrap_or(0))
        .congestion_controller_factory(Arc::new(congestion))
        .initial_rtt(INITIAL_RTT)
        .mtu_discovery_config(Some(mtu).filter(|_| !is_simulated));
    Arc::new(config)
}
