//! An auction's row, or the problem of there being none.

use domain::{AuctionId, status::AuctionStatus};
use infra::pg::auction::{self, StoredAuction};
use sqlx::PgConnection;

use crate::{
    app::App,
    problem::{Code, Facts, Problem},
};

/// The auction numbered `number`.
pub(super) async fn stored(
    app: &App,
    conn: &mut PgConnection,
    number: u64,
) -> Result<StoredAuction, Problem> {
    let id = AuctionId::new(number);
    let unknown = || Problem::new(Code::AuctionUnknown, format!("no auction {id}")).with(about(id));
    if i64::try_from(number).is_err() {
        return Err(unknown());
    }
    auction::get(conn, app.domain.chain_id(), id).await?.ok_or_else(unknown)
}

/// Facts that name the auction.
pub(super) fn about(id: AuctionId) -> Facts {
    Facts { auction_id: Some(id), ..Facts::default() }
}

/// Refuses what is sealed until the auction's last reveal is mined or expired.
pub(super) fn published(stored: &StoredAuction) -> Result<(), Problem> {
    if stored.status == AuctionStatus::Published {
        return Ok(());
    }
    let id = stored.opening.auction_id;
    let detail = format!(
        "auction {id} is {}: what is in its bids is public once its last reveal is mined or expired",
        stored.status
    );
    Err(Problem::new(Code::AuctionSealed, detail).with(about(id)))
}
