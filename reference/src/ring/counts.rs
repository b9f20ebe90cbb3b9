//! What one side of a ring has done.

/// What one side of a ring has done since it was created or attached. Kept in its private memory and written once a batch, so
/// that counting costs no shared line, no atomic and no fence; a [`Meter`](crate::meter::Meter) makes rates of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages published by a producer, or given back by a consumer.
    pub messages: u64,
    /// Bytes of the ring that they took up: with headers and padding where messages have any length.
    pub bytes: u64,
    /// Looks that found no room, or no message.
    pub stalls: u64,
    /// Times this side went to sleep.
    pub sleeps: u64,
    /// Times it woke the other, with a system call each.
    pub wakes: u64,
}
