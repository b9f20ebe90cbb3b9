//! Who made a resource: two processes may share it only where these agree.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The programming interface a resource belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// The host backend: shared memory, no GPU.
    Host,
    /// A Vulkan driver.
    Vulkan,
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Vulkan => "vulkan",
        })
    }
}

/// Sixteen bytes that name a device or a driver (`VkPhysicalDeviceIDProperties`); written as 32 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Uuid(pub [u8; 16]);

/// The text was not 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a UUID is 32 hexadecimal digits, found {found:?}")]
pub struct UuidError {
    found: String,
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

impl From<Uuid> for String {
    fn from(uuid: Uuid) -> Self {
        uuid.to_string()
    }
}

impl TryFrom<String> for Uuid {
    type Error = UuidError;
    fn try_from(text: String) -> Result<Self, UuidError> {
        text.parse()
    }
}

impl FromStr for Uuid {
    type Err = UuidError;
    fn from_str(text: &str) -> Result<Self, UuidError> {
        let refuse = || UuidError { found: text.chars().take(64).collect() };
        let digits: Vec<u8> = text
            .chars()
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or_else(refuse))
            .collect::<Result<_, _>>()?;
        if digits.len() != 32 {
            return Err(refuse());
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(bytes))
    }
}

/// What a device says of itself, as far as sharing is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The programming interface.
    pub api: Api,
    /// `VkPhysicalDeviceProperties::deviceName`, or the host's.
    pub device_name: String,
    /// `VkPhysicalDeviceDriverProperties::driverName`; empty where the driver does not tell.
    pub driver_name: String,
    /// `VkPhysicalDeviceDriverProperties::driverInfo`; free text with the version, may be empty.
    pub driver_info: String,
    /// `VkPhysicalDeviceProperties::driverVersion`, encoded as the vendor likes.
    pub driver_version: u32,
    /// `VkPhysicalDeviceProperties::apiVersion` as `major.minor.patch`.
    pub api_version: String,
    /// `VkPhysicalDeviceIDProperties::deviceUUID`.
    pub device_uuid: Uuid,
    /// `VkPhysicalDeviceIDProperties::driverUUID`.
    pub driver_uuid: Uuid,
}
