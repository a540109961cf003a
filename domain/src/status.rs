//! The life of an intent, an auction and a settlement: one written table each, every pair in it.

mod auction;
mod intent;
mod settlement;

pub use auction::{AuctionEvent, AuctionStatus};
pub use intent::{IntentEvent, IntentStatus};
pub use settlement::{SettlementEvent, SettlementStatus};

/// What an event does to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<S> {
    /// Go to this state.
    To(S),
    /// The event was applied before, or changes nothing: a repeat is not an error.
    Stay,
    /// The event contradicts the state. It is reported, never ignored.
    Refuse,
}

/// A text that names no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a known status")]
pub struct UnknownStatus(String);

/// A fieldless enum with one stable name per variant, for SQL and JSON. The names are token trees,
/// because derives that read attributes do not see through a `literal` fragment.
macro_rules! named_states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:tt,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name, as stored and sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::status::UnknownStatus;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(crate::status::UnknownStatus(other.to_owned())),
                }
            }
        }
    };
}
use named_states;
