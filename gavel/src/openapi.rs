//! The API's documents on disk: written, or compared with what this binary would write.

use std::{fs, path::Path};

use crate::exit::{DIFFERS, Exit, FAILED};

/// A document's file name and content.
type Document = (&'static str, String);

/// Every document, as it should stand in `openapi/`.
fn documents() -> Result<[Document; 2], Exit> {
    let failed = |error: serde_json::Error| Exit::new(FAILED, error);
    let openapi = serde_json::to_string_pretty(&api::openapi()).map_err(failed)?;
    let asyncapi = serde_json::to_string_pretty(&api::asyncapi()).map_err(failed)?;
    Ok([("openapi.json", openapi + "\n"), ("asyncapi.json", asyncapi + "\n")])
}

/// The OpenAPI document as text.
pub(crate) fn text() -> Result<String, Exit> {
    let [(_, openapi), _] = documents()?;
    Ok(openapi)
}

/// Writes the documents into `folder`.
pub(crate) fn write(folder: &Path) -> Result<(), Exit> {
    for (name, content) in documents()? {
        let path = folder.join(name);
        fs::write(&path, content)
            .map_err(|error| Exit::new(FAILED, format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

/// Compares the documents in `folder` with this binary's.
pub(crate) fn check(folder: &Path) -> Result<(), Exit> {
    for (name, content) in documents()? {
        let path = folder.join(name);
        let found = fs::read_to_string(&path)
            .map_err(|error| Exit::new(DIFFERS, format!("{}: {error}", path.display())))?;
        if found != content {
            let line = first_difference(&found, &content);
            let reason = format!(
                "{} differs from this binary at line {line}: run `gavel openapi --write {}`",
                path.display(),
                folder.display()
            );
            return Err(Exit::new(DIFFERS, reason));
        }
    }
    Ok(())
}

fn first_difference(found: &str, wanted: &str) -> usize {
    let same = found.lines().zip(wanted.lines()).take_while(|(a, b)| a == b).count();
    same + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_first_difference_is_named() {
        assert_eq!(first_difference("a\nb\nc", "a\nx\nc"), 2);
        assert_eq!(first_difference("a\nb", "a\nb\nc"), 3);
    }
}
