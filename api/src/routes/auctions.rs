//! `/v1/auctions`: what is public of them, and no more (design A11). Number and root of the bids
//! from the close on, which fixes them; winners' digests and score from the decision on; contents
//! only once the last reveal is mined or expired. A solver's own bids are its own at any time.

mod bids;
mod export;
mod get;
mod list;
mod own;
mod proof;
mod stored;
mod trees;
mod view;

pub(crate) use bids::get_bids;
pub(crate) use export::export_auction;
pub(crate) use get::get_auction;
pub(crate) use list::list_auctions;
pub(crate) use own::get_own_bids;
pub(crate) use proof::get_proof;
pub(crate) use trees::Trees;
