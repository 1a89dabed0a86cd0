//! Passkeys that open the lock: WebAuthn with the PRF extension, by which an authenticator computes a secret that only it
//! and its user can have it compute again.

use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::DomException;

use super::object::{field, has, object};
use super::{error_text, random_bytes, window};
use crate::engine::Secret;
use crate::engine::lock::Passkey;

/// Who asks, as the system's dialogs say it. They are told no more: a passkey's name can be seen while the app is locked.
const NAME: &str = "Holdfast";
/// The signature algorithms that authenticators have (COSE): ES256, EdDSA, RS256. Nothing is ever signed for us.
const ALGORITHMS: [i32; 3] = [-7, -8, -257];

#[wasm_bindgen]
extern "C" {
    type Credentials;
    #[wasm_bindgen(method, catch)]
    fn create(this: &Credentials, options: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn get(this: &Credentials, options: &Object) -> Result<Promise, JsValue>;

    type Credential;
    #[wasm_bindgen(method, getter, js_name = rawId)]
    fn raw_id(this: &Credential) -> ArrayBuffer;
    #[wasm_bindgen(method, js_name = getClientExtensionResults)]
    fn extension_results(this: &Credential) -> JsValue;
}

/// Why there is no passkey's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PasskeyError {
    /// The user dismissed it, or took too long.
    Dismissed,
    /// This authenticator computes no secrets, or has a passkey of this lock already.
    Unsuitable,
    /// Anything else, for diagnostics.
    Failed(String),
}

impl From<JsValue> for PasskeyError {
    fn from(error: JsValue) -> Self {
        match error.dyn_ref::<DomException>().map(DomException::name).as_deref() {
            Some("NotAllowedError" | "AbortError") => PasskeyError::Dismissed,
            Some("InvalidStateError" | "NotSupportedError" | "ConstraintError") => PasskeyError::Unsuitable,
            Some(name) => PasskeyError::Failed(name.to_owned()),
            None => PasskeyError::Failed(error_text(&error)),
        }
    }
}

/// Whether this browser can do it here.
pub(crate) async fn is_possible() -> bool {
    if !has(&window(), "PublicKeyCredential") || has_no_name() {
        return false;
    }
    let kind = field(&window(), "PublicKeyCredential");
    let capabilities = ask(&kind, "getClientCapabilities").await.unwrap_or_default();
    let knows_prf = field(&capabilities, "extension:prf");
    if knows_prf.as_bool().is_some() {
        return knows_prf.is_truthy();
    }
    // Older browsers say whether the device has an authenticator; what that can do shows when a passkey is made.
    ask(&kind, "isUserVerifyingPlatformAuthenticatorAvailable")
        .await
        .is_some_and(|available| available.is_truthy())
}

/// Passkeys belong to a name; a site at a bare address has none.
fn has_no_name() -> bool {
    let host = window().location().hostname().unwrap_or_default();
    host.contains(':') || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Calls a function of an object that gives a promise; `None` where there is none.
async fn ask(object: &JsValue, name: &str) -> Option<JsValue> {
    let function = field(object, name).dyn_into::<Function>().ok()?;
    let promise = function.call0(object).ok()?.dyn_into::<Promise>().ok()?;
    JsFuture::from(promise).await.ok()
}

/// Makes a passkey on an authenticator that has none of `existing`. Call it soon after a click or key press.
pub(crate) async fn create(existing: &[Passkey]) -> Result<(Passkey, Secret), PasskeyError> {
    let salt: [u8; 32] = random_bytes();
    let algorithms: Array = ALGORITHMS
        .iter()
        .map(|number| {
            JsValue::from(object(&[
                ("type", "public-key".into()),
                ("alg", (*number).into()),
            ]))
        })
        .collect();
    let user = object(&[
        ("id", bytes(&random_bytes::<16>())),
        ("name", NAME.into()),
        ("displayName", NAME.into()),
    ]);
    let wanted = object(&[
        ("userVerification", "required".into()),
        ("residentKey", "discouraged".into()),
    ]);
    let options = object(&[
        ("challenge", bytes(&random_bytes::<32>())),
        ("rp", object(&[("name", NAME.into())]).into()),
        ("user", user.into()),
        ("pubKeyCredParams", algorithms.into()),
        ("authenticatorSelection", wanted.into()),
        ("excludeCredentials", named(existing)),
        ("attestation", "none".into()),
        ("extensions", prf("eval", first(&salt))),
    ]);
    let made = credentials().create(&public_key(options))?;
    let made: Credential = JsFuture::from(made).await?.unchecked_into();
    let results = field(&made.extension_results(), "prf");
    if field(&results, "enabled").is_falsy() {
        return Err(PasskeyError::Unsuitable);
    }
    let passkey = Passkey {
        id: Uint8Array::new(&made.raw_id()).to_vec(),
        salt,
    };
    // Many compute nothing yet while they make a passkey.
    let output = match output(&results) {
        Some(output) => output,
        None => ask_for_output(std::slice::from_ref(&passkey)).await?.1,
    };
    Ok((passkey, output))
}

/// Has an authenticator compute the secret of one of these passkeys; with the passkey's id. Call it soon after a click or
/// key press.
pub(crate) async fn ask_for_output(passkeys: &[Passkey]) -> Result<(Vec<u8>, Secret), PasskeyError> {
    let by_passkey = Object::new();
    for passkey in passkeys {
        let id = data_encoding::BASE64URL_NOPAD.encode(&passkey.id);
        // Setting a field of a fresh plain object can't fail.
        let _ = Reflect::set(&by_passkey, &id.into(), &first(&passkey.salt));
    }
    let options = object(&[
        ("challenge", bytes(&random_bytes::<32>())),
        ("allowCredentials", named(passkeys)),
        ("userVerification", "required".into()),
        ("extensions", prf("evalByCredential", by_passkey.into())),
    ]);
    let asked = credentials().get(&public_key(options))?;
    let given: Credential = JsFuture::from(asked).await?.unchecked_into();
    let results = field(&given.extension_results(), "prf");
    let output = output(&results).ok_or(PasskeyError::Unsuitable)?;
    Ok((Uint8Array::new(&given.raw_id()).to_vec(), output))
}

/// The secret in the extension's results. The browser's copy is overwritten.
fn output(results: &JsValue) -> Option<Secret> {
    let first = field(&field(results, "results"), "first");
    let first: ArrayBuffer = first.dyn_into().ok()?;
    let first = Uint8Array::new(&first);
    let secret = Secret::new(first.to_vec());
    first.fill(0, 0, first.length());
    Some(secret)
}

fn credentials() -> Credentials {
    field(&window().navigator(), "credentials").unchecked_into()
}

fn public_key(options: Object) -> Object {
    object(&[("publicKey", options.into())])
}

fn prf(how: &str, what: JsValue) -> JsValue {
    object(&[("prf", object(&[(how, what)]).into())]).into()
}

fn first(salt: &[u8; 32]) -> JsValue {
    object(&[("first", bytes(salt))]).into()
}

fn named(passkeys: &[Passkey]) -> JsValue {
    let all: Array = passkeys
        .iter()
        .map(|passkey| {
            JsValue::from(object(&[
                ("type", "public-key".into()),
                ("id", bytes(&passkey.id)),
            ]))
        })
        .collect();
    all.into()
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}
