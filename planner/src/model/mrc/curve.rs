//! Distances counted, and the curve that they add up to.

/// Distances up to `2^FINE_BITS` are told apart exactly, larger ones to one part in `2^FINE_BITS`.
const FINE_BITS: u32 = 9;

/// How often each distance occurred. A request counts for as many as it stands for.
#[derive(Clone, Debug, Default)]
pub struct Distances {
    counts: Vec<f64>,
    /// Requests counted with a distance or without one.
    counted: f64,
}

fn bucket_of(bytes: u64) -> usize {
    let shift = (u64::BITS - bytes.leading_zeros()).saturating_sub(FINE_BITS + 1);
    (u64::from(shift << FINE_BITS) + (bytes >> shift)) as usize
}

/// The largest distance of a bucket.
fn bytes_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket >> FINE_BITS).saturating_sub(1);
    let top = bucket - (shift << FINE_BITS);
    ((u128::from(top) + 1) << shift).saturating_sub(1).min(u128::from(u64::MAX)) as u64
}

impl Distances {
    /// Counts a request that a cache of `distance` bytes serves, or that none does.
    #[inline]
    pub fn count(&mut self, distance: Option<u64>, requests: f64) {
        self.counted += requests;
        let Some(distance) = distance else { return };
        let bucket = bucket_of(distance);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0.0);
        }
        self.counts[bucket] += requests;
    }

    /// Requests counted.
    pub fn counted(&self) -> f64 {
        self.counted
    }

    /// The curve. Of `requests`, those that were not counted (or too often, if negative) are taken
    /// to be served by any cache: the few most popular objects are what a sample has too many or
    /// too few of (SHARDS-adj: Waldspurger et al., "Efficient MRC Construction with SHARDS", FAST
    /// 2015, section 4.2).
    pub fn curve(&self, requests: u64) -> Curve {
        let mut hits = requests as f64 - self.counted;
        let mut points = Vec::new();
        for (bucket, &count) in self.counts.iter().enumerate() {
            if count != 0.0 {
                hits += count;
                points.push((bytes_of(bucket), hits));
            }
        }
        Curve { requests: requests as f64, points }
    }
}

/// Hit ratio by size of the cache; never falls as it grows.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    requests: f64,
    /// Size in bytes, and the requests that a cache of that size serves.
    points: Vec<(u64, f64)>,
}

impl Curve {
    /// The share of requests that a cache of this size serves, 0 to 1.
    pub fn hit_ratio(&self, bytes: u64) -> f64 {
        let end = self.points.partition_point(|point| point.0 <= bytes);
        self.points[..end].last().map_or(0.0, |point| self.ratio(point.1))
    }

    /// The smallest cache that serves this share of requests, if any does.
    pub fn bytes_for(&self, hit_ratio: f64) -> Option<u64> {
        if hit_ratio <= 0.0 {
            return Some(0);
        }
        // What one misses by rounding is none.
        let begin = self.points.partition_point(|point| self.ratio(point.1) < hit_ratio - 1e-12);
        self.points.get(begin).map(|point| point.0)
    }

    /// The most that any cache serves: all but first requests.
    pub fn hit_ratio_max(&self) -> f64 {
        self.points.last().map_or(0.0, |point| self.ratio(point.1))
    }

    /// The size beyond which nothing is won.
    pub fn largest_bytes(&self) -> u64 {
        self.points.last().map_or(0, |point| point.0)
    }

    fn ratio(&self, hits: f64) -> f64 {
        if self.requests > 0.0 { (hits / self.requests).clamp(0.0, 1.0) } else { 0.0 }
    }
}
