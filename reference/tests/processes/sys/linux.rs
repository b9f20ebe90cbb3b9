//! Linux: `/proc`, processor masks, descriptors.
#![expect(unsafe_code, reason = "processor masks and system-call filters have no safe form here")]

use std::os::fd::OwnedFd;

use gpushare::OwnedHandle;

/// Whether this process can watch the one that started it.
pub(crate) const PARENT_IS_KNOWN: bool = true;

/// Descriptors, shared mappings and threads of this process.
pub(crate) fn holdings() -> (usize, usize, usize) {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let shared = maps.lines().filter(|line| line.contains("rw-s") || line.contains("r--s")).count();
    (descriptors, shared, std::fs::read_dir("/proc/self/task").unwrap().count())
}

/// Keep a process (0: this thread) on one processor.
pub(crate) fn pin(process: u32, processor: usize) {
    // SAFETY: an empty set is all zeros, and the kernel only reads it.
    let answer = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(process.cast_signed(), size_of::<libc::cpu_set_t>(), &set)
    };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
}

/// Whether a program that this one starts gets the handle too.
pub(crate) fn is_inherited(handle: &OwnedHandle) -> bool {
    !rustix::io::fcntl_getfd(handle).unwrap().contains(rustix::io::FdFlags::CLOEXEC)
}

/// A handle that stands for anything but a process.
pub(crate) fn not_a_process() -> OwnedHandle {
    OwnedFd::from(std::fs::File::open("/dev/null").unwrap()).into()
}

/// Let the calling thread's use of a system call fail with `ENOSYS` from here on.
fn refuse_call(number: libc::c_long) {
    let jump = |code: u32, k, jt, jf| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut program = [
        // The call's number is the first word of what the filter sees.
        jump(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        jump(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, u32::try_from(number).unwrap(), 0, 1),
        jump(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs(), 0, 0),
        jump(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let filter = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
    // SAFETY: both calls only narrow what this thread may ask for; the program outlives the call that reads it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter), 0);
    }
}

/// Refuse by name.
pub(crate) fn refuse(what: &str) {
    match what {
        "nothing" => {}
        "membarrier" => refuse_call(libc::SYS_membarrier),
        _ => panic!("nothing is called {what}"),
    }
}
