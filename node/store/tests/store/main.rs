//! What the store promises, checked through its public face and by full recounts.

mod model;
mod support;
