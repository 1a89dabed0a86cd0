//! Plain objects of the browser's, for what has no type of its own here.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

/// An object with these fields.
pub(crate) fn object(fields: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in fields {
        // Setting a field of a fresh plain object can't fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}

/// A field of an object; undefined when there is none, as in what is no object.
pub(crate) fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A field's text; empty when it is none.
pub(crate) fn text(object: &JsValue, name: &str) -> String {
    field(object, name).as_string().unwrap_or_default()
}

/// Whether an object has a field, such as what not every browser knows.
pub(crate) fn has(object: &JsValue, name: &str) -> bool {
    !field(object, name).is_undefined()
}
