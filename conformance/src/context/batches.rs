//! Steps with many textures at once.

use gpushare_harness::protocol::{Code, Problem, Reply, Request};

use crate::case::{Outcome, Stop};
use crate::context::{Party, PeerChannel, Texture};

impl Party<'_, '_> {
    /// Export textures and send them over a channel, in one message.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn send_textures(&self, over: PeerChannel, textures: &[Texture]) -> Outcome {
        self.must_do(&self.sending(over, textures))
    }

    /// Sending has to be refused with one of these codes.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it succeeds or is refused for another reason.
    pub fn send_textures_is_refused(&self, over: PeerChannel, textures: &[Texture], codes: &[Code]) -> Outcome<Problem> {
        self.is_refused(&self.sending(over, textures), codes)
    }

    /// Receive so many textures from a channel and import them.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn receive_textures(&self, from: PeerChannel, count: usize) -> Outcome<Vec<Texture>> {
        let textures: Vec<_> = (0..count).map(|_| Texture(self.context.number(self.seat))).collect();
        self.must_do(&self.receiving(from, &textures))?;
        Ok(textures)
    }

    /// Receiving has to be refused with one of these codes.
    ///
    /// # Errors
    /// As [`Party::send_textures_is_refused`].
    pub fn receive_textures_is_refused(&self, from: PeerChannel, count: usize, codes: &[Code]) -> Outcome<Problem> {
        let textures: Vec<_> = (0..count).map(|_| Texture(self.context.number(self.seat))).collect();
        self.is_refused(&self.receiving(from, &textures), codes)
    }

    fn sending(&self, over: PeerChannel, textures: &[Texture]) -> Request {
        let textures = textures.iter().map(|texture| texture.0).collect();
        Request::SendTextures { channel: over.number(), textures, within: self.context.within() }
    }

    fn receiving(&self, from: PeerChannel, textures: &[Texture]) -> Request {
        let textures = textures.iter().map(|texture| texture.0).collect();
        Request::ReceiveTextures { channel: from.number(), textures, within: self.context.within() }
    }

    fn is_refused(&self, request: &Request, codes: &[Code]) -> Outcome<Problem> {
        match self.try_ask(request, &[])? {
            Err(problem) if codes.contains(&problem.code) => Ok(problem),
            Err(Problem { code, message, .. }) => {
                let (role, step) = (self.role(), self.context.last_step());
                Err(Stop::Fail(format!("{role} refused {step} as {code:?} ({message}), expected {codes:?}")))
            }
            Ok((Reply::Done, _)) => {
                Err(Stop::Fail(format!("{} accepted {}, expected a refusal", self.role(), self.context.last_step())))
            }
            Ok((other, _)) => Err(self.unexpected(&other)),
        }
    }
}
