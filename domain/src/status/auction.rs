//! An auction's states.

use super::{Step, named_states};

named_states!(
    /// Where an auction stands.
    AuctionStatus {
        /// Bids are taken until `closes_at`.
        Open = "open",
        /// Decided: winners' digests and total score are public, contents are not.
        Decided = "decided",
        /// Without winners, because its bids cannot be vouched for.
        Void = "void",
        /// Settled or expired: everything is public.
        Published = "published",
    }
);

named_states!(
    /// What can happen to an auction.
    AuctionEvent {
        /// The outcome was written down.
        Decide = "decide",
        /// Stream and durable bids disagree.
        Void = "void",
        /// Its last reveal is mined or expired.
        Publish = "publish",
    }
);

impl AuctionStatus {
    /// What `event` does here.
    #[must_use]
    pub const fn on(self, event: AuctionEvent) -> Step<Self> {
        use AuctionEvent as E;
        use AuctionStatus::{Decided, Open, Published, Void};
        use Step::{Refuse, Stay, To};
        match (self, event) {
            (Open, E::Decide) => To(Decided),
            (Open, E::Void) => To(Void),
            (Open, E::Publish) => Refuse,
            (Decided, E::Decide) => Stay,
            (Decided, E::Void) => Refuse,
            (Decided, E::Publish) => To(Published),
            (Void, E::Void) => Stay,
            (Void, E::Decide) => Refuse,
            (Void, E::Publish) => To(Published),
            (Published, E::Publish) => Stay,
            (Published, E::Decide | E::Void) => Refuse,
        }
    }
}
