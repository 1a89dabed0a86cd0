//! How large pictures are sent, and in which quality, until they fit.

use holdfast_protocol::file::pointer::MAX_PIXELS;

/// The longest side that is sent, in pixels (`spec/07-files-and-attachments.md §7.2`: what Android sends at most).
pub(super) const MAX_SIDE: u32 = 4_096;
/// The longest side of an own profile picture, in pixels (`spec/07-files-and-attachments.md §8.4`).
pub(super) const OWN_SIDE: u32 = 600;
/// Its quality (as before).
pub(super) const OWN_QUALITY: f64 = 0.8;
/// Sides and qualities that are tried one after the other until the picture is small enough.
pub(super) const STEPS: [(u32, f64); 7] = [
    (MAX_SIDE, 0.9),
    (MAX_SIDE, 0.8),
    (MAX_SIDE, 0.65),
    (3_072, 0.8),
    (2_048, 0.8),
    (1_600, 0.7),
    (1_024, 0.7),
];
/// Sides and qualities that are tried for the picture of a link, which is shown no wider than a bubble.
pub(super) const LINK_STEPS: [(u32, f64); 3] = [(640, 0.8), (480, 0.7), (320, 0.6)];
/// Longest sides that are tried for the small picture that stands for a file.
pub(super) const PREVIEW_SIDES: [u32; 5] = [64, 48, 36, 24, 16];
/// Its quality: it is shown blurred.
pub(super) const PREVIEW_QUALITY: f64 = 0.5;

/// The size of a picture whose longest side is at most `side`, never enlarged, never without a pixel.
pub(super) fn fit((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= side {
        return (width.max(1), height.max(1));
    }
    let scaled = |length: u32| {
        let scaled = u64::from(length) * u64::from(side);
        let rounded = (scaled + u64::from(longest) / 2) / u64::from(longest);
        u32::try_from(rounded).unwrap_or(side).max(1)
    };
    (scaled(width), scaled(height))
}

/// Whether a picture has so many pixels that it is not decoded.
pub(super) fn too_many_pixels((width, height): (u32, u32)) -> bool {
    u64::from(width) * u64::from(height) > MAX_PIXELS
}

/// A file name with the ending of another type.
pub(super) fn renamed(name: &str, ending: &str) -> String {
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    if stem.is_empty() {
        return String::new();
    }
    format!("{stem}.{ending}")
}

#[cfg(test)]
mod tests {
    use super::{MAX_SIDE, STEPS, fit, renamed, too_many_pixels};

    #[test]
    fn a_picture_shrinks_in_proportion_and_never_grows() {
        assert_eq!(fit((8_192, 4_096), MAX_SIDE), (4_096, 2_048));
        assert_eq!(fit((300, 8_000), MAX_SIDE), (154, 4_096));
        assert_eq!(fit((4_096, 4_096), MAX_SIDE), (4_096, 4_096));
        assert_eq!(fit((10, 20), MAX_SIDE), (10, 20));
        assert_eq!(fit((60_000, 1), MAX_SIDE), (4_096, 1));
        assert_eq!(fit((u32::MAX, u32::MAX), MAX_SIDE), (MAX_SIDE, MAX_SIDE));
    }

    #[test]
    fn a_hundred_megapixels_are_the_most() {
        assert!(!too_many_pixels((10_000, 10_000)));
        assert!(too_many_pixels((10_001, 10_000)));
        assert!(too_many_pixels((u32::MAX, u32::MAX)));
    }

    #[test]
    fn every_step_makes_the_picture_smaller() {
        for pair in STEPS.windows(2) {
            let [(side, quality), (next_side, next_quality)] = pair else {
                panic!("a window of two");
            };
            assert!(next_side < side || next_quality < quality);
        }
    }

    #[test]
    fn a_name_gets_the_ending_of_what_is_sent() {
        assert_eq!(renamed("IMG_1.HEIC", "jpg"), "IMG_1.jpg");
        assert_eq!(renamed("a.b.png", "webp"), "a.b.webp");
        assert_eq!(renamed("noending", "png"), "noending.png");
        assert_eq!(renamed(".hidden", "png"), ".hidden.png");
        assert_eq!(renamed("", "png"), "");
    }
}
