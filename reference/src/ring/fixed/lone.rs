//! A message that is sent alone is written once more, on the line of the producer's position: a consumer that waits for it
//! then gets both by one line that crosses between the processors instead of two. What lies there may be overwritten at any time,
//! by the next message that is sent alone; a consumer that comes too late takes the message from its place, as all others.

use std::sync::atomic::Ordering;

use super::super::memory::{LONE, Memory};
use crate::waiter::Atomic;

/// Whether messages of this size have room there.
pub(super) const fn fits<const N: usize>() -> bool {
    N <= LONE
}

/// Write the message that ends at this position, which is published after that.
#[inline]
pub(super) fn write<const N: usize, M: Memory>(memory: &M, position: u64, message: &[u8; N]) {
    let lone = memory.own_lone();
    lone.position.store(position, Ordering::Relaxed);
    memory.fence(Ordering::Release);
    for (word, bytes) in lone.bytes.iter().zip(message.chunks(8)) {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
    }
}

/// Read the message that ends at this position, which was seen. `false`: something else lies there, or came meanwhile, and what `into`
/// holds now is nothing.
#[inline]
pub(super) fn read<const N: usize, M: Memory>(memory: &M, position: u64, into: &mut [u8; N]) -> bool {
    let lone = memory.peer_lone();
    for (word, bytes) in lone.bytes.iter().zip(into.chunks_mut(8)) {
        bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes()[..bytes.len()]);
    }
    // Whoever has seen a byte of a later message sees its position, too.
    memory.fence(Ordering::Acquire);
    lone.position.load(Ordering::Relaxed) == position
}
