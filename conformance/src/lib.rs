//! Conformance suite for sharing GPU resources between processes.
//!
//! Follow a case from its id to its verdict:
//!
//! | module | holds |
//! | --- | --- |
//! | [`rule`] | the catalogue: one sentence a rule, with level and source (`rules/*.toml`) |
//! | [`lane`] | the drivers found on this machine, each a lane |
//! | [`manifest`] | what a driver's manifest says |
//! | [`capability`] | what a driver says it can share, asked in a child process and cached |
//! | [`cases`] | the cases, by area |
//! | [`case`] | what a case is, and how it is defined |
//! | [`registry`] | all cases of a lane, each to run or to skip, and why |
//! | [`context`] | what a case's script can do: peers, textures, handles |
//! | [`scenario`] | cases as data, with faults before every step |
//! | [`pool`] | warm peers that cases share |
//! | [`judge`] | one case from peers to verdict, the ledger included |
//! | [`verdict`] | what a case can end in |
//! | [`expectation`] | what a known driver is known to do (`expectations/*.toml`) |
//! | [`run`] | many cases on many lanes |
//! | [`explore`] | random scenarios, and the shortest that fails |
//! | [`validation`] | the validation layer between peers and driver |
//! | [`report`] | terminal, JSON, JUnit, HTML |
//! | [`command`] | the command `gpushare` |

pub mod capability;
pub mod case;
pub mod cases;
pub mod command;
pub mod context;
pub mod expectation;
pub mod explore;
pub mod judge;
pub mod lane;
pub mod manifest;
pub mod pool;
pub mod registry;
pub mod report;
pub mod rule;
pub mod run;
pub mod scenario;
pub mod validation;
pub mod verdict;
