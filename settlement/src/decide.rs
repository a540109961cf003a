//! What to do next with a settlement: one function over where it stands and what the chain
//! shows, every pair in it. It has no memory, so that going on after a crash is the same
//! function called again.

use domain::status::SettlementStatus;

/// What the chain shows of one kind of transaction (commit or reveal) of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// None was ever written.
    Absent,
    /// Written, in no block.
    Pending {
        /// It has waited long enough for a higher offer.
        stuck: bool,
    },
    /// It is in a block, but not under enough others yet; or the lane shows its effect, and the
    /// node its receipt not yet.
    Shallow,
    /// Its log is in a canonical block with the wanted confirmations.
    Mined,
    /// It is in a block and did nothing.
    Reverted,
    /// Its nonce was used by something else: it can never be mined.
    Lost,
}

/// What the decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The commit of the current commitment.
    pub commit: Sight,
    /// Whether the block that was recorded as the commit's still holds it. True if none was.
    pub commit_stands: bool,
    /// The reveal, of whichever of the settlement's commitments.
    pub reveal: Sight,
    /// Whether the block that was recorded as the reveal's still holds it. True if none was.
    pub reveal_stands: bool,
    /// Whether a reveal of the current commitment left the house: its salt is spent then.
    pub public: bool,
    /// Whether no block can take a reveal of the current commitment any more.
    pub late: bool,
    /// Whether the last block that could have taken it has its confirmations.
    pub outlived: bool,
    /// Whether the reveal's block is deep enough to be final.
    pub deep: bool,
    /// Whether intents wait for a second attempt for too long.
    pub overdue: bool,
    /// Whether the batch can settle nothing any more: by the time of the reveal, were it committed
    /// in the next block, some `validTo` or `validUntil` of each of its bids has passed.
    pub pointless: bool,
    /// Whether the settler cannot pay for the commit that waits, and another key is there.
    pub dry: bool,
    /// Whether a row that ended has been looked at for long enough.
    pub looked_at: bool,
    /// Why the contract would refuse the reveal for good, if the reveal reverted.
    pub refused: bool,
    /// Whether all tries at commits or reveals are used up.
    pub exhausted: bool,
}

/// Why a settlement ends without a reveal; its stable code is stored and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No bid can settle in time any more.
    IntentsExpired,
    /// The contract refuses the batch.
    RevealRefused,
    /// Too many transactions came to nothing.
    TriesExhausted,
    /// The commitment outlived its maximum age.
    CommitmentOutlived,
}

impl Reason {
    /// The stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IntentsExpired => "intents_expired",
            Self::RevealRefused => "reveal_refused",
            Self::TriesExhausted => "tries_exhausted",
            Self::CommitmentOutlived => "commitment_outlived",
        }
    }
}

/// The next thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing before the next block.
    Wait,
    /// Commit with a fresh salt in a free lane; the commitment before it, if any, is given up.
    Commit,
    /// A commit written before may still be mined: go back to waiting for it.
    ResumeCommit,
    /// Record the commit.
    SeeCommit,
    /// Write and send a reveal.
    Reveal,
    /// A reveal written before may still be mined: go back to waiting for it.
    ResumeReveal,
    /// Record the reveal and what its logs say.
    SeeReveal,
    /// Broadcast again what is written.
    Rebroadcast,
    /// Replace what is written by the same with a higher offer.
    Bump,
    /// Take the commit (and a reveal on it) back: its block is gone.
    ForgetCommit,
    /// Take the reveal back: its block is gone, the commit's is not.
    ForgetReveal,
    /// The commitment is too old: free the intents.
    Outlive,
    /// It will not settle: free the intents.
    GiveUp(Reason),
    /// No second attempt was decided in time: free the intents that wait for it.
    LetGo,
    /// The reveal is final.
    Finalise,
    /// It ended, and nothing of it can come back any more.
    LookAway,
    /// Nothing is left to do.
    Done,
}

/// What to do next.
#[must_use]
pub const fn next(status: SettlementStatus, facts: &Facts) -> Action {
    use SettlementStatus as S;
    match status {
        S::Planned => planned(facts),
        S::CommitSent => commit_sent(facts),
        S::Committed => committed(facts),
        S::RevealSent => reveal_sent(facts),
        S::Revealed => revealed(facts),
        S::Expired | S::Failed => ended(facts),
        S::Final => Action::Done,
    }
}

const fn planned(facts: &Facts) -> Action {
    match (facts.reveal, facts.commit) {
        // a reveal of an earlier commitment was mined after all
        (Sight::Mined, _) => Action::SeeReveal,
        (Sight::Shallow, _) => Action::Wait,
        // after a reorg that only moved it: the lane holds it, so it is the one to reveal
        (_, Sight::Shallow | Sight::Mined) => Action::ResumeCommit,
        // after a reorg that lost it; the batch is still secret, so it is as good as a new one
        (_, Sight::Pending { .. }) if !facts.public && !facts.pointless => Action::ResumeCommit,
        (
            Sight::Absent | Sight::Pending { .. } | Sight::Reverted | Sight::Lost,
            Sight::Absent | Sight::Pending { .. } | Sight::Reverted | Sight::Lost,
        ) => commit_or_give_up(facts),
    }
}

const fn commit_or_give_up(facts: &Facts) -> Action {
    if facts.pointless {
        Action::GiveUp(Reason::IntentsExpired)
    } else if facts.exhausted {
        Action::GiveUp(Reason::TriesExhausted)
    } else {
        Action::Commit
    }
}

const fn commit_sent(facts: &Facts) -> Action {
    match (facts.reveal, facts.commit) {
        (Sight::Mined, _) => Action::SeeReveal,
        (Sight::Shallow, _) | (_, Sight::Shallow) => Action::Wait,
        (_, Sight::Mined) => Action::SeeCommit,
        // the commit may be mined yet: then its lane is in use for nothing until it is too old.
        // Resumed because it was in a block, and lost again: its salt is spent
        (_, Sight::Pending { .. }) if facts.pointless || facts.dry || facts.public => {
            commit_or_give_up(facts)
        }
        (_, Sight::Pending { stuck: true }) => Action::Bump,
        (_, Sight::Pending { stuck: false }) => Action::Rebroadcast,
        (
            Sight::Absent | Sight::Pending { .. } | Sight::Reverted | Sight::Lost,
            Sight::Absent | Sight::Reverted | Sight::Lost,
        ) => commit_or_give_up(facts),
    }
}

const fn committed(facts: &Facts) -> Action {
    match (facts.reveal, facts.commit) {
        (Sight::Mined, _) => Action::SeeReveal,
        (Sight::Shallow, _) => Action::Wait,
        (
            Sight::Absent | Sight::Pending { .. } | Sight::Reverted | Sight::Lost,
            Sight::Absent
            | Sight::Pending { .. }
            | Sight::Shallow
            | Sight::Mined
            | Sight::Reverted
            | Sight::Lost,
        ) => {
            if !facts.commit_stands {
                Action::ForgetCommit
            } else if facts.outlived {
                Action::Outlive
            } else if facts.late {
                Action::Wait
            } else if matches!(facts.reveal, Sight::Pending { .. }) {
                Action::ResumeReveal
            } else {
                Action::Reveal
            }
        }
    }
}

const fn reveal_sent(facts: &Facts) -> Action {
    match facts.reveal {
        Sight::Mined => return Action::SeeReveal,
        Sight::Shallow => return Action::Wait,
        Sight::Absent | Sight::Pending { .. } | Sight::Reverted | Sight::Lost => {}
    }
    if !facts.commit_stands {
        return Action::ForgetCommit;
    }
    if facts.outlived {
        return Action::Outlive;
    }
    if facts.late {
        return Action::Wait;
    }
    match facts.reveal {
        Sight::Pending { stuck: true } => Action::Bump,
        Sight::Pending { stuck: false } => Action::Rebroadcast,
        Sight::Reverted if facts.refused => Action::GiveUp(Reason::RevealRefused),
        Sight::Absent | Sight::Reverted | Sight::Lost if facts.exhausted => {
            Action::GiveUp(Reason::TriesExhausted)
        }
        Sight::Absent | Sight::Reverted | Sight::Lost => Action::Reveal,
        Sight::Shallow | Sight::Mined => Action::Wait,
    }
}

const fn revealed(facts: &Facts) -> Action {
    if facts.reveal_stands {
        match (facts.overdue, facts.deep) {
            (true, _) => Action::LetGo,
            (false, true) => Action::Finalise,
            (false, false) => Action::Wait,
        }
    } else if facts.commit_stands {
        Action::ForgetReveal
    } else {
        Action::ForgetCommit
    }
}

/// The intents are free, and still the chain has the last word: a reveal that had been public may
/// be mined by those who kept it, or come back with a reorg.
const fn ended(facts: &Facts) -> Action {
    match facts.reveal {
        Sight::Mined => Action::SeeReveal,
        Sight::Shallow => Action::Wait,
        Sight::Absent | Sight::Pending { .. } | Sight::Reverted | Sight::Lost => {
            if facts.looked_at { Action::LookAway } else { Action::Wait }
        }
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
