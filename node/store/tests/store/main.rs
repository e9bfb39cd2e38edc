//! What the store promises, checked through its public face and by full recounts.

mod cost;
mod eviction;
mod expiry;
mod growth;
mod model;
mod race;
mod replay;
mod scan;
mod space;
mod support;
