//! The arithmetic of measuring: medians, ratios, settling, and finding a setting by trial.

/// The smallest and the middle one of some figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The smallest.
    pub(crate) min: f64,
    /// The middle one, or the mean of the two in the middle.
    pub(crate) median: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Spread {
    /// None of nothing, and of figures that are no numbers.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        if sorted.iter().any(|figure| figure.is_nan()) {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Spread { min, median: (lower + upper) / 2.0, max })
    }
}

/// The geometric mean; none of nothing, and where a figure is not positive.
pub(crate) fn geometric_mean(figures: &[f64]) -> Option<f64> {
    if figures.is_empty() || figures.iter().any(|&figure| figure.is_nan() || figure <= 0.0) {
        return None;
    }
    let sum: f64 = figures.iter().map(|figure| figure.ln()).sum();
    Some((sum / figures.len() as f64).exp())
}

/// Finds the input that makes a measured quantity hit a target, by the secant through the two
/// trials nearest to it. Made for `maxmemory` against resident memory: nearly a straight line.
#[derive(Debug)]
pub(crate) struct Secant {
    target: f64,
    lowest: f64,
    trials: Vec<(f64, f64)>,
}

impl Secant {
    /// Aims at `target` and never proposes less than `lowest`.
    pub(crate) fn new(target: f64, lowest: f64) -> Secant {
        Secant { target, lowest, trials: Vec::new() }
    }

    /// Records that `input` led to `output`.
    pub(crate) fn record(&mut self, input: f64, output: f64) {
        self.trials.push((input, output));
    }

    /// How far an output is from the target, as a share of the target.
    pub(crate) fn distance(&self, output: f64) -> f64 {
        (output - self.target).abs() / self.target
    }

    /// The next input to try.
    pub(crate) fn propose(&self) -> f64 {
        let mut nearest = self.trials.clone();
        nearest.sort_by(|a, b| self.distance(a.1).total_cmp(&self.distance(b.1)));
        let next = match nearest.as_slice() {
            [] => self.target,
            [(input, output)] => input + (self.target - output),
            [(input, output), (other_input, other_output), ..] => {
                let rise = output - other_output;
                let run = input - other_input;
                // Noise can make the line flat or falling; then a step of the distance itself.
                let slope = if run != 0.0 && rise / run > 0.1 { rise / run } else { 1.0 };
                input + (self.target - output) / slope
            }
        };
        next.clamp(self.lowest, self.target * 2.0)
    }
}

/// Watches a figure until it has stopped moving.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    reference: u64,
    quiet_steps: u64,
    steps: u64,
}

impl Settling {
    /// The caller observes once in this time.
    pub(crate) const STEP_MS: u64 = 100;
    /// A figure that stays within a thousandth so long has settled.
    const QUIET_STEPS: u64 = 15;
    /// The wait ends here, settled or not.
    const STEPS_MAX: u64 = 100;

    /// Takes the next figure; `Some(is_stable)` ends the wait.
    pub(crate) fn observe(&mut self, figure: u64) -> Option<bool> {
        let moved = figure.abs_diff(self.reference) > self.reference / 1000;
        if moved {
            (self.reference, self.quiet_steps) = (figure, 0);
        } else {
            self.quiet_steps += 1;
        }
        self.steps += 1;
        match (self.quiet_steps >= Self::QUIET_STEPS, self.steps >= Self::STEPS_MAX) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    /// The time the figures so far stand for.
    pub(crate) fn waited_ms(&self) -> u64 {
        self.steps.saturating_sub(1) * Self::STEP_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_min_median_and_max_in_any_order() {
        let odd = Spread { min: 1.0, median: 2.0, max: 9.0 };
        assert_eq!(Spread::of([9.0, 1.0, 2.0]), Some(odd));
        let even = Spread { min: 1.0, median: 2.5, max: 9.0 };
        assert_eq!(Spread::of([9.0, 1.0, 2.0, 3.0]), Some(even));
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([1.0, f64::NAN]), None);
    }

    #[test]
    fn geometric_mean_is_of_ratios() {
        let mean = geometric_mean(&[0.5, 2.0, 1.0]).unwrap();
        assert!((mean - 1.0).abs() < 1e-12, "{mean}");
        assert_eq!(geometric_mean(&[]), None);
        assert_eq!(geometric_mean(&[1.0, 0.0]), None);
    }

    /// Resident memory as a server might have it: a base, a factor and a small bend.
    fn resident(maxmemory: f64) -> f64 {
        9.0 + 1.15 * maxmemory + 0.0005 * maxmemory * maxmemory
    }

    #[test]
    fn the_secant_finds_the_setting_in_three_trials() {
        let mut secant = Secant::new(64.0, 1.0);
        let mut distance = f64::MAX;
        for _ in 0..3 {
            let input = secant.propose();
            distance = secant.distance(resident(input));
            secant.record(input, resident(input));
        }
        assert!(distance < 0.005, "{distance}: {secant:?}");
    }

    #[test]
    fn the_secant_survives_a_flat_line_and_keeps_its_bounds() {
        let mut secant = Secant::new(64.0, 4.0);
        secant.record(50.0, 80.0);
        secant.record(40.0, 80.0);
        let next = secant.propose();
        assert!((4.0..50.0).contains(&next), "{next}");
        secant.record(4.0, 1000.0);
        secant.record(4.0, 900.0);
        assert!(secant.propose() >= 4.0);
    }

    #[test]
    fn a_figure_settles_when_it_stops_and_times_out_when_it_does_not() {
        let mut settling = Settling::default();
        let rising = (0..20).map(|step| 1000 + step * 100);
        assert!(rising.into_iter().all(|figure| settling.observe(figure).is_none()));
        let ends: Vec<_> = (0..Settling::QUIET_STEPS).map(|_| settling.observe(2900)).collect();
        assert_eq!(ends.last(), Some(&Some(true)));
        assert_eq!(ends.iter().flatten().count(), 1);

        let mut restless = Settling::default();
        let end = (0..200u64).find_map(|step| restless.observe(1000 + step * 100));
        assert_eq!(end, Some(false));
    }
}
