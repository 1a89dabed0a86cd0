//! Before the chat in a frame: whom it is with, and the name to write under.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::ResizeObserver;

use super::Place;
use crate::components::avatar::{Size, avatar};
use crate::components::field::Field;
use crate::components::icon::{Icon, icon};
use crate::i18n::{t, tf};
use crate::platform::frame::{Host, ToHost};
use crate::platform::session::StorageMode;
use crate::screens::invited::claimed_name;
use crate::screens::name::enter;
use crate::state::AppState;
use crate::state::identity::short_id;

/// What the style sheet leaves above and below the content together, in CSS pixels.
const AROUND: i32 = 32;

/// The screen.
#[component]
pub(super) fn Start(place: Place) -> impl IntoView {
    let state = AppState::get();
    let name = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    Effect::new(move |_| {
        name.track();
        error.set(String::new());
    });
    let tab = place.tab();
    let invite = place.invite.clone();
    let who = claimed_name(&invite);
    let named = invite.name.is_some();
    let shown_name = if named { who.clone() } else { String::new() };
    let (id, short) = (invite.id, short_id(&invite.id));
    let content = NodeRef::<html::Section>::new();
    tell_size(place.host, content);
    view! {
        <main class="start embedded">
            <section class="step embedded-start" node_ref=content>
                <div class="invited-whom">
                    {avatar(&id, &shown_name, None, Size::Medium)}
                    <h1>{tf("invite.title", &[("name", &who)])}</h1>
                    <p class="help">
                        {if named { t("invite.claim") } else { t("invite.no_claim") }} " "
                        <span class="invited-id" dir="ltr" title=id.to_hex()>{short}</span>
                    </p>
                </div>
                <form
                    class="stack"
                    on:submit=move |event| {
                        event.prevent_default();
                        // Never an account of this device, nor one that stays on it.
                        state.mode.set(StorageMode::SharedComputer);
                        state.invite.set(Some(invite.clone()));
                        enter(state, name, busy, error, false);
                    }
                >
                    <Field
                        id="display-name"
                        label=t("invite.name")
                        value=name
                        error=error
                        help=t("invite.name_help")
                    />
                    <button id="embed-start" class="button primary large" aria-disabled=move || busy.get().to_string()>
                        {move || if busy.get() { t("name.working") } else { t("invite.start") }}
                    </button>
                </form>
                <p class="help">
                    {t("embed.temporary")} " "
                    <a id="embed-tab" href=tab target="_blank" rel="noopener">
                        {t("embed.own_account")}
                        <span class="embedded-outward">{icon(Icon::External)}</span>
                    </a>
                </p>
            </section>
        </main>
    }
}

/// Tells the page around how high the content is, whenever that changes.
fn tell_size(host: Host, content: NodeRef<html::Section>) {
    Effect::new(move |_| {
        let Some(content) = content.get() else { return };
        let (host, measured) = (host.clone(), content.clone());
        let changed = Closure::<dyn Fn()>::new(move || {
            let height = measured.offset_height() + AROUND;
            host.tell(ToHost::Size(u32::try_from(height).unwrap_or_default()));
        });
        if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
            observer.observe(&content);
            let kept = StoredValue::new_local((observer, changed));
            on_cleanup(move || {
                let _ = kept.try_with_value(|(observer, _)| observer.disconnect());
            });
        }
    });
}
