//! Frames between nodes, over QUIC with TLS and mutual authentication. It knows nodes, not slots.
