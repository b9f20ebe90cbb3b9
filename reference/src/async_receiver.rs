//! Receiving as a future, under any runtime: what blocks is one thread for each receiver, and only while nothing is there.
//!
//! What it guarantees:
//!
//! - What is there is taken by the task that asks, without the thread.
//! - A message is taken in the very poll that returns it: a future that is dropped before has taken none, and none is lost.
//! - Every end of a ring or stream is the same error as for who blocks: the peer's farewell, its death, its breach of the rules.
//!
//! When there is nothing, the receiver goes to the thread, which waits as it would for anybody (see
//! [`waiter`](crate::waiter)), brings it back and wakes the task. To wait with a deadline, use the runtime's timer.
//!
//! ```
//! use gpushare::{AsyncReceiver, Deadline, ring::{Consumer, Producer}, worker::Settings};
//!
//! let (mut producer, offer) = Producer::create(1 << 16)?;
//! let consumer = Consumer::attach(offer).map_err(|refused| refused.error)?;
//! let mut receiver = AsyncReceiver::start(consumer, &Settings::named("receive"))?;
//! producer.send(b"a frame is ready", Deadline::NEVER)?;
//! let message = pollster::block_on(async {
//!     let mut message = Vec::new();
//!     receiver.receive(&mut message).await.map(|()| message)
//! })?;
//! assert_eq!(message, b"a frame is ready");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use crate::deadline::Deadline;
use crate::ring::{Consumer, RingError, fixed};
use crate::stream::{Stream, StreamError};
use crate::waiter::Wait;
use crate::worker::{Settings, Turn, Workers};

/// What can be received from: [`Consumer`], [`fixed::Consumer`], [`Stream`].
pub trait Receive: sealed::Wait {}

impl<R: sealed::Wait> Receive for R {}

mod sealed {
    use super::{Consumer, Deadline, RingError, Stream, fixed};

    /// Foreign code might panic in the thread, and its receiver would never come back.
    pub trait Wait: Send + 'static {
        /// Until there is something, or there will be nothing any more (`Woken`: try).
        fn wait(&mut self, deadline: Deadline) -> Result<super::Wait, RingError>;
    }

    impl Wait for Consumer {
        fn wait(&mut self, deadline: Deadline) -> Result<super::Wait, RingError> {
            Self::wait(self, deadline)
        }
    }

    impl<const N: usize> Wait for fixed::Consumer<N> {
        fn wait(&mut self, deadline: Deadline) -> Result<super::Wait, RingError> {
            Self::wait(self, deadline)
        }
    }

    impl Wait for Stream {
        fn wait(&mut self, deadline: Deadline) -> Result<super::Wait, RingError> {
            Self::wait(self, deadline)
        }
    }
}

/// A receiver whose waits are futures. Dropping it closes the ring or stream, at the latest when a turn of its thread ends.
#[derive(Debug)]
pub struct AsyncReceiver<R: Receive> {
    /// Here, or with the thread, which waits for it.
    receiver: Option<R>,
    back: Arc<Mutex<Back<R>>>,
    thread: Sender<R>,
    /// Told to stop when this is dropped.
    _workers: Workers,
}

/// What comes back from the thread.
#[derive(Debug)]
struct Back<R> {
    receiver: Option<(R, Result<(), RingError>)>,
    /// Who is to be told.
    waker: Option<Waker>,
}

impl<R: Receive> AsyncReceiver<R> {
    /// Start the thread that waits, with these settings.
    ///
    /// # Errors
    /// As [`Workers::start`]; the receiver is dropped then.
    pub fn start(receiver: R, settings: &Settings) -> io::Result<Self> {
        let (thread, handed_over) = channel();
        let back = Arc::new(Mutex::new(Back { receiver: None, waker: None }));
        let mut workers = Workers::new();
        workers.start(settings, waiting(handed_over, Arc::clone(&back)))?;
        Ok(Self { receiver: Some(receiver), back, thread, _workers: workers })
    }

    /// Ready with what `attempt` finds, which is asked once for each time that there may be something. One task may wait at a
    /// time; the last one that polled is woken.
    ///
    /// # Errors
    /// Those of `attempt`, and [`RingError::Os`] when the wait failed.
    pub fn poll_with<T, E: From<RingError>>(
        &mut self,
        context: &mut Context<'_>,
        attempt: impl FnOnce(&mut R) -> Result<Option<T>, E>,
    ) -> Poll<Result<T, E>> {
        ready!(self.poll_here(context))?;
        let Some(receiver) = &mut self.receiver else { return Poll::Pending };
        match attempt(receiver) {
            Ok(Some(found)) => Poll::Ready(Ok(found)),
            Err(error) => Poll::Ready(Err(error)),
            Ok(None) => match self.hand_over(context.waker().clone()) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error.into())),
            },
        }
    }

    /// Ready once the receiver is here.
    fn poll_here(&mut self, context: &Context<'_>) -> Poll<Result<(), RingError>> {
        if self.receiver.is_some() {
            return Poll::Ready(Ok(()));
        }
        // Nobody else's code runs with the lock held: a waker is cloned before, and the old one dropped after.
        let mut waker = Some(context.waker().clone());
        let mut back = lock(&self.back);
        match back.receiver.take() {
            Some((receiver, outcome)) => {
                self.receiver = Some(receiver);
                Poll::Ready(outcome)
            }
            None => {
                std::mem::swap(&mut back.waker, &mut waker);
                drop(back);
                Poll::Pending
            }
        }
    }

    fn hand_over(&mut self, waker: Waker) -> Result<(), RingError> {
        let Some(receiver) = self.receiver.take() else { return Ok(()) };
        let before = lock(&self.back).waker.replace(waker);
        drop(before);
        self.thread.send(receiver).map_err(|refused| {
            // It lives as long as this does; if it did not, that would be an error and no endless wait.
            self.receiver = Some(refused.0);
            RingError::Os { what: "waiting for a message", source: io::Error::other("the thread that waits has ended") }
        })
    }
}

impl AsyncReceiver<Consumer> {
    /// Take the next message into `into`, whose content it replaces.
    ///
    /// # Errors
    /// As [`Consumer::receive`], without its deadline.
    pub async fn receive(&mut self, into: &mut Vec<u8>) -> Result<(), RingError> {
        poll_fn(|context| self.poll_with(context, |consumer| Ok(consumer.try_receive(into)?.then_some(())))).await
    }
}

impl<const N: usize> AsyncReceiver<fixed::Consumer<N>> {
    /// Take the next message.
    ///
    /// # Errors
    /// As [`fixed::Consumer::receive`], without its deadline.
    pub async fn receive(&mut self) -> Result<[u8; N], RingError> {
        poll_fn(|context| self.poll_with(context, fixed::Consumer::try_receive)).await
    }
}

impl AsyncReceiver<Stream> {
    /// Read what there is, at least one byte; 0 is the end of the stream, or an empty buffer. Who writes meanwhile takes a
    /// half of its own: [`Stream::split`].
    ///
    /// # Errors
    /// As [`Stream::read_by`], without its deadline.
    pub async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, StreamError> {
        poll_fn(|context| self.poll_with(context, |stream| stream.try_read(bytes))).await
    }
}

/// The thread's task: wait for a receiver that was handed over, give it back, wake who wants it.
fn waiting<R: Receive>(handed_over: Receiver<R>, back: Arc<Mutex<Back<R>>>) -> impl FnMut(Deadline) -> Turn {
    let mut receiver: Option<R> = None;
    move |deadline| {
        // Until there is one, there is nothing to look for: the other side's end brings the next, or is dropped.
        let Some(mut waits) = receiver.take().or_else(|| handed_over.recv().ok()) else { return Turn::Done(None) };
        let outcome = match waits.wait(deadline) {
            Ok(Wait::TimedOut | Wait::Interrupted) => {
                receiver = Some(waits);
                return Turn::Again;
            }
            Ok(Wait::Woken | Wait::PeerGone) => Ok(()),
            Err(error) => Err(error),
        };
        let mut back = lock(&back);
        back.receiver = Some((waits, outcome));
        let waker = back.waker.take();
        drop(back);
        if let Some(waker) = waker {
            // Foreign code, whose panic would end the thread, and drop a receiver that is handed over meanwhile.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        Turn::Again
    }
}

fn lock<R>(back: &Mutex<Back<R>>) -> MutexGuard<'_, Back<R>> {
    // No code that can panic runs with the lock held.
    back.lock().unwrap_or_else(PoisonError::into_inner)
}
