//! One auction from beginning to end.

use std::sync::Arc;

use domain::{
    auction::{Contents, OpeningRecord, PublicRecord, RunnerUp},
    eip712::SigningDomain,
    event::TxRef,
};
use infra::chain::{Chain, ChainError};
use solvers::wire::Receipt;
use tokio::sync::Mutex;

use super::{
    attempt::{Attempt, left_for_second},
    elsewhere::Elsewhere,
    fault::Fault,
    finding::{Finding, State},
    logs::Logs,
    marked,
    node::{is_canonical, patiently},
    promised,
    settled::{self, Again, Reveal, Settled},
    source::Subject,
    unlogged,
    witness::Witness,
};

/// After the last second in which a batch may settle, so long may it take until it is published.
const GRACE_S: u64 = 3_600;

/// The chain, and what was read of it.
#[derive(Clone, Debug)]
pub(super) struct Onlooker {
    pub(super) chain: Chain,
    pub(super) logs: Arc<Mutex<Logs>>,
}

/// What is known beforehand.
#[derive(Clone, Debug)]
pub(super) struct Auditor {
    /// The deployment that is audited.
    pub(super) domain: SigningDomain,
    /// `None`: records are only held against themselves.
    pub(super) onlooker: Option<Onlooker>,
}

/// An auction's finding, with the opening record that the next one must name.
pub(super) struct Audited {
    pub(super) finding: Finding,
    pub(super) opening: Option<OpeningRecord>,
}

impl Auditor {
    /// Audits an auction: the record by itself, against the receipts, against the chain.
    ///
    /// # Errors
    /// Those of the node, where asking again did not help.
    pub(super) async fn audit(
        &self,
        subject: Subject,
        receipts: &[Receipt],
    ) -> Result<Audited, ChainError> {
        let mut finding = Finding::new(subject.auction);
        finding.receipts = receipts.len();
        let record = match subject.record {
            Ok(record) => Arc::new(record),
            Err(fault) => return Ok(Audited { finding: finding.failed(fault), opening: None }),
        };
        describe(&mut finding, &record);
        let opening = Some(record.opening.clone());
        let fault = match self.alone(&record, subject.auction).await {
            Err(fault) => Some(fault),
            Ok(()) => promised::check(&record, receipts).err().or(subject.unredeemed),
        };
        let fault = match (fault, &self.onlooker) {
            (Some(fault), _) => Some(fault),
            (None, Some(onlooker)) => {
                onlooker.watch(&record, &subject.named, &subject.elsewhere, &mut finding).await?
            }
            (None, None) => {
                finding.unchecked.push("the chain (no --rpc)".to_owned());
                None
            }
        };
        let finding = match fault {
            Some(fault) => finding.failed(fault),
            None => finding,
        };
        Ok(Audited { finding, opening })
    }

    /// The record by itself: the decision is made again, away from the runtime's threads.
    async fn alone(
        &self,
        record: &Arc<PublicRecord>,
        auction: domain::AuctionId,
    ) -> Result<(), Fault> {
        let opening = &record.opening;
        if opening.auction_id != auction {
            return Err(Fault::OtherAuction(opening.auction_id));
        }
        let (chain_id, settlement) = (opening.chain_id, opening.settlement);
        if (chain_id, settlement) != (self.domain.chain_id(), self.domain.settlement()) {
            return Err(Fault::OtherDeployment { chain_id, settlement });
        }
        let record = Arc::clone(record);
        let verified = tokio::task::spawn_blocking(move || record.verify()).await;
        Ok(verified.map_err(|_| Fault::Unreadable("verifying it failed".to_owned()))??)
    }
}

impl Onlooker {
    /// The record against the chain.
    async fn watch(
        &self,
        record: &PublicRecord,
        named: &[alloy_primitives::B256],
        elsewhere: &Elsewhere,
        finding: &mut Finding,
    ) -> Result<Option<Fault>, ChainError> {
        let auction = record.opening.auction_id;
        let expected = named.len().max(1);
        let reveals = self.logs.lock().await.reveals(&self.chain, auction, expected).await?;
        let Some(contents) = &record.contents else {
            return self.withheld(record).await;
        };
        for attempt in Attempt::all(record, contents) {
            let revealed = reveals.iter().any(|seen| seen.attempt == attempt.number);
            let unchecked = &mut finding.unchecked;
            let chain = &self.chain;
            let mut witness =
                Witness { chain, record, contents, attempt, revealed, elsewhere, unchecked };
            if let Some(fault) = witness.check().await? {
                return Ok(Some(fault));
            }
        }
        if let Some(missing) = named.iter().find(|tx| !reveals.iter().any(|seen| seen.tx == **tx)) {
            return Ok(Some(Fault::RevealMissing(*missing)));
        }
        let settled = match settled::settled(record, contents, &reveals) {
            Ok(settled) => settled,
            Err(fault) => return Ok(Some(fault)),
        };
        if let Some(fault) = self.grounds(contents, &settled, &reveals, finding).await? {
            return Ok(Some(fault));
        }
        if let Some(fault) = unlogged::judge(&self.chain, &settled.unlogged, finding).await? {
            return Ok(Some(fault));
        }
        let unexplained = marked::unexplained(record, contents, &*self.logs.lock().await);
        if unexplained > 0 {
            finding
                .unchecked
                .push(format!("{unexplained} intents marked alone are the operator's word"));
        }
        told(record, contents, &settled, finding);
        let of = |number: u8| reveals.iter().find(|seen| seen.attempt == number);
        finding.settled = of(1).map(|reveal| reveal.tx);
        finding.runner_up = of(2).map(|reveal| reveal.tx);
        Ok(None)
    }

    /// A second attempt rests on what the first one's reveal shows. Where a reorg took that reveal's
    /// block back, nobody can say what it showed.
    async fn grounds(
        &self,
        contents: &Contents,
        settled: &Settled,
        reveals: &[Reveal],
        finding: &mut Finding,
    ) -> Result<Option<Fault>, ChainError> {
        let Some(RunnerUp { grounds, .. }) = &contents.runner_up else { return Ok(None) };
        let TxRef { tx, block } = grounds.reveal;
        if !is_canonical(&self.chain, block).await? {
            let what = format!(
                "what the second attempt rests on (block {} {} is not on this chain now)",
                block.number, block.hash
            );
            finding.unchecked.push(what);
            return Ok(None);
        }
        let shown = reveals.iter().any(|seen| (seen.tx, seen.block) == (tx, block.number));
        let same = shown && settled.first.as_ref() == Some(&grounds.endings);
        Ok((!same).then_some(Fault::Endings))
    }

    /// Nothing of an auction may stay sealed for ever.
    async fn withheld(&self, record: &PublicRecord) -> Result<Option<Fault>, ChainError> {
        let opening = &record.opening;
        let latest_s = opening.params.latest_settlement_s(opening.closes_at_ms);
        let now_s = patiently(|| self.chain.block_latest()).await?.timestamp;
        Ok((now_s > latest_s.saturating_add(GRACE_S)).then_some(Fault::Withheld))
    }
}

/// What the chain shows of the winners, and what it does not.
fn told(record: &PublicRecord, contents: &Contents, settled: &Settled, finding: &mut Finding) {
    let ends = settled.first.iter().chain(&settled.second).flatten();
    finding.failed_bids = ends.filter(|ending| ending.fault.is_some()).count();
    for Again { tx, late } in &settled.again {
        finding.again.push(*tx);
        if !late.is_empty() {
            let bids = late.len();
            finding
                .unchecked
                .push(format!("why {bids} bids had a second chance, when reveal {tx} came again"));
        }
    }
    if contents.runner_up.is_none()
        && let Some(first) = &settled.first
    {
        let left = left_for_second(record, first);
        if left > 0 {
            finding.unchecked.push(format!(
                "why nothing was decided over what failed on chain, which {left} bids were left for"
            ));
        }
    }
}

/// What a line says of an auction, whether it holds or not.
fn describe(finding: &mut Finding, record: &PublicRecord) {
    finding.bids = record.closing.map(|closing| closing.bid_count);
    if let Some(decision) = &record.decision {
        finding.winners = Some(decision.winners.len());
        finding.score = Some(decision.total_score);
        finding.gap = Some(decision.gap);
    }
    finding.state = match (&record.void, &record.contents) {
        (Some(reason), _) => State::Void(reason.clone()),
        (None, Some(_)) => State::Ok,
        (None, None) if record.decision.is_some() => State::Pending("not settled yet".to_owned()),
        (None, None) if record.closing.is_some() => State::Pending("not decided yet".to_owned()),
        (None, None) => State::Pending("open".to_owned()),
    };
}
