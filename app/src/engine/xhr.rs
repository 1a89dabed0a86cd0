//! Exchanges whose progress is told: `XMLHttpRequest` is the only way in a browser to hear how much of a body has left.

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use holdfast_client::ports::{Exchanged, HttpRequest, HttpResponse, Method, NetworkError, Progress};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{ProgressEvent, XmlHttpRequest, XmlHttpRequestResponseType};

use super::fetch::unreachable;

/// Why listening ended.
enum End {
    Loaded,
    Failed,
    TooLarge,
}

/// Ends the exchange when its future is dropped.
struct AbortOnDrop(XmlHttpRequest);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        for handler in [
            web_sys::XmlHttpRequestEventTarget::set_onload,
            web_sys::XmlHttpRequestEventTarget::set_onerror,
            web_sys::XmlHttpRequestEventTarget::set_onprogress,
        ] {
            handler(&self.0, None);
        }
        if let Ok(upload) = self.0.upload() {
            upload.set_onprogress(None);
        }
        let _ = self.0.abort();
    }
}

/// Performs one exchange, telling how far it is.
pub(super) async fn exchange(
    request: &HttpRequest,
    progress: Progress,
) -> Result<HttpResponse, NetworkError> {
    let failed = |_: JsValue| NetworkError::Unreachable;
    let xhr = XmlHttpRequest::new().map_err(failed)?;
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    xhr.open_with_async(method, &request.url, true).map_err(failed)?;
    xhr.set_response_type(XmlHttpRequestResponseType::Arraybuffer);
    let xhr = AbortOnDrop(xhr);
    let (sender, ended) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let end = move |how: End| {
        if let Some(sender) = sender.borrow_mut().take() {
            let _ = sender.send(how);
        }
    };
    let on_load = Closure::<dyn Fn()>::new({
        let end = end.clone();
        move || end(End::Loaded)
    });
    let on_error = Closure::<dyn Fn()>::new({
        let end = end.clone();
        move || end(End::Failed)
    });
    let limit = request.max_response as f64;
    let on_received = Closure::<dyn Fn(ProgressEvent)>::new({
        let progress = progress.clone();
        move |event: ProgressEvent| {
            if event.loaded() > limit {
                end(End::TooLarge);
                return;
            }
            let total = if event.length_computable() {
                event.total()
            } else {
                0.0
            };
            (progress.0)(Exchanged::Received(event.loaded() as u64, total as u64));
        }
    });
    let on_sent = Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| {
        (progress.0)(Exchanged::Sent(event.loaded() as u64));
    });
    xhr.0.set_onload(Some(on_load.as_ref().unchecked_ref()));
    xhr.0.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    xhr.0.set_onprogress(Some(on_received.as_ref().unchecked_ref()));
    if let Ok(upload) = xhr.0.upload() {
        upload.set_onprogress(Some(on_sent.as_ref().unchecked_ref()));
    }
    match request.method {
        Method::Get => xhr.0.send().map_err(failed)?,
        Method::Post => {
            xhr.0
                .set_request_header("Content-Type", "application/octet-stream")
                .map_err(failed)?;
            xhr.0
                .send_with_opt_u8_array(Some(&request.body))
                .map_err(failed)?;
        }
    }
    match ended.await {
        Ok(End::Loaded) => {}
        Ok(End::TooLarge) => return Err(NetworkError::TooLarge),
        Ok(End::Failed) | Err(_) => return Err(unreachable()),
    }
    let body: ArrayBuffer = xhr.0.response().map_err(failed)?.dyn_into().map_err(failed)?;
    if body.byte_length() as usize > request.max_response {
        return Err(NetworkError::TooLarge);
    }
    Ok(HttpResponse {
        status: xhr.0.status().map_err(failed)?,
        headers: headers(&xhr.0.get_all_response_headers().unwrap_or_default()),
        body: Uint8Array::new(&body).to_vec(),
    })
}

/// One header a line, names in lower case already (XMLHttpRequest standard, "get all response headers").
fn headers(lines: &str) -> Vec<(String, String)> {
    lines
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}
