//! Messages with handles over a named pipe.
//!
//! A pipe carries no handles. Beside its bytes each message tells the sender's process and the numbers that the handles have in
//! it, and the receiver duplicates them into its own. It never takes a number for one of its own handles, so that a peer that
//! lies can make it open something of the peer's, and close nothing. The sender keeps a duplicate of each until the
//! receiver says that it has them, through a semaphore that it duplicates likewise.
//!
//! This asks for the right to duplicate from the peer's process, which processes of one user have over each other.
#![expect(unsafe_code, reason = "semaphores, and the pseudo-handles of processes")]

use std::collections::VecDeque;
use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle as Owned};
use std::path::Path;
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, ERROR_ACCESS_DENIED, ERROR_BROKEN_PIPE, ERROR_MORE_DATA, ERROR_NO_DATA, ERROR_PIPE_BUSY,
    ERROR_PIPE_NOT_CONNECTED, HANDLE,
};
use windows_sys::Win32::System::Pipes::{PeekNamedPipe, WaitNamedPipeW};
use windows_sys::Win32::System::Threading::{CreateSemaphoreW, PROCESS_DUP_HANDLE, ReleaseSemaphore, SEMAPHORE_MODIFY_STATE};

use super::handle;
use super::pipe::{Instance, Pipe};
use super::process;
use super::security::wide;
use super::wait::wait_any;
use crate::deadline::Deadline;
use crate::handle::OwnedHandle;

/// The same as elsewhere.
pub(crate) const MAX_HANDLES: usize = 253;

/// Bytes of a caller in one message of the pipe.
const PIECE: usize = 32 << 10;
/// The sender's process, the number of handles, the number of its semaphore.
const HEADER: usize = 16;
const MOST: usize = HEADER + 8 * MAX_HANDLES + PIECE;
/// How long a socket that is dropped waits for a living peer to take the handles that were sent last.
const LINGER: Duration = Duration::from_secs(2);
/// Messages whose handles the peer has not taken.
const MOST_IN_FLIGHT: usize = 64;

/// One end of a connected pipe.
#[derive(Debug)]
pub(crate) struct Socket {
    pipe: Pipe,
    in_flight: Option<InFlight>,
    /// The process that sent handles last, opened by its number.
    sender: Option<(u32, Owned)>,
    /// A message of the pipe, of which `left` is still to be given to the caller.
    message: Vec<u8>,
    left: std::ops::Range<usize>,
}

/// What one call brought.
pub(crate) struct Received {
    /// Bytes; 0 is the end of the stream.
    pub(crate) bytes: usize,
    /// Whether handles could not be had: too many, or their sender is gone.
    pub(crate) truncated: bool,
}

impl Socket {
    fn over(pipe: Pipe) -> Self {
        Self { pipe, in_flight: None, sender: None, message: Vec::new(), left: 0..0 }
    }

    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = Pipe::pair()?;
        Ok((Self::over(a), Self::over(b)))
    }

    /// Take over a handle, which has to be an end of such a pipe.
    pub(crate) fn from_handle(handle: OwnedHandle) -> Result<Self, (OwnedHandle, io::Error)> {
        Pipe::from_handle(handle.0).map(Self::over).map_err(|(handle, error)| (OwnedHandle(handle), error))
    }

    pub(crate) fn into_handle(self) -> OwnedHandle {
        drop(self.in_flight);
        OwnedHandle(self.pipe.into_handle())
    }

    /// `None`: the listener had no free end until the deadline.
    pub(crate) fn connect(path: &Path, deadline: Deadline) -> io::Result<Option<Self>> {
        let name = pipe_name(path)?;
        loop {
            match Pipe::open(name) {
                Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY.cast_signed()) => {}
                opened => return Ok(Some(Self::over(opened?))),
            }
            if deadline.passed() {
                return Ok(None);
            }
            // In slices: a listener that is gone shows only when the name is opened.
            // SAFETY: the name lives through the call.
            unsafe { WaitNamedPipeW(wide(name).as_ptr(), 20) };
        }
    }

    /// Receive at most `bytes.len()` bytes and at most `room` handles. `None`: the deadline passed first.
    pub(crate) fn receive(
        &mut self,
        bytes: &mut [u8],
        room: usize,
        handles: &mut Vec<OwnedHandle>,
        deadline: Deadline,
    ) -> io::Result<Option<Received>> {
        let mut truncated = false;
        if self.left.is_empty() {
            self.message.resize(MOST, 0);
            match self.pipe.read(&mut self.message, deadline) {
                Ok(None) => return Ok(None),
                Ok(Some(count)) => truncated = !self.unpack(count, room, handles)?,
                Err(error) if is_end(&error) => return Ok(Some(Received { bytes: 0, truncated: false })),
                Err(error) if error.raw_os_error() == Some(ERROR_MORE_DATA.cast_signed()) => return Err(malformed()),
                Err(error) => return Err(error),
            }
        }
        let count = self.left.len().min(bytes.len());
        bytes[..count].copy_from_slice(&self.message[self.left.start..self.left.start + count]);
        self.left.start += count;
        Ok(Some(Received { bytes: count, truncated }))
    }

    /// Look at a message of the pipe, and fetch its handles: false if they could not be had.
    fn unpack(&mut self, count: usize, room: usize, handles: &mut Vec<OwnedHandle>) -> io::Result<bool> {
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| self.message[at + byte]));
        if count <= HEADER {
            return Err(malformed());
        }
        let (ids, taken) = (number(0), number(8));
        let (process, announced) = (ids as u32, (ids >> 32) as usize);
        let start = HEADER + 8 * announced.min(MAX_HANDLES);
        if announced > MAX_HANDLES || start >= count {
            return Err(malformed());
        }
        self.left = start..count;
        if announced == 0 {
            return Ok(true);
        }
        let numbers: Vec<u64> = (0..announced).map(|index| number(HEADER + 8 * index)).collect();
        let Ok(sender) = self.sender(process) else { return Ok(false) };
        let mut whole = announced <= room;
        if whole {
            for number in numbers {
                match raw(number).and_then(|raw| handle::duplicate_between(sender, raw, 0, DUPLICATE_SAME_ACCESS)) {
                    Ok(duplicate) => handles.push(OwnedHandle(duplicate)),
                    Err(_) => whole = false,
                }
            }
        }
        if let Ok(taken) = raw(taken).and_then(|raw| handle::duplicate_between(sender, raw, SEMAPHORE_MODIFY_STATE, 0)) {
            // SAFETY: the handle is open; what is no semaphore is refused, and the loss is the sender's.
            unsafe { ReleaseSemaphore(taken.as_raw_handle() as HANDLE, 1, ptr::null_mut()) };
        }
        Ok(whole)
    }

    fn sender(&mut self, process: u32) -> io::Result<HANDLE> {
        let known = self.sender.take().filter(|(known, _)| *known == process);
        let (_, handle) = self.sender.insert(match known {
            Some(known) => known,
            None => (process, process::open_with(process, PROCESS_DUP_HANDLE)?),
        });
        Ok(handle.as_raw_handle() as HANDLE)
    }

    /// Send some of `bytes`, with `handles` beside the first of them. `None`: the deadline passed first.
    pub(crate) fn send(&mut self, bytes: &[u8], handles: &[&OwnedHandle], deadline: Deadline) -> io::Result<Option<usize>> {
        let piece = &bytes[..bytes.len().min(PIECE)];
        let mut message = Vec::with_capacity(HEADER + 8 * handles.len() + piece.len());
        message.extend(std::process::id().to_le_bytes());
        message.extend((handles.len() as u32).to_le_bytes());
        let mut kept = Vec::new();
        if handles.is_empty() {
            message.extend([0; 8]);
        } else {
            let in_flight = self.in_flight(deadline)?;
            let Some(in_flight) = in_flight else { return Ok(None) };
            message.extend(number(&in_flight.taken).to_le_bytes());
            for handle in handles {
                let duplicate = handle::duplicate(&handle.0)?;
                message.extend(number(&duplicate).to_le_bytes());
                kept.push(duplicate);
            }
        }
        message.extend_from_slice(piece);
        let sent = self
            .pipe
            .write(&message, deadline)
            .map_err(|error| if is_end(&error) { io::ErrorKind::BrokenPipe.into() } else { error })?;
        if sent.is_none() {
            return Ok(None);
        }
        if let (false, Some(in_flight)) = (kept.is_empty(), &mut self.in_flight) {
            in_flight.messages.push_back(kept);
        }
        Ok(Some(piece.len()))
    }

    /// Where to keep handles that are sent. `None`: the peer took none of too many until the deadline.
    fn in_flight(&mut self, deadline: Deadline) -> io::Result<Option<&mut InFlight>> {
        let in_flight = match self.in_flight.take() {
            Some(in_flight) => in_flight,
            None => InFlight::new(handle::duplicate(self.pipe.handle())?)?,
        };
        let in_flight = self.in_flight.insert(in_flight);
        in_flight.settle(MOST_IN_FLIGHT, deadline)?;
        Ok((in_flight.messages.len() < MOST_IN_FLIGHT).then_some(in_flight))
    }
}

/// Handles that were sent and not yet taken, message by message.
#[derive(Debug)]
struct InFlight {
    messages: VecDeque<Vec<Owned>>,
    /// Counts the messages whose handles the peer has taken.
    taken: Owned,
    /// Tells whether the peer is still there.
    pipe: Owned,
}

impl InFlight {
    fn new(pipe: Owned) -> io::Result<Self> {
        // SAFETY: a new handle is ours alone.
        let taken = unsafe { handle::new(CreateSemaphoreW(ptr::null(), 0, i32::MAX, ptr::null())) }?;
        Ok(Self { messages: VecDeque::new(), taken, pipe })
    }

    /// Let go what was taken, and wait until fewer than `most` messages are left, or the peer is gone, or the deadline.
    fn settle(&mut self, most: usize, deadline: Deadline) -> io::Result<()> {
        const SLICE: Duration = Duration::from_millis(10);
        let taken = [self.taken.as_raw_handle() as HANDLE];
        while !self.messages.is_empty() {
            let wait =
                if self.messages.len() < most { Duration::ZERO } else { deadline.left().map_or(SLICE, |left| left.min(SLICE)) };
            if wait_any(&taken, Deadline::after(wait))?.is_some() {
                self.messages.pop_front();
            } else if self.messages.len() < most || deadline.passed() || self.peer_is_gone() {
                break;
            }
        }
        Ok(())
    }

    fn peer_is_gone(&self) -> bool {
        let pipe = self.pipe.as_raw_handle() as HANDLE;
        let nothing = ptr::null_mut();
        // SAFETY: this only asks.
        unsafe { PeekNamedPipe(pipe, nothing, 0, ptr::null_mut(), ptr::null_mut(), ptr::null_mut()) == 0 }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let _ = self.settle(1, Deadline::after(LINGER));
    }
}

/// Whether an error says that the other end is closed.
fn is_end(error: &io::Error) -> bool {
    let ends = [ERROR_BROKEN_PIPE, ERROR_NO_DATA, ERROR_PIPE_NOT_CONNECTED];
    error.raw_os_error().is_some_and(|code| ends.contains(&code.cast_unsigned()))
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message of the pipe that this library does not write")
}

fn number(handle: &Owned) -> u64 {
    handle.as_raw_handle().expose_provenance() as u64
}

/// A number that a handle can have in its process: positive, since the negative ones stand for whoever uses them.
fn raw(number: u64) -> io::Result<HANDLE> {
    match isize::try_from(number) {
        Ok(number) if number > 0 => Ok(ptr::with_exposed_provenance_mut(number.cast_unsigned())),
        _ => Err(malformed()),
    }
}

/// Where a listener is to be found: in the name space of pipes.
fn pipe_name(path: &Path) -> io::Result<&str> {
    let name = path.to_str().filter(|name| name.to_ascii_lowercase().starts_with(r"\\.\pipe\"));
    name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, r"a path for a listener begins with \\.\pipe\ on Windows"))
}

/// A name that waits for connections of this user's programs; it goes with its last end.
#[derive(Debug)]
pub(crate) struct Listening {
    name: String,
    /// The end that the next peer gets.
    next: std::sync::Mutex<Option<Pipe>>,
}

impl Listening {
    /// Bind exclusively: a name that exists is an error.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let name = pipe_name(path)?.to_owned();
        match Pipe::listen(&name, Instance::First) {
            Ok(first) => Ok(Self { name, next: std::sync::Mutex::new(Some(first)) }),
            Err(error) if error.raw_os_error() == Some(ERROR_ACCESS_DENIED.cast_signed()) => {
                Err(io::Error::new(io::ErrorKind::AddrInUse, "a pipe of this name exists"))
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn accept(&self, deadline: Deadline) -> io::Result<Option<Socket>> {
        let mut next = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let pipe = match next.take() {
            Some(pipe) => pipe,
            None => Pipe::listen(&self.name, Instance::Next)?,
        };
        match pipe.accept(deadline) {
            Ok(true) => {
                // Made at once: without any end the name would be free for others.
                *next = Pipe::listen(&self.name, Instance::Next).ok();
                Ok(Some(Socket::over(pipe)))
            }
            answer => {
                *next = Some(pipe);
                answer.map(|_| None)
            }
        }
    }
}
