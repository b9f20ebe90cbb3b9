//! The handles that a peer holds, by number.

use std::collections::BTreeMap;

use gpushare::OwnedHandle;

use crate::protocol::{Code, DuplicateCall, HandleReport, Id, Object, Problem};
use crate::sys;

/// Handles by number.
#[derive(Default)]
pub(super) struct Handles(BTreeMap<Id, OwnedHandle>);

impl Handles {
    /// Put handles under numbers that are free. All or none: on a refusal the handles are closed.
    pub(super) fn keep(&mut self, ids: &[Id], handles: Vec<OwnedHandle>) -> Result<(), Problem> {
        if ids.len() != handles.len() {
            let text = format!("{} handles came for {} numbers", handles.len(), ids.len());
            return Err(Problem::new(Code::Request, text));
        }
        if let Some(taken) = ids.iter().find(|id| self.0.contains_key(id)) {
            return Err(Problem::new(Code::Request, format!("handle {taken} exists already")));
        }
        self.0.extend(ids.iter().copied().zip(handles));
        Ok(())
    }

    /// Remove handles. All or none.
    pub(super) fn take(&mut self, ids: &[Id]) -> Result<Vec<OwnedHandle>, Problem> {
        if let Some(missing) = ids.iter().find(|id| !self.0.contains_key(id)) {
            return Err(unknown(*missing));
        }
        Ok(ids.iter().filter_map(|id| self.0.remove(id)).collect())
    }

    /// Remove a certain number of handles. All or none.
    pub(super) fn take_exactly<const COUNT: usize>(&mut self, ids: [Id; COUNT]) -> Result<[OwnedHandle; COUNT], Problem> {
        self.take(&ids)?.try_into().map_err(|taken: Vec<_>| {
            // The same number twice: the handle that it names is closed.
            Problem::new(Code::Request, format!("{} handles for {COUNT} numbers", taken.len()))
        })
    }

    pub(super) fn borrow(&self, ids: &[Id]) -> Result<Vec<&OwnedHandle>, Problem> {
        ids.iter().map(|id| self.get(*id)).collect()
    }

    fn get(&self, id: Id) -> Result<&OwnedHandle, Problem> {
        self.0.get(&id).ok_or_else(|| unknown(id))
    }

    pub(super) fn duplicate(&mut self, of: Id, into: Id, call: DuplicateCall) -> Result<(), Problem> {
        let copy = sys::duplicate_with(self.get(of)?, call).map_err(|error| system(&format!("{call:?}"), &error))?;
        self.keep(&[into], vec![copy])
    }

    pub(super) fn make(&mut self, id: Id, object: Object) -> Result<(), Problem> {
        let made = sys::make(object).map_err(|error| system(&format!("making {object:?}"), &error))?;
        self.keep(&[id], vec![made])
    }

    pub(super) fn inspect(&self, id: Id) -> Result<HandleReport, Problem> {
        sys::inspect(self.get(id)?).map_err(|error| system("looking at a handle", &error))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

fn unknown(id: Id) -> Problem {
    Problem::new(Code::Request, format!("no handle {id}"))
}

fn system(what: &str, error: &std::io::Error) -> Problem {
    Problem::new(Code::System, format!("{what}: {error}"))
}
