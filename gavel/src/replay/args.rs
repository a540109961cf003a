//! The command line of `gavel replay`.

use std::path::PathBuf;

use alloy_primitives::Address;
use clap::{ArgGroup, Args};

/// Options of `gavel replay`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("records").required(true).args(["files", "api"])))]
pub(crate) struct ReplayArgs {
    /// Exported records, or folders of them (`*.json`).
    #[arg(value_name = "EXPORT")]
    pub(super) files: Vec<PathBuf>,
    /// An API's base URL instead: its published auctions.
    #[arg(long)]
    pub(super) api: Option<String>,
    /// From this auction on.
    #[arg(long, value_name = "ID", default_value_t = 1, requires = "api", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) from: u64,
    /// Up to and with this one; to the latest unless told.
    #[arg(long, value_name = "ID", requires = "api")]
    pub(super) to: Option<u64>,
    /// How often each decision is made; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(super) runs: u32,
    /// A solver whose bids are looked at one by one.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) solver: Option<Address>,
    /// One JSON object a line, for machines.
    #[arg(long)]
    pub(super) json: bool,
}
