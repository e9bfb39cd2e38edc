//! Users and what they may do, from outside: against other servers, and as a node reads, keeps and
//! enforces them.

mod differential;
mod files;
mod node;
