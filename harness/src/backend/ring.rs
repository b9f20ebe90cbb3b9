//! One side of a ring, as a peer drives it; this library's own.

use std::time::Duration;

use gpushare::ring::{Consumer, Producer};
use gpushare::{Deadline, OwnedHandle, Patience, Peer, Wait};

use crate::protocol::ring::{ReceiveManner, SendManner};
use crate::protocol::{Code, Problem};

/// One side of a ring of a sharing library. A deadline that is absent means: only what can be done at once.
pub trait RingSide {
    /// Send messages. The answer: how many, and what stopped it, if something did. No room is no problem without a deadline.
    fn send(&mut self, messages: &[Vec<u8>], manner: SendManner, deadline: Option<Deadline>) -> (u32, Option<Problem>);

    /// Receive up to `most` messages, likewise.
    fn receive(&mut self, most: u32, manner: ReceiveManner, deadline: Option<Deadline>) -> (Vec<Vec<u8>>, Option<Problem>);

    /// Wait until something can be received, or `len` bytes sent.
    ///
    /// # Errors
    /// A [`Problem`].
    fn wait(&mut self, len: usize, deadline: Deadline) -> Result<Wait, Problem>;

    /// Waits end with the process that the handle stands for.
    ///
    /// # Errors
    /// A [`Problem`] where it stands for something else.
    fn watch(&mut self, process: OwnedHandle) -> Result<(), Problem>;

    /// How waits wait.
    fn set_patience(&mut self, patience: Patience);

    /// Bytes of the longest message; a producer's only.
    fn max_message(&self) -> Option<usize>;

    /// Wake-ups of the other side that cost a system call.
    fn wakes(&self) -> u64;
}

pub(super) fn watched(process: OwnedHandle) -> Result<Peer, Problem> {
    Peer::from_handle(process).map_err(|error| Problem::new(Code::System, format!("watching a process: {error}")))
}

pub(super) fn not_for(side: &str) -> Problem {
    Problem::new(Code::Request, format!("a {side} was asked for what only the other side does"))
}

/// `true`: done; `false`: it cannot be done at once.
pub(super) type Step = Result<bool, Problem>;

/// One message after the other: how many went before one could not be sent at once, or something stopped it.
pub(super) fn send_each<M>(messages: &[M], mut send: impl FnMut(&M) -> Step) -> (u32, Option<Problem>) {
    let mut count = 0;
    for message in messages {
        match send(message) {
            Ok(true) => count += 1,
            Ok(false) => return (count, None),
            Err(problem) => return (count, Some(problem)),
        }
    }
    (count, None)
}

/// What a step adds to the messages, until there are `most`, none can be had at once, or something stops it.
pub(super) fn receive_up_to(most: u32, mut step: impl FnMut(&mut Vec<Vec<u8>>) -> Step) -> (Vec<Vec<u8>>, Option<Problem>) {
    let mut messages = Vec::new();
    while messages.len() < most as usize {
        match step(&mut messages) {
            Ok(true) => {}
            Ok(false) => break,
            Err(problem) => return (messages, Some(problem)),
        }
    }
    (messages, None)
}

fn never_alone() -> Problem {
    Problem::new(Code::Request, "only messages of one size are sent or received as ones that are waited for")
}

impl RingSide for Producer {
    fn send(&mut self, messages: &[Vec<u8>], manner: SendManner, deadline: Option<Deadline>) -> (u32, Option<Problem>) {
        if let SendManner::Batch { hold } = manner {
            return send_batch(self, messages, hold, deadline);
        }
        send_each(messages, |message| match manner {
            SendManner::InPlace { spare, hold } => send_in_place(self, message, Some((spare, hold)), deadline),
            SendManner::Abandoned => send_in_place(self, message, None, deadline),
            SendManner::Alone => Err(never_alone()),
            SendManner::Single | SendManner::Batch { .. } => send_one(self, message, deadline),
        })
    }

    fn receive(&mut self, _: u32, _: ReceiveManner, _: Option<Deadline>) -> (Vec<Vec<u8>>, Option<Problem>) {
        (Vec::new(), Some(not_for("producer")))
    }

    fn wait(&mut self, len: usize, deadline: Deadline) -> Result<Wait, Problem> {
        Ok(Self::wait(self, len, deadline)?)
    }

    fn watch(&mut self, process: OwnedHandle) -> Result<(), Problem> {
        Self::watch(self, &watched(process)?);
        Ok(())
    }

    fn set_patience(&mut self, patience: Patience) {
        Self::set_patience(self, patience);
    }

    fn max_message(&self) -> Option<usize> {
        Some(Self::max_message(self))
    }

    fn wakes(&self) -> u64 {
        self.counts().wakes
    }
}

fn send_one(producer: &mut Producer, message: &[u8], deadline: Option<Deadline>) -> Step {
    match deadline {
        Some(deadline) => Ok(producer.send(message, deadline).map(|()| true)?),
        None => Ok(producer.try_send(message)?),
    }
}

/// Without `commit` (bytes beyond the message, milliseconds to hold it) the room is given up again.
fn send_in_place(producer: &mut Producer, message: &[u8], commit: Option<(usize, u64)>, deadline: Option<Deadline>) -> Step {
    let (spare, hold) = commit.unwrap_or_default();
    let room = message.len().saturating_add(spare);
    let reserved = match deadline {
        Some(deadline) => Some(producer.reserve(room, deadline)?),
        None => producer.try_reserve(room)?,
    };
    let Some(mut reserved) = reserved else { return Ok(false) };
    // In two parts, as whoever writes in place would.
    let (first, second) = message.split_at(message.len() / 2);
    reserved.write(0, first);
    reserved.write(first.len(), second);
    std::thread::sleep(Duration::from_millis(hold));
    if commit.is_some() {
        reserved.commit(message.len());
    }
    Ok(true)
}

fn send_batch(producer: &mut Producer, messages: &[Vec<u8>], hold: u64, deadline: Option<Deadline>) -> (u32, Option<Problem>) {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    if let Some(deadline) = deadline {
        return match producer.send_batch(messages.iter().map(Vec::as_slice), deadline) {
            Ok(()) => (count(messages.len()), None),
            Err((sent, error)) => (count(sent), Some(error.into())),
        };
    }
    let mut batch = producer.batch();
    let mut sent = 0;
    let mut stopped = None;
    for message in messages {
        match batch.try_send(message) {
            Ok(true) => sent += 1,
            Ok(false) => break,
            Err(error) => {
                stopped = Some(error.into());
                break;
            }
        }
    }
    std::thread::sleep(Duration::from_millis(hold));
    (count(sent), stopped)
}

impl RingSide for Consumer {
    fn send(&mut self, _: &[Vec<u8>], _: SendManner, _: Option<Deadline>) -> (u32, Option<Problem>) {
        (0, Some(not_for("consumer")))
    }

    fn receive(&mut self, most: u32, manner: ReceiveManner, deadline: Option<Deadline>) -> (Vec<Vec<u8>>, Option<Problem>) {
        receive_up_to(most, |messages| match manner {
            ReceiveManner::Single => receive_one(self, messages, deadline),
            ReceiveManner::Alone => Err(never_alone()),
            ReceiveManner::Into { room } => receive_into(self, room, messages, deadline),
            ReceiveManner::Batch => receive_batch(self, most, messages, deadline),
            ReceiveManner::InPlace { hold } => receive_in_place(self, hold, messages, deadline),
            ReceiveManner::Peek => look(self, messages, deadline),
        })
    }

    fn wait(&mut self, _: usize, deadline: Deadline) -> Result<Wait, Problem> {
        Ok(Self::wait(self, deadline)?)
    }

    fn watch(&mut self, process: OwnedHandle) -> Result<(), Problem> {
        Self::watch(self, &watched(process)?);
        Ok(())
    }

    fn set_patience(&mut self, patience: Patience) {
        Self::set_patience(self, patience);
    }

    fn max_message(&self) -> Option<usize> {
        None
    }

    fn wakes(&self) -> u64 {
        self.counts().wakes
    }
}

fn receive_one(consumer: &mut Consumer, messages: &mut Vec<Vec<u8>>, deadline: Option<Deadline>) -> Step {
    let mut message = Vec::new();
    let came = match deadline {
        Some(deadline) => consumer.receive(&mut message, deadline).map(|()| true)?,
        None => consumer.try_receive(&mut message)?,
    };
    if came {
        messages.push(message);
    }
    Ok(came)
}

fn receive_into(consumer: &mut Consumer, room: usize, messages: &mut Vec<Vec<u8>>, deadline: Option<Deadline>) -> Step {
    if let Some(deadline) = deadline {
        consumer.peek(deadline)?;
    }
    let mut buffer = vec![0; room];
    let Some(len) = consumer.try_receive_into(&mut buffer)? else { return Ok(false) };
    buffer.truncate(len);
    messages.push(buffer);
    Ok(true)
}

fn receive_batch(consumer: &mut Consumer, most: u32, messages: &mut Vec<Vec<u8>>, deadline: Option<Deadline>) -> Step {
    let left = most as usize - messages.len();
    let count = match deadline {
        Some(deadline) => consumer.drain(left, deadline, |message| messages.push(message.to_vec()))?,
        None => consumer.try_drain(left, |message| messages.push(message.to_vec()))?,
    };
    Ok(count != 0)
}

fn receive_in_place(consumer: &mut Consumer, hold: u64, messages: &mut Vec<Vec<u8>>, deadline: Option<Deadline>) -> Step {
    let found = match deadline {
        Some(deadline) => Some(consumer.peek(deadline)?),
        None => consumer.try_peek()?,
    };
    let Some(message) = found else { return Ok(false) };
    std::thread::sleep(Duration::from_millis(hold));
    messages.push(message.to_vec());
    message.release();
    Ok(true)
}

fn look(consumer: &mut Consumer, messages: &mut Vec<Vec<u8>>, deadline: Option<Deadline>) -> Step {
    let found = match deadline {
        Some(deadline) => Some(consumer.peek(deadline)?),
        None => consumer.try_peek()?,
    };
    Ok(found.map(|message| messages.push(message.to_vec())).is_some())
}
