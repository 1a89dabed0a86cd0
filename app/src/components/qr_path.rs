//! A QR code's modules as one SVG path.

use qrcodegen::{QrCode, QrCodeEcc};

/// The white margin around a code, in modules, as the standard asks for.
pub(crate) const QUIET_ZONE: i32 = 4;

/// A code as a square of `size` modules a side (with its margin) and the path of its dark ones.
#[derive(Clone, Debug)]
pub(crate) struct QrPath {
    /// Side of the view box.
    pub size: i32,
    /// The dark modules: one horizontal bar per run.
    pub d: String,
}

/// Encodes a text; `None` if it is longer than a code can hold.
pub(crate) fn qr_path(text: &str) -> Option<QrPath> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut d = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            if !code.get_module(x, y) {
                x += 1;
                continue;
            }
            let start = x;
            while x < code.size() && code.get_module(x, y) {
                x += 1;
            }
            let (left, top, width) = (start + QUIET_ZONE, y + QUIET_ZONE, x - start);
            d.push_str(&format!("M{left} {top}h{width}v1h-{width}z"));
        }
    }
    Some(QrPath {
        size: code.size() + 2 * QUIET_ZONE,
        d,
    })
}

#[cfg(test)]
mod tests {
    use super::{QUIET_ZONE, qr_path};

    #[test]
    fn the_path_covers_exactly_the_dark_modules() {
        let text = format!("05{}", "ab".repeat(32));
        let code = qrcodegen::QrCode::encode_text(&text, qrcodegen::QrCodeEcc::Medium).expect("fits");
        let path = qr_path(&text).expect("fits");
        let dark: i32 = (0..code.size())
            .flat_map(|y| (0..code.size()).map(move |x| (x, y)))
            .filter(|(x, y)| code.get_module(*x, *y))
            .count() as i32;
        let drawn: i32 = path
            .d
            .split('h')
            .skip(1)
            .filter_map(|part| part.split('v').next()?.parse::<i32>().ok())
            .filter(|width| *width > 0)
            .sum();
        assert_eq!(drawn, dark);
        assert_eq!(path.size, code.size() + 2 * QUIET_ZONE);
    }
}
