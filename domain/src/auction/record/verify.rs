//! A record is held against itself, and its decision is made again.

use std::collections::BTreeMap;

use super::{
    super::{Cut, Decision, Deliberation, DropReason, LeftOut, ReceivedBid, Ruling},
    Announced, Contents, PublicRecord, RecordFault, Told, VERSION, closing, gone, received, second,
    simulated,
};
use crate::{Intent, IntentId, batch::OwnerSignature, eip712::SigningDomain};

impl PublicRecord {
    /// Repeats everything that can be repeated from this record alone: hash, digests, signatures,
    /// root, and the decision with its second pass and its references; who was dropped by a
    /// simulation was among the winners then. A void auction's bids must not have its root: that
    /// they do not is why it is void.
    ///
    /// Whether the chain agrees (keys and fillers, signatures of owners that are contracts, what a
    /// simulation found, what was settled), and whether anything that bears a receipt is missing, are
    /// other questions.
    ///
    /// # Errors
    /// The first contradiction, named.
    pub fn verify(&self) -> Result<(), RecordFault> {
        if self.version != VERSION {
            return Err(RecordFault::Version(self.version));
        }
        let open_hash = self.opening.hash();
        if open_hash != self.open_hash {
            return Err(RecordFault::OpenHash(open_hash));
        }
        let ended = self.decision.is_some() || self.void.is_some();
        if self.closing.is_none() && (ended || self.contents.is_some()) {
            return Err(RecordFault::NotClosed);
        }
        if self.decision.is_some() && self.void.is_some() {
            return Err(RecordFault::VoidDecided);
        }
        if self.runner_up.is_some() && self.decision.is_none() {
            return Err(RecordFault::NotDecided);
        }
        let Some(contents) = &self.contents else { return Ok(()) };
        let domain = SigningDomain::new(self.opening.chain_id, self.opening.settlement);
        let cut = self.cut(contents, &domain)?;
        self.verify_bids(contents, &domain)?;
        match &self.decision {
            Some(announced) => {
                verify_decision(&cut, contents, announced)?;
                second::verify(&cut, contents, announced, self.runner_up.as_ref())
            }
            None if contents.runner_up.is_some() => Err(RecordFault::RunnerUp),
            None if self.void.is_none() => Err(RecordFault::NotDecided),
            None => match contents.verdicts.len() {
                0 => Ok(()),
                more => Err(RecordFault::Verdicts(more)),
            },
        }
    }

    /// The opening record with the recorded intents, if they are exactly those that it names and
    /// their owners signed them.
    fn cut(&self, contents: &Contents, domain: &SigningDomain) -> Result<Cut, RecordFault> {
        let mut intents = BTreeMap::<IntentId, Intent>::new();
        for signed in &contents.intents {
            let id = signed.intent.id(domain);
            if let OwnerSignature::Ecdsa(signature) = &signed.signature
                && signature.recover(id.get()) != Ok(signed.intent.owner())
            {
                return Err(RecordFault::IntentSignature(id));
            }
            intents.insert(id, signed.intent.clone());
        }
        let (found, named) = (contents.intents.len(), self.opening.intents.len());
        let cut = Cut::new(self.opening.clone(), intents)?;
        if found == named { Ok(cut) } else { Err(RecordFault::Intents { found, named }) }
    }

    fn verify_bids(&self, contents: &Contents, domain: &SigningDomain) -> Result<(), RecordFault> {
        let mut last = None;
        for bid in &contents.bids {
            if bid.signed.bid.id(domain) != bid.id {
                return Err(RecordFault::ForeignBid(bid.id));
            }
            let place = Some((bid.ms, bid.seq));
            if place <= last || bid.ms >= self.opening.closes_at_ms {
                return Err(RecordFault::Order(bid.id));
            }
            last = place;
        }
        let fixed = self.closing.ok_or(RecordFault::NotClosed)?;
        let found = closing(&contents.bids);
        if self.void.is_some() {
            // whatever makes an auction void, its bids are lost or others than those under the root
            let complete = found.bid_count > 0 && found == fixed;
            return if complete { Err(RecordFault::VoidComplete) } else { Ok(()) };
        }
        if found.bid_count != fixed.bid_count {
            return Err(RecordFault::BidCount(found.bid_count));
        }
        if found.bids_root != fixed.bids_root {
            return Err(RecordFault::BidsRoot(found.bids_root));
        }
        Ok(())
    }
}

fn verify_decision(
    cut: &Cut,
    contents: &Contents,
    announced: &Announced,
) -> Result<(), RecordFault> {
    if contents.verdicts.len() != contents.bids.len() {
        return Err(RecordFault::Verdicts(contents.verdicts.len()));
    }
    let recorded = contents.decision(announced);
    if contents.standings.block.is_none() && !contents.bids.is_empty() {
        return Err(RecordFault::StandingsBlock);
    }
    verify_left_out(contents)?;
    gone::verify(contents)?;
    let bids: Vec<ReceivedBid> = received(&contents.bids);
    let (standings, simulation) = (&contents.standings, contents.simulation.as_ref());
    let told = Told { bids: &bids, standings, simulation, decision: &recorded };
    simulated::verify(told)?;
    let mut again = Deliberation::new(cut, &bids, standings, &recorded.left_out());
    let mut repeated = again.decide();
    repeated.references = again.references(&repeated);
    compare(&repeated, &recorded)?;
    simulated::replay(cut, told)
}

/// Nobody is left out for what only comes later, and who signed nothing is left out.
fn verify_left_out(contents: &Contents) -> Result<(), RecordFault> {
    for (bid, verdict) in contents.bids.iter().zip(&contents.verdicts) {
        let because = match verdict.ruling {
            Ruling::Dropped(DropReason::LeftOut { because }) => Some(because),
            Ruling::Dropped(_) | Ruling::Won { .. } | Ruling::Lost { .. } => None,
        };
        if because == Some(LeftOut::Failed) {
            return Err(RecordFault::LeftOut(verdict.bid));
        }
        let signed = bid.signed.signature.recover(bid.id.get()).is_ok();
        if !signed && because.is_none() {
            return Err(RecordFault::BidSignature(bid.id));
        }
    }
    Ok(())
}

/// The first thing in which the repeated decision differs from the recorded one.
pub(super) fn compare(repeated: &Decision, recorded: &Decision) -> Result<(), RecordFault> {
    let mut verdicts = repeated.verdicts.iter().zip(&recorded.verdicts);
    if let Some((_, other)) = verdicts.find(|(ours, theirs)| ours != theirs) {
        return Err(RecordFault::Verdict(other.bid));
    }
    if let Some(place) = differ(&repeated.winners, &recorded.winners) {
        return Err(RecordFault::Winner { place });
    }
    if repeated.total_score != recorded.total_score {
        return Err(RecordFault::TotalScore(repeated.total_score));
    }
    let proof = |decision: &Decision| (decision.gap, decision.nodes);
    if proof(repeated) != proof(recorded) {
        return Err(RecordFault::Proof { gap: repeated.gap, nodes: repeated.nodes });
    }
    if let Some(place) = differ(&repeated.second_pass, &recorded.second_pass) {
        return Err(RecordFault::SecondPass { place });
    }
    if let Some(place) = differ(&repeated.references, &recorded.references) {
        let named = recorded.references.get(place).or_else(|| repeated.references.get(place));
        return named.map_or(Ok(()), |found| Err(RecordFault::Reference(found.solver)));
    }
    Ok(())
}

/// The first place in which two lists differ, the end of the shorter one included.
fn differ<T: PartialEq>(ours: &[T], theirs: &[T]) -> Option<usize> {
    let same = ours.iter().zip(theirs).take_while(|(ours, theirs)| ours == theirs).count();
    (same < ours.len().max(theirs.len())).then_some(same)
}
