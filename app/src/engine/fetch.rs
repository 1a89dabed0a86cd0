//! The `Network` port: `fetch` with a time limit and a size limit.

use futures::future::{Either, LocalBoxFuture, select};
use holdfast_client::ports::{HttpRequest, HttpResponse, Method, Network, NetworkError};
use js_sys::{Array, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, Request, RequestCache, RequestCredentials,
    RequestInit, RequestRedirect, Response,
};

use super::{clock, xhr};

#[wasm_bindgen]
extern "C" {
    fn fetch(request: &Request) -> Promise;
}

/// The browser's `fetch`.
pub(crate) struct Fetch;

impl Network for Fetch {
    fn send(&self, request: HttpRequest) -> LocalBoxFuture<'_, Result<HttpResponse, NetworkError>> {
        Box::pin(async move {
            let abort = AbortOnDrop(AbortController::new().map_err(|_| NetworkError::Unreachable)?);
            let limit = clock::sleep(request.timeout);
            let exchange = async {
                match request.progress.clone() {
                    Some(progress) => xhr::exchange(&request, progress).await,
                    None => exchange(&request, &abort.0).await,
                }
            };
            futures::pin_mut!(limit, exchange);
            match select(exchange, limit).await {
                Either::Left((result, _)) => result,
                Either::Right(_) => Err(NetworkError::Timeout),
            }
        })
    }
}

/// Ends the exchange when its future is dropped: on a time-out, or when the engine lost interest.
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn exchange(request: &HttpRequest, abort: &AbortController) -> Result<HttpResponse, NetworkError> {
    let sent = prepare(request, abort).map_err(|_| NetworkError::Unreachable)?;
    let response: Response = JsFuture::from(fetch(&sent))
        .await
        .map_err(|_| unreachable())?
        .unchecked_into();
    let body = read_body(&response, request.max_response).await?;
    Ok(HttpResponse {
        status: response.status(),
        headers: headers(&response.headers()),
        body,
    })
}

/// A refused connection as the engine should see it. What the browser says of the connection is not asked beforehand: a
/// machine without any can still reach itself.
pub(super) fn unreachable() -> NetworkError {
    if Reflect::get(&js_sys::global(), &"navigator".into())
        .and_then(|navigator| Reflect::get(&navigator, &"onLine".into()))
        .is_ok_and(|online| online.is_falsy() && !online.is_undefined())
    {
        NetworkError::Offline
    } else {
        NetworkError::Unreachable
    }
}

fn prepare(request: &HttpRequest, abort: &AbortController) -> Result<Request, JsValue> {
    let init = RequestInit::new();
    match request.method {
        Method::Get => init.set_method("GET"),
        Method::Post => {
            init.set_method("POST");
            init.set_body(&Uint8Array::from(request.body.as_slice()));
            let headers = Headers::new()?;
            headers.set("Content-Type", "application/octet-stream")?;
            init.set_headers(&headers);
        }
    }
    init.set_signal(Some(&abort.signal()));
    init.set_cache(RequestCache::NoStore);
    init.set_credentials(RequestCredentials::Omit);
    init.set_redirect(RequestRedirect::Error);
    init.set_referrer_policy(web_sys::ReferrerPolicy::NoReferrer);
    Request::new_with_str_and_init(&request.url, &init)
}

/// Reads the body piece by piece, so that an endless one is given up at the limit.
async fn read_body(response: &Response, limit: usize) -> Result<Vec<u8>, NetworkError> {
    let Some(stream) = response.body() else {
        return Ok(Vec::new());
    };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    loop {
        let piece = JsFuture::from(reader.read()).await.map_err(|_| unreachable())?;
        let field = |name: &str| Reflect::get(&piece, &name.into()).unwrap_or(JsValue::UNDEFINED);
        if field("done").is_truthy() {
            return Ok(body);
        }
        let Ok(bytes) = field("value").dyn_into::<Uint8Array>() else {
            return Err(NetworkError::Unreachable);
        };
        let start = body.len();
        let end = start.saturating_add(bytes.length() as usize);
        if end > limit {
            return Err(NetworkError::TooLarge);
        }
        body.resize(end, 0);
        bytes.copy_to(&mut body[start..]);
    }
}

fn headers(headers: &Headers) -> Vec<(String, String)> {
    let Ok(Some(entries)) = js_sys::try_iter(headers) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let pair: Array = entry.ok()?.dyn_into().ok()?;
            Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
        })
        .collect()
}
