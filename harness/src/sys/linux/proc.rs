//! What `/proc` tells of a process ([proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::ledger::Mappings;

fn folder(pid: u32) -> PathBuf {
    PathBuf::from("/proc").join(pid.to_string())
}

/// Descriptors by kind, shared mappings, and threads.
pub(crate) fn read_holdings(pid: u32) -> io::Result<(BTreeMap<String, u32>, Mappings, u32)> {
    let folder = folder(pid);
    let mut descriptors = BTreeMap::new();
    for entry in fs::read_dir(folder.join("fd"))? {
        // A descriptor may close between listing and reading: then it is not held.
        if let Ok(target) = fs::read_link(entry?.path()) {
            *descriptors.entry(kind(&target.to_string_lossy())).or_default() += 1;
        }
    }
    let mappings = shared_mappings(&fs::read_to_string(folder.join("maps"))?);
    let threads = fs::read_dir(folder.join("task"))?.count();
    Ok((descriptors, mappings, u32::try_from(threads).unwrap_or(u32::MAX)))
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

fn shared_mappings(maps: &str) -> Mappings {
    let mut shared = Mappings::default();
    for line in maps.lines() {
        let mut fields = line.split_ascii_whitespace();
        let (Some(range), Some(rights)) = (fields.next(), fields.next()) else { continue };
        if rights.ends_with('s') {
            shared.count += 1;
            shared.bytes += length(range).unwrap_or(0);
        }
    }
    shared
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
        assert_eq!(shared_mappings(maps), Mappings { count: 1, bytes: 0x2000 });
    }
}
