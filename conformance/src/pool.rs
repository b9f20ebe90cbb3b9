//! Warm peers that cases share.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use gpushare_harness::protocol::{Reply, Request};
use gpushare_harness::{Ledger, Peer, PeerError, Stem};

use crate::lane::Lane;
use crate::validation;

/// Peers of one lane that wait for their next case. One worker's own: never shared between threads.
pub struct Pool<'lane> {
    lane: &'lane Lane,
    limit: Duration,
    seats: RefCell<BTreeMap<usize, Place>>,
}

/// What is there for a seat. Peers stay with theirs, so that those of a case are never copies of one process.
#[derive(Default)]
struct Place {
    idle: Vec<Peer>,
    origin: Origin,
}

/// Where new peers come from.
#[derive(Default)]
enum Origin {
    /// The first is started: where that is the only one, nothing is to be gained.
    #[default]
    First,
    /// The next will be the first copy.
    Wanted,
    /// The rest are copied.
    Copies(Box<Stem>),
    /// They are all started: the program makes no copies, there is nothing to load, or the first copy was of no use.
    Starts,
}

impl<'lane> Pool<'lane> {
    /// An empty pool.
    #[must_use]
    pub const fn new(lane: &'lane Lane, limit: Duration) -> Self {
        Self { lane, limit, seats: RefCell::new(BTreeMap::new()) }
    }

    /// A peer for this seat with the lane's device open: an idle one, or a new one. `fresh`: one that was started for this.
    ///
    /// # Errors
    /// [`PeerError`] when a new one does not come up.
    pub fn take(&self, seat: usize, fresh: bool) -> Result<Peer, PeerError> {
        if fresh {
            return self.start(self.lane);
        }
        let mut seats = self.seats.borrow_mut();
        let Place { idle, origin } = seats.entry(seat).or_default();
        if let Some(peer) = idle.pop() {
            return Ok(peer);
        }
        match origin {
            Origin::Copies(stem) => return self.copy(stem),
            // What the first copy cannot do is for a peer to show that was started; the others speak for themselves.
            Origin::Wanted => match self.first_copy() {
                Ok((stem, peer)) => {
                    *origin = Origin::Copies(Box::new(stem));
                    return Ok(peer);
                }
                Err(_) => *origin = Origin::Starts,
            },
            Origin::First => *origin = Origin::Wanted,
            Origin::Starts => {}
        }
        self.start(self.lane)
    }

    fn first_copy(&self) -> Result<(Stem, Peer), PeerError> {
        let mut stem = Stem::start(&self.lane.command, self.limit)?;
        let peer = self.copy(&mut stem)?;
        Ok((stem, peer))
    }

    fn copy(&self, stem: &mut Stem) -> Result<Peer, PeerError> {
        self.open(self.lane, stem.copy(self.limit)?)
    }

    /// A new peer of any lane. It does not come back here.
    ///
    /// # Errors
    /// [`PeerError`] when it does not come up.
    pub fn start(&self, lane: &Lane) -> Result<Peer, PeerError> {
        self.open(lane, Peer::start(&lane.command, self.limit)?)
    }

    fn open(&self, lane: &Lane, mut peer: Peer) -> Result<Peer, PeerError> {
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

    /// Keep a clean peer for the next case that wants one in this seat.
    pub fn put_back(&self, seat: usize, peer: Peer) {
        self.seats.borrow_mut().entry(seat).or_default().idle.push(peer);
    }
}
