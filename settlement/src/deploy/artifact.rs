//! The committed artifacts, compiled in so that a binary can deploy without the repository.

use alloy::primitives::Bytes;
use serde::Deserialize;

use super::DeployError;

/// A contract of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artifact {
    /// Settlement, with its solvers and their funds.
    Settlement,
    /// A token that anybody may mint.
    MockToken,
    /// The simplest filler.
    InventoryFiller,
}

#[derive(Deserialize)]
struct Compiled {
    bytecode: Bytes,
}

impl Artifact {
    const fn json(self) -> &'static str {
        match self {
            Self::Settlement => include_str!("../../contracts/artifacts/Settlement.json"),
            Self::MockToken => include_str!("../../contracts/artifacts/MockToken.json"),
            Self::InventoryFiller => include_str!("../../contracts/artifacts/InventoryFiller.json"),
        }
    }

    /// The creation code with its encoded constructor arguments.
    ///
    /// # Errors
    /// [`DeployError::Artifact`] if the committed file has no bytecode.
    pub fn creation(self, arguments: &[u8]) -> Result<Bytes, DeployError> {
        let compiled: Compiled =
            serde_json::from_str(self.json()).map_err(DeployError::Artifact)?;
        Ok([compiled.bytecode.as_ref(), arguments].concat().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_artifact_holds_its_creation_code() {
        use Artifact as A;
        for artifact in [A::Settlement, A::MockToken, A::InventoryFiller] {
            let code = artifact.creation(&[1, 2, 3]).unwrap();
            assert!(code.len() > 1000 && code.ends_with(&[1, 2, 3]), "{artifact:?}");
        }
    }
}
