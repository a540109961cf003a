//! Values that must not reach a log.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize, Serializer};

/// A password, a key, or a URL that holds one. It has no readable `Debug`, no `Display`, and
/// serialises as stars; only [`Secret::expose`] gives it away.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The content. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing was set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The secret given directly, or the trimmed content of the file named instead; `None` if
    /// neither is set. `key` is the setting's name, for the error.
    ///
    /// # Errors
    /// [`SecretError`] if both are given or the file cannot be read.
    pub fn resolve(
        key: &'static str,
        direct: Option<&Self>,
        file: Option<&PathBuf>,
    ) -> Result<Option<Self>, SecretError> {
        match (direct, file) {
            (Some(_), Some(_)) => Err(SecretError::Twice(key)),
            (Some(secret), None) => Ok(Some(secret.clone())),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| SecretError::Unreadable(key, error.kind()))?;
                Ok(Some(Self::new(text.trim())))
            }
            (None, None) => Ok(None),
        }
    }
}

/// Why a secret is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Given both directly and as a file.
    #[error("{0} is given both directly and as a file")]
    Twice(&'static str),
    /// The file cannot be read.
    #[error("the file named for {0} cannot be read: {1}")]
    Unreadable(&'static str, std::io::ErrorKind),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_of_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_secret_given_twice_is_refused_by_the_name_of_its_key() {
        let secret = Secret::new("x");
        let file = PathBuf::from("/nowhere");
        let error = Secret::resolve("receipts.key", Some(&secret), Some(&file)).unwrap_err();
        assert!(error.to_string().contains("receipts.key"));
        assert!(Secret::resolve("receipts.key", None, Some(&file)).is_err());
        assert_eq!(Secret::resolve("receipts.key", None, None).unwrap(), None);
    }
}
