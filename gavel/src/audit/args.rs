//! The command line of `gavel audit`.

use std::path::PathBuf;

use alloy_primitives::Address;
use clap::{ArgGroup, Args};
use domain::AuctionId;

/// Options of `gavel audit`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("records").required(true).args(["api", "file"])))]
pub(crate) struct AuditArgs {
    /// The API's base URL: where the records come from.
    #[arg(long, env = "GAVEL_AUDIT_API", requires = "rpc")]
    pub(super) api: Option<String>,
    /// An exported record instead, or several.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["auction", "from", "to"])]
    pub(super) file: Vec<PathBuf>,
    /// A node's JSON-RPC URL, one that the auditor trusts. Without it a file is only held against itself.
    #[arg(long, env = "GAVEL_AUDIT_RPC", hide_env_values = true)]
    pub(super) rpc: Option<String>,
    /// One auction.
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "to"])]
    pub(super) auction: Option<u64>,
    /// From this auction on.
    #[arg(long, value_name = "ID", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) from: u64,
    /// Up to and with this one; to the latest unless told.
    #[arg(long, value_name = "ID")]
    pub(super) to: Option<u64>,
    /// Receipts as the API gave them: a JSON array of them, or one a line.
    #[arg(long, value_name = "FILE")]
    pub(super) receipts: Option<PathBuf>,
    /// Whose signature makes a receipt; what /v1/chain says unless told.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) receipt_signer: Option<Address>,
    /// Fails as well where something could not be checked.
    #[arg(long)]
    pub(super) strict: bool,
    /// One JSON object a line, for machines.
    #[arg(long)]
    pub(super) json: bool,
}

impl AuditArgs {
    /// The first and the last auction that are asked for.
    pub(super) fn range(&self) -> (u64, Option<u64>) {
        self.auction.map_or((self.from, self.to), |one| (one, Some(one)))
    }

    /// Whether an auction is in it.
    pub(super) fn covers(&self, auction: AuctionId) -> bool {
        let (from, to) = self.range();
        auction.get() >= from && to.is_none_or(|to| auction.get() <= to)
    }
}
