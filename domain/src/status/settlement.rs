//! A settlement's states: one winning batch on its way to the chain.

use super::{Step, named_states};

named_states!(
    /// Where a settlement stands.
    SettlementStatus {
        /// Decided; nothing has left the house.
        Planned = "planned",
        /// A commit transaction is written down and may have been broadcast.
        CommitSent = "commit_sent",
        /// The commit is in a canonical block.
        Committed = "committed",
        /// A reveal transaction is written down and may have been broadcast: the batch is public.
        RevealSent = "reveal_sent",
        /// The reveal is in a canonical block, results applied; not final yet.
        Revealed = "revealed",
        /// The reveal is deep enough.
        Final = "final",
        /// The commitment outlived its maximum age unrevealed; the intents are free.
        Expired = "expired",
        /// It can never be revealed; the intents are free.
        Failed = "failed",
    }
);

named_states!(
    /// What can happen to a settlement.
    SettlementEvent {
        /// A commit attempt was written down.
        SendCommit = "send_commit",
        /// Our `Committed` log is in a canonical block.
        CommitMined = "commit_mined",
        /// The commit's block is no longer canonical.
        CommitReorged = "commit_reorged",
        /// A reveal attempt was written down.
        SendReveal = "send_reveal",
        /// Our `Revealed` log is in a canonical block.
        RevealMined = "reveal_mined",
        /// The reveal's block is no longer canonical, the commit's is.
        RevealReorged = "reveal_reorged",
        /// The reveal is deep enough.
        Finalise = "finalise",
        /// The commitment is older than its maximum age.
        Outlived = "outlived",
        /// The batch cannot settle any more: a reveal reverted for good, an intent ran out.
        GiveUp = "give_up",
    }
);

impl SettlementStatus {
    /// What `event` does here.
    #[must_use]
    pub const fn on(self, event: SettlementEvent) -> Step<Self> {
        use SettlementEvent as E;
        use SettlementStatus::{
            CommitSent, Committed, Expired, Failed, Final, Planned, RevealSent, Revealed,
        };
        use Step::{Refuse, Stay, To};
        match (self, event) {
            (Planned, E::SendCommit) => To(CommitSent),
            (Planned, E::GiveUp) => To(Failed),
            (Planned, E::CommitReorged) => Stay,
            (Planned, E::CommitMined | E::SendReveal | E::RevealMined) => Refuse,
            (Planned, E::RevealReorged | E::Finalise | E::Outlived) => Refuse,

            (CommitSent, E::CommitMined) => To(Committed),
            (CommitSent, E::GiveUp) => To(Failed),
            // replaced by a fee bump, or sent again
            (CommitSent, E::SendCommit | E::CommitReorged) => Stay,
            (CommitSent, E::SendReveal | E::RevealMined | E::RevealReorged) => Refuse,
            (CommitSent, E::Finalise | E::Outlived) => Refuse,

            (Committed, E::SendReveal) => To(RevealSent),
            (Committed, E::CommitReorged) => To(Planned),
            (Committed, E::Outlived) => To(Expired),
            (Committed, E::GiveUp) => To(Failed),
            (Committed, E::CommitMined) => Stay,
            (Committed, E::SendCommit | E::RevealMined | E::RevealReorged | E::Finalise) => Refuse,

            (RevealSent, E::RevealMined) => To(Revealed),
            // the batch was public: planned again, with a new salt in another lane
            (RevealSent, E::CommitReorged) => To(Planned),
            (RevealSent, E::Outlived) => To(Expired),
            (RevealSent, E::GiveUp) => To(Failed),
            (RevealSent, E::SendReveal | E::RevealReorged | E::CommitMined) => Stay,
            (RevealSent, E::SendCommit | E::Finalise) => Refuse,

            (Revealed, E::Finalise) => To(Final),
            (Revealed, E::RevealReorged) => To(RevealSent),
            (Revealed, E::CommitReorged) => To(Planned),
            (Revealed, E::RevealMined | E::CommitMined) => Stay,
            (Revealed, E::SendCommit | E::SendReveal | E::Outlived | E::GiveUp) => Refuse,

            (Final, E::Finalise | E::RevealMined | E::CommitMined) => Stay,
            (Final, E::SendCommit | E::CommitReorged | E::SendReveal) => Refuse,
            (Final, E::RevealReorged | E::Outlived | E::GiveUp) => Refuse,

            (Expired, E::Outlived | E::CommitMined) => Stay,
            // the log is there after all: the chain has the last word
            (Expired, E::RevealMined) => To(Revealed),
            (Expired, E::SendCommit | E::CommitReorged | E::SendReveal) => Refuse,
            (Expired, E::RevealReorged | E::Finalise | E::GiveUp) => Refuse,

            (Failed, E::GiveUp | E::CommitMined | E::Outlived) => Stay,
            (Failed, E::RevealMined) => To(Revealed),
            (Failed, E::SendCommit | E::CommitReorged | E::SendReveal) => Refuse,
            (Failed, E::RevealReorged | E::Finalise) => Refuse,
        }
    }

    /// Whether the worker has nothing left to do.
    #[must_use]
    pub const fn is_done(self) -> bool {
        match self {
            Self::Planned | Self::CommitSent | Self::Committed => false,
            Self::RevealSent | Self::Revealed => false,
            Self::Final | Self::Expired | Self::Failed => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_never_revealed_before_its_commit_is_in_a_block() {
        for status in SettlementStatus::ALL {
            if status.on(SettlementEvent::SendReveal) == Step::To(SettlementStatus::RevealSent) {
                assert_eq!(*status, SettlementStatus::Committed);
            }
        }
    }

    #[test]
    fn a_reveal_in_a_canonical_block_is_never_ignored_once_a_reveal_was_possible() {
        use SettlementStatus as S;
        for status in [S::RevealSent, S::Expired, S::Failed] {
            assert_eq!(status.on(SettlementEvent::RevealMined), Step::To(S::Revealed));
        }
    }
}
