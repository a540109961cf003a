//! `/v1/intents`

mod cancel;
mod get;
mod list;
mod post;
mod timeline;

pub(super) use cancel::cancel_intents;
pub(super) use get::get_intent;
pub(super) use list::list_intents;
pub(super) use post::post_intent;
pub(super) use timeline::get_timeline;

use domain::IntentId;

use crate::problem::{Code, Problem};

/// The id in a path.
fn id(text: &str) -> Result<IntentId, Problem> {
    text.parse().map_err(|_| Problem::parameter("id", "must be 0x and 64 hexadecimal digits"))
}

fn unknown(id: IntentId) -> Problem {
    Problem::new(Code::IntentUnknown, format!("no intent {id}"))
}
