//! Scanning a QR code: by camera, or from a picture that is chosen, dropped or pasted.

mod scanner;
mod words;

use holdfast_protocol::account::Code;
use leptos::ev::{self, ClipboardEvent, DragEvent};
use leptos::html;
use leptos::prelude::*;
use web_sys::File;

use crate::components::dialog::Dialog;
use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::data_transfer::{files, holds_files, pasted_files};
use scanner::{Scanner, Stage};

pub(crate) use words::Purpose;

/// The button that opens the scanner, and the scanner. While it is on the page, a picture that is dropped on it or pasted is
/// looked at too.
#[component]
pub(crate) fn Scan(
    /// The button's id, unique on the page.
    id: &'static str,
    /// What the code is wanted for.
    purpose: Purpose,
    /// Called with a code of that kind; the camera is off by then.
    #[prop(into)]
    on_found: Callback<Code>,
) -> impl IntoView {
    let scanner = Scanner::new(purpose, on_found);
    let input = NodeRef::<html::Input>::new();
    let open = Memo::new(move |_| scanner.stage.get() != Stage::Closed);
    take_pictures(scanner);
    let hidden = |name: &'static str| {
        let seen = window_event_listener(ev::Custom::<web_sys::Event>::new(name), move |_| {
            if name == "pagehide" || document().hidden() {
                scanner.pause();
            }
        });
        on_cleanup(move || seen.remove());
    };
    hidden("visibilitychange");
    hidden("pagehide");
    view! {
        <button type="button" id=id class="button quiet" on:click=move |_| scanner.open()>
            {icon(Icon::Qr)}
            {t("scan.open")}
        </button>
        <input
            id="scan-picture"
            type="file"
            accept="image/*"
            hidden
            node_ref=input
            on:change:target=move |event| {
                let input = event.target();
                let file = input.files().and_then(|files| files.get(0));
                // The same file may be chosen again.
                input.set_value("");
                if let Some(file) = file {
                    scanner.read_picture(file);
                }
            }
        />
        {move || {
            open.get()
                .then(|| {
                    view! {
                        <Dialog title=purpose.title() on_close=move || scanner.close() firm=true>
                            {move || stage(scanner)} {buttons(scanner, input)}
                        </Dialog>
                    }
                        .into_any()
                })
        }}
    }
}

/// What the dialog shows, above its buttons.
fn stage(scanner: Scanner) -> AnyView {
    let error = move || view! { <p id="scan-error" class="error" role="alert">{scanner.wrong}</p> };
    match scanner.stage.get() {
        Stage::Closed => ().into_any(),
        Stage::Asking => view! { <p role="status">{t("scan.asking")}</p> }.into_any(),
        Stage::Picture => view! { <p role="status">{t("scan.reading")}</p> }.into_any(),
        Stage::Start => view! {
            <p>{scanner.purpose.where_from()}</p>
            <p class="help">{t("scan.explanation")} " " {t("scan.drop")}</p>
            {error()}
        }
        .into_any(),
        Stage::Camera => {
            Effect::new(move |_| scanner.show_film());
            view! {
                <div class="scan-view">
                    <video node_ref=scanner.film playsinline aria-label=t("scan.view")></video>
                    <span class="scan-frame" aria-hidden="true"></span>
                </div>
                <p role="status">{t("scan.looking")}</p>
                {error()}
            }
            .into_any()
        }
    }
}

/// The dialog's buttons. Those that stay keep the focus.
fn buttons(scanner: Scanner, input: NodeRef<html::Input>) -> AnyView {
    let cancel = NodeRef::<html::Button>::new();
    let at_start = Memo::new(move |_| scanner.stage.get() == Stage::Start);
    let busy = Memo::new(move |_| scanner.stage.get() == Stage::Picture);
    Effect::new(move |before: Option<bool>| {
        let now = at_start.get();
        if before == Some(true)
            && !now
            && let Some(cancel) = cancel.get_untracked()
        {
            // The button that was pressed goes.
            let _ = cancel.focus();
        }
        now
    });
    view! {
        <div class="actions">
            <button
                type="button"
                id="scan-cancel"
                class="button quiet"
                node_ref=cancel
                on:click=move |_| scanner.close()
            >
                {t("action.cancel")}
            </button>
            <button
                type="button"
                id="scan-choose"
                class="button"
                aria-disabled=move || busy.get().to_string()
                on:click=move |_| {
                    if let Some(input) = input.get_untracked().filter(|_| !busy.get_untracked()) {
                        input.click();
                    }
                }
            >
                {icon(Icon::Photo)}
                {t("scan.choose")}
            </button>
            {move || {
                at_start
                    .get()
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                id="scan-camera"
                                class="button primary"
                                autofocus
                                on:click=move |_| scanner.use_camera()
                            >
                                {icon(Icon::Camera)}
                                {t("scan.camera")}
                            </button>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

/// Takes pictures that are dropped on the page or pasted, as long as this part of it is there.
fn take_pictures(scanner: Scanner) {
    let pasted = window_event_listener(ev::paste, move |event: ClipboardEvent| {
        if let Some(file) = event
            .clipboard_data()
            .as_ref()
            .and_then(|data| first(pasted_files(data)))
        {
            event.prevent_default();
            scanner.read_picture(file);
        }
    });
    let over = window_event_listener(ev::dragover, move |event: DragEvent| {
        if let Some(data) = event.data_transfer().filter(holds_files) {
            event.prevent_default();
            data.set_drop_effect("copy");
        }
    });
    let dropped = window_event_listener(ev::drop, move |event: DragEvent| {
        if let Some(file) = event.data_transfer().as_ref().and_then(|data| first(files(data))) {
            event.prevent_default();
            scanner.read_picture(file);
        }
    });
    on_cleanup(move || {
        pasted.remove();
        over.remove();
        dropped.remove();
    });
}

fn first(files: Vec<File>) -> Option<File> {
    files.into_iter().next()
}
