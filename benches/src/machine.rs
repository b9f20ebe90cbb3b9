//! Processors, processes and shared pages, as bare as they can be had.
#![expect(unsafe_code, reason = "fork, mmap, futex and processor masks: what is measured against has no wrapper")]

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

/// What the processor calls itself.
#[must_use]
pub fn name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(':')).map_or_else(|| "an unnamed processor".into(), |(_, name)| name.trim().into())
}

/// Which two processors to use, unless said before the first measurement: the first that this process may use, and the first after it that
/// shares its last cache and is no second thread of the same core.
pub fn use_processors(numbers: [usize; 2]) {
    let _ = PROCESSORS.set(numbers);
}

/// The two.
pub fn processors() -> [usize; 2] {
    *PROCESSORS.get_or_init(|| {
        let allowed = allowed();
        let first = allowed.first().copied().unwrap_or(0);
        let same_core = listed(first, "topology/thread_siblings_list");
        let same_cache = listed(first, "cache/index3/shared_cpu_list");
        let fits = |number: &&usize| **number > first && !same_core.contains(number);
        let near = |number: &&usize| same_cache.is_empty() || same_cache.contains(number);
        let second = allowed.iter().find(|number| fits(number) && near(number)).or_else(|| allowed.iter().find(fits));
        [first, second.copied().unwrap_or(first)]
    })
}

/// How the two lie.
#[must_use]
pub fn topology() -> String {
    let [first, second] = processors();
    let core = if listed(first, "topology/thread_siblings_list").contains(&second) { "one core" } else { "two cores" };
    let cache = if listed(first, "cache/index3/shared_cpu_list").contains(&second) { "one L3" } else { "no common L3" };
    format!("processors {first} and {second} of {} ({core}, {cache})", allowed().len())
}

/// Those that this process might use before its first thread was pinned.
fn allowed() -> &'static [usize] {
    static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();
    ALLOWED.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        numbers(text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or("0-1"))
    })
}

fn listed(processor: usize, what: &str) -> Vec<usize> {
    numbers(&std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu{processor}/{what}")).unwrap_or_default())
}

/// `0-3,8` and the like.
fn numbers(list: &str) -> Vec<usize> {
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

static PROCESSORS: OnceLock<[usize; 2]> = OnceLock::new();

/// Keep this thread on the first (0) or second (1) of the two processors. A machine that does not allow it is measured as it is.
pub fn pin(which: usize) {
    let processor = processors()[which];
    // SAFETY: an empty set is all zeros, and the kernel only reads it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

/// This program once more, started as it was: through the dynamic linker of another system, where that was on its command line
/// (proc(5), `/proc/pid/cmdline`).
///
/// # Errors
/// `/proc` cannot be read.
pub fn this_program() -> std::io::Result<Command> {
    let line = std::fs::read("/proc/self/cmdline")?;
    let words: Vec<&OsStr> = line.split(|byte| *byte == 0).map(OsStr::from_bytes).collect();
    // Each word ends with a zero, and so an empty one comes last.
    let launcher = words.len().saturating_sub(1 + std::env::args_os().count());
    if launcher == 0 {
        return std::env::current_exe().map(Command::new);
    }
    let mut command = Command::new(words[0]);
    command.args(&words[1..=launcher]);
    Ok(command)
}

/// End this process when the one that started it ends (prctl(2), `PR_SET_PDEATHSIG`).
pub fn end_with_parent() {
    // SAFETY: sets a number of this process.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// A child that runs a closure; killed and reaped when dropped.
#[derive(Debug)]
pub struct Child(pub libc::pid_t);

/// Run `work` in a copy of this process. Nothing else may run in this one at the moment.
pub fn fork(work: impl FnOnce()) -> Child {
    // SAFETY: no other thread of this program holds a lock that the child would need; the child ends with `_exit`.
    match unsafe { libc::fork() } {
        0 => {
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_ok();
            // SAFETY: ends the child without the parent's buffers and destructors.
            unsafe { libc::_exit(i32::from(!worked)) }
        }
        pid => {
            assert!(pid > 0, "fork: {}", std::io::Error::last_os_error());
            Child(pid)
        }
    }
}

impl Child {
    /// Kill it.
    pub fn kill(&self) {
        // SAFETY: the child is not reaped before this is dropped, so the number is its own.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        // SAFETY: reaps this child once.
        unsafe { libc::waitpid(self.0, std::ptr::null_mut(), 0) };
    }
}

/// Words on lines of their own, and messages, shared with children that are forked later.
#[repr(C, align(4096))]
#[derive(Debug)]
pub struct Page {
    /// Each on two lines of 64 bytes.
    pub words: [Word; 16],
    /// Lines that carry something, of either side.
    pub messages: [Messages; 2],
}

/// A word on its own.
#[repr(C, align(128))]
#[derive(Debug)]
pub struct Word {
    /// For positions.
    pub wide: AtomicU64,
    /// For futexes.
    pub narrow: AtomicU32,
}

impl Word {
    /// Nothing was written yet.
    #[must_use]
    pub const fn zero() -> Self {
        Self { wide: AtomicU64::new(0), narrow: AtomicU32::new(0) }
    }
}

/// Lines full of words.
#[repr(C, align(4096))]
#[derive(Debug)]
pub struct Messages(pub [AtomicU64; 1024]);

/// Pages of zeros that live for the rest of the run.
pub fn shared_page() -> &'static Page {
    // SAFETY: a fresh mapping of zeros, never unmapped, and every bit pattern is a valid `Page`.
    unsafe {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
        let start = libc::mmap(std::ptr::null_mut(), size_of::<Page>(), libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        assert!(start != libc::MAP_FAILED, "mmap: {}", std::io::Error::last_os_error());
        &*start.cast::<Page>()
    }
}

/// Only read such a page from here on, in this process.
pub fn write_protect(page: &'static Page) {
    // SAFETY: the mapping stays, and the caller writes to it no more.
    let answer = unsafe { libc::mprotect(std::ptr::from_ref(page).cast_mut().cast(), size_of::<Page>(), libc::PROT_READ) };
    assert!(answer == 0, "mprotect: {}", std::io::Error::last_os_error());
}

/// Memory that is zero at first, mapped in this process.
#[derive(Debug)]
pub struct Object {
    start: *mut u8,
    len: usize,
    /// What it is mapped from.
    fd: OwnedFd,
}

// SAFETY: a mapping belongs to the process, not to a thread.
unsafe impl Send for Object {}
// SAFETY: nothing is reached through `&Object`.
unsafe impl Sync for Object {}

impl Object {
    /// Memory that other mappings share.
    #[must_use]
    pub fn shared(len: usize) -> Self {
        // SAFETY: a live name; the descriptor is new.
        let fd = unsafe { OwnedFd::from_raw_fd(libc::memfd_create(c"bench".as_ptr(), libc::MFD_CLOEXEC)) };
        let file = File::from(fd);
        file.set_len(len as u64).expect("memory");
        Self::map(len, file.into(), true)
    }

    /// The same memory mapped once more, for reading or for writing, too.
    #[must_use]
    pub fn again(&self, writable: bool) -> Self {
        Self::map(self.len, self.fd.try_clone().expect("a descriptor"), writable)
    }

    fn map(len: usize, fd: OwnedFd, writable: bool) -> Self {
        let access = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        let sharing = libc::MAP_SHARED | libc::MAP_POPULATE;
        // SAFETY: a fresh mapping wherever there is room.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, access, sharing, fd.as_raw_fd(), 0) };
        assert!(start != libc::MAP_FAILED, "mmap: {}", std::io::Error::last_os_error());
        Self { start: start.cast(), len, fd }
    }

    /// Its first byte, on a page's beginning.
    #[must_use]
    pub fn start(&self) -> *mut u8 {
        self.start
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and who uses its pointer keeps it.
        unsafe { libc::munmap(self.start.cast(), self.len) };
    }
}

/// `FUTEX_WAIT`, shared, while the word holds `expected`.
pub fn futex_wait(word: &AtomicU32, expected: u32) {
    // SAFETY: a live word; no timeout.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, std::ptr::null::<u8>()) };
}

/// The same with a timer of a second.
pub fn futex_wait_timed(word: &AtomicU32, expected: u32) {
    let second = libc::timespec { tv_sec: 1, tv_nsec: 0 };
    // SAFETY: a live word and a live time.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, &raw const second) };
}

/// `futex_waitv` of this word and of one that nobody changes.
pub fn futex_wait_two(word: &AtomicU32, expected: u32) {
    static NEVER: AtomicU32 = AtomicU32::new(0);
    // `struct futex_waitv`: value, address, flags (32 bits wide; the second is private), and a word that is reserved.
    let entry = |word: &AtomicU32, value: u32, private: u64| [u64::from(value), word.as_ptr() as u64, 2 | private];
    let entries = [entry(word, expected, 0), entry(&NEVER, 0, 128)];
    // SAFETY: two live entries with live words; no timeout.
    unsafe { libc::syscall(libc::SYS_futex_waitv, entries.as_ptr(), 2, 0, std::ptr::null::<u8>(), 1) };
}

/// `MEMBARRIER_CMD_GLOBAL_EXPEDITED`.
pub fn membarrier() {
    // SAFETY: changes nothing but the order of what processors do.
    unsafe { libc::syscall(libc::SYS_membarrier, 2, 0, 0) };
}

/// `FUTEX_WAKE`, shared, one sleeper.
pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: a live word.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}

/// Sleep until a process has ended: a pidfd in `poll`, and nothing else.
pub fn wait_for_pidfd(pid: libc::pid_t) -> impl FnOnce() + Send {
    // SAFETY: a plain call; the descriptor is closed below.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } as i32;
    assert!(fd >= 0, "pidfd_open: {}", std::io::Error::last_os_error());
    move || {
        let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: one live entry; the descriptor is this function's.
        unsafe {
            libc::poll(&raw mut poll, 1, -1);
            libc::close(fd);
        }
    }
}

/// A pair of descriptors made by `pipe(2)` (`false`) or `socketpair(2)` (`true`).
pub fn pair(socket: bool) -> [i32; 2] {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    let answer = unsafe {
        if socket {
            libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, fds.as_mut_ptr())
        } else {
            libc::pipe(fds.as_mut_ptr())
        }
    };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
    fds
}

/// A new `eventfd(2)`.
pub fn eventfd() -> i32 {
    // SAFETY: a plain call.
    unsafe { libc::eventfd(0, 0) }
}

/// Write all of it.
pub fn write_all(fd: i32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes are live.
        let count = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        bytes = &bytes[usize::try_from(count).expect("the reader is there")..];
    }
}

/// Read what there is, at least one byte.
pub fn read_some(fd: i32, bytes: &mut [u8]) -> usize {
    // SAFETY: the buffer is live.
    let count = unsafe { libc::read(fd, bytes.as_mut_ptr().cast(), bytes.len()) };
    usize::try_from(count).expect("the writer is there")
}

/// Fill the buffer.
pub fn read_all(fd: i32, bytes: &mut [u8]) {
    let mut filled = 0;
    while filled < bytes.len() {
        filled += read_some(fd, &mut bytes[filled..]);
    }
}

/// Close both.
pub fn close(fds: [i32; 2]) {
    for fd in fds {
        // SAFETY: the caller made them with [`pair`] and uses them no more.
        unsafe { libc::close(fd) };
    }
}

/// Microseconds for one, over as many as take about `span`; not a number where one fails.
pub fn each(span: Duration, mut once: impl FnMut() -> bool) -> f64 {
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < span {
        if !once() {
            return f64::NAN;
        }
        count += 1;
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(count.max(1))
}
