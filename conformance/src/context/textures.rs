//! Steps with textures.

use gpushare::descriptor::DescriptorFields;
use gpushare::pattern::Mismatch;
use gpushare::{Identity, Pattern, Subresource, TextureSpec};
use gpushare_harness::protocol::{Code, HandleSource, ImportManner, Problem, Reply, Request};

use crate::case::{Outcome, Stop};
use crate::context::{Handle, Party, Texture};

/// An exported texture: the handle, and what travels beside it.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The handle; which peer holds it is for the script to know.
    pub handle: Handle,
    /// The descriptor, open to being changed by a script.
    pub descriptor: DescriptorFields,
}

impl Shared {
    /// The same with one field changed.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut DescriptorFields)) -> Self {
        let mut changed = self.clone();
        change(&mut changed.descriptor);
        changed
    }
}

impl Party<'_, '_> {
    /// Open a second device object and ask who it is.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn reopen(&self) -> Outcome<Identity> {
        match self.must(&Request::Reopen { device: self.context.lane().device })? {
            Reply::Opened(identity) => Ok(identity),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Create a texture.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn create(&self, spec: TextureSpec) -> Outcome<Texture> {
        self.try_create(spec)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to create a texture.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_create(&self, spec: TextureSpec) -> Outcome<Result<Texture, Problem>> {
        let texture = Texture(self.next_number());
        match self.try_ask(&Request::Create { textures: vec![texture.0], spec }, &[])? {
            Ok((Reply::Done, _)) => Ok(Ok(texture)),
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// Create so many textures in one allocation.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn create_neighbours<const COUNT: usize>(&self, spec: TextureSpec) -> Outcome<[Texture; COUNT]> {
        let textures = std::array::from_fn(|_| Texture(self.context.number(self.seat)));
        self.must_do(&Request::Create { textures: textures.map(|texture| texture.0).to_vec(), spec })?;
        Ok(textures)
    }

    /// Fill a texture.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn fill(&self, texture: Texture, pattern: Pattern) -> Outcome {
        self.must_do(&Request::Fill { texture: texture.0, pattern, only: None })
    }

    /// The texture has to hold this picture.
    ///
    /// # Errors
    /// [`Stop::Fail`] tells how it differs.
    pub fn verify(&self, texture: Texture, pattern: Pattern) -> Outcome {
        self.verified(&Self::verifying(texture, pattern))
    }

    /// The request that compares the texture with a picture.
    pub(crate) fn verifying(texture: Texture, pattern: Pattern) -> Request {
        Request::Verify { texture: texture.0, pattern, only: None }
    }

    /// A request that ends in a comparison, which has to find what it looks for.
    pub(crate) fn verified(&self, request: &Request) -> Outcome {
        match self.compared(request)? {
            None => Ok(()),
            Some(mismatch) => Err(Stop::Fail(format!("{} at {}: {mismatch}", self.role(), self.context.last_step()))),
        }
    }

    /// Fill one subresource of a texture.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn fill_only(&self, texture: Texture, only: Subresource, pattern: Pattern) -> Outcome {
        self.must_do(&Request::Fill { texture: texture.0, pattern, only: Some(only) })
    }

    /// One subresource of the texture has to hold this picture.
    ///
    /// # Errors
    /// [`Stop::Fail`] tells how it differs.
    pub fn verify_only(&self, texture: Texture, only: Subresource, pattern: Pattern) -> Outcome {
        match self.must(&Request::Verify { texture: texture.0, pattern, only: Some(only) })? {
            Reply::Done => Ok(()),
            Reply::Mismatch(mismatch) => {
                Err(Stop::Fail(format!("{} at {}: {only:?}: {mismatch}", self.role(), self.context.last_step())))
            }
            other => Err(self.unexpected(&other)),
        }
    }

    /// How the texture differs from a picture, if it does.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn compare(&self, texture: Texture, pattern: Pattern) -> Outcome<Option<Box<Mismatch>>> {
        self.compared(&Self::verifying(texture, pattern))
    }

    fn compared(&self, request: &Request) -> Outcome<Option<Box<Mismatch>>> {
        match self.must(request)? {
            Reply::Done => Ok(None),
            Reply::Mismatch(mismatch) => Ok(Some(mismatch)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Export a texture; the handle stays with this peer.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn export(&self, texture: Texture) -> Outcome<Shared> {
        self.try_export(texture, true)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to export a texture. `guarded`: the sharing library corrects what the driver made.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_export(&self, texture: Texture, guarded: bool) -> Outcome<Result<Shared, Problem>> {
        let handle = Handle(self.context.number(self.seat));
        match self.try_ask(&Request::Export { texture: texture.0, handle: handle.0, guarded }, &[])? {
            Ok((Reply::Exported(descriptor), _)) => Ok(Ok(Shared { handle, descriptor: (*descriptor).into() })),
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// Export a texture and hand it to another peer, through the orchestrator: a third process.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn share(&self, texture: Texture, with: &Self) -> Outcome<Shared> {
        let shared = self.export(texture)?;
        let handle = self.hand_over(shared.handle, with)?;
        Ok(Shared { handle, ..shared })
    }

    /// Import a texture; its handle is used up.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn import(&self, shared: &Shared) -> Outcome<Texture> {
        self.try_import(shared, HandleSource::Held(shared.handle.0), ImportManner::Library)?
            .map_err(|problem| self.refused(&problem))
    }

    /// Import a texture so that it can be exported again.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn import_exportable(&self, shared: &Shared) -> Outcome<Texture> {
        let source = HandleSource::Held(shared.handle.0);
        self.try_import(shared, source, ImportManner::Exportable)?.map_err(|problem| self.refused(&problem))
    }

    /// Export, hand over, import.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn import_from(&self, from: &Self, texture: Texture) -> Outcome<Texture> {
        let shared = from.share(texture, self)?;
        self.import(&shared)
    }

    /// Try to import.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_import(&self, shared: &Shared, handle: HandleSource, manner: ImportManner) -> Outcome<Result<Texture, Problem>> {
        let texture = Texture(self.context.number(self.seat));
        let request = Request::Import { texture: texture.0, descriptor: shared.descriptor.clone(), handle, manner };
        match self.try_ask(&request, &[])? {
            Ok((Reply::Done, _)) => Ok(Ok(texture)),
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// The import has to be refused with one of these codes.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it succeeds or is refused for another reason.
    pub fn import_is_refused(
        &self,
        shared: &Shared,
        handle: HandleSource,
        manner: ImportManner,
        codes: &[Code],
    ) -> Outcome<Problem> {
        match self.try_import(shared, handle, manner)? {
            Ok(_) => Err(Stop::Fail(format!("{} accepted {}, expected a refusal", self.role(), self.context.last_step()))),
            Err(problem) if codes.contains(&problem.code) => Ok(problem),
            Err(problem) => {
                let (role, step, Problem { code, message, .. }) = (self.role(), self.context.last_step(), problem);
                Err(Stop::Fail(format!("{role} refused {step} as {code:?} ({message}), expected {codes:?}")))
            }
        }
    }

    /// Free textures.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn free(&self, textures: impl IntoIterator<Item = Texture>) -> Outcome {
        self.must_do(&Request::Free { textures: textures.into_iter().map(|texture| texture.0).collect() })
    }
}
