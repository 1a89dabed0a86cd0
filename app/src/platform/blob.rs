//! Bytes as the browser holds them: blobs, their addresses, downloads.
//!
//! A blob's address is an address of this site: a blob with the type of a page or of a drawing that holds scripts would run
//! here. So blobs are made with the types of [`crate::state::safe`] only.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use super::document;

/// The type of what is only saved.
pub(crate) const OCTETS: &str = "application/octet-stream";
/// A download has begun long before that, in milliseconds; then its address is given back.
const DOWNLOAD_MS: i32 = 60_000;
/// The digits of base 64.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes that come in pieces, outside of the program's own memory.
pub(crate) struct Pieces {
    parts: Array,
    bytes: u64,
}

impl Pieces {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            parts: Array::new(),
            bytes: 0,
        }
    }

    /// Adds a piece at the end.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.parts.push(&Uint8Array::from(piece));
        self.bytes += piece.len() as u64;
    }

    /// How many bytes there are.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of them, with a type.
    pub(crate) fn blob(&self, content_type: &str) -> Option<Blob> {
        let options = BlobPropertyBag::new();
        options.set_type(content_type);
        Blob::new_with_u8_array_sequence_and_options(&self.parts, &options).ok()
    }
}

/// An address of a blob, until it is given back with [`revoke`].
pub(crate) fn address(blob: &Blob) -> Option<String> {
    Url::create_object_url_with_blob(blob).ok()
}

/// Gives an address back.
pub(crate) fn revoke(address: &str) {
    // An address that is none any more does no harm.
    let _ = Url::revoke_object_url(address);
}

/// A blob's bytes.
pub(crate) async fn bytes(blob: &Blob) -> Option<Uint8Array> {
    let buffer = JsFuture::from(blob.array_buffer()).await.ok()?;
    Some(Uint8Array::new(&buffer))
}

/// Has the browser write a blob to its folder of downloads. The type is one that no browser opens.
pub(crate) fn download(blob: &Blob, name: &str) -> bool {
    let plain = blob.slice_with_f64_and_f64_and_content_type(0.0, blob.size(), OCTETS);
    let Some(address) = plain.ok().as_ref().and_then(address) else {
        return false;
    };
    let link = document()
        .create_element("a")
        .ok()
        .and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok());
    let Some(link) = link else { return false };
    link.set_href(&address);
    link.set_download(name);
    link.click();
    let later = Closure::once_into_js(move || revoke(&address));
    // Without a timer the address lives as long as the page.
    let _ = super::window()
        .set_timeout_with_callback_and_timeout_and_arguments_0(later.unchecked_ref(), DOWNLOAD_MS);
    true
}

/// Few bytes as an address that needs no giving back.
pub(crate) fn data_address(content_type: &str, bytes: &[u8]) -> String {
    let mut out = format!("data:{content_type};base64,");
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .chain(&[0, 0])
            .take(3)
            .fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        for digit in 0..4 {
            if digit > chunk.len() {
                out.push('=');
            } else {
                let index = (group >> (18 - 6 * digit)) & 63;
                out.push(BASE64.get(index as usize).copied().map_or('=', char::from));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::data_address;

    #[test]
    fn base64_is_padded_as_its_known_answers_are() {
        // RFC 4648, section 10.
        for (bytes, digits) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let address = data_address("image/png", bytes.as_bytes());
            assert_eq!(address, format!("data:image/png;base64,{digits}"));
        }
    }
}
