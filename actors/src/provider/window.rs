//! How many calls may be in flight: halved when the provider throttles, grown slowly while it answers.

/// A limit on calls in flight that finds its own size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    size: f64,
    max: f64,
}

impl Window {
    /// A window as wide as allowed.
    pub(super) fn new(max: usize) -> Self {
        // No more calls fit into memory than this number can hold.
        let max = f64::from(u32::try_from(max.max(1)).unwrap_or(u32::MAX));
        Self { size: max, max }
    }

    /// Calls that may be in flight now.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a u32")]
    pub(super) fn size(&self) -> usize {
        self.size as usize
    }

    /// One more for each round of answers.
    pub(super) fn answered(&mut self) {
        if self.size < self.max {
            self.size = (self.size + 1.0 / self.size).min(self.max);
        }
    }

    /// Half of what was too much.
    pub(super) fn throttled(&mut self, in_flight: usize) {
        let in_flight = f64::from(u32::try_from(in_flight).unwrap_or(u32::MAX));
        self.size = (in_flight.min(self.size) / 2.0).floor().max(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_halved_at_once_and_grows_by_one_for_each_round_of_answers() {
        let mut window = Window::new(64);
        assert_eq!(window.size(), 64);
        window.throttled(40);
        assert_eq!(window.size(), 20);
        for _ in 0..21 {
            window.answered();
        }
        assert_eq!(window.size(), 21);
        for _ in 0..10 {
            window.throttled(1);
        }
        assert_eq!(window.size(), 1);
        for _ in 0..10_000 {
            window.answered();
        }
        assert_eq!(window.size(), 64);
    }
}
