//! The wire format, one example of each message: what `docs/protocol.md` tells the author of a foreign peer.
//!
//! A snapshot that changes is a change of the protocol: raise `protocol::VERSION` where an older peer would not understand it.

mod frames;
mod history;
mod problems;
mod replies;
mod requests;
mod rings;
mod streams;
mod sync;
mod values;
