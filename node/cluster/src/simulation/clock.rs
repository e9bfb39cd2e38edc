//! Clocks that run a little too fast or too slow, each from another start.

/// A node's clock. Rates are in parts per thousand of true time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    real: u64,
    local: u64,
    rate: u64,
}

impl Clock {
    /// A clock that shows `local` at `real`.
    pub(super) fn new(real: u64, local: u64, rate: u64) -> Clock {
        Clock { real, local, rate }
    }

    /// What it shows.
    pub(super) fn local(&self, real: u64) -> u64 {
        self.local + (real - self.real) * self.rate / 1000
    }

    /// When it shows that; 0 for a time before its start.
    pub(super) fn real(&self, local: u64) -> u64 {
        match local {
            u64::MAX => u64::MAX,
            _ if local < self.local => 0,
            _ => self.real + (local - self.local) * 1000 / self.rate,
        }
    }
}
