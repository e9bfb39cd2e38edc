//! Terms about traffic and hit ratios.

use super::{Term, term};

pub(super) const TERMS: &[Term] = &[
    term(
        "index",
        &["node-share", "hot key", "hot_key_probability"],
        [
            "How many fair shares of a node one key uses. The article calls it a probability, which it \
         is not: it exceeds 1 as soon as one key alone is more than a node's share. A group that \
         takes half the traffic of ten nodes uses five shares; its keys, if they are 1 % of all, are \
         each 50 times hotter than the mean key, not 5.",
            "index = requests of the key / all requests x nodes",
            "the article, Capacity Estimation, under its true name",
            "planner hotkeys --zipf 0.99 --keys 1M --nodes 10",
        ],
    ),
    term(
        "imbalance",
        &["skew", "peak to mean"],
        [
            "The busiest node's load over the mean. The cluster serves what it does until its busiest \
         node is full, so N times one node is an upper bound to be divided by it: ten memcached nodes \
         of 200,000 writes a second make 2.00 M only if they are even, which the article assumes; \
         1.78 M on a ring of 150 points, and no key gets more than 200,000.",
            "imbalance = max / mean; throughput = N x one node / imbalance",
            "derived; figures by simulation with a seed",
            "planner throughput --masters 10 --node-ops 200k",
        ],
    ),
    term(
        "zipf",
        &["zipfian", "zipf's law", "alpha"],
        [
            "Popularity that falls with a power of the rank. With an exponent near 1, as caches often \
         see, a few keys are most of the traffic: of a million keys at 0.99 the first alone is some \
         6 to 7 %. Fitted exponents come with error; read a trace if there is one.",
            "share of rank i of n = i^-a / sum over j = 1..n of j^-a",
            "Zipf 1949; Breslau et al. 1999 on web caches",
            "planner hotkeys --zipf 0.99 --keys 1M --nodes 10",
        ],
    ),
    term(
        "mrc",
        &["miss ratio curve", "hit ratio curve"],
        [
            "The miss ratio of a trace at every memory size. It says what more memory buys and what less \
         costs, which no rule of thumb does: where the curve is flat memory is wasted, where it is \
         steep it is missing.",
            "miss(m) = share of requests whose stack distance > m",
            "Mattson et al. 1970",
            "planner mrc trace.csv --mem 1G",
        ],
    ),
    term(
        "stack distance",
        &["reuse distance", "lru stack distance"],
        [
            "The bytes of different items asked for since an item was last asked for, itself included. \
         An LRU cache that large or larger hits, a smaller one misses, so one pass over a trace \
         answers for every size.",
            "distance = bytes of the distinct items since the last access; first access: infinite",
            "Mattson et al. 1970",
            "planner mrc trace.csv --mem 1G",
        ],
    ),
    term(
        "shards",
        &["spatially hashed sampling", "sampling"],
        [
            "A miss-ratio curve from a sample of keys chosen by their hash: all requests of a sampled key \
         are kept, none of the others, and distances are scaled by 1 over the rate. One per cent is \
         mostly enough; below some 8,000 objects the curve is noise.",
            "keep if hash(key) mod P < T; R = T / P; distance = sampled distance / R",
            "Waldspurger et al., FAST 2015",
            "planner mrc trace.csv --mem 1G",
        ],
    ),
    term(
        "shards-adj",
        &["shards adjustment"],
        [
            "The correction of SHARDS for a sample that has more or fewer requests than its rate says, \
         since one hot key in or out of it changes much. The difference is put into the smallest \
         distance. It is not optional: in a trial at 1 % it took the mean error from 0.060 to 0.004.",
            "add N x R - Ns to the first bucket: N requests, Ns sampled at rate R",
            "Waldspurger et al., FAST 2015",
            "planner mrc trace.csv --mem 1G",
        ],
    ),
    term(
        "hit ratio",
        &["hit rate", "miss ratio"],
        [
            "The share of requests answered from the cache. What the database sees is the rest: from 98 % \
         to 96 % its load doubles, so watch the misses. An alert at a fixed 80 % fits no cache that \
         normally has 99 %.",
            "hit ratio = hits / (hits + misses)",
            "keyspace_hits and keyspace_misses of INFO stats",
            "planner mrc trace.csv --target-hit 90%",
        ],
    ),
    term(
        "little's law",
        &["ttl steady state", "arrivals"],
        [
            "In a steady state the number of things present is their arrival rate times how long they \
         stay. Sessions: 500 logins a second that live for a day are 43.2 million at once, however \
         they come in the course of it.",
            "keys = arrivals per second x time to live in seconds",
            "Little 1961",
            "planner size --arrivals 500/s --ttl 24h --shape sessions --mem 16G",
        ],
    ),
    term(
        "square-root staffing",
        &["staffing", "cores", "halfin-whitt"],
        [
            "The cores a rate needs so that requests seldom wait: those busy on average, and some more \
         that grow with the square root. Twice the load needs less than twice the spare cores, which \
         is why few large pools are cheaper than many small ones.",
            "cores = a + Q sqrt(a), a = rate x service time, Q 1 to 2.375",
            "Halfin and Whitt 1981; quality as in Netflix' service-capacity-modeling",
            "planner throughput --masters 3 --node-ops 200k",
        ],
    ),
    term(
        "key spreading",
        &["key splitting", "spread"],
        [
            "A hot key kept as n keys whose names end in a number, so that they fall on different nodes. \
         Reads take any of them. Writes are spread only if the values can be merged, as counters \
         can; else each write is n writes.",
            "index of each part = index / n; a read of the whole costs n",
            "the article, Capacity Estimation; derived",
            "planner hotkeys --zipf 0.99 --keys 1M --nodes 10",
        ],
    ),
];
