//! The camera: asks for it, and lets go of it the moment it is not needed any more.

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomException, HtmlVideoElement, MediaStream, MediaStreamConstraints, MediaStreamTrack};

use super::object::object;
use super::window;

/// Width that is asked for, pixels: enough for the finest code that is shown here, and no more than any camera has.
const WIDTH: u32 = 1_280;

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoCamera {
    /// The user or the browser said no.
    Denied,
    /// There is no camera.
    Missing,
    /// Another program has it.
    Busy,
    /// The page did not come over HTTPS or from this machine, so that no camera is given to it.
    Insecure,
    /// The browser can't.
    Unable,
}

/// An open camera. It is closed when this is dropped.
pub(crate) struct Camera {
    stream: MediaStream,
    _on_gone: Closure<dyn Fn()>,
}

impl Camera {
    /// Opens the camera that looks away from the user, where there are two; asks the user if need be. Call it from a click or
    /// key press. `gone` is called when the device is taken away.
    pub(crate) async fn open(gone: impl Fn() + 'static) -> Result<Self, NoCamera> {
        if !window().is_secure_context() {
            return Err(NoCamera::Insecure);
        }
        let devices = window()
            .navigator()
            .media_devices()
            .map_err(|_| NoCamera::Unable)?;
        // Absent in old browsers, whatever its type says.
        if devices.is_undefined() {
            return Err(NoCamera::Unable);
        }
        let asked = devices
            .get_user_media_with_constraints(&constraints())
            .map_err(|_| NoCamera::Unable)?;
        let stream: MediaStream = match JsFuture::from(asked).await {
            Ok(stream) => stream.dyn_into().map_err(|_| NoCamera::Unable)?,
            Err(error) => {
                let name = error.dyn_into::<DomException>().map(|e| e.name());
                return Err(why(&name.unwrap_or_default()));
            }
        };
        let on_gone = Closure::<dyn Fn()>::new(gone);
        for track in tracks(&stream) {
            track.set_onended(Some(on_gone.as_ref().unchecked_ref()));
        }
        Ok(Self {
            stream,
            _on_gone: on_gone,
        })
    }

    /// Shows what it sees.
    pub(crate) fn show(&self, film: &HtmlVideoElement) {
        film.set_muted(true);
        film.set_src_object(Some(&self.stream));
        // Plays by itself where it may not be told to.
        let _ = film.play();
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        for track in tracks(&self.stream) {
            track.set_onended(None);
            track.stop();
        }
    }
}

fn tracks(stream: &MediaStream) -> impl Iterator<Item = MediaStreamTrack> {
    stream
        .get_tracks()
        .to_vec()
        .into_iter()
        .filter_map(|track| track.dyn_into().ok())
}

fn constraints() -> MediaStreamConstraints {
    let ideal = |value: JsValue| JsValue::from(object(&[("ideal", value)]));
    let wishes = object(&[
        ("facingMode", ideal("environment".into())),
        ("width", ideal(WIDTH.into())),
    ]);
    let constraints = MediaStreamConstraints::new();
    constraints.set_video(&wishes);
    constraints
}

/// What the browser's name for a refusal means.
fn why(name: &str) -> NoCamera {
    match name {
        "NotAllowedError" | "SecurityError" => NoCamera::Denied,
        "NotFoundError" | "OverconstrainedError" => NoCamera::Missing,
        "NotReadableError" | "AbortError" => NoCamera::Busy,
        _ => NoCamera::Unable,
    }
}

#[cfg(test)]
mod tests {
    use super::{NoCamera, why};

    #[test]
    fn each_refusal_of_a_browser_is_told_apart() {
        assert_eq!(why("NotAllowedError"), NoCamera::Denied);
        assert_eq!(why("NotFoundError"), NoCamera::Missing);
        assert_eq!(why("NotReadableError"), NoCamera::Busy);
        assert_eq!(why("TypeError"), NoCamera::Unable);
    }
}
