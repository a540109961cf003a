//! Where records come from.

use std::{collections::VecDeque, path::Path};

use alloy_primitives::B256;
use domain::{AuctionId, auction::PublicRecord};
use futures_util::{Stream, stream};
use solvers::{
    client::{Client, ClientError},
    wire::{AuctionView, Receipt},
};

use super::{elsewhere::Elsewhere, fault::Fault};

/// The longest record that is read from a file, in bytes.
const MAX_FILE: u64 = 256 << 20;

/// An auction to be audited.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) auction: AuctionId,
    /// The record, or why there is none.
    pub(crate) record: Result<PublicRecord, Fault>,
    /// The reveals that the API names.
    pub(super) named: Vec<B256>,
    /// Receipts that the API would not redeem, of an auction that is not published yet.
    pub(super) unredeemed: Option<Fault>,
    /// What the auctions that it names show.
    pub(super) elsewhere: Elsewhere,
}

/// The auctions of a range, as the API lists them, in its order.
pub(crate) fn listed(
    client: Client,
    from: u64,
    to: Option<u64>,
) -> impl Stream<Item = Result<AuctionView, ClientError>> {
    struct Pages {
        client: Client,
        after: Option<String>,
        page: VecDeque<AuctionView>,
        to: Option<u64>,
    }
    let after = Some(from.saturating_sub(1).to_string());
    let pages = Pages { client, after, page: VecDeque::new(), to };
    stream::try_unfold(pages, |mut pages| async move {
        while pages.page.is_empty() {
            let Some(after) = pages.after.take() else { return Ok(None) };
            let page = pages.client.auctions(Some(&after)).await?;
            pages.after = page.next;
            pages.page = page.items.into();
        }
        let next = pages.page.pop_front();
        let within = |view: &AuctionView| pages.to.is_none_or(|to| view.id.get() <= to);
        Ok(next.filter(within).map(|view| (view, pages)))
    })
}

/// An auction's record from the API; for one that is not published, its receipts are redeemed
/// for proofs as well.
pub(super) async fn fetched(
    client: &Client,
    view: AuctionView,
    receipts: &[Receipt],
) -> Result<Subject, ClientError> {
    let auction = view.id;
    let named = view.settlements.iter().filter_map(|settlement| settlement.reveal_tx).collect();
    let record = match client.export_text(auction).await {
        Ok(text) => read(&text),
        Err(error) => return Err(error),
    };
    let mut unredeemed = None;
    if let Ok(PublicRecord { closing: Some(closing), contents: None, .. }) = &record {
        for receipt in receipts {
            let Receipt { bid, ms, seq, .. } = *receipt;
            let proven = match client.proof(auction, bid).await {
                Ok(proof) => proof.bids_root == closing.bids_root && proof.verify(receipt).is_ok(),
                Err(error) if error.nack().is_some_and(|nack| nack.code == "bid_unknown") => false,
                Err(error) => return Err(error),
            };
            if !proven && unredeemed.is_none() {
                unredeemed = Some(Fault::Censored { bid, ms, seq });
            }
        }
    }
    let elsewhere = match &record {
        Ok(record) => Elsewhere::fetch(client, record).await?,
        Err(_) => Elsewhere::default(),
    };
    Ok(Subject { auction, record, named, unredeemed, elsewhere })
}

/// A record from a file.
pub(crate) fn from_file(path: &Path) -> Result<Subject, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let length = std::fs::metadata(path).map_err(|error| failed(&error))?.len();
    if length > MAX_FILE {
        return Err(failed(&format!("is longer than {MAX_FILE} bytes")));
    }
    let text = std::fs::read(path).map_err(|error| failed(&error))?;
    let record = serde_json::from_slice::<PublicRecord>(&text).map_err(|error| failed(&error))?;
    let auction = record.opening.auction_id;
    let (named, elsewhere) = (Vec::new(), Elsewhere::default());
    Ok(Subject { auction, record: Ok(record), named, unredeemed: None, elsewhere })
}

fn read(text: &[u8]) -> Result<PublicRecord, Fault> {
    serde_json::from_slice(text).map_err(|error| Fault::Unreadable(error.to_string()))
}
