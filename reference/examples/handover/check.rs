//! Whether a frame is the one that the producer drew.

use crate::picture;

/// Compare tightly packed texels with a frame.
pub(crate) fn verify(frame: u32, texels: &[u8]) -> Result<(), String> {
    let mut expected = vec![0; texels.len()];
    picture::draw(frame, &mut expected);
    let differ = |(found, expected): &(&[u8; 4], &[u8; 4])| found != expected;
    let pairs = || texels.as_chunks::<4>().0.iter().zip(expected.as_chunks::<4>().0);
    match pairs().position(|pair| differ(&pair)) {
        None => Ok(()),
        Some(first) => {
            let (width, wrong) = (picture::SPEC.width as usize, pairs().filter(differ).count());
            Err(format!("frame {frame} has {wrong} wrong texels, the first at ({}, {})", first % width, first / width))
        }
    }
}
