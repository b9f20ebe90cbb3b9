//! What a process holds. Read from outside, so that a peer cannot lie and a hung one can be counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use crate::holding::Kind;
use crate::sys;

/// Shared memory mapped into a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mappings {
    /// How many.
    pub count: u64,
    /// Their bytes together.
    pub bytes: u64,
}

/// What a process holds at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Open descriptors by kind.
    pub descriptors: BTreeMap<String, u32>,
    /// Shared mappings.
    pub mappings: Mappings,
    /// Names of its objects in the file system: of shared memory and of sockets.
    #[serde(default)]
    pub names: BTreeSet<String>,
    /// Threads; recorded, not judged, because drivers keep pools.
    pub threads: u32,
    /// Bytes of device memory in use, where the peer's driver tells.
    pub device_bytes: Option<u64>,
}

/// One kind of thing that there is more of than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// What: a kind of descriptor, `shared mappings`, `names in the file system`, or `bytes of device memory`.
    pub what: String,
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} → {}", self.what, self.before, self.after)
    }
}

impl Ledger {
    /// Count what a process holds.
    ///
    /// # Errors
    /// The system's, when the process is gone or not ours to look at.
    pub fn of(pid: u32) -> io::Result<Self> {
        let mut ledger = Self { threads: sys::count_threads(pid)?, ..Self::default() };
        for holding in sys::list_holdings(pid)? {
            match holding.kind {
                Kind::Descriptor(of) => *ledger.descriptors.entry(of).or_default() += 1,
                Kind::Mapping => {
                    ledger.mappings.count += 1;
                    ledger.mappings.bytes += holding.bytes;
                }
                Kind::Name => {
                    ledger.names.insert(holding.identity);
                }
            }
        }
        Ok(ledger)
    }

    /// The names that are there still: once the process has ended, what it left behind for the machine.
    #[must_use]
    pub fn names_left(&self) -> Vec<&str> {
        let is_there = |name: &&String| std::fs::symlink_metadata(name).is_ok();
        self.names.iter().filter(is_there).map(String::as_str).collect()
    }

    /// What there is more of in `later` than here.
    #[must_use]
    pub fn growth(&self, later: &Self) -> Vec<Growth> {
        let mut found = Vec::new();
        let mut compare = |kind: Kind, before: u64, after: u64| {
            if after > before {
                found.push(Growth { what: kind.to_string(), before, after });
            }
        };
        for (kind, after) in &later.descriptors {
            let before = self.descriptors.get(kind).copied().unwrap_or(0);
            compare(Kind::Descriptor(kind.clone()), u64::from(before), u64::from(*after));
        }
        compare(Kind::Mapping, self.mappings.count, later.mappings.count);
        compare(Kind::Name, self.names.len() as u64, later.names.len() as u64);
        if let (Some(before), Some(after)) = (self.device_bytes, later.device_bytes)
            && after > before
        {
            found.push(Growth { what: "bytes of device memory".into(), before, after });
        }
        found
    }
}

/// Bytes of a process's private memory that are resident.
///
/// # Errors
/// As [`Ledger::of`].
pub fn resident_private_bytes(pid: u32) -> io::Result<u64> {
    sys::resident_private_bytes(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_names_each_kind_that_grew_and_no_other() {
        let before = Ledger { descriptors: BTreeMap::from([("socket".into(), 2), ("pipe".into(), 1)]), ..Ledger::default() };
        let mut after = before.clone();
        after.descriptors.insert("memfd:x".into(), 1);
        after.descriptors.insert("pipe".into(), 0);
        after.threads = 9;
        let growth = before.growth(&after);
        assert_eq!(growth, [Growth { what: "descriptors (memfd:x)".into(), before: 0, after: 1 }]);
    }

    #[test]
    fn counts_a_descriptor_of_this_process() {
        let pid = std::process::id();
        let before = Ledger::of(pid).expect("this process can be read");
        let held = gpushare::SharedMemory::create(4096).expect("shared memory");
        let after = Ledger::of(pid).expect("this process can be read");
        let growth = before.growth(&after);
        assert!(growth.iter().any(|one| one.what.contains("memfd:gpushare")), "{growth:?}");
        assert!(growth.iter().any(|one| one.what == "shared mappings"), "{growth:?}");
        drop(held);
    }
}
