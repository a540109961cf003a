//! What is recorded of auctions.

use domain::{AuctionId, BidId, auction::PublicRecord};
use futures_util::StreamExt as _;

use super::{Client, ClientError, accepted, answer};
use crate::wire::{Access, BidPage, BidProof};

/// The longest record this client takes, in bytes: an auction's bids may be 64 MiB in all.
const MAX_RECORD: usize = 256 << 20;

impl Client {
    /// `GET /v1/auctions/{id}/bids`: a page of a published auction's bids, in stream order.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`]; `auction_sealed` before it is published.
    pub async fn bids(&self, id: AuctionId, after: Option<&str>) -> Result<BidPage, ClientError> {
        self.get(&format!("/v1/auctions/{id}/bids"), &[("after", after)]).await
    }

    /// `GET /v1/auctions/{id}/bids/own`: a page of the solver's own bids, with their verdicts from
    /// the decision on.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn own_bids(
        &self,
        id: AuctionId,
        access: &Access,
        after: Option<&str>,
    ) -> Result<BidPage, ClientError> {
        let url = self.url(&format!("/v1/auctions/{id}/bids/own"), &[("after", after)])?;
        let headers = access.headers().into_iter();
        let request = self.http.get(url);
        answer(headers.fold(request, |request, (name, value)| request.header(name, value))).await
    }

    /// `GET /v1/auctions/{id}/proof`: that a bid is under the auction's root. Whether to believe it
    /// is [`BidProof::verify`]'s answer.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`]; `bid_unknown` if it is not.
    pub async fn proof(&self, id: AuctionId, bid: BidId) -> Result<BidProof, ClientError> {
        let bid = bid.to_string();
        self.get(&format!("/v1/auctions/{id}/proof"), &[("bid", Some(&bid))]).await
    }

    /// `GET /v1/auctions/{id}/export`: the auction's record, as far as it is public.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn export(&self, id: AuctionId) -> Result<PublicRecord, ClientError> {
        let text = self.export_text(id).await?;
        serde_json::from_slice(&text).map_err(ClientError::Unreadable)
    }

    /// The same, as the canonical text that was sent.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn export_text(&self, id: AuctionId) -> Result<Vec<u8>, ClientError> {
        let url = self.url(&format!("/v1/auctions/{id}/export"), &[])?;
        // however long it takes, as long as something comes
        let response = accepted(self.streaming.get(url).send().await?).await?;
        let (mut chunks, mut text) = (response.bytes_stream(), Vec::new());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            if text.len() + chunk.len() > MAX_RECORD {
                return Err(ClientError::TooLong(MAX_RECORD));
            }
            text.extend_from_slice(&chunk);
        }
        Ok(text)
    }
}
