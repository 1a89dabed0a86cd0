//! Finds QR codes in a picture.
//!
//! What is in front of a camera is anybody's to choose, and the reader that looks for codes can fail on a picture that was
//! made for that. So it runs in a worker that has nothing else to do ([`super::reader`]): there, no account and no engine
//! can be harmed, and the next picture gets a fresh one.

use js_sys::Uint8Array;
use rqrr::PreparedImage;
use wasm_bindgen::JsValue;

/// The longest side that is looked at, pixels. The page sends smaller pictures.
pub(super) const MAX_SIDE: u32 = 2_400;
/// Bytes of a pixel: red, green, blue, opacity.
const PIXEL: usize = 4;
/// The most codes that are read in one picture.
const MAX_CODES: usize = 8;

/// What the codes in a posted picture hold; nothing if it is no picture.
pub(super) fn find_posted(pixels: &JsValue, width: u32, height: u32) -> Vec<String> {
    let Some(length) = length(width, height) else {
        return Vec::new();
    };
    let pixels = Uint8Array::new(pixels);
    if pixels.length() as usize != length {
        return Vec::new();
    }
    find(&pixels.to_vec(), width as usize)
}

/// Bytes of a picture, if it is one that is looked at.
fn length(width: u32, height: u32) -> Option<usize> {
    let fits = |side: u32| (1..=MAX_SIDE).contains(&side);
    (fits(width) && fits(height)).then_some(PIXEL * width as usize * height as usize)
}

/// What the codes in a picture hold, dark on light or light on dark.
fn find(rgba: &[u8], width: usize) -> Vec<String> {
    let grey: Vec<u8> = rgba.as_chunks::<PIXEL>().0.iter().map(grey).collect();
    let found = read(&grey, width, false);
    if !found.is_empty() {
        return found;
    }
    // Session's desktop app shows its code light on dark when it fills the screen (spec/12-client-behaviour.md §3).
    read(&grey, width, true)
}

/// How bright a pixel is before white paper (ITU-R BT.601).
fn grey([red, green, blue, opacity]: &[u8; PIXEL]) -> u8 {
    let bright = (77 * u32::from(*red) + 150 * u32::from(*green) + 29 * u32::from(*blue)) >> 8;
    let dark = (255 - bright) * u32::from(*opacity) / 255;
    (255 - dark) as u8
}

fn read(grey: &[u8], width: usize, inverted: bool) -> Vec<String> {
    let whole = Piece {
        left: 0,
        top: 0,
        width,
        height: grey.len() / width.max(1),
    };
    let bright = |x: usize, y: usize| {
        let bright = grey.get(y * width + x).copied().unwrap_or(u8::MAX);
        if inverted { u8::MAX - bright } else { bright }
    };
    match read_piece(whole, bright) {
        Read::Codes(codes) => codes,
        Read::Nothing => Vec::new(),
        // Where a code covers another one, as a dialog does on a screenshot, corners of both are taken for one.
        Read::Unreadable => whole
            .pieces()
            .find_map(|piece| match read_piece(piece, bright) {
                Read::Codes(codes) => Some(codes),
                Read::Nothing | Read::Unreadable => None,
            })
            .unwrap_or_default(),
    }
}

/// What was read in a piece of a picture.
enum Read {
    Codes(Vec<String>),
    /// Something looks like a code and is none.
    Unreadable,
    Nothing,
}

fn read_piece(piece: Piece, bright: impl Fn(usize, usize) -> u8) -> Read {
    let mut picture = PreparedImage::prepare_from_greyscale(piece.width, piece.height, |x, y| {
        bright(piece.left + x, piece.top + y)
    });
    let grids = picture.detect_grids();
    if grids.is_empty() {
        return Read::Nothing;
    }
    let codes: Vec<String> = grids
        .into_iter()
        .take(MAX_CODES)
        .filter_map(|grid| grid.decode().ok())
        .map(|(_, content)| content)
        .collect();
    if codes.is_empty() {
        Read::Unreadable
    } else {
        Read::Codes(codes)
    }
}

/// A part of a picture, pixels.
#[derive(Clone, Copy)]
struct Piece {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Piece {
    /// Smaller pieces that overlap: three quarters of each side, then half of it.
    fn pieces(self) -> impl Iterator<Item = Piece> {
        [(3, 1), (2, 2)].into_iter().flat_map(move |(quarters, steps)| {
            (0..=steps).flat_map(move |row| {
                (0..=steps).map(move |column| Piece {
                    left: self.left + self.width * column / 4,
                    top: self.top + self.height * row / 4,
                    width: self.width * quarters / 4,
                    height: self.height * quarters / 4,
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use qrcodegen::{QrCode, QrCodeEcc};

    use super::{MAX_SIDE, find, length};

    const SEED: &str = "000102030405060708090a0b0c0d0e0f";

    /// A picture of a code, each module so many pixels wide, on paper of a colour, turned clockwise by an angle.
    struct Shown {
        level: QrCodeEcc,
        module: f64,
        dark: [u8; 4],
        light: [u8; 4],
        turned: f64,
        logo: bool,
    }

    const PLAIN: Shown = Shown {
        level: QrCodeEcc::Medium,
        module: 6.0,
        dark: [0, 0, 0, 255],
        light: [255, 255, 255, 255],
        turned: 0.0,
        logo: false,
    };

    impl Shown {
        fn read(&self, text: &str) -> Vec<String> {
            const WIDTH: u32 = 480;
            const HEIGHT: u32 = 400;
            let code = QrCode::encode_text(text, self.level).expect("fits");
            let size = f64::from(code.size());
            let (sin, cos) = self.turned.to_radians().sin_cos();
            let mut rgba = Vec::new();
            for y in 0..HEIGHT {
                for x in 0..WIDTH {
                    let across = (f64::from(x) - f64::from(WIDTH) / 2.0) / self.module;
                    let down = (f64::from(y) - f64::from(HEIGHT) / 2.0) / self.module;
                    let (column, row) = (across * cos + down * sin, down * cos - across * sin);
                    let module = |at: f64| (at + size / 2.0).floor() as i32;
                    let covered = self.logo && column.abs() < size / 8.0 && row.abs() < size / 8.0;
                    let dark = !covered && code.get_module(module(column), module(row));
                    rgba.extend(if dark { self.dark } else { self.light });
                }
            }
            find(&rgba, WIDTH as usize)
        }
    }

    #[test]
    fn a_code_is_read_straight_and_turned() {
        let link = format!(
            "https://chat.example.org/#/c/05{}?n=Harbour%20office",
            "3c".repeat(32)
        );
        for text in [SEED, &link] {
            let module = if text == SEED { 8.0 } else { 5.0 };
            for turned in [0.0, 12.0, 90.0, 200.0] {
                let shown = Shown {
                    module,
                    turned,
                    ..PLAIN
                };
                assert_eq!(shown.read(text), [text], "turned by {turned}");
            }
        }
    }

    /// A screenshot of an account's page, on which a dialog with the phrase's code covers half of the account's code.
    fn covered(id: &str, seed: &str) -> (Vec<u8>, usize) {
        const WIDTH: usize = 900;
        let [below, above] =
            [id, seed].map(|text| QrCode::encode_text(text, QrCodeEcc::Medium).expect("fits"));
        let dark = |code: &QrCode, module: f64, x: f64, y: f64| {
            x >= 0.0 && y >= 0.0 && code.get_module((x / module) as i32, (y / module) as i32)
        };
        let mut rgba = Vec::new();
        for y in 0..640 {
            for x in 0..WIDTH {
                let (x, y) = (x as f64, f64::from(y));
                let in_dialog = (150.0..620.0).contains(&x) && (140.0..620.0).contains(&y);
                let grey = match in_dialog {
                    true if dark(&above, 8.16, x - 268.0, y - 232.0) => 5,
                    true => 255,
                    false if dark(&below, 4.4, x - 276.0, y - 86.0) => 2,
                    false => 149,
                };
                rgba.extend([grey, grey, grey, 255]);
            }
        }
        (rgba, WIDTH)
    }

    #[test]
    fn a_code_that_covers_another_one_is_read() {
        for at in 0..24_u8 {
            let seed = format!("{at:02x}9b").repeat(8);
            let id = format!("05{}", format!("{at:02x}4f").repeat(16));
            let (rgba, width) = covered(&id, &seed);
            assert_eq!(find(&rgba, width), [seed]);
        }
    }

    #[test]
    fn a_code_with_a_mark_in_its_middle_is_read() {
        let marked = Shown {
            level: QrCodeEcc::Quartile,
            module: 8.0,
            logo: true,
            ..PLAIN
        };
        assert_eq!(marked.read(SEED), [SEED]);
    }

    #[test]
    fn light_on_dark_and_pale_colours_are_read() {
        let inverted = Shown {
            dark: PLAIN.light,
            light: [0, 0, 0, 255],
            ..PLAIN
        };
        assert_eq!(inverted.read(SEED), [SEED]);
        let pale = Shown {
            dark: [120, 60, 60, 255],
            light: [200, 220, 200, 255],
            ..PLAIN
        };
        assert_eq!(pale.read(SEED), [SEED]);
        let on_nothing = Shown {
            light: [0, 0, 0, 0],
            ..PLAIN
        };
        assert_eq!(on_nothing.read(SEED), [SEED]);
    }

    #[test]
    fn a_picture_without_a_code_holds_none() {
        assert!(find(&vec![255; 4 * 300 * 200], 300).is_empty());
        let stripes: Vec<u8> = (0..4 * 300 * 200)
            .map(|at| if at / 40 % 2 == 0 { 0 } else { 255 })
            .collect();
        assert!(find(&stripes, 300).is_empty());
    }

    #[test]
    fn sizes_are_checked_before_anything_is_read() {
        assert_eq!(length(2, 3), Some(24));
        assert_eq!(length(0, 3), None);
        assert_eq!(length(3, MAX_SIDE + 1), None);
    }
}
