//! Sizes in bytes with the units of redis.conf.
