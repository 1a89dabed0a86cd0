//! The own profile picture: chosen, cut to a square, removed.

mod crop;
mod frame;

use holdfast_client::api::Command;
use leptos::ev::{ClipboardEvent, DragEvent};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{Blob, File, FileList};

use crate::components::dialog::Confirm;
use crate::components::icon::{Icon, icon};
use crate::engine::jobs::{Job, News, Square};
use crate::i18n::t;
use crate::platform::blob;
use crate::state::attach::picture_refusal_words;
use crate::state::{AppState, error_text};
use crop::Crop;

/// A picture that is being cut.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chosen {
    address: String,
}

/// The buttons under the own picture, and the dialog that cuts a new one.
#[component]
pub(super) fn OwnPicture() -> impl IntoView {
    let state = AppState::get();
    let input = NodeRef::<html::Input>::new();
    let error = RwSignal::new(String::new());
    let removing = RwSignal::new(false);
    let saving = RwSignal::new(false);
    let chosen: RwSignal<Option<Chosen>> = RwSignal::new(None);
    let source: StoredValue<Option<Blob>, LocalStorage> = StoredValue::new_local(None);
    let close = move || {
        if let Some(chosen) = chosen.try_update(Option::take).flatten() {
            blob::revoke(&chosen.address);
        }
        let _ = source.try_set_value(None);
    };
    on_cleanup(close);
    let choose = move |file: File| {
        close();
        error.set(String::new());
        saving.set(false);
        if let Some(address) = blob::address(&file) {
            source.set_value(Some(file.into()));
            chosen.set(Some(Chosen { address }));
        }
    };
    let take = move |files: Option<FileList>| {
        let file = files.and_then(|files| (0..files.length()).filter_map(|at| files.get(at)).next());
        let found = file.is_some();
        if let Some(file) = file {
            choose(file);
        }
        found
    };
    let can = Memo::new(move |_| state.network.with(|network| network.files));
    let has = Memo::new(move |_| {
        state
            .account
            .with(|a| a.as_ref().is_some_and(|a| a.picture.is_some()))
    });
    let waits = Memo::new(move |_| {
        state
            .account
            .with(|a| a.as_ref().is_some_and(|a| a.picture_waits))
    });
    let save = move |square: Square| {
        let Some(picture) = source.get_value() else { return };
        saving.set(true);
        error.set(String::new());
        let job = state.prepare(Job::Picture(square), &picture, move |_, news| {
            let words = match news {
                News::Done(file) => {
                    set_picture(state, Command::SetPicture(Some(file)), move |failed| {
                        let _ = saving.try_set(false);
                        match failed {
                            None => close(),
                            Some(words) => {
                                let _ = error.try_set(words);
                            }
                        }
                    });
                    return;
                }
                News::Refused(refusal) => picture_refusal_words(&refusal).unwrap_or_default(),
                News::Staged(_) | News::Written { .. } | News::Drawn(_) => return,
            };
            let _ = saving.try_set(false);
            let _ = error.try_set(words);
        });
        if job.is_none() {
            saving.set(false);
        }
    };
    let on_drop = move |event: DragEvent| {
        let files = event.data_transfer().and_then(|data| data.files());
        if can.get_untracked() && take(files) {
            event.prevent_default();
        }
    };
    let on_over = move |event: DragEvent| {
        if let Some(data) = event.data_transfer().filter(|_| can.get_untracked()) {
            event.prevent_default();
            data.set_drop_effect("copy");
        }
    };
    let paste = window_event_listener(leptos::ev::paste, move |event: ClipboardEvent| {
        let files = event.clipboard_data().and_then(|data| data.files());
        if can.get_untracked() && take(files) {
            event.prevent_default();
        }
    });
    on_cleanup(move || paste.remove());
    view! {
        <div class="own-picture" on:dragover=on_over on:drop=on_drop>
            {move || waits.get().then(|| view! { <p class="help">{t("picture.waits")}</p> })}
            <div class="row-actions">
                {move || {
                    can.get()
                        .then(|| {
                            view! {
                                <button
                                    id="choose-picture"
                                    class="button quiet"
                                    on:click=move |_| {
                                        if let Some(input) = input.get_untracked() {
                                            input.click();
                                        }
                                    }
                                >
                                    {icon(Icon::Photo)}
                                    {if has.get() { t("picture.change") } else { t("picture.choose") }}
                                </button>
                            }
                        })
                }}
                {move || {
                    has.get()
                        .then(|| {
                            view! {
                                <button
                                    id="remove-picture"
                                    class="button quiet"
                                    on:click=move |_| removing.set(true)
                                >
                                    {icon(Icon::Trash)}
                                    {t("picture.remove")}
                                </button>
                            }
                        })
                }}
            </div>
            <input
                id="pick-picture"
                type="file"
                accept="image/*"
                hidden
                node_ref=input
                on:change:target=move |event| {
                    let input = event.target();
                    take(input.files());
                    input.set_value("");
                }
            />
        </div>
        {move || {
            chosen
                .get()
                .map(|chosen| {
                    view! {
                        <Crop
                            address=chosen.address
                            error=error
                            saving=saving
                            on_save=move |square| save(square)
                            on_close=close
                        />
                    }
                        .into_any()
                })
        }}
        {move || {
            removing
                .get()
                .then(|| {
                    view! {
                        <Confirm
                            title=t("picture.remove_title")
                            text=t("picture.remove_text")
                            action=t("picture.remove")
                            danger=true
                            on_confirm=move |()| {
                                set_picture(
                                    state,
                                    Command::SetPicture(None),
                                    move |failed| {
                                        if let Some(words) = failed {
                                            state.show_toast(words);
                                        }
                                    },
                                );
                            }
                            on_close=move |()| removing.set(false)
                        />
                    }
                        .into_any()
                })
        }}
    }
}

/// Sets or removes the picture; calls back with what went wrong, if anything.
fn set_picture(state: AppState, command: Command, then: impl FnOnce(Option<String>) + 'static) {
    let removed = matches!(command, Command::SetPicture(None));
    spawn_local(async move {
        let failed = match state.request(command).await {
            Ok(_) => {
                state.show_toast(if removed {
                    t("toast.picture_removed")
                } else {
                    t("toast.picture_saved")
                });
                None
            }
            Err(why) => Some(error_text(&why)),
        };
        then(failed);
    });
}
