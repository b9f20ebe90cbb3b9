//! One side of a ring for messages of one size, as a peer drives it; this library's own. Sizes are part of its types, so that a peer
//! has those that it was built for.

use gpushare::ring::fixed::{Consumer, Producer};
use gpushare::ring::{Offer, Role};
use gpushare::{Deadline, OwnedHandle, Patience, Wait};

use super::RingSide;
use super::ring::{Step, not_for, receive_up_to, send_each, watched};
use crate::protocol::ring::{ReceiveManner, SendManner};
use crate::protocol::{Code, Problem};

/// Calls a function for the type of a size.
macro_rules! of_size {
    ($size:expr, $function:ident($($argument:expr),*), $unknown:expr) => {
        match $size {
            8 => $function::<8>($($argument),*),
            24 => $function::<24>($($argument),*),
            64 => $function::<64>($($argument),*),
            1000 => $function::<1000>($($argument),*),
            _ => $unknown,
        }
    };
}

type Created = Result<(Box<dyn RingSide>, Offer), Problem>;
type Attached = Result<Box<dyn RingSide>, (Offer, Problem)>;

pub(super) fn create(role: Role, size: usize, messages: u64) -> Created {
    of_size!(size, create_of(role, messages), Err(no_such(size)))
}

pub(super) fn attach(role: Role, size: usize, offer: Offer) -> Attached {
    of_size!(size, attach_of(role, offer), Err((offer, no_such(size))))
}

fn create_of<const N: usize>(role: Role, messages: u64) -> Created {
    Ok(match role {
        Role::Producer => Producer::<N>::create(messages).map(|(side, offer)| (Box::new(side) as Box<dyn RingSide>, offer))?,
        Role::Consumer => Consumer::<N>::create(messages).map(|(side, offer)| (Box::new(side) as Box<dyn RingSide>, offer))?,
    })
}

fn attach_of<const N: usize>(role: Role, offer: Offer) -> Attached {
    let attached = match role {
        Role::Producer => Producer::<N>::attach(offer).map(|side| Box::new(side) as Box<dyn RingSide>),
        Role::Consumer => Consumer::<N>::attach(offer).map(|side| Box::new(side) as Box<dyn RingSide>),
    };
    attached.map_err(|refused| (refused.offer, refused.error.into()))
}

fn no_such(size: usize) -> Problem {
    Problem::new(Code::Unsupported, format!("this peer has no ring for messages of {size} bytes; it has 8, 24, 64 and 1000"))
}

fn only_copied() -> Problem {
    Problem::new(Code::Request, "messages of one size are copied in and out, singly or together")
}

impl<const N: usize> RingSide for Producer<N> {
    fn send(&mut self, messages: &[Vec<u8>], manner: SendManner, deadline: Option<Deadline>) -> (u32, Option<Problem>) {
        let sized: Result<Vec<[u8; N]>, _> = messages.iter().map(|message| message.as_slice().try_into()).collect();
        let Ok(messages) = sized else {
            return (0, Some(Problem::new(Code::Request, format!("a message in this ring has {N} bytes"))));
        };
        match manner {
            SendManner::Single => send_each(&messages, |message| send_one(self, message, deadline)),
            SendManner::Alone => send_each(&messages, |message| send_alone(self, message, deadline)),
            SendManner::Batch { hold: 0 } => send_together(self, &messages, deadline),
            SendManner::Batch { .. } | SendManner::InPlace { .. } | SendManner::Abandoned => (0, Some(only_copied())),
        }
    }

    fn receive(&mut self, _: u32, _: ReceiveManner, _: Option<Deadline>) -> (Vec<Vec<u8>>, Option<Problem>) {
        (Vec::new(), Some(not_for("producer")))
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
        Some(N)
    }

    fn wakes(&self) -> u64 {
        self.counts().wakes
    }
}

fn send_one<const N: usize>(producer: &mut Producer<N>, message: &[u8; N], deadline: Option<Deadline>) -> Step {
    match deadline {
        Some(deadline) => Ok(producer.send(message, deadline).map(|()| true)?),
        None => Ok(producer.try_send(message)?),
    }
}

fn send_alone<const N: usize>(producer: &mut Producer<N>, message: &[u8; N], deadline: Option<Deadline>) -> Step {
    match deadline {
        Some(deadline) => Ok(producer.send_alone(message, deadline).map(|()| true)?),
        None => Ok(producer.try_send_alone(message)?),
    }
}

fn send_together<const N: usize>(
    producer: &mut Producer<N>,
    messages: &[[u8; N]],
    deadline: Option<Deadline>,
) -> (u32, Option<Problem>) {
    let (sent, stopped) = match deadline {
        Some(deadline) => match producer.send_batch(messages, deadline) {
            Ok(()) => (messages.len(), None),
            Err((sent, error)) => (sent, Some(error.into())),
        },
        None => match producer.try_send_batch(messages) {
            Ok(sent) => (sent, None),
            Err(error) => (0, Some(error.into())),
        },
    };
    (u32::try_from(sent).unwrap_or(u32::MAX), stopped)
}

impl<const N: usize> RingSide for Consumer<N> {
    fn send(&mut self, _: &[Vec<u8>], _: SendManner, _: Option<Deadline>) -> (u32, Option<Problem>) {
        (0, Some(not_for("consumer")))
    }

    fn receive(&mut self, most: u32, manner: ReceiveManner, deadline: Option<Deadline>) -> (Vec<Vec<u8>>, Option<Problem>) {
        receive_up_to(most, |messages| match manner {
            ReceiveManner::Single => receive_one(self, messages, deadline),
            ReceiveManner::Alone => receive_alone(self, messages, deadline),
            ReceiveManner::Batch => receive_together(self, most, messages, deadline),
            ReceiveManner::Into { .. } | ReceiveManner::InPlace { .. } | ReceiveManner::Peek => Err(only_copied()),
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

fn receive_one<const N: usize>(consumer: &mut Consumer<N>, into: &mut Vec<Vec<u8>>, deadline: Option<Deadline>) -> Step {
    let message = match deadline {
        Some(deadline) => Some(consumer.receive(deadline)?),
        None => consumer.try_receive()?,
    };
    into.extend(message.map(|message| message.to_vec()));
    Ok(message.is_some())
}

fn receive_alone<const N: usize>(consumer: &mut Consumer<N>, into: &mut Vec<Vec<u8>>, deadline: Option<Deadline>) -> Step {
    let mut message = [0; N];
    let found = match deadline {
        Some(deadline) => consumer.receive_alone(&mut message, deadline).map(|()| true)?,
        None => consumer.try_receive_alone(&mut message)?,
    };
    into.extend(found.then(|| message.to_vec()));
    Ok(found)
}

fn receive_together<const N: usize>(
    consumer: &mut Consumer<N>,
    most: u32,
    into: &mut Vec<Vec<u8>>,
    deadline: Option<Deadline>,
) -> Step {
    let mut batch = vec![[0; N]; (most as usize - into.len()).min(1024)];
    let count = match deadline {
        Some(deadline) => consumer.receive_batch(&mut batch, deadline)?,
        None => consumer.try_receive_batch(&mut batch)?,
    };
    into.extend(batch[..count].iter().map(|message| message.to_vec()));
    Ok(count != 0)
}
