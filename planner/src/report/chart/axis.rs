//! Where an axis begins and ends, and where its marks are.
//!
//! A linear axis of values that are not negative begins at 0, so that no difference looks larger
//! than it is. Marks stand at round numbers.

use super::{Axis, Scale};
use crate::quantity::decimals;

/// An axis fitted to values.
pub(super) struct Fitted {
    scale: Scale,
    low: f64,
    high: f64,
    /// Value and text of each mark, ascending.
    pub(super) marks: Vec<(f64, String)>,
}

impl Fitted {
    /// An axis on which all values that can be shown have a place, with about `marks` marks.
    pub(super) fn new(axis: &Axis, values: impl Iterator<Item = f64>, marks: usize) -> Fitted {
        let shown = values.filter(|&value| is_shown(axis.scale, value));
        let range = shown.fold(None, |range: Option<(f64, f64)>, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        });
        let (low, high) = range.unwrap_or(match axis.scale {
            Scale::Linear => (0.0, 1.0),
            Scale::Logarithmic => (1.0, 10.0),
        });
        match axis.scale {
            Scale::Linear => linear(low.min(0.0), high.max(0.0), marks.max(2)),
            Scale::Logarithmic => logarithmic(low, high, marks.max(2)),
        }
    }

    /// Where a value stands: 0 at the axis' beginning, 1 at its end.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        if !is_shown(self.scale, value) {
            return None;
        }
        let place = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => {
                let (low, high) = (self.low.ln(), self.high.ln());
                (value.ln() - low) / (high - low)
            }
        };
        (-1e-9..=1.0 + 1e-9).contains(&place).then_some(place.clamp(0.0, 1.0))
    }

    /// Places and texts of the marks.
    pub(super) fn placed_marks(&self) -> Vec<(f64, &str)> {
        let marks = self.marks.iter();
        marks.filter_map(|(value, text)| Some((self.place(*value)?, text.as_str()))).collect()
    }
}

fn is_shown(scale: Scale, value: f64) -> bool {
    value.is_finite() && (scale == Scale::Linear || value > 0.0)
}

/// The smallest of 1, 2, 5 times a power of ten that divides a range into at most so many steps.
fn round_step(range: f64, steps: usize) -> f64 {
    let least = range / steps as f64;
    let power = 10f64.powf(least.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0].into_iter();
    factors.map(|factor| factor * power).find(|&step| step >= least * (1.0 - 1e-9)).unwrap_or(least)
}

fn linear(low: f64, high: f64, marks: usize) -> Fitted {
    let high = if high > low { high } else { low + 1.0 };
    let step = round_step(high - low, marks);
    let (first, last) = ((low / step).floor() as i64, (high / step - 1e-9).ceil() as i64);
    let digits = (-step.log10().floor()).max(0.0) as usize;
    let value = |number: i64| number as f64 * step;
    Fitted {
        scale: Scale::Linear,
        low: value(first),
        high: value(last),
        marks: (first..=last).map(|n| (value(n), decimals(value(n), digits))).collect(),
    }
}

fn logarithmic(low: f64, high: f64, marks: usize) -> Fitted {
    let high = if high > low { high } else { low * 10.0 };
    let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    let factors: &[u32] = if powers.clone().count() > marks / 2 { &[1] } else { &[1, 2, 5] };
    // Where there are many powers, every second (third ...) has a mark.
    let stride = powers.clone().count().div_ceil(marks.max(1)) as i32;
    let powers = powers.filter(|power| power.rem_euclid(stride) == 0);
    let all = powers.flat_map(|power| factors.iter().map(move |&factor| (power, factor)));
    let marks = all.map(|(power, factor)| {
        let value = f64::from(factor) * 10f64.powi(power);
        (value, decimals(value, (-power).max(0) as usize))
    });
    let marks = marks.filter(|(value, _)| (low..=high).contains(value)).collect();
    Fitted { scale: Scale::Logarithmic, low, high, marks }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(scale: Scale, values: &[f64], marks: usize) -> Fitted {
        Fitted::new(&Axis { label: String::new(), scale }, values.iter().copied(), marks)
    }

    fn texts(fitted: &Fitted) -> Vec<&str> {
        fitted.marks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn marks_stand_at_round_numbers_and_a_linear_axis_begins_at_0() {
        let axis = fitted(Scale::Linear, &[0.31, 0.94], 5);
        assert_eq!(texts(&axis), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(axis.place(0.5), Some(0.5));
        let axis = fitted(Scale::Linear, &[-3.0, 14_000.0], 4);
        assert_eq!(texts(&axis), ["-5,000", "0", "5,000", "10,000", "15,000"]);
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten() {
        let axis = fitted(Scale::Logarithmic, &[0.5, 3000.0, 0.0, -4.0], 6);
        assert_eq!(texts(&axis), ["1", "10", "100", "1,000"]);
        assert_eq!(axis.place(0.0), None);
        let axis = fitted(Scale::Logarithmic, &[0.03, 0.4], 8);
        assert_eq!(texts(&axis), ["0.05", "0.1", "0.2"]);
    }

    #[test]
    fn no_values_equal_values_and_what_is_no_number_make_an_axis_too() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            for values in [&[][..], &[7.0, 7.0], &[f64::NAN, f64::INFINITY], &[1e-300, 1e300]] {
                let axis = fitted(scale, values, 5);
                assert!(axis.marks.len() < 20, "{values:?}: {:?}", axis.marks);
                for &value in values.iter().filter(|value| value.is_finite()) {
                    let place = axis.place(value).unwrap();
                    assert!((0.0..=1.0).contains(&place), "{value}: {place}");
                }
            }
        }
    }
}
