//! Test pictures in which every kind of mistake looks different.
//!
//! A texel is a function of its position, layer, frame and seed. A wrong offset, a wrong row pitch, swapped channels,
//! a stale frame, another texture's contents and memory that was never written therefore all show, and
//! [`Mismatch`] says which of them it looks like.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::{Format, Numbers};
use crate::texture::TextureSpec;

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
    /// Texels that differ.
    pub wrong: u64,
    /// Texels looked at.
    pub total: u64,
    /// Column, row and layer of the first that differs.
    pub at: (u32, u32, u32),
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

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (x, y, layer) = self.at;
        write!(f, "{} of {} texels differ, first at ({x}, {y}) layer {layer}: ", self.wrong, self.total)?;
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

    /// Write all texels, tightly packed, into `texels`, whose length is [`TextureSpec::packed_bytes`] (a shorter or longer
    /// slice is filled as far as rows fit).
    pub fn fill(self, spec: &TextureSpec, texels: &mut [u8]) {
        for (index, row) in texels.chunks_exact_mut(row_bytes(spec)).enumerate() {
            let (y, layer) = row_position(spec, index);
            self.fill_row(spec.format, y, layer, row);
        }
    }

    /// Compare tightly packed texels with this pattern.
    ///
    /// # Errors
    /// [`Mismatch`] counts and locates what differs. A slice of the wrong length differs in every missing texel.
    pub fn verify(self, spec: &TextureSpec, texels: &[u8]) -> Result<(), Box<Mismatch>> {
        let texel_bytes = spec.format.texel_bytes() as usize;
        let total = spec.packed_bytes() / texel_bytes as u64;
        let mut wrong = total.saturating_sub((texels.len() / texel_bytes) as u64);
        let mut first: Option<(usize, usize)> = None;
        let mut expected = vec![0; row_bytes(spec)];
        for (index, row) in texels.chunks_exact(row_bytes(spec)).enumerate() {
            let (y, layer) = row_position(spec, index);
            self.fill_row(spec.format, y, layer, &mut expected);
            if row == expected {
                continue;
            }
            let differing = || {
                row.chunks_exact(texel_bytes).zip(expected.chunks_exact(texel_bytes)).enumerate().filter(|(_, (a, b))| a != b)
            };
            wrong += differing().count() as u64;
            first = first.or_else(|| differing().next().map(|(column, _)| (index, column)));
        }
        if wrong == 0 { Ok(()) } else { Err(Box::new(self.describe(spec, texels, wrong, first.unwrap_or((0, 0))))) }
    }

    fn describe(self, spec: &TextureSpec, texels: &[u8], wrong: u64, (row, column): (usize, usize)) -> Mismatch {
        let texel_bytes = spec.format.texel_bytes() as usize;
        let (y, layer) = row_position(spec, row);
        let mut expected = vec![0; row_bytes(spec)];
        self.fill_row(spec.format, y, layer, &mut expected);
        let found_row = texels.chunks_exact(row_bytes(spec)).nth(row).unwrap_or(&[]);
        let hex = |row: &[u8]| {
            let texel = row.chunks_exact(texel_bytes).nth(column).unwrap_or(&[]);
            texel.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        Mismatch {
            wrong,
            total: spec.packed_bytes() / texel_bytes as u64,
            at: (u32::try_from(column).unwrap_or(u32::MAX), y, layer),
            found: hex(found_row),
            expected: hex(&expected),
            looks_like: self.likeness(spec, texels, row),
        }
    }

    /// Judges the first wrong row and a few others; a hint for the reader, not part of any verdict.
    fn likeness(self, spec: &TextureSpec, texels: &[u8], wrong_row: usize) -> Likeness {
        let texel_bytes = spec.format.texel_bytes() as usize;
        if texels.iter().all(|&byte| byte == 0) {
            return Likeness::Zero;
        }
        let row = texels.chunks_exact(row_bytes(spec)).nth(wrong_row).unwrap_or(&[]);
        let (y, layer) = row_position(spec, wrong_row);
        let mut other = vec![0; row_bytes(spec)];
        let near = self.frame.saturating_sub(4)..=self.frame.saturating_add(4);
        for frame in near.filter(|&frame| frame != self.frame) {
            self.at_frame(frame).fill_row(spec.format, y, layer, &mut other);
            // Texels of one or two bytes agree by chance; only a whole row counts.
            if row == other && row.len() >= 4 {
                return Likeness::Frame(frame);
            }
        }
        self.fill_row(spec.format, y, layer, &mut other);
        let mut swapped = other.clone();
        for texel in swapped.chunks_exact_mut(texel_bytes).filter(|texel| texel.len() == 4) {
            texel.swap(0, 2);
        }
        if row == swapped {
            return Likeness::RedAndBlueSwapped;
        }
        if let Some(shift) = self.shift(spec, row, wrong_row) {
            return Likeness::Shifted(shift);
        }
        if wrong_row > 0 { Likeness::Partly } else { Likeness::Unrelated }
    }

    /// By how many texels the row's content comes from elsewhere in the picture, within two rows either way.
    fn shift(self, spec: &TextureSpec, row: &[u8], wrong_row: usize) -> Option<i64> {
        let texel_bytes = spec.format.texel_bytes() as usize;
        let sample = row.get(..row.len().min(16).max(texel_bytes))?;
        if sample.len() < 8 {
            return None;
        }
        let first = wrong_row.saturating_sub(2);
        let rows = wrong_row - first + 3;
        let mut around = vec![0; row_bytes(spec) * rows];
        for (index, out) in around.chunks_exact_mut(row_bytes(spec)).enumerate() {
            let (y, layer) = row_position(spec, first + index);
            self.fill_row(spec.format, y, layer, out);
        }
        let home = ((wrong_row - first) * row_bytes(spec) / texel_bytes) as i64;
        let mut starts = (0..around.len().saturating_sub(sample.len())).step_by(texel_bytes);
        let found = starts.find(|&start| around[start..].starts_with(sample))? / texel_bytes;
        Some(found as i64 - home).filter(|&shift| shift != 0)
    }

    fn fill_row(self, format: Format, y: u32, layer: u32, row: &mut [u8]) {
        let picture = mix(self.seed as u32) ^ mix((self.seed >> 32) as u32 ^ 0x9e37_79b9);
        let start = mix(picture ^ mix(y ^ mix(layer ^ mix(self.frame ^ 0x85eb_ca6b).rotate_left(7)).rotate_left(11)));
        let word = |index: u32| mix(start.wrapping_add(index.wrapping_mul(0x9e37_79b1)));
        match (format.texel_bytes(), format.numbers()) {
            (1, _) => row.iter_mut().zip(0u32..).for_each(|(byte, x)| *byte = (word(x) >> 24) as u8),
            (2, _) => {
                for (texel, x) in row.as_chunks_mut::<2>().0.iter_mut().zip(0u32..) {
                    *texel = ((word(x) >> 16) as u16).to_le_bytes();
                }
            }
            (_, numbers) => {
                let (clear, set) = finite_bits(numbers);
                for (bytes, index) in row.as_chunks_mut::<4>().0.iter_mut().zip(0u32..) {
                    *bytes = (word(index) & !clear | set).to_le_bytes();
                }
            }
        }
    }
}

/// Bits to clear and to set so that no word is a NaN, an infinity or a denormal, whose bits a copy need not keep.
const fn finite_bits(numbers: Numbers) -> (u32, u32) {
    match numbers {
        Numbers::Integer => (0, 0),
        Numbers::Half => (0x4000_4000, 0x2000_2000),
        Numbers::Single => (0x4000_0000, 0x2000_0000),
    }
}

/// At least 1, so that a spec that was never validated cannot make `chunks_exact` panic.
fn row_bytes(spec: &TextureSpec) -> usize {
    usize::try_from(spec.row_bytes()).unwrap_or(usize::MAX).max(1)
}

fn row_position(spec: &TextureSpec, row: usize) -> (u32, u32) {
    let height = spec.height.max(1) as usize;
    let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    (narrow(row % height), narrow(row / height))
}
