//! Auctions that the chain or a solver knows of, and the API does not list.

use std::collections::{BTreeMap, BTreeSet};

use domain::AuctionId;
use futures_util::{TryStreamExt as _, pin_mut};
use solvers::client::Client;

use super::{
    args::AuditArgs,
    auditor::{Audited, Onlooker},
    fault::Fault,
    finding::Finding,
    receipts::Receipts,
    run::{away, unanswered},
    source,
};
use crate::exit::Exit;

/// Those of the range, each with what it left. The list is read on after the chain: an auction that
/// was opened and settled meanwhile is in it.
pub(super) async fn find(
    args: &AuditArgs,
    client: &Client,
    listed: &BTreeSet<AuctionId>,
    onlooker: Option<&Onlooker>,
    receipts: &Receipts,
) -> Result<Vec<Audited>, Exit> {
    let mut traces = BTreeMap::new();
    let promised = receipts.iter().filter_map(|(id, all)| Some((*id, all.first()?.bid)));
    traces.extend(promised.map(|(id, bid)| (id, Fault::UnlistedReceipt(bid))));
    if let Some(Onlooker { chain, logs }) = onlooker {
        let revealed = logs.lock().await.revealed(chain).await;
        let revealed = revealed.map_err(|error| unanswered(&error))?;
        traces.extend(revealed.into_iter().map(|(id, tx)| (id, Fault::UnlistedReveal(tx))));
    }
    traces.retain(|id, _| args.covers(*id) && !listed.contains(id));
    if traces.is_empty() {
        return Ok(Vec::new());
    }
    let last = listed.last().map_or(0, |id| id.get());
    let later = source::listed(client.clone(), last.saturating_add(1), args.range().1);
    pin_mut!(later);
    while let Some(view) = later.try_next().await.map_err(|error| away(&error))? {
        traces.remove(&view.id);
    }
    let unlisted = |(id, fault): (AuctionId, Fault)| {
        let receipts = receipts.get(&id).map_or(0, Vec::len);
        let finding = Finding { receipts, ..Finding::new(id) }.failed(fault);
        Audited { finding, opening: None }
    };
    Ok(traces.into_iter().map(unlisted).collect())
}
