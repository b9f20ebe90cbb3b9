//! The single things that a process holds, told apart, so that what is left can be traced to the moment at which it came.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use crate::sys;

/// What a thing is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An open descriptor, and of what.
    Descriptor(String),
    /// Shared memory, mapped.
    Mapping,
    /// The name of an object of the process in the file system.
    Name,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Descriptor(of) => write!(f, "descriptors ({of})"),
            Self::Mapping => f.write_str("shared mappings"),
            Self::Name => f.write_str("names in the file system"),
        }
    }
}

/// One thing that a process holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holding {
    /// What it is.
    pub kind: Kind,
    /// What tells it from others of its kind while it is there: a number and the object behind it, an address, a path.
    pub identity: String,
    /// Its bytes, if it is a mapping.
    pub bytes: u64,
}

/// Since when a process holds what it holds, by looking at it again and again.
#[derive(Clone, Debug)]
pub struct Watch {
    pid: u32,
    since: BTreeMap<Holding, String>,
}

impl Watch {
    /// Begin: what the process holds now is not of interest.
    ///
    /// # Errors
    /// The system's, when the process is gone or not ours to look at.
    pub fn begin(pid: u32) -> io::Result<Self> {
        let mut watch = Self { pid, since: BTreeMap::new() };
        watch.look("")?;
        Ok(watch)
    }

    /// Look again: what is new came `when`.
    ///
    /// # Errors
    /// As [`Watch::begin`].
    pub fn look(&mut self, when: &str) -> io::Result<()> {
        let mut earlier = std::mem::take(&mut self.since);
        for holding in sys::list_holdings(self.pid)? {
            let since = earlier.remove(&holding).unwrap_or_else(|| when.to_owned());
            self.since.insert(holding, since);
        }
        Ok(())
    }

    /// When each thing of this kind, as a [`Growth`](crate::ledger::Growth) names it, came that was not there at the beginning and is
    /// there since.
    pub fn came(&self, what: &str) -> impl Iterator<Item = &str> {
        let new = self.since.iter().filter(|(_, when)| !when.is_empty());
        new.filter(move |(holding, _)| holding.kind.to_string() == what).map(|(_, when)| when.as_str())
    }

    /// The process.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_when_what_is_left_came() {
        let here = || gpushare::SharedMemory::create(4096).expect("shared memory");
        let _before = here();
        let mut watch = Watch::begin(std::process::id()).expect("this process can be read");
        let first = here();
        watch.look("first").expect("read");
        let _second = here();
        watch.look("second").expect("read");
        drop(first);
        watch.look("third").expect("read");

        assert_eq!(watch.came("descriptors (memfd:gpushare)").collect::<Vec<_>>(), ["second"]);
        assert!(watch.came("shared mappings").all(|when| when == "second"), "{watch:?}");
    }

    #[test]
    fn what_took_the_place_of_another_is_new() {
        let here = || gpushare::SharedMemory::create(4096).expect("shared memory");
        let first = here();
        let mut watch = Watch::begin(std::process::id()).expect("this process can be read");
        drop(first);
        let _second = here();
        watch.look("later").expect("read");
        assert_eq!(watch.came("descriptors (memfd:gpushare)").count(), 1, "{watch:?}");
    }
}
