//! Test pictures in which every kind of mistake looks different.
//!
//! A texel is a function of its position, plane, level, slice, frame and seed. A wrong offset, a wrong row pitch, swapped channels,
//! a stale frame, another texture's contents and memory that was never written therefore all show, and
//! [`Mismatch`] says which of them it looks like.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::Numbers;
use crate::spec::{Part, Subresource, TextureSpec};

/// Names one picture: the same seed and frame give the same texels in every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pattern {
    /// Tells textures apart.
    pub seed: u64,
    /// Tells the frames of one texture apart.
    pub frame: u32,
}

/// How a texture differs from its pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// Blocks of texels that differ. In most formats a block is one texel.
    pub wrong: u64,
    /// Blocks looked at.
    pub total: u64,
    /// Column, row and slice (array layer, or slice of a 3D texture) of the first that differs, in blocks.
    pub at: (u32, u32, u32),
    /// Its mip level.
    #[serde(default, skip_serializing_if = "is_first")]
    pub level: u32,
    /// Its plane: which of [`Format::planes`](crate::Format::planes).
    #[serde(default, skip_serializing_if = "is_first")]
    pub plane: u32,
    /// Its bytes, in hexadecimal.
    pub found: String,
    /// The bytes it should have had.
    pub expected: String,
    /// What the picture looks like instead.
    pub looks_like: Likeness,
}

/// What a wrong picture looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// All zero: memory never written, or cleared on import.
    Zero,
    /// The whole of another frame of the same picture.
    Frame(u32),
    /// The right texels with the first and third byte exchanged.
    RedAndBlueSwapped,
    /// Rows displaced by so many texels: a wrong row pitch or offset.
    Shifted(i64),
    /// The beginning is right and the rest is not: torn or cut short.
    Partly,
    /// None of these.
    Unrelated,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
const fn is_first(number: &u32) -> bool {
    *number == 0
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (x, y, slice) = self.at;
        write!(f, "{} of {} texels differ, first at ({x}, {y}) layer {slice}", self.wrong, self.total)?;
        for (name, number) in [("level", self.level), ("plane", self.plane)] {
            if !is_first(&number) {
                write!(f, " {name} {number}")?;
            }
        }
        f.write_str(": ")?;
        write!(f, "found {}, expected {}; ", self.found, self.expected)?;
        match &self.looks_like {
            Likeness::Zero => f.write_str("it looks like memory that nobody wrote"),
            Likeness::Frame(frame) => write!(f, "it looks like frame {frame}"),
            Likeness::RedAndBlueSwapped => f.write_str("it looks like red and blue are swapped"),
            Likeness::Shifted(texels) => write!(f, "it looks displaced by {texels} texels"),
            Likeness::Partly => f.write_str("the beginning is right"),
            Likeness::Unrelated => f.write_str("it looks like another picture"),
        }
    }
}

/// Fixed-point constants of a 32-bit finaliser (Prospecting for Hash Functions, C. Wellons: lowbias32).
const MIX: [u32; 2] = [0x7feb_352d, 0x846c_a68b];

const fn mix(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(MIX[0]);
    h ^= h >> 15;
    h = h.wrapping_mul(MIX[1]);
    h ^ (h >> 16)
}

impl Pattern {
    /// Frame 0 of the picture with this seed.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { seed, frame: 0 }
    }

    /// Another frame of the same picture.
    #[must_use]
    pub const fn at_frame(self, frame: u32) -> Self {
        Self { frame, ..self }
    }

    /// Write all texels, packed as [`Part`] tells, into `texels`, whose length is [`TextureSpec::packed_bytes`] (a shorter slice is
    /// filled as far as rows fit).
    pub fn fill(self, spec: &TextureSpec, texels: &mut [u8]) {
        for part in spec.parts() {
            let whole = range(part.offset, part.end(), texels.len());
            self.fill_rows(spec, &part, 0, &mut texels[whole]);
        }
    }

    /// Write the texels of one subresource, tightly packed. One that the texture does not have is left alone.
    pub fn fill_subresource(self, spec: &TextureSpec, subresource: Subresource, texels: &mut [u8]) {
        if let Some(part) = spec.part(subresource) {
            let whole = range(0, part.slice_bytes(), texels.len());
            self.fill_rows(spec, &part, subresource.slice, &mut texels[whole]);
        }
    }

    fn fill_rows(self, spec: &TextureSpec, part: &Part, first_slice: u32, texels: &mut [u8]) {
        for (index, row) in texels.chunks_exact_mut(row_bytes(part)).enumerate() {
            self.row(spec, part, first_slice, index).fill(row);
        }
    }

    /// Compare all texels, packed as [`Part`] tells, with this pattern.
    ///
    /// # Errors
    /// [`Mismatch`] counts and locates what differs. A slice of the wrong length differs in every missing block.
    pub fn verify(self, spec: &TextureSpec, texels: &[u8]) -> Result<(), Box<Mismatch>> {
        let stretches = spec.parts().map(|part| Stretch { part, slice: 0, texels: within(texels, part.offset, part.end()) });
        self.compare(spec, stretches)
    }

    /// Compare the texels of one subresource, tightly packed, with this pattern. One that the texture does not have equals anything.
    ///
    /// # Errors
    /// As [`Pattern::verify`].
    pub fn verify_subresource(self, spec: &TextureSpec, subresource: Subresource, texels: &[u8]) -> Result<(), Box<Mismatch>> {
        let part = spec.part(subresource).map(|part| Part { slices: 1, ..part });
        let stretch =
            part.map(|part| Stretch { part, slice: subresource.slice, texels: within(texels, 0, part.slice_bytes()) });
        self.compare(spec, stretch.into_iter())
    }

    fn compare<'texels>(
        self,
        spec: &TextureSpec,
        stretches: impl Iterator<Item = Stretch<'texels>>,
    ) -> Result<(), Box<Mismatch>> {
        let (mut wrong, mut total, mut first) = (0, 0, None);
        for stretch in stretches {
            total += stretch.blocks();
            let (differing, at) = self.compare_stretch(spec, &stretch);
            wrong += differing;
            first = first.or_else(|| (differing > 0).then_some((stretch, at)));
        }
        match first {
            None => Ok(()),
            Some((stretch, at)) => Err(Box::new(Mismatch { wrong, total, ..self.describe(spec, &stretch, at) })),
        }
    }

    /// How many blocks differ, and row and column of the first.
    fn compare_stretch(self, spec: &TextureSpec, stretch: &Stretch<'_>) -> (u64, (usize, usize)) {
        let Stretch { part, slice, texels } = stretch;
        let block_bytes = part.block_bytes as usize;
        let unused = numbers(spec, part).unused_bits();
        let mut wrong = stretch.blocks().saturating_sub((texels.len() / block_bytes) as u64);
        let mut first: Option<(usize, usize)> = None;
        let (mut expected, mut masked) = (vec![0; row_bytes(part)], Vec::new());
        for (index, mut row) in texels.chunks_exact(row_bytes(part)).enumerate() {
            self.row(spec, part, *slice, index).fill(&mut expected);
            if unused != 0 {
                masked.clear();
                masked.extend_from_slice(row);
                mask(&mut masked, unused);
                row = &masked;
            }
            if row == expected {
                continue;
            }
            let differing = || {
                row.chunks_exact(block_bytes).zip(expected.chunks_exact(block_bytes)).enumerate().filter(|(_, (a, b))| a != b)
            };
            wrong += differing().count() as u64;
            first = first.or_else(|| differing().next().map(|(column, _)| (index, column)));
        }
        (wrong, first.unwrap_or((0, 0)))
    }

    fn describe(self, spec: &TextureSpec, stretch: &Stretch<'_>, (row, column): (usize, usize)) -> Mismatch {
        let Stretch { part, slice, texels } = stretch;
        let mut expected = vec![0; row_bytes(part)];
        let described = self.row(spec, part, *slice, row);
        described.fill(&mut expected);
        let found_row = texels.chunks_exact(row_bytes(part)).nth(row).unwrap_or(&[]);
        let hex = |row: &[u8]| {
            let block = row.chunks_exact(part.block_bytes as usize).nth(column).unwrap_or(&[]);
            block.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        Mismatch {
            wrong: 0,
            total: 0,
            at: (u32::try_from(column).unwrap_or(u32::MAX), described.y, described.slice),
            level: part.level,
            plane: part.plane,
            found: hex(found_row),
            expected: hex(&expected),
            looks_like: self.likeness(spec, stretch, row),
        }
    }

    /// Judges the first wrong row and a few others; a hint for the reader, not part of any verdict.
    fn likeness(self, spec: &TextureSpec, stretch: &Stretch<'_>, wrong_row: usize) -> Likeness {
        let Stretch { part, slice, texels } = stretch;
        if texels.iter().all(|&byte| byte == 0) {
            return Likeness::Zero;
        }
        let row = texels.chunks_exact(row_bytes(part)).nth(wrong_row).unwrap_or(&[]);
        let mut other = vec![0; row_bytes(part)];
        let near = self.frame.saturating_sub(4)..=self.frame.saturating_add(4);
        for frame in near.filter(|&frame| frame != self.frame) {
            self.at_frame(frame).row(spec, part, *slice, wrong_row).fill(&mut other);
            // Texels of one or two bytes agree by chance; only a whole row counts.
            if row == other && row.len() >= 4 {
                return Likeness::Frame(frame);
            }
        }
        self.row(spec, part, *slice, wrong_row).fill(&mut other);
        let mut swapped = other.clone();
        for texel in swapped.chunks_exact_mut(part.block_bytes as usize).filter(|texel| texel.len() == 4) {
            texel.swap(0, 2);
        }
        if row == swapped {
            return Likeness::RedAndBlueSwapped;
        }
        if let Some(shift) = self.shift(spec, stretch, row, wrong_row) {
            return Likeness::Shifted(shift);
        }
        if wrong_row > 0 { Likeness::Partly } else { Likeness::Unrelated }
    }

    /// By how many blocks the row's content comes from elsewhere in the picture, within two rows either way.
    fn shift(self, spec: &TextureSpec, stretch: &Stretch<'_>, row: &[u8], wrong_row: usize) -> Option<i64> {
        let Stretch { part, slice, .. } = stretch;
        let block_bytes = part.block_bytes as usize;
        let sample = row.get(..row.len().min(16).max(block_bytes))?;
        if sample.len() < 8 {
            return None;
        }
        let first = wrong_row.saturating_sub(2);
        let rows = wrong_row - first + 3;
        let mut around = vec![0; row_bytes(part) * rows];
        for (index, out) in around.chunks_exact_mut(row_bytes(part)).enumerate() {
            self.row(spec, part, *slice, first + index).fill(out);
        }
        let home = ((wrong_row - first) * row_bytes(part) / block_bytes) as i64;
        let mut starts = (0..around.len().saturating_sub(sample.len())).step_by(block_bytes);
        let found = starts.find(|&start| around[start..].starts_with(sample))? / block_bytes;
        Some(found as i64 - home).filter(|&shift| shift != 0)
    }

    /// The row with this index, counted from a slice on.
    fn row(self, spec: &TextureSpec, part: &Part, first_slice: u32, index: usize) -> Row {
        let rows = part.rows.max(1) as usize;
        let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let (y, slice) = (narrow(index % rows), first_slice.saturating_add(narrow(index / rows)));
        let uniform = spec.samples > 1;
        let place = slice.wrapping_add(part.level << 16).wrapping_add(part.plane << 24);
        let picture = mix(self.seed as u32) ^ mix((self.seed >> 32) as u32 ^ 0x9e37_79b9);
        let line = if uniform { 0 } else { y };
        let start = mix(picture ^ mix(line ^ mix(place ^ mix(self.frame ^ 0x85eb_ca6b).rotate_left(7)).rotate_left(11)));
        Row { start, y, slice, uniform, block_bytes: part.block_bytes as usize, numbers: numbers(spec, part) }
    }
}

/// One row of blocks of a picture.
struct Row {
    start: u32,
    y: u32,
    slice: u32,
    /// Whether all of a slice has one value: a multisampled texture is written by clearing it.
    uniform: bool,
    block_bytes: usize,
    numbers: Numbers,
}

impl Row {
    fn fill(&self, row: &mut [u8]) {
        let (mut clear, set) = self.numbers.allowed_bits();
        if self.uniform && self.numbers == Numbers::Single {
            // Up to 64 of the same are added up when they are resolved: each sum on the way is exact with six bits less.
            clear |= 0x3f;
        }
        let word = |index: u32| mix(self.start.wrapping_add(index.wrapping_mul(0x9e37_79b1))) & !clear | set;
        match self.block_bytes {
            1 => row.iter_mut().zip(0u32..).for_each(|(byte, x)| *byte = (word(x) >> 24) as u8),
            2 => {
                for (texel, x) in row.as_chunks_mut::<2>().0.iter_mut().zip(0u32..) {
                    *texel = ((word(x) >> 16) as u16).to_le_bytes();
                }
            }
            _ => {
                let (words, rest) = row.as_chunks_mut::<4>();
                for (bytes, index) in words.iter_mut().zip(0u32..) {
                    *bytes = word(index).to_le_bytes();
                }
                let last = word(u32::try_from(words.len()).unwrap_or(u32::MAX)).to_le_bytes();
                rest.copy_from_slice(&last[..rest.len()]);
            }
        }
        if self.uniform && row.len() > self.block_bytes {
            let (first, others) = row.split_at_mut(self.block_bytes);
            others.chunks_exact_mut(first.len()).for_each(|texel| texel.copy_from_slice(first));
        }
    }
}

/// Slices of a part, one behind the other, as they were read.
struct Stretch<'texels> {
    part: Part,
    /// The first of them.
    slice: u32,
    texels: &'texels [u8],
}

impl Stretch<'_> {
    fn blocks(&self) -> u64 {
        u64::from(self.part.columns) * u64::from(self.part.rows) * u64::from(self.part.slices)
    }
}

fn numbers(spec: &TextureSpec, part: &Part) -> Numbers {
    spec.format.planes().get(part.plane as usize).map_or(Numbers::Integer, |plane| plane.numbers)
}

/// Clear these bits of every word of 32; both halves of them are alike where texels have 16.
fn mask(row: &mut [u8], unused: u32) {
    let unused = unused.to_le_bytes();
    row.iter_mut().zip(unused.iter().cycle()).for_each(|(byte, unused)| *byte &= !unused);
}

fn range(from: u64, to: u64, len: usize) -> std::ops::Range<usize> {
    let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(len);
    clamp(from)..clamp(to)
}

fn within(texels: &[u8], from: u64, to: u64) -> &[u8] {
    &texels[range(from, to, texels.len())]
}

/// At least 1, so that a spec that was never validated cannot make `chunks_exact` panic.
fn row_bytes(part: &Part) -> usize {
    usize::try_from(part.row_bytes()).unwrap_or(usize::MAX).max(1)
}
