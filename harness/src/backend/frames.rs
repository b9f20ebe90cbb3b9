//! Frames as a peer drives them.

use gpushare::frames::Policy;
use gpushare::pattern::Mismatch;
use gpushare::timeline::Side;
use gpushare::{Deadline, OwnedHandle, Pattern, TextureSpec};

use crate::protocol::frames::{Came, Slot, Why};
use crate::protocol::{Id, Problem};

/// The frames of a sharing library as a peer drives them. Producers, consumers and frames have numbers, as textures do.
///
/// All methods return a [`Problem`] where something was not done, and then nothing has changed.
#[expect(clippy::missing_errors_doc, reason = "said once for all of them")]
pub trait FramesBackend {
    /// Create a producer.
    fn create_producer(&mut self, producer: Id, spec: &TextureSpec, slots: u32, policy: Policy) -> Result<(), Problem>;
    /// Let a consumer in; the answer is its number with the producer.
    fn invite(&mut self, producer: Id, socket: OwnedHandle, deadline: Deadline) -> Result<u32, Problem>;
    /// Join a producer.
    fn join(&mut self, consumer: Id, socket: OwnedHandle, deadline: Deadline) -> Result<(), Problem>;
    /// Who signals for this producer or consumer.
    fn set_side(&mut self, of: Id, by: Side) -> Result<(), Problem>;

    /// Acquire a slot.
    fn acquire(&mut self, producer: Id, frame: Id, deadline: Deadline) -> Result<Slot, Problem>;
    /// Draw into it.
    fn draw(&mut self, frame: Id, pattern: Pattern) -> Result<(), Problem>;
    /// Submit it; the answer is the frame's number.
    fn submit(&mut self, frame: Id) -> Result<u64, Problem>;
    /// Frames submitted so far.
    fn submitted(&self, producer: Id) -> Result<u64, Problem>;
    /// Change the textures.
    fn reconfigure(&mut self, producer: Id, spec: &TextureSpec, deadline: Deadline) -> Result<(), Problem>;
    /// Who is gone, and how many generations have textures.
    fn departures(&mut self, producer: Id) -> Result<(Vec<(u32, Why)>, u32), Problem>;
    /// Let a consumer go.
    fn dismiss(&mut self, producer: Id, consumer: u32) -> Result<(), Problem>;

    /// Take the next frame.
    fn next(&mut self, consumer: Id, frame: Id, deadline: Deadline) -> Result<Came, Problem>;
    /// Compare it.
    fn look(&mut self, frame: Id, pattern: Pattern) -> Result<Option<Box<Mismatch>>, Problem>;
    /// Give it back.
    fn release(&mut self, frame: Id) -> Result<(), Problem>;

    /// Drop a producer or consumer and its frames.
    fn close(&mut self, of: Id) -> Result<(), Problem>;
}
