//! The picture: a ball that bounces over a striped floor, the same in both programs, so that the consumer can check it.

use gpushare::{Format, TextureSpec};

/// 640 × 480 texels of four bytes.
pub(crate) const SPEC: TextureSpec = TextureSpec::new(Format::R8G8B8A8Unorm, 640, 480);

const RADIUS: i64 = 56;

/// From 0 up to `range` and down again, `step` for each frame.
fn bounce(frame: u32, step: i64, range: i64) -> i64 {
    let position = i64::from(frame) * step % (2 * range);
    if position < range { position } else { 2 * range - position }
}

/// Draw a frame into tightly packed texels.
pub(crate) fn draw(frame: u32, texels: &mut [u8]) {
    let (width, height) = (i64::from(SPEC.width), i64::from(SPEC.height));
    let ball = (RADIUS + bounce(frame, 7, width - 2 * RADIUS), RADIUS + bounce(frame, 5, height - 2 * RADIUS));
    for (texel, index) in texels.as_chunks_mut::<4>().0.iter_mut().zip(0i64..) {
        let (x, y) = (index % width, index / width);
        let (dx, dy) = (x - ball.0, y - ball.1);
        let distance = dx * dx + dy * dy;
        *texel = if distance < RADIUS * RADIUS {
            // Brightest at the upper left, as if lit from there.
            let light = 255 - ((dx + 20) * (dx + 20) + (dy + 20) * (dy + 20)) * 180 / (RADIUS * RADIUS * 2);
            [255, light.clamp(0, 255) as u8, 40, 255]
        } else {
            let stripe = (x + y + i64::from(frame) * 3) / 40 % 2 == 0;
            [if stripe { 38 } else { 52 }, (50 + y * 90 / height) as u8, (90 + x * 120 / width) as u8, 255]
        };
    }
}
