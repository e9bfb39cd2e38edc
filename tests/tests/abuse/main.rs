//! Clients that break the protocol, never read, never write or never leave: each gets the right
//! error, costs bounded memory, and no other client notices.

mod limits;
mod neighbours;
mod requests;
mod secrets;
mod sockets;
mod support;
