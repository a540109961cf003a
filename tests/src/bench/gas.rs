//! Gas per swap beside the peers' contracts: measured by `tests/gas` in one anvil.

use std::{io, process::Command};

use super::Row;
use crate::repo;

pub(super) fn measure() -> io::Result<Vec<Row>> {
    let out = repo::root().join("target/bench/gas.json");
    std::fs::create_dir_all(repo::root().join("target/bench"))?;
    let status = Command::new("npm")
        .args(["run", "--silent", "gas", "--", "--out"])
        .arg(&out)
        .current_dir(repo::root().join("tests"))
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("the gas comparison ended with {status}")));
    }
    Ok(serde_json::from_str(&std::fs::read_to_string(out)?)?)
}
