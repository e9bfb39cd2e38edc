//! Clusters of real processes, as clients, redis-cli and those who operate them see them.

mod answers;
mod clients;
mod deaf;
mod failover;
mod handover;
mod majority;
mod membership;
mod redis_cli;
mod replicas;
mod replication;
mod support;
