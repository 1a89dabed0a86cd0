//! The screens.

use leptos::prelude::*;

/// The whole app.
#[component]
pub(crate) fn App() -> impl IntoView {}
