//! What only a node can repeat: keys and fillers, signatures of contracts, simulations; each at the
//! block that is recorded.

use std::collections::BTreeSet;

use alloy::sol_types::{SolCall as _, SolError as _};
use alloy_primitives::Bytes;
use domain::{
    BidId,
    auction::{
        Contents, DropReason, LeftOut, PublicRecord, Ruling, Simulation, SimulationDrop, Verdict,
    },
    batch::{OwnerSignature, SignedBid, SignedIntent},
    event::BlockRef,
    signature::EcdsaSignature,
};
use infra::{
    chain::{Chain, ChainError, FundQuery, Simulated, abi},
    pg::bid::PlacedBid,
};

use super::{
    fault::Fault,
    node::{if_kept, is_canonical, patiently},
    settled::Winners,
};

/// What a contract may spend on checking a signature: as on chain.
const ERC1271_GAS: u64 = 300_000;

/// An audit's part that needs a node.
pub(super) struct Witness<'a> {
    pub(super) chain: &'a Chain,
    pub(super) record: &'a PublicRecord,
    pub(super) contents: &'a Contents,
    /// What cannot be repeated is told here.
    pub(super) unchecked: &'a mut Vec<String>,
}

impl Witness<'_> {
    /// All of it; `Ok(Some(_))` is the first difference.
    pub(super) async fn check(&mut self) -> Result<Option<Fault>, ChainError> {
        if let Some(fault) = self.funds().await? {
            return Ok(Some(fault));
        }
        if let Some(fault) = self.signatures().await? {
            return Ok(Some(fault));
        }
        if let Some(fault) = self.standings().await? {
            return Ok(Some(fault));
        }
        if let Some(fault) = self.left_out() {
            return Ok(Some(fault));
        }
        self.simulations().await
    }

    /// What owners could pay when the auction was opened. What was in flight then is the operator's
    /// word, so less is taken as it is, and more is a lie.
    async fn funds(&mut self) -> Result<Option<Fault>, ChainError> {
        let opening = &self.record.opening;
        let block = opening.block;
        if !self.on_chain(block, "funds").await? {
            return Ok(None);
        }
        let header = patiently(|| self.chain.block_by_hash(block.hash)).await?;
        if let Some(found) = header.map(|header| header.timestamp)
            && found != opening.block_time_s
        {
            return Ok(Some(Fault::BlockTime { block: block.number, found }));
        }
        let domain = self.chain.domain();
        let queries = self.contents.intents.iter().map(|SignedIntent { intent, .. }| FundQuery {
            id: intent.id(domain),
            owner: intent.owner(),
            token: intent.pair().sell,
            nonce: intent.nonce(),
        });
        let queries: Vec<FundQuery> = queries.collect();
        let asked = if_kept(|| self.chain.fundable(&queries, block.hash.into())).await?;
        let Some(funds) = asked else {
            self.unchecked.push(format!("funds (no state of block {})", block.number));
            return Ok(None);
        };
        let lie = queries.iter().zip(&funds).find(|(query, funds)| {
            let entry = opening.intent(query.id);
            entry
                .is_none_or(|entry| entry.fundable > funds.payable() || entry.filled < funds.filled)
        });
        Ok(lie.map(|(query, _)| Fault::Fundable(query.id)))
    }

    /// Signatures that only an owner's contract can judge.
    async fn signatures(&mut self) -> Result<Option<Fault>, ChainError> {
        let domain = self.chain.domain();
        let block = self.record.opening.block;
        let mut missing = 0usize;
        for SignedIntent { intent, signature } in &self.contents.intents {
            let OwnerSignature::Contract(bytes) = signature else { continue };
            let id = intent.id(domain);
            let by_key = EcdsaSignature::parse(bytes).and_then(|found| found.recover(id.get()));
            if by_key == Ok(intent.owner()) {
                continue;
            }
            let call = abi::isValidSignatureCall { hash: id.get(), signature: bytes.clone() };
            let data = Bytes::from(call.abi_encode());
            let ask = || {
                let at = block.hash.into();
                self.chain.call(intent.owner(), data.clone(), Some(ERC1271_GAS), at)
            };
            match if_kept(ask).await {
                Ok(Some(answer)) if accepted(&answer) => {}
                Ok(Some(_)) | Err(ChainError::Reverted { .. }) => {
                    return Ok(Some(Fault::OwnerContract(id)));
                }
                Ok(None) => missing += 1,
                Err(error) => return Err(error),
            }
        }
        if missing > 0 {
            let text =
                format!("{missing} signatures of contracts (no state of block {})", block.number);
            self.unchecked.push(text);
        }
        Ok(None)
    }

    /// What the registry said of the bidders.
    async fn standings(&mut self) -> Result<Option<Fault>, ChainError> {
        if self.contents.bids.is_empty() {
            return Ok(None);
        }
        let Some(block) = self.contents.standings.block else {
            self.unchecked.push("standings (no block is recorded)".to_owned());
            return Ok(None);
        };
        if !self.on_chain(block, "standings").await? {
            return Ok(None);
        }
        let auction = self.record.opening.auction_id;
        let placed = self.contents.bids.iter().map(|bid| PlacedBid {
            auction,
            id: bid.id,
            ms: bid.ms,
            seq: bid.seq,
            signed: bid.signed.clone(),
        });
        let placed: Vec<PlacedBid> = placed.collect();
        let Some(found) = if_kept(|| auction::bidders(self.chain, block, &placed)).await? else {
            self.unchecked.push(format!("standings (no state of block {})", block.number));
            return Ok(None);
        };
        let foreign: BTreeSet<BidId> = self.left_out_for(LeftOut::KeyForeign).collect();
        if let Some(bid) = foreign.difference(&found.unauthorised).next() {
            return Ok(Some(Fault::KeyAuthorised(*bid)));
        }
        // who touches an intent that is gone is left out for that, whatever its key
        let others: BTreeSet<BidId> = self.left_out_for(LeftOut::IntentGone).collect();
        let mut unnoticed = found.unauthorised.difference(&foreign);
        if let Some(bid) = unnoticed.find(|bid| !others.contains(bid)) {
            return Ok(Some(Fault::KeyForeign(*bid)));
        }
        Ok((found.standings != self.contents.standings).then_some(Fault::Standings))
    }

    /// Bids that are left out for what is not in the record's rules.
    fn left_out(&mut self) -> Option<Fault> {
        let gone = self.left_out_for(LeftOut::IntentGone).count();
        if gone > 0 {
            self.unchecked
                .push(format!("{gone} bids left out, their intents having left the book"));
        }
        let unfit: BTreeSet<BidId> = self.left_out_for(LeftOut::Unpackable).collect();
        let winners = Winners::of(self.record)?;
        let mut open = 0usize;
        for bid in self.contents.bids.iter().filter(|bid| unfit.contains(&bid.id)) {
            let long = bid.signed.bid.fills().iter().any(|fill| {
                let signed = winners.intents.get(&fill.intent);
                signed.is_some_and(|found| matches!(found.signature, OwnerSignature::Contract(_)))
            });
            if winners.pack(std::slice::from_ref(&bid.signed)).is_ok() {
                if !long {
                    return Some(Fault::Packable(bid.id));
                }
                open += 1;
            }
        }
        if open > 0 {
            self.unchecked.push(format!("{open} bids left out for long signatures of contracts"));
        }
        None
    }

    /// Every drop by simulation, run again.
    async fn simulations(&mut self) -> Result<Option<Fault>, ChainError> {
        let Some(simulation) = &self.contents.simulation else { return Ok(None) };
        if !simulation.complete {
            self.unchecked.push("the winners were not simulated to the end".to_owned());
        }
        if simulation.drops.is_empty() || !self.on_chain(simulation.block, "simulation").await? {
            return Ok(None);
        }
        let bids = self.contents.bids.iter().map(|bid| (bid.id, &bid.signed)).collect();
        for drop in &simulation.drops {
            if let Some(fault) = self.drop(simulation, drop, &bids).await? {
                return Ok(Some(fault));
            }
        }
        Ok(None)
    }

    async fn drop(
        &mut self,
        simulation: &Simulation,
        found: &SimulationDrop,
        bids: &std::collections::BTreeMap<BidId, &SignedBid>,
    ) -> Result<Option<Fault>, ChainError> {
        let Some(winners) = Winners::of(self.record) else { return Ok(None) };
        let batch = found.batch.iter().filter_map(|id| bids.get(id).map(|bid| (*bid).clone()));
        let batch = match winners.pack(&batch.collect::<Vec<_>>()) {
            Ok(batch) => batch,
            Err(fault) => return Ok(Some(fault)),
        };
        let at = simulation.block.hash;
        let ask = || self.chain.simulate(batch.clone(), Some(found.gas), at.into());
        match if_kept(ask).await? {
            Some(again) => Ok(differs(found, &again)),
            None => {
                let number = simulation.block.number;
                self.unchecked.push(format!(
                    "the simulation that dropped bid {} (no state of block {number})",
                    found.bid
                ));
                Ok(None)
            }
        }
    }

    async fn on_chain(&mut self, block: BlockRef, what: &str) -> Result<bool, ChainError> {
        let known = is_canonical(self.chain, block).await?;
        if !known {
            let BlockRef { number, hash } = block;
            let text =
                format!("{what} (block {number} {hash} is not on this chain, or not any more)");
            self.unchecked.push(text);
        }
        Ok(known)
    }

    fn left_out_for(&self, because: LeftOut) -> impl Iterator<Item = BidId> + '_ {
        let wanted = Ruling::Dropped(DropReason::LeftOut { because });
        let mine = move |verdict: &&Verdict| verdict.ruling == wanted;
        self.contents.verdicts.iter().filter(mine).map(|verdict| verdict.bid)
    }
}

/// Why a drop is false, if it is.
pub(super) fn differs(found: &SimulationDrop, again: &Simulated) -> Option<Fault> {
    let bid = found.bid;
    let told = ended(found, &found.returned);
    if told.is_none() {
        let how = "what it recorded of the call does not say so".to_owned();
        return Some(Fault::Simulation { bid, how });
    }
    let how = match ended(found, &again.returned) {
        Some(()) => return None,
        None => "the call comes to something else".to_owned(),
    };
    Some(Fault::Simulation { bid, how })
}

/// Whether revert data say of the bid what its drop says.
fn ended(found: &SimulationDrop, returned: &[u8]) -> Option<()> {
    match abi::SimulationResult::abi_decode(returned) {
        Ok(result) => {
            let at = found.batch.iter().position(|bid| *bid == found.bid)?;
            let mine = result.results.get(at)?;
            let same = mine.bid == found.bid.get()
                && !mine.settled
                && (mine.fault, mine.reason) == (found.fault, found.reason);
            same.then_some(())
        }
        // the contract refused the batch as a whole
        Err(_) => {
            let first = &found.reason[..returned.len().min(32)];
            let whole = found.fault == 0 && first == &returned[..returned.len().min(32)];
            (whole && returned == &found.returned[..]).then_some(())
        }
    }
}

fn accepted(answer: &[u8]) -> bool {
    answer.len() >= 32
        && answer.starts_with(&abi::isValidSignatureCall::SELECTOR)
        && answer[4..32].iter().all(|byte| *byte == 0)
}
