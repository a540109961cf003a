//! An intent's states. `committed`, `filled` and the on-chain form of `cancelled` move only on
//! logs of our contract in a canonical block.

use super::{Step, named_states};

named_states!(
    /// Where an intent stands.
    IntentStatus {
        /// In the book: may be cut into the next auction.
        Open = "open",
        /// In a winning bid; its batch is not on chain yet.
        Matched = "matched",
        /// Its batch is committed on chain, not revealed yet.
        Committed = "committed",
        /// Completely filled on chain.
        Filled = "filled",
        /// Withdrawn by its owner, signed or on chain.
        Cancelled = "cancelled",
        /// `validTo` has passed.
        Expired = "expired",
    }
);

named_states!(
    /// What can happen to an intent.
    IntentEvent {
        /// A decision put it into a winning bid.
        Match = "match",
        /// The commit of its batch is in a canonical block.
        Commit = "commit",
        /// A log shows a fill that completes it.
        Fill = "fill",
        /// A log shows a fill that leaves a rest.
        FillPart = "fill_part",
        /// Its bid failed, or the commitment expired: it is free again.
        Release = "release",
        /// Its bid failed, and its auction may still fill it by another one.
        Retry = "retry",
        /// A signed cancellation, valid only while it is in no auction.
        Cancel = "cancel",
        /// A log shows its nonce invalidated by the owner.
        Invalidate = "invalidate",
        /// `validTo` has passed.
        Expire = "expire",
        /// The block of its commit is no longer canonical.
        CommitReorged = "commit_reorged",
        /// The block of its fill is no longer canonical; the commit's is.
        FillReorged = "fill_reorged",
        /// The block of a fill that no batch of ours made is no longer canonical.
        OtherFillReorged = "other_fill_reorged",
        /// The block of its on-chain cancellation is no longer canonical.
        InvalidateReorged = "invalidate_reorged",
    }
);

impl IntentStatus {
    /// What `event` does here.
    #[must_use]
    pub const fn on(self, event: IntentEvent) -> Step<Self> {
        use IntentEvent as E;
        use IntentStatus::{Cancelled, Committed, Expired, Filled, Matched, Open};
        use Step::{Refuse, Stay, To};
        match (self, event) {
            (Open, E::Match) => To(Matched),
            (Open, E::Fill) => To(Filled),
            (Open, E::Cancel | E::Invalidate) => To(Cancelled),
            (Open, E::Expire) => To(Expired),
            (Open, E::FillPart | E::Release) => Stay,
            (Open, E::CommitReorged | E::FillReorged | E::InvalidateReorged) => Stay,
            (Open, E::OtherFillReorged) => Stay,
            (Open, E::Commit | E::Retry) => Refuse,

            (Matched, E::Commit) => To(Committed),
            (Matched, E::Fill) => To(Filled),
            (Matched, E::FillPart | E::Release) => To(Open),
            // its batch is under way: noted, and applied when the batch lets it go unfilled
            (Matched, E::Invalidate) => Stay,
            (Matched, E::Match | E::Retry | E::OtherFillReorged) => Stay,
            (Matched, E::CommitReorged | E::FillReorged | E::InvalidateReorged) => Stay,
            (Matched, E::Cancel | E::Expire) => Refuse,

            (Committed, E::Fill) => To(Filled),
            (Committed, E::FillPart | E::Release) => To(Open),
            (Committed, E::CommitReorged | E::Retry) => To(Matched),
            (Committed, E::Invalidate | E::OtherFillReorged) => Stay,
            (Committed, E::Commit | E::FillReorged | E::InvalidateReorged) => Stay,
            (Committed, E::Match | E::Cancel | E::Expire) => Refuse,

            (Filled, E::FillReorged) => To(Committed),
            // a batch of ours that has it takes it from there
            (Filled, E::OtherFillReorged) => To(Open),
            (Filled, E::Fill) => Stay,
            (Filled, E::Match | E::Commit | E::FillPart | E::Release | E::Cancel) => Refuse,
            (Filled, E::Retry) => Refuse,
            (Filled, E::Invalidate | E::Expire | E::CommitReorged | E::InvalidateReorged) => Refuse,

            // the chain has the last word: a fill that is there beats what we thought
            (Cancelled, E::Fill) => To(Filled),
            (Cancelled, E::InvalidateReorged) => To(Open),
            (Cancelled, E::Cancel | E::Invalidate | E::Release) => Stay,
            (Cancelled, E::Match | E::Commit | E::FillPart | E::Expire) => Refuse,
            (Cancelled, E::CommitReorged | E::FillReorged | E::Retry) => Refuse,
            (Cancelled, E::OtherFillReorged) => Stay,

            (Expired, E::Fill) => To(Filled),
            (Expired, E::Expire | E::Release | E::Invalidate | E::InvalidateReorged) => Stay,
            (Expired, E::Match | E::Commit | E::FillPart | E::Cancel) => Refuse,
            (Expired, E::CommitReorged | E::FillReorged | E::Retry) => Refuse,
            (Expired, E::OtherFillReorged) => Stay,
        }
    }

    /// Whether nothing but a reorg moves it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Open | Self::Matched | Self::Committed => false,
            Self::Filled | Self::Cancelled | Self::Expired => true,
        }
    }

    /// Whether it is in a batch under way: cancelling is too late, and its amount is in flight.
    #[must_use]
    pub const fn in_flight(self) -> bool {
        match self {
            Self::Matched | Self::Committed => true,
            Self::Open | Self::Filled | Self::Cancelled | Self::Expired => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_in_flight_is_neither_cancelled_nor_expired() {
        for status in IntentStatus::ALL.iter().filter(|s| s.in_flight()) {
            assert_eq!(status.on(IntentEvent::Cancel), Step::Refuse);
            assert_eq!(status.on(IntentEvent::Expire), Step::Refuse);
        }
    }

    #[test]
    fn a_fill_in_a_canonical_block_always_ends_filled() {
        for status in IntentStatus::ALL {
            let step = status.on(IntentEvent::Fill);
            assert!(step == Step::To(IntentStatus::Filled) || *status == IntentStatus::Filled);
        }
    }

    #[test]
    fn an_event_applied_twice_is_applied_once() {
        for status in IntentStatus::ALL {
            for event in IntentEvent::ALL {
                if let Step::To(next) = status.on(*event) {
                    let again = next.on(*event);
                    assert!(again != Step::To(*status), "{status} {event} flips back and forth");
                }
            }
        }
    }

    #[test]
    fn final_states_are_left_only_by_a_reorg_or_by_a_fill_on_chain() {
        use IntentEvent as E;
        for status in IntentStatus::ALL.iter().filter(|s| s.is_final()) {
            for event in IntentEvent::ALL {
                if let Step::To(_) = status.on(*event) {
                    let by_reorg = [E::FillReorged, E::OtherFillReorged, E::InvalidateReorged];
                    assert!(*event == E::Fill || by_reorg.contains(event));
                }
            }
        }
    }

    #[test]
    fn names_read_back() {
        for status in IntentStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
        }
        assert!("lost".parse::<IntentStatus>().is_err());
    }
}
