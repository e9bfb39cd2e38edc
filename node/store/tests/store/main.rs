//! What the store promises, checked through its public face and by full recounts.

mod eviction;
mod expiry;
mod growth;
mod model;
mod race;
mod scan;
mod space;
mod support;
