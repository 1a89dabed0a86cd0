//! A keyboard on the screen, for computers that have none: a kiosk's operator switches it on.
//!
//! It is there while a field is written in, takes no focus from it, and does to it what a real keyboard's keys do. Its
//! keys are not steps of the Tab key: whoever can press that has a keyboard.

mod field;
mod layout;

use leptos::ev;
use leptos::prelude::*;

use super::focus::nothing_has_focus;
use super::icon::{Icon, icon};
use crate::i18n::{t, tag};
use crate::platform::kiosk;
use field::{Field, focused};
use layout::{Face, Key};

/// The keyboard, where the operator wants one.
pub(crate) fn keyboard() -> Option<AnyView> {
    kiosk::rules()
        .is_some_and(|rules| rules.keyboard)
        .then(|| view! { <Keyboard /> }.into_any())
}

#[component]
fn Keyboard() -> impl IntoView {
    let writes = StoredValue::new_local(None::<Field>);
    let shown = RwSignal::new(false);
    let own = tag();
    let face = RwSignal::new(Face::of(&own));
    let follow = move || {
        let gone = writes.try_with_value(|before| before.as_ref().is_none_or(|field| !field.is_there()));
        // The keyboard itself may have left the page meanwhile.
        let Some(gone) = gone else { return };
        let now = focused();
        match &now {
            Some(field) => {
                field.without_systems();
                let field = field.clone();
                request_animation_frame(move || field.show());
            }
            None => {
                // The focus is nowhere between two elements; what has left the page is written in no more.
                if !gone && nothing_has_focus() {
                    return;
                }
            }
        }
        shown.set(now.is_some());
        writes.set_value(now);
    };
    let later = move || {
        set_timeout(follow, std::time::Duration::ZERO);
    };
    let focus = [
        window_event_listener(ev::focusin, move |_| follow()),
        window_event_listener(ev::focusout, move |_| later()),
    ];
    on_cleanup(move || focus.into_iter().for_each(|handle| handle.remove()));
    let own = StoredValue::new(own);
    let press = move |key: Key| {
        if key == Key::Hide {
            shown.set(false);
            return;
        }
        face.update(|face| *face = own.with_value(|own| face.after(key, own)));
        let Some(field) = writes.get_value().filter(Field::is_there) else {
            return;
        };
        match key {
            Key::Letter(letter) => field.write(letter.encode_utf8(&mut [0; 4])),
            Key::Space => field.write(" "),
            Key::Backspace => field.backspace(),
            Key::Enter => field.enter(),
            Key::Shift | Key::Signs | Key::Language | Key::Hide => {}
        }
    };
    let press = Callback::new(press);
    move || {
        shown.get().then(|| {
            view! {
                <div
                    class="keyboard"
                    role="group"
                    aria-label=t("keyboard.label")
                    // The field keeps the focus.
                    on:pointerdown=move |event| event.prevent_default()
                    on:mousedown=move |event| event.prevent_default()
                >
                    {move || rows(face.get(), press)}
                </div>
            }
            .into_any()
        })
    }
}

fn rows(face: Face, press: Callback<Key>) -> AnyView {
    face.rows()
        .into_iter()
        .map(|row| {
            let keys = row.into_iter().map(|key| button(face, key, press)).collect_view();
            // Keys stand as on keyboards of their language, which begin on the left everywhere.
            view! { <div class="keyboard-row" dir="ltr">{keys}</div> }
        })
        .collect_view()
        .into_any()
}

fn button(face: Face, key: Key, press: Callback<Key>) -> AnyView {
    let (kind, name, inside): (_, Option<String>, AnyView) = match key {
        Key::Letter(letter) => ("letter", None, letter.to_string().into_any()),
        Key::Shift => ("shift", Some(t("keyboard.shift")), "⇧".into_any()),
        Key::Backspace => ("backspace", Some(t("keyboard.backspace")), "⌫".into_any()),
        Key::Signs if face.signs => ("signs", Some(t("keyboard.letters")), "ABC".into_any()),
        Key::Signs => ("signs", Some(t("keyboard.signs")), "?#@".into_any()),
        Key::Language => (
            "language",
            Some(t("keyboard.language")),
            face.tag().to_uppercase().into_any(),
        ),
        Key::Space => ("space", Some(t("keyboard.space")), ().into_any()),
        Key::Enter => ("enter", Some(t("keyboard.enter")), "⏎".into_any()),
        Key::Hide => ("hide", Some(t("keyboard.hide")), icon(Icon::Down).into_any()),
    };
    let pressed = (key == Key::Shift).then(|| face.shift.to_string());
    view! {
        <button
            type="button"
            class="key"
            tabindex="-1"
            data-key=kind
            aria-label=name
            aria-pressed=pressed
            on:click=move |_| press.run(key)
        >
            {inside}
        </button>
    }
    .into_any()
}
