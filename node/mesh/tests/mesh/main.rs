//! Real meshes on loopback, and intruders.

mod authority;
mod hostile;
mod identity;
mod intruder;
mod removal;
mod rotation;
mod speed;
mod support;
mod traffic;
