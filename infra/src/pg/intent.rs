//! The book: signed intents, and every way their rows change.
//!
//! Rows of several intents are always locked in the order of their ids, so that two writers
//! never wait for each other in a circle.

mod cancel;
mod cut;
mod elsewhere;
mod insert;
mod invalidate;
mod read;
mod row;
mod transition;

pub use cancel::{CancelOutcome, cancel, expire_due};
pub use cut::{
    candidates, commit_again, keep, lock_matched, mark_cut, mark_matched, recut, release,
};
pub use elsewhere::{fill_elsewhere, unfill_elsewhere};
pub use insert::{Inserted, NewIntent, Replaced, insert, replace};
pub use invalidate::{Invalidation, invalidate, invalidated_above, of_nonces, validate_again};
pub use read::{Filter, after, get, get_many, open_after};
pub use row::StoredIntent;
pub use transition::{Change, Fill, Transition, apply, fill, unfill};
