//! Clusters of real processes, as clients, redis-cli and those who operate them see them.

mod answers;
mod failover;
