use SettlementStatus as S;

use super::*;

const SIGHTS: [Sight; 7] = [
    Sight::Absent,
    Sight::Pending { stuck: false },
    Sight::Pending { stuck: true },
    Sight::Shallow,
    Sight::Mined,
    Sight::Reverted,
    Sight::Lost,
];

fn quiet() -> Facts {
    Facts {
        commit: Sight::Absent,
        commit_stands: true,
        reveal: Sight::Absent,
        reveal_stands: true,
        public: false,
        late: false,
        outlived: false,
        deep: false,
        overdue: false,
        pointless: false,
        dry: false,
        looked_at: false,
        refused: false,
        exhausted: false,
    }
}

/// Every combination of facts.
fn all_facts() -> impl Iterator<Item = Facts> {
    (0u32..1 << 12).flat_map(|bits| {
        let bit = move |n: u32| bits >> n & 1 == 1;
        SIGHTS.into_iter().flat_map(move |commit| {
            SIGHTS.into_iter().map(move |reveal| Facts {
                commit,
                commit_stands: bit(0),
                reveal,
                reveal_stands: bit(1),
                public: bit(2),
                outlived: bit(3),
                deep: bit(4),
                pointless: bit(5),
                refused: bit(6),
                exhausted: bit(7),
                late: bit(8),
                dry: bit(9),
                looked_at: bit(10),
                overdue: bit(11),
            })
        })
    })
}

#[test]
fn the_happy_path_is_commit_reveal_final() {
    let mut facts = quiet();
    assert_eq!(next(S::Planned, &facts), Action::Commit);
    facts.commit = Sight::Pending { stuck: false };
    assert_eq!(next(S::CommitSent, &facts), Action::Rebroadcast);
    facts.commit = Sight::Mined;
    assert_eq!(next(S::CommitSent, &facts), Action::SeeCommit);
    assert_eq!(next(S::Committed, &facts), Action::Reveal);
    facts.reveal = Sight::Mined;
    assert_eq!(next(S::RevealSent, &facts), Action::SeeReveal);
    assert_eq!(next(S::Revealed, &facts), Action::Wait);
    facts.deep = true;
    assert_eq!(next(S::Revealed, &facts), Action::Finalise);
}

#[test]
fn nothing_is_given_up_or_sent_again_while_a_reveal_is_in_a_block() {
    for facts in all_facts().filter(|f| matches!(f.reveal, Sight::Mined | Sight::Shallow)) {
        for status in S::ALL.iter().filter(|s| !matches!(s, S::Revealed | S::Final)) {
            let action = next(*status, &facts);
            assert!(matches!(action, Action::SeeReveal | Action::Wait), "{status} {facts:?}");
        }
    }
}

#[test]
fn a_reveal_is_sent_only_on_a_commit_that_stands_and_is_young_enough() {
    for facts in all_facts() {
        for status in S::ALL {
            if next(*status, &facts) == Action::Reveal {
                assert!(matches!(status, S::Committed | S::RevealSent));
                assert!(facts.commit_stands && !facts.late && !facts.outlived, "{facts:?}");
            }
        }
    }
}

#[test]
fn a_commitment_whose_reveal_was_public_is_kept_only_while_it_is_in_a_block() {
    for facts in all_facts().filter(|f| f.public) {
        if next(S::Planned, &facts) == Action::ResumeCommit {
            assert!(matches!(facts.commit, Sight::Shallow | Sight::Mined), "{facts:?}");
        }
    }
}

#[test]
fn a_commit_whose_reveal_was_public_is_never_given_to_a_node_again() {
    for facts in all_facts().filter(|f| f.public) {
        let action = next(S::CommitSent, &facts);
        assert!(!matches!(action, Action::Rebroadcast | Action::Bump), "{facts:?}");
    }
}

#[test]
fn an_outlived_commitment_frees_the_intents_unless_it_was_revealed() {
    for status in [S::Committed, S::RevealSent] {
        for sight in [Sight::Absent, Sight::Pending { stuck: true }, Sight::Reverted] {
            let facts = Facts { outlived: true, reveal: sight, commit: Sight::Mined, ..quiet() };
            assert_eq!(next(status, &facts), Action::Outlive);
        }
    }
}

#[test]
fn a_commitment_that_no_block_can_reveal_is_given_up_only_when_that_is_certain() {
    for facts in all_facts().filter(|f| f.late && !f.outlived && f.commit_stands) {
        for status in [S::Committed, S::RevealSent] {
            let action = next(status, &facts);
            assert!(matches!(action, Action::SeeReveal | Action::Wait), "{status} {facts:?}");
        }
    }
}

#[test]
fn nothing_is_final_while_intents_wait_for_a_second_attempt() {
    for facts in all_facts() {
        match next(S::Revealed, &facts) {
            Action::Finalise => assert!(facts.deep && !facts.overdue, "{facts:?}"),
            Action::LetGo => assert!(facts.overdue && facts.reveal_stands, "{facts:?}"),
            _ => {}
        }
    }
}

#[test]
fn what_is_final_stays_final() {
    for facts in all_facts() {
        assert_eq!(next(S::Final, &facts), Action::Done);
    }
}

#[test]
fn what_ended_is_looked_at_until_its_reveal_cannot_come_back() {
    for facts in all_facts() {
        for status in [S::Expired, S::Failed] {
            let action = next(status, &facts);
            match facts.reveal {
                Sight::Mined => assert_eq!(action, Action::SeeReveal),
                Sight::Shallow => assert_eq!(action, Action::Wait),
                _ if facts.looked_at => assert_eq!(action, Action::LookAway),
                _ => assert_eq!(action, Action::Wait),
            }
        }
    }
}

#[test]
fn what_cannot_make_it_in_time_is_given_up_before_it_is_in_a_block_and_never_after() {
    for facts in all_facts().filter(|f| f.pointless) {
        for status in S::ALL {
            let gave_up = next(*status, &facts) == Action::GiveUp(Reason::IntentsExpired);
            let early = matches!(status, S::Planned | S::CommitSent);
            let in_block = |sight| matches!(sight, Sight::Shallow | Sight::Mined);
            let waits = !in_block(facts.commit) && !in_block(facts.reveal);
            assert_eq!(gave_up, early && waits, "{status} {facts:?}");
        }
    }
}

#[test]
fn every_action_is_one_that_the_status_table_allows() {
    use domain::status::{SettlementEvent as E, Step};
    for facts in all_facts() {
        for status in S::ALL {
            let event = match next(*status, &facts) {
                Action::Commit | Action::ResumeCommit => E::SendCommit,
                Action::SeeCommit => E::CommitMined,
                Action::Reveal | Action::ResumeReveal => E::SendReveal,
                Action::ForgetCommit => E::CommitReorged,
                Action::ForgetReveal => E::RevealReorged,
                Action::Outlive => E::Outlived,
                Action::GiveUp(_) => E::GiveUp,
                Action::Finalise => E::Finalise,
                // may be a catch-up over several events, checked where it is applied
                Action::SeeReveal => continue,
                // moves intents, not the row
                Action::LetGo => continue,
                Action::Wait | Action::Rebroadcast | Action::Bump => continue,
                Action::LookAway | Action::Done => continue,
            };
            assert_ne!(status.on(event), Step::Refuse, "{status} {event} {facts:?}");
        }
    }
}
