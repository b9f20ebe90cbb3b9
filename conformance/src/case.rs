//! What a case is, and how it is defined.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gpushare::vulkan::capability::{TextureCapability, TextureQuestion};
use gpushare::{Dimension, HandleType, Placement, TextureSpec, Tiling, Usage};
use gpushare_harness::protocol::{DeviceReport, Problem};
use gpushare_harness::spawn::Exit;

use crate::context::Context;
use crate::lane::Lane;

/// Why a case's script stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A rule does not hold.
    Fail(String),
    /// The case could not show what it is about.
    Inconclusive(String),
    /// A peer died where it should not.
    Crash {
        /// How.
        exit: Exit,
        /// Which peer, at which step, and what it left behind.
        detail: String,
    },
    /// A peer did not answer.
    Hang(String),
    /// Something is left behind that should not be.
    Leak(String),
    /// A peer refused what should succeed: a failure, unless the script makes something else of it.
    Refused {
        /// Its role.
        by: &'static str,
        /// What it refused.
        step: String,
        /// Why.
        problem: Problem,
    },
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(text) | Self::Inconclusive(text) | Self::Hang(text) | Self::Leak(text) => f.write_str(text),
            Self::Crash { detail, .. } => f.write_str(detail),
            Self::Refused { by, step, problem } => write!(f, "{by} refused {step}: {}", problem.message),
        }
    }
}

/// What a script returns: it came to its end, or why it did not.
pub type Outcome<T = ()> = Result<T, Stop>;

/// Stop with a failure unless something holds.
///
/// # Errors
/// [`Stop::Fail`] with the text.
pub fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(Stop::Fail(otherwise())) }
}

/// Whether peers may have run other cases before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peers {
    /// Any that the ledger proves clean.
    Warm,
    /// New ones: the case is about birth or death.
    Fresh,
}

/// The script of a case.
pub type Script = Arc<dyn Fn(&Context<'_>) -> Outcome + Send + Sync>;

/// One case: a script over peers that decides rules.
#[derive(Clone)]
pub struct Case {
    /// `area::handle::what[::parameters]`, stable for ever.
    pub id: String,
    /// The id without parameters.
    pub family: String,
    /// The rules it decides.
    pub rules: &'static [&'static str],
    /// Whether its peers have to be new.
    pub peers: Peers,
    /// Why it cannot run on this lane, if so.
    pub skip: Option<String>,
    /// How long a step may take where that is less than the run's own limit: the case is about an answer that is due at once.
    pub patience: Option<Duration>,
    /// Whether its peers end with it: it hands the driver what may upset it for good.
    pub upsets: bool,
    /// The other lane that takes part, for a case between two.
    pub beside: Option<Arc<Lane>>,
    /// What it does.
    pub script: Script,
}

/// Collects the cases of one area for one lane.
pub struct Cases<'lane> {
    report: &'lane DeviceReport,
    neighbours: &'lane [Arc<Lane>],
    prefix: String,
    handle: Option<HandleType>,
    list: Vec<Case>,
}

/// A case being defined.
pub struct Definition<'cases, 'lane> {
    cases: &'cases mut Cases<'lane>,
    what: Cow<'static, str>,
    rules: &'static [&'static str],
    peers: Peers,
    skip: Option<String>,
    patience: Option<Duration>,
    upsets: bool,
    beside: Option<Arc<Lane>>,
}

impl<'lane> Cases<'lane> {
    /// No cases yet.
    #[must_use]
    pub const fn new(report: &'lane DeviceReport, neighbours: &'lane [Arc<Lane>]) -> Self {
        Self { report, neighbours, prefix: String::new(), handle: None, list: Vec::new() }
    }

    /// The other lanes of the run.
    #[must_use]
    pub const fn neighbours(&self) -> &'lane [Arc<Lane>] {
        self.neighbours
    }

    /// The lane's device.
    #[must_use]
    pub const fn report(&self) -> &'lane DeviceReport {
        self.report
    }

    /// What follows belongs to this area and kind of handle.
    pub fn area(&mut self, area: &str, handle: &str) {
        self.prefix = format!("{area}::{handle}");
        self.handle = None;
    }

    /// What follows belongs to this area, and its textures are shared over this type of handle, which is not the device's own.
    pub fn area_over(&mut self, area: &str, handle: HandleType) {
        self.area(area, handle.name());
        self.handle = Some(handle);
    }

    /// The texture, over the handle of the area where that is told and the texture names none.
    fn over(&self, spec: TextureSpec) -> TextureSpec {
        TextureSpec { handle_type: spec.handle_type.or(self.handle), ..spec }
    }

    /// Define a case that decides these rules.
    pub fn case(&mut self, what: impl Into<Cow<'static, str>>, rules: &'static [&'static str]) -> Definition<'_, 'lane> {
        let (peers, what) = (Peers::Warm, what.into());
        Definition { cases: self, what, rules, peers, skip: None, patience: None, upsets: false, beside: None }
    }

    /// All that were defined.
    #[must_use]
    pub fn into_list(self) -> Vec<Case> {
        self.list
    }
}

impl Definition<'_, '_> {
    /// The case is about birth or death: it needs peers that have done nothing else.
    #[must_use]
    pub fn fresh(self) -> Self {
        Self { peers: Peers::Fresh, ..self }
    }

    /// The case cannot run on this lane when there is a reason.
    #[must_use]
    pub fn skip_if(mut self, reason: Option<String>) -> Self {
        self.skip = self.skip.or(reason);
        self
    }

    /// The case hands the driver what may upset it for good: its peers run no other case afterwards.
    #[must_use]
    pub fn upsets(self) -> Self {
        Self { upsets: true, ..self }
    }

    /// One case between this lane and another, which its parameter names. Its peers are new: none of the other lane may stay with
    /// this one's.
    pub fn between<T: Clone + Send + Sync + 'static>(
        mut self,
        other: &Arc<Lane>,
        subject: T,
        script: fn(&Context<'_>, &Lane, T) -> Outcome,
    ) {
        let name = other.name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        let parameter = format!("from_{}", name.collect::<String>());
        let lane = Arc::clone(other);
        self.beside = Some(Arc::clone(other));
        self.peers = Peers::Fresh;
        self.add(Some(parameter), None, Arc::new(move |context| script(context, &lane, subject.clone())));
    }

    /// The answer is due at once: a step that takes longer than this is a stall.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// One case without parameters and without textures.
    pub fn once(mut self, script: fn(&Context<'_>) -> Outcome) {
        self.add(None, None, Arc::new(script));
    }

    /// One case for each value; `name` makes the parameter.
    pub fn each<T: Clone + Send + Sync + 'static>(
        mut self,
        values: impl IntoIterator<Item = T>,
        name: impl Fn(&T) -> String,
        script: fn(&Context<'_>, T) -> Outcome,
    ) {
        for value in values {
            let parameter = name(&value);
            self.add(Some(parameter), None, Arc::new(move |context| script(context, value.clone())));
        }
    }

    /// One case about something that its place names already.
    pub fn about<T: Clone + Send + Sync + 'static>(mut self, subject: T, script: fn(&Context<'_>, T) -> Outcome) {
        self.add(None, None, Arc::new(move |context| script(context, subject.clone())));
    }

    /// One case for each value, all about the same.
    pub fn about_each<S, T>(
        mut self,
        subject: S,
        values: impl IntoIterator<Item = T>,
        name: impl Fn(&T) -> String,
        script: fn(&Context<'_>, S, T) -> Outcome,
    ) where
        S: Clone + Send + Sync + 'static,
        T: Clone + Send + Sync + 'static,
    {
        for value in values {
            let (parameter, subject) = (name(&value), subject.clone());
            self.add(Some(parameter), None, Arc::new(move |context| script(context, subject.clone(), value.clone())));
        }
    }

    /// One case for each kind of texture; those that the device cannot share are skipped with its own answer as the reason.
    pub fn textures(mut self, specs: impl IntoIterator<Item = TextureSpec>, script: fn(&Context<'_>, TextureSpec) -> Outcome) {
        for spec in specs {
            let spec = self.cases.over(spec);
            let skip = unshareable(self.cases.report, &spec);
            self.add(Some(texture_name(&spec)), skip, Arc::new(move |context| script(context, spec)));
        }
    }

    /// As [`Definition::textures`], with something for the script beside each.
    pub fn textures_with<T: Clone + Send + Sync + 'static>(
        mut self,
        specs: impl IntoIterator<Item = TextureSpec>,
        beside: T,
        script: fn(&Context<'_>, TextureSpec, T) -> Outcome,
    ) {
        for spec in specs {
            let spec = self.cases.over(spec);
            let skip = unshareable(self.cases.report, &spec);
            let beside = beside.clone();
            self.add(Some(texture_name(&spec)), skip, Arc::new(move |context| script(context, spec, beside.clone())));
        }
    }

    /// One case for a texture, with something for the script beside it that the parameter names.
    pub fn texture_named<T: Clone + Send + Sync + 'static>(
        mut self,
        parameter: &str,
        spec: TextureSpec,
        beside: T,
        script: fn(&Context<'_>, TextureSpec, T) -> Outcome,
    ) {
        let spec = self.cases.over(spec);
        let skip = unshareable(self.cases.report, &spec);
        self.add(Some(parameter.to_owned()), skip, Arc::new(move |context| script(context, spec, beside.clone())));
    }

    /// One case for the texture that cases use when any would do.
    pub fn any_texture(mut self, script: fn(&Context<'_>, TextureSpec) -> Outcome) {
        let spec = self.cases.over(ANY_TEXTURE);
        let skip = unshareable(self.cases.report, &spec);
        self.add(None, skip, Arc::new(move |context| script(context, spec)));
    }

    /// One case for each value, all with the texture that is used when any would do.
    pub fn any_texture_each<T: Clone + Send + Sync + 'static>(
        mut self,
        values: impl IntoIterator<Item = T>,
        name: impl Fn(&T) -> String,
        script: fn(&Context<'_>, TextureSpec, T) -> Outcome,
    ) {
        let spec = self.cases.over(ANY_TEXTURE);
        for value in values {
            let parameter = name(&value);
            let skip = unshareable(self.cases.report, &spec);
            self.add(Some(parameter), skip, Arc::new(move |context| script(context, spec, value.clone())));
        }
    }

    fn add(&mut self, parameter: Option<String>, skip: Option<String>, script: Script) {
        let family = format!("{}::{}", self.cases.prefix, self.what);
        let id = parameter.map_or_else(|| family.clone(), |parameter| format!("{family}::{parameter}"));
        let case = Case {
            id,
            family,
            rules: self.rules,
            peers: self.peers,
            skip: self.skip.clone().or(skip),
            patience: self.patience,
            upsets: self.upsets,
            beside: self.beside.clone(),
            script,
        };
        self.cases.list.push(case);
    }
}

/// Small enough to be cheap, odd enough that a row pitch shows.
pub const ANY_TEXTURE: TextureSpec = TextureSpec::new(gpushare::Format::R8G8B8A8Unorm, 61, 47);

/// `rgba8_unorm_optimal_64x64`, with what is unusual behind.
#[must_use]
pub fn texture_name(spec: &TextureSpec) -> String {
    let mut name = format!("{}_{}_{}x{}", spec.format, spec.tiling, spec.width, spec.height);
    if spec.depth > 1 {
        name.push_str(&format!("x{}_3d", spec.depth));
    } else if spec.dimension != Dimension::D2 {
        name.push_str(&format!("_{}", spec.dimension));
    }
    if spec.layers > 1 {
        name.push_str(&format!("x{}", spec.layers));
    }
    for (number, unit) in [(spec.mip_levels, "levels"), (spec.samples, "samples")] {
        if number > 1 {
            name.push_str(&format!("_{number}_{unit}"));
        }
    }
    let usage = spec.usage.symmetric_difference(Usage::SAMPLED);
    if usage == Usage::SAMPLED {
        name.push_str("_copied_only");
    }
    let usages = (usage - Usage::SAMPLED).iter_names().map(|(flag, _)| flag);
    for flag in usages.chain(spec.creation.iter_names().map(|(flag, _)| flag)) {
        name.push_str(&format!("_{}", flag.to_ascii_lowercase()));
    }
    if spec.placement == Placement::Suballocated {
        name.push_str("_suballocated");
    }
    name
}

/// Why the device cannot share such a texture, in its own words; `None` if it can.
#[must_use]
pub fn unshareable(report: &DeviceReport, spec: &TextureSpec) -> Option<String> {
    if let Some(reason) = &report.unusable {
        return Some(reason.clone());
    }
    let handle = spec.handle_type.unwrap_or(report.handle_type);
    let wanted = TextureQuestion::about(spec, handle);
    let what = || question_words(&wanted);
    let fits = |can: &&TextureCapability| {
        // A driver may choose among its modifiers where none is named.
        let asked = can.asked;
        asked.format == wanted.format
            && (asked == wanted || wanted.modifier.is_none() && TextureQuestion { modifier: None, ..asked } == wanted)
    };
    let answers: Vec<_> = report.textures.iter().filter(fits).collect();
    let Some(can) = answers.iter().find(|can| can.shareable()).or_else(|| answers.first()) else {
        return Some(format!("the driver reports nothing of {}", what()));
    };
    if can.result != "SUCCESS" {
        Some(format!("the driver does not support {}: {}", what(), can.result))
    } else if !can.shareable() {
        let (exportable, importable) = (yes_no(can.exportable), yes_no(can.importable));
        Some(format!("the driver reports {} as exportable: {exportable}, importable: {importable}", what()))
    } else if let Some(exceeded) = can.exceeded(spec) {
        Some(format!("the driver's limit for {}: {exceeded}", what()))
    } else if spec.placement == Placement::Suballocated && can.dedicated_only {
        Some(format!("the driver wants dedicated memory for {}", what()))
    } else {
        None
    }
}

/// `rgba8_unorm with linear tiling over OPAQUE_FD`, with what is unusual behind.
#[must_use]
pub fn question_words(asked: &TextureQuestion) -> String {
    let handle = handle_words(asked.handle_type);
    let mut words = format!("{} with {} tiling over {handle}", asked.format, asked.tiling);
    if asked.dimension != Dimension::D2 {
        words.push_str(&format!(", {}", asked.dimension));
    }
    if asked.usage != Usage::SAMPLED {
        words.push_str(&format!(", usage {:?}", asked.usage.iter_names().map(|(name, _)| name).collect::<Vec<_>>()));
    }
    for (name, _) in asked.creation.iter_names() {
        words.push_str(&format!(", {name}"));
    }
    words
}

fn yes_no(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

fn handle_words(handle: HandleType) -> String {
    handle.name().to_uppercase()
}

/// The two tilings of a spec.
#[must_use]
pub fn both_tilings(spec: TextureSpec) -> [TextureSpec; 2] {
    [Tiling::Optimal, Tiling::Linear].map(|tiling| spec.with_tiling(tiling))
}
