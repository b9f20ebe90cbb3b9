//! Warm peers that cases share.

use std::cell::RefCell;
use std::time::Duration;

use gpushare_harness::protocol::{Reply, Request};
use gpushare_harness::{Ledger, Peer, PeerError};

use crate::lane::Lane;
use crate::validation;

/// Peers of one lane that wait for their next case. One worker's own: never shared between threads.
pub struct Pool<'lane> {
    lane: &'lane Lane,
    limit: Duration,
    idle: RefCell<Vec<Peer>>,
}

impl<'lane> Pool<'lane> {
    /// An empty pool.
    #[must_use]
    pub const fn new(lane: &'lane Lane, limit: Duration) -> Self {
        Self { lane, limit, idle: RefCell::new(Vec::new()) }
    }

    /// A peer with the lane's device open: an idle one, or a new one.
    ///
    /// # Errors
    /// [`PeerError`] when a new one does not come up.
    pub fn take(&self, fresh: bool) -> Result<Peer, PeerError> {
        let idle = if fresh { None } else { self.idle.borrow_mut().pop() };
        idle.map_or_else(|| self.start(self.lane), Ok)
    }

    /// A new peer of any lane. It does not come back here.
    ///
    /// # Errors
    /// [`PeerError`] when it does not come up.
    pub fn start(&self, lane: &Lane) -> Result<Peer, PeerError> {
        let mut peer = Peer::start(&lane.command, self.limit)?;
        match peer.ask(&Request::Open { device: lane.device }, &[], self.limit)? {
            (Reply::Opened(_), _) => Self::with_validation(lane, peer),
            (other, _) => Err(PeerError::Orchestrator {
                what: "opening the lane's device",
                source: match other {
                    Reply::Refused(problem) => problem.message.into(),
                    other => format!("the peer answered {other:?}").into(),
                },
            }),
        }
    }

    /// A loader passes over a layer that it does not find: then nothing would be validated, and nobody would know.
    fn with_validation(lane: &Lane, peer: Peer) -> Result<Peer, PeerError> {
        if validation::is_on(&lane.command) && !peer.has_mapped(validation::LIBRARY)? {
            return Err(PeerError::Orchestrator {
                what: "validating",
                source: "the validation layer is not loaded; install it (Debian: vulkan-validationlayers), or name the folder of its manifest behind --validation".into(),
            });
        }
        Ok(peer)
    }

    /// Let a peer free and close everything.
    ///
    /// # Errors
    /// [`PeerError`] when it does not survive that.
    pub fn reset(&self, peer: &mut Peer) -> Result<(), PeerError> {
        peer.ask(&Request::Reset, &[], self.limit).map(drop)
    }

    /// What a peer holds, device memory included where its driver tells.
    ///
    /// # Errors
    /// [`PeerError`].
    pub fn ledger(&self, peer: &mut Peer) -> Result<Ledger, PeerError> {
        let mut ledger = peer.ledger()?;
        if self.lane.report.memory_budget
            && let (Reply::HeapUsage(bytes), _) = peer.ask(&Request::HeapUsage, &[], self.limit)?
        {
            ledger.device_bytes = bytes;
        }
        Ok(ledger)
    }

    /// Keep a clean peer for the next case.
    pub fn put_back(&self, peer: Peer) {
        self.idle.borrow_mut().push(peer);
    }
}
