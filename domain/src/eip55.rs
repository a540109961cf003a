//! Serde for addresses: EIP-55 checksums in output, any case in input.

use alloy_primitives::Address;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes the EIP-55 form.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(address.to_checksum_buffer(None).as_str())
}

/// Reads any case.
///
/// # Errors
/// Those of the deserializer, for anything but 20 bytes of hexadecimal.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    Address::deserialize(deserializer)
}
