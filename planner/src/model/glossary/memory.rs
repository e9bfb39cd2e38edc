//! Terms about memory.

use super::{Term, term};

pub(super) const TERMS: &[Term] = &[
    term(
        "replication overhead",
        &["overhead"],
        [
            "What copies take from the memory counted. Reckoned over all nodes it is R/(R+1): half for \
         one replica. Reckoned over the primaries alone it is nothing, as replicas have machines of \
         their own. The article takes a third of the primaries' 48 GB for replicas it never counted; \
         with three primaries that happens to be the reserve for losing one shard.",
            "all nodes: R / (R + 1); primaries only: 0",
            "derived; the article, Capacity Estimation",
            "planner size --masters 3 --mem 16G",
        ],
    ),
    term(
        "fragmentation",
        &["fragmentation factor", "mem_fragmentation_ratio"],
        [
            "Resident memory over the memory that items account for; at least 1, and divided by. The \
         article's formula multiplies by (1 - factor), which is negative for its own 1.2, while its \
         example divides; the example is right. Servers report it as mem_fragmentation_ratio, which \
         says little while they hold a few megabytes.",
            "f = RSS / used_memory; data = memory / f",
            "INFO memory of Redis; the article, Capacity Estimation",
            "planner size --masters 3 --mem 16G --fragmentation 1.2",
        ],
    ),
    term(
        "waste",
        &["wasted memory"],
        [
            "The share of memory that holds no items because of holes between them; below 1. It says the \
         same as the fragmentation factor in another way, and must not be mistaken for it: a factor \
         of 1.2 wastes 16.7 %, not 20 %.",
            "w = 1 - 1/f; data = memory x (1 - w)",
            "derived",
            "planner size --masters 3 --mem 16G --waste 0.167",
        ],
    ),
    term(
        "headroom",
        &["reserve", "spare"],
        [
            "The share kept free for spikes, buffers and growth. With 30 % of headroom a node is planned \
         to be 70 % full, so an alert at 80 % of its memory rings only after the plan is left, and \
         says how much of the headroom is gone.",
            "usable = memory x (1 - reserve)",
            "the article, Capacity Estimation: 30 %",
            "planner size --masters 3 --mem 16G --reserve 30%",
        ],
    ),
    term(
        "survive",
        &["n-1", "shard reserve"],
        [
            "Room kept so that what lost shards held fits into the others. It is a deduction from \
         capacity for the case that a shard is gone with all its replicas; as long as a replica \
         lives, its promotion needs no room elsewhere.",
            "usable share = (N - s) / N for s lost shards of N",
            "derived",
            "planner size --masters 3 --mem 16G --model survive",
        ],
    ),
    term(
        "used_memory",
        &["logical memory"],
        [
            "The bytes a server accounts for: items with their keys and index, buffers, and its own \
         tables. Limits such as maxmemory are compared with it on Redis; it is less than what the \
         process holds, by fragmentation. Skep's limit counts what the process holds.",
            "sum of allocated bytes, as the allocator rounds them",
            "INFO memory of Redis; Skep's README",
            "planner probe --from redis://127.0.0.1:6379",
        ],
    ),
    term(
        "rss",
        &["resident set size", "used_memory_rss", "resident memory"],
        [
            "The pages of a process that are in physical memory: what the kernel counts, and what a \
         container is killed for. It stays high after items go, since pages that hold one live item \
         cannot be given back.",
            "RSS = used_memory x fragmentation",
            "proc(5), VmRSS",
            "planner probe --from redis://127.0.0.1:6379",
        ],
    ),
    term(
        "size class",
        &["slab", "rounding"],
        [
            "The sizes that an allocator hands out. An item occupies the smallest class that holds it, so \
         a few bytes more can cost a whole step. With four classes for each doubling the mean loss \
         is about 8 %, the worst 20 %.",
            "bytes taken = smallest class >= bytes wanted",
            "jemalloc's size classes",
            "planner size --keys 50M --key-size 30 --value-size 200 --mem 16G",
        ],
    ),
    term(
        "eviction",
        &["maxmemory-policy", "evict"],
        [
            "Removing items to make room when the memory limit is reached. The policy ranks what goes \
         first: by recency (LRU), frequency (LFU), time to live, or chance. Evictions are no failure \
         in a cache, but a hit ratio that falls as they rise says that the working set does not fit.",
            "evict while used > limit; victim = the worst rank of a sample",
            "Redis, key eviction; Skep's README on allkeys-adaptive",
            "planner mrc trace.csv --mem 1G --simulate",
        ],
    ),
    term(
        "dead share",
        &["expired share", "dead items"],
        [
            "The share of memory that items hold which nobody will read again: expired and not yet \
         collected, or never to be asked for before they are evicted. It is room that a better \
         policy or a shorter time to live would give back.",
            "dead share = bytes of items without another hit / bytes held",
            "derived",
            "planner mrc trace.csv --mem 1G",
        ],
    ),
];
