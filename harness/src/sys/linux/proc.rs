//! What `/proc` tells of a process ([proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::holding::{Holding, Kind};

fn folder(pid: u32) -> PathBuf {
    PathBuf::from("/proc").join(pid.to_string())
}

/// Descriptors, shared mappings, and names in the file system.
pub(crate) fn list_holdings(pid: u32) -> io::Result<Vec<Holding>> {
    let folder = folder(pid);
    let mut holdings = Vec::new();
    let mut sockets = BTreeSet::new();
    for entry in fs::read_dir(folder.join("fd"))? {
        let path = entry?.path();
        // A descriptor may close between listing and reading: then it is not held.
        let (Ok(target), Ok(object)) = (fs::read_link(&path), fs::metadata(&path)) else { continue };
        let (target, number) = (target.to_string_lossy(), path.file_name().unwrap_or_default().to_string_lossy());
        if target.starts_with("socket:") {
            sockets.insert(object.ino().to_string());
        }
        let identity = format!("{number} {}:{}", object.dev(), object.ino());
        holdings.push(Holding { kind: Kind::Descriptor(kind(&target)), identity, bytes: 0 });
    }
    holdings.extend(shared_mappings(&fs::read_to_string(folder.join("maps"))?));
    let bound = fs::read_to_string(folder.join("net/unix")).unwrap_or_default();
    let names = bound_names(&bound, &sockets).chain(memory_names(pid));
    holdings.extend(names.map(|identity| Holding { kind: Kind::Name, identity, bytes: 0 }));
    Ok(holdings)
}

pub(crate) fn count_threads(pid: u32) -> io::Result<u32> {
    let threads = fs::read_dir(folder(pid).join("task"))?.count();
    Ok(u32::try_from(threads).unwrap_or(u32::MAX))
}

/// The paths to which these sockets (by inode) are bound: `Num RefCount Protocol Flags Type St Inode Path`.
fn bound_names<'text>(table: &'text str, sockets: &BTreeSet<String>) -> impl Iterator<Item = String> + use<'text> {
    let mut bound = BTreeSet::new();
    for line in table.lines() {
        let mut fields = line.split_ascii_whitespace().skip(6);
        // What begins with '@' is no name in the file system.
        if let (Some(inode), Some(path)) = (fields.next(), fields.next())
            && path.starts_with('/')
            && sockets.contains(inode)
        {
            bound.insert(path.to_owned());
        }
    }
    bound.into_iter()
}

/// Names of shared memory: a link to one of the process's descriptors, or a file that one of them is open to.
fn memory_names(pid: u32) -> impl Iterator<Item = String> {
    let own = folder(pid).join("fd");
    let open: BTreeSet<PathBuf> =
        fs::read_dir(&own).into_iter().flatten().flatten().flat_map(|fd| fs::read_link(fd.path())).collect();
    let names = fs::read_dir("/dev/shm").into_iter().flatten().flatten().map(|entry| entry.path());
    let is_own = move |name: &PathBuf| open.contains(name) || fs::read_link(name).is_ok_and(|target| target.starts_with(&own));
    names.filter(is_own).map(|name| name.display().to_string())
}

/// `socket:[123]` and its like lose their number, so that kinds can be counted; paths stay what they are.
fn kind(target: &str) -> String {
    if let Some(name) = target.strip_prefix("/memfd:") {
        return format!("memfd:{}", without_numbers(name.trim_end_matches(" (deleted)")));
    }
    if let Some((kind, _)) = target.split_once(":[").filter(|(kind, _)| !kind.starts_with('/')) {
        return if kind == "anon_inode" { target.to_owned() } else { kind.to_owned() };
    }
    if target.starts_with("/dev/") || target.starts_with("anon_inode:") || target.starts_with("/dmabuf") {
        return target.to_owned();
    }
    "file".into()
}

/// A driver may number its objects (`SwiftShader.Memory.17`) or put an address into their names: each would be a kind of its own, and
/// a leak of one more in every round no growth of any.
fn without_numbers(name: &str) -> String {
    let mut kept = String::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let after_prefix = rest.strip_prefix("0x").filter(|digits| digits.starts_with(|c: char| c.is_ascii_hexdigit()));
        rest = match after_prefix {
            Some(digits) => digits.trim_start_matches(|c: char| c.is_ascii_hexdigit()),
            None if first.is_ascii_digit() => rest.trim_start_matches(|c: char| c.is_ascii_digit()),
            None => {
                kept.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        kept.push('#');
    }
    kept
}

fn shared_mappings(maps: &str) -> impl Iterator<Item = Holding> {
    maps.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let range = fields.next()?;
        // Address, rights, offset, device, inode: what is mapped where.
        let inode = fields.clone().nth(3).unwrap_or_default();
        let shared = fields.next()?.ends_with('s');
        let identity = format!("{range} {inode}");
        shared.then(|| Holding { kind: Kind::Mapping, identity, bytes: length(range).unwrap_or(0) })
    })
}

fn length(range: &str) -> Option<u64> {
    let (start, end) = range.split_once('-')?;
    u64::from_str_radix(end, 16).ok()?.checked_sub(u64::from_str_radix(start, 16).ok()?)
}

/// Bytes of private memory that are resident (`RssAnon`).
pub(crate) fn resident_private_bytes(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(folder(pid).join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.map(|count| count << 10).ok_or_else(|| io::Error::other("no RssAnon in /proc/<pid>/status"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::ledger::Ledger;

    #[rstest]
    #[case("socket:[4711]", "socket")]
    #[case("pipe:[9]", "pipe")]
    #[case("/memfd:allocation fd (deleted)", "memfd:allocation fd")]
    #[case("/memfd:SwiftShader.Memory.17 (deleted)", "memfd:SwiftShader.Memory.#")]
    #[case("/memfd:heap 0x7f3aC0 of 2 (deleted)", "memfd:heap # of #")]
    #[case("anon_inode:[eventfd]", "anon_inode:[eventfd]")]
    #[case("anon_inode:sync_file", "anon_inode:sync_file")]
    #[case("/dev/nvidiactl", "/dev/nvidiactl")]
    #[case("/usr/lib/x.so", "file")]
    fn descriptor_kinds(#[case] target: &str, #[case] expected: &str) {
        assert_eq!(kind(target), expected);
    }

    #[test]
    fn only_shared_mappings_count() {
        let maps = "7f0000000000-7f0000002000 rw-s 00000000 00:01 5 /memfd:a (deleted)\n\
                    7f0000002000-7f0000003000 rw-p 00000000 00:00 0\n";
        let only = Holding { kind: Kind::Mapping, identity: "7f0000000000-7f0000002000 5".into(), bytes: 0x2000 };
        assert_eq!(shared_mappings(maps).collect::<Vec<_>>(), [only]);
    }

    #[test]
    fn a_name_is_counted_while_its_object_is_there_and_seen_when_it_stays_behind() {
        let folder = std::env::temp_dir().join(format!("gpushare-ledger-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (pid, path) = (std::process::id(), folder.join("socket"));
        let name = path.display().to_string();
        let before = Ledger::of(pid).expect("this process can be read");
        let memory = gpushare::SharedMemory::create_named(&format!("gpushare-ledger-{pid}"), 4096).expect("a name");
        let socket = std::os::unix::net::UnixListener::bind(&path).expect("bound");
        let with = Ledger::of(pid).expect("this process can be read");
        drop((memory, socket));

        assert!(
            with.names.contains(&name) && with.names.contains(&format!("/dev/shm/gpushare-ledger-{pid}")),
            "{:?}",
            with.names
        );
        assert!(before.growth(&with).iter().any(|one| one.what == "names in the file system" && one.after == one.before + 2));
        // A socket's name outlives it; the memory's goes with the memory.
        assert_eq!(with.names_left(), [name.as_str()]);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
