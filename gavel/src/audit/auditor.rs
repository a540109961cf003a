//! One auction from beginning to end.

use std::sync::Arc;

use domain::{
    auction::{OpeningRecord, PublicRecord},
    eip712::SigningDomain,
};
use infra::chain::{Chain, ChainError};
use solvers::wire::Receipt;
use tokio::sync::Mutex;

use super::{
    fault::Fault,
    finding::{Finding, State},
    logs::Logs,
    node::patiently,
    payments, promised,
    settled::{self, Reveal, Winners},
    source::Subject,
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
            (None, Some(onlooker)) => onlooker.watch(&record, &subject.named, &mut finding).await?,
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
        finding: &mut Finding,
    ) -> Result<Option<Fault>, ChainError> {
        let auction = record.opening.auction_id;
        let reveals = self.logs.lock().await.reveals(&self.chain, auction).await?;
        let Some(contents) = &record.contents else {
            return self.withheld(record).await;
        };
        let unchecked = &mut finding.unchecked;
        let (chain, revealed) = (&self.chain, !reveals.is_empty());
        let mut witness = Witness { chain, record, contents, revealed, unchecked };
        if let Some(fault) = witness.check().await? {
            return Ok(Some(fault));
        }
        if let Some(missing) = named.iter().find(|tx| !reveals.iter().any(|seen| seen.tx == **tx)) {
            return Ok(Some(Fault::RevealMissing(*missing)));
        }
        let outcome = settlement(record, &reveals);
        Ok(match outcome {
            Ok(None) => None,
            Ok(Some(failed)) => {
                finding.failed_bids = failed;
                finding.settled = reveals.first().map(|reveal| reveal.tx);
                None
            }
            Err(fault) => Some(fault),
        })
    }

    /// Nothing of an auction may stay sealed for ever.
    async fn withheld(&self, record: &PublicRecord) -> Result<Option<Fault>, ChainError> {
        let opening = &record.opening;
        let latest_s = opening.params.latest_settlement_s(opening.closes_at_ms);
        let now_s = patiently(|| self.chain.block_latest()).await?.timestamp;
        Ok((now_s > latest_s.saturating_add(GRACE_S)).then_some(Fault::Withheld))
    }
}

/// What was revealed against what won: how many winners failed on chain; `None` without a reveal.
pub(super) fn settlement(
    record: &PublicRecord,
    reveals: &[Reveal],
) -> Result<Option<usize>, Fault> {
    let winners = Winners::of(record).filter(|winners| !winners.ids.is_empty());
    match (winners, reveals) {
        (_, []) => Ok(None),
        (None, [reveal, ..]) => Err(Fault::NobodyWon(reveal.tx)),
        (Some(_), [first, second, ..]) => Err(Fault::RevealedTwice(first.tx, second.tx)),
        (Some(winners), [reveal]) => {
            settled::check(&winners, reveal)?;
            payments::check(&winners, reveal).map(Some)
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
