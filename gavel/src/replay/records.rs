//! The records that are asked for, one after the other: never more than one is held.

use std::path::{Path, PathBuf};

use crate::exit::{CONFIG, Exit};

/// Files as they are named, and those in folders by name.
pub(super) fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Exit> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(inside(path)?);
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        return Err(Exit::new(CONFIG, "there is no *.json in what was named"));
    }
    Ok(files)
}

fn inside(folder: &Path) -> Result<Vec<PathBuf>, Exit> {
    let failed =
        |error: std::io::Error| Exit::new(CONFIG, format!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}
