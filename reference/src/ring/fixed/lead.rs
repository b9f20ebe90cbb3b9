//! The lead that a consumer gives a producer of many messages before it looks for more of them.

/// Pauses of the processor before a look that follows news, the fewest and the most: 0.1 to 0.2, and 0.8 to 1.6 microseconds in all.
const PAUSES: [u32; 2] = [4, 32];

/// Each look takes the line of the position from the producer, which needs it back before anything that it writes can be seen. So looks
/// have to be rare where lines cross slowly, and frequent where the places are soon full: what the last one found tells which it is.
#[derive(Debug)]
pub(super) struct Lead {
    /// Whether the last look found messages.
    news: bool,
    pauses: u32,
}

impl Lead {
    /// Nothing was found yet.
    pub(super) const NEW: Self = Self { news: false, pauses: PAUSES[0] };

    /// A look found so many messages in a ring of such a capacity. One alone may be a question whose sender waits, and is no reason for
    /// a longer lead.
    #[inline]
    pub(super) fn found(&mut self, messages: u64, capacity: u64) {
        let [fewest, most] = PAUSES;
        self.news = true;
        self.pauses = match messages {
            ..=1 => fewest,
            few if few < capacity / 8 => most.min(self.pauses * 2),
            many if many > capacity / 4 => fewest.max(self.pauses / 2),
            _ => self.pauses,
        };
    }

    /// How many pauses are due before the next look: none if the last one found nothing.
    #[inline]
    pub(super) fn due(&mut self) -> u32 {
        if std::mem::take(&mut self.news) { self.pauses } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Lead;

    /// Of 64 places.
    #[rstest]
    #[case::few_double_it(&[7], 8)]
    #[case::up_to_the_most(&[2, 2, 2, 2, 2], 32)]
    #[case::an_eighth_is_enough(&[7, 8], 8)]
    #[case::so_is_a_quarter(&[7, 16], 8)]
    #[case::many_halve_it(&[7, 7, 17], 8)]
    #[case::down_to_the_fewest(&[7, 17, 64, 64], 4)]
    #[case::one_alone_ends_it(&[7, 7, 7, 1], 4)]
    fn what_looks_find_tells_how_long_the_lead_is(#[case] found: &[u64], #[case] pauses: u32) {
        let mut lead = Lead::NEW;
        for messages in found {
            lead.found(*messages, 64);
        }
        assert_eq!(lead.due(), pauses);
    }

    #[test]
    fn a_lead_is_given_after_news_and_once() {
        let mut lead = Lead::NEW;
        assert_eq!(lead.due(), 0);
        lead.found(8, 64);
        assert_eq!([lead.due(), lead.due()], [4, 0]);
    }
}
