//! A QR code, drawn as one SVG path, dark on white in every theme so that cameras read it.

use leptos::prelude::*;

use super::qr_path::qr_path;

/// The code of a text, with a name for screen readers.
pub(crate) fn qr(text: &str, label: String) -> impl IntoView + use<> {
    qr_path(text).map(|code| {
        let view_box = format!("0 0 {0} {0}", code.size);
        view! {
            <svg class="qr" viewBox=view_box role="img" aria-label=label>
                <path d=code.d />
            </svg>
        }
    })
}
