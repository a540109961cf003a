//! Who signed, as the chain has it: keys and fillers of solvers, contracts that own intents.

use std::collections::BTreeSet;

use alloy::sol_types::SolCall as _;
use alloy_primitives::Bytes;
use domain::{
    BidId,
    auction::LeftOut,
    batch::{OwnerSignature, SignedIntent},
    event::BlockRef,
    signature::EcdsaSignature,
};
use infra::{
    chain::{ChainError, ERC1271_GAS, abi},
    pg::bid::PlacedBid,
};

use super::{
    super::{
        fault::Fault,
        node::{Asked, if_kept, patiently},
        settled::Winners,
    },
    Witness,
};

impl Witness<'_> {
    /// Signatures that only an owner's contract can judge. One that it does not accept is told, and
    /// is no fault: a contract may take its word back after the intent was posted, and who could
    /// make an honest auction fail its audit that way would. Whatever settles, the chain checks.
    pub(super) async fn signatures(&mut self) -> Result<(), ChainError> {
        let domain = self.chain.domain();
        let block = self.record.opening.block;
        let (mut missing, mut refused) = (0usize, 0usize);
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
                Ok(Some(_)) | Err(ChainError::Reverted { .. }) => refused += 1,
                Ok(None) => missing += 1,
                Err(error) => return Err(error),
            }
        }
        if missing > 0 {
            self.no_state(&format!("{missing} signatures of contracts"), block);
        }
        if refused > 0 {
            let number = block.number;
            self.tell(format!(
                "{refused} signatures that their contracts do not accept at block {number}, or not any more"
            ));
        }
        Ok(())
    }

    /// What the registry and the nonces said of the bidders.
    pub(super) async fn standings(&mut self) -> Result<Option<Fault>, ChainError> {
        if self.attempt.bids.is_empty() {
            return Ok(None);
        }
        let Some(block) = self.attempt.standings.block else {
            self.tell("standings (no block is recorded)".to_owned());
            return Ok(None);
        };
        if !self.on_chain(block, "standings").await? {
            return Ok(None);
        }
        if let Some(fault) = self.outside(block).await? {
            return Ok(Some(fault));
        }
        let Some(fault) = self.misjudged(block).await? else {
            self.no_state("standings", block);
            return Ok(None);
        };
        if let Some(fault) = fault {
            let next = self.next(block).await?;
            let Some(next) = next else { return Ok(Some(fault)) };
            if self.misjudged(next).await? != Some(None) {
                return Ok(Some(fault));
            }
            self.a_block_later("standings", block);
        }
        self.nonces_in_flight(block).await
    }

    /// In what the bidders' standing after `block` differs from what is recorded.
    async fn misjudged(&self, block: BlockRef) -> Asked<Option<Fault>> {
        let auction = self.record.opening.auction_id;
        let placed = self.attempt.bids.iter().map(|bid| PlacedBid {
            auction,
            id: bid.id,
            ms: bid.ms,
            seq: bid.seq,
            signed: bid.signed.clone(),
        });
        let placed: Vec<PlacedBid> = placed.collect();
        let header = patiently(|| self.chain.block_by_hash(block.hash)).await?;
        let Some(header) = header else { return Ok(None) };
        let asked = if_kept(|| auction::bidders(self.chain, &header, &placed)).await?;
        let Some(mut found) = asked else { return Ok(None) };
        let recorded = self.attempt.standings;
        // the block is not in question here, nor what gas is reserved at after another one
        if recorded.block != Some(block) {
            found.standings.gas_price = recorded.gas_price;
        }
        found.standings.block = recorded.block;
        for (solver, standing) in &mut found.standings.solvers {
            // what bids in flight tied down is the operator's word: no more than there was is free
            if let Some(told) = recorded.solvers.get(solver) {
                standing.bond = standing.bond.min(told.bond);
                standing.deposit = standing.deposit.min(told.deposit);
                // and these are looked up where they are said to be in flight
                standing.used_nonces.retain(|nonce| !told.nonces_in_flight.contains_key(nonce));
                standing.nonces_in_flight.clone_from(&told.nonces_in_flight);
            }
        }
        let foreign: BTreeSet<BidId> = self.left_out_for(LeftOut::KeyForeign).collect();
        if let Some(bid) = foreign.difference(&found.unauthorised).next() {
            return Ok(Some(Some(Fault::KeyAuthorised(*bid))));
        }
        // who touches an intent that is gone is left out for that, whatever its key
        let others: BTreeSet<BidId> = self.left_out_for(LeftOut::IntentGone).collect();
        let mut unnoticed = found.unauthorised.difference(&foreign);
        if let Some(bid) = unnoticed.find(|bid| !others.contains(bid)) {
            return Ok(Some(Some(Fault::KeyForeign(*bid))));
        }
        let differs = found.standings != *self.attempt.standings;
        Ok(Some(differs.then_some(Fault::Standings)))
    }

    /// Bids that are left out for what is not in the record's rules.
    pub(super) fn left_out(&mut self) -> Option<Fault> {
        let gone = self.left_out_for(LeftOut::IntentGone).count();
        if gone > 0 {
            self.tell(format!("{gone} bids left out, their intents having left the book"));
        }
        let unfit: BTreeSet<BidId> = self.left_out_for(LeftOut::Unpackable).collect();
        let winners = Winners::of(self.record, self.contents, &self.attempt)?;
        let mut open = 0usize;
        for bid in self.attempt.bids.iter().filter(|bid| unfit.contains(&bid.id)) {
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
            self.tell(format!("{open} bids left out for long signatures of contracts"));
        }
        None
    }
}

fn accepted(answer: &[u8]) -> bool {
    answer.len() >= 32
        && answer.starts_with(&abi::isValidSignatureCall::SELECTOR)
        && answer[4..32].iter().all(|byte| *byte == 0)
}
