//! The own profile: name, Account ID, QR code, and the way to the recovery phrase.

use holdfast_client::api::Command;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::contact::FullId;
use super::contact_link::ContactLink;
use super::own_picture::OwnPicture;
use super::phrase::PhraseDialog;
use crate::components::avatar::{Size, avatar};
use crate::components::field::Field;
use crate::components::icon::{Icon, icon};
use crate::components::qr::qr;
use crate::i18n::t;
use crate::platform::kiosk;
use crate::state::nav::{Route, Section};
use crate::state::{AppState, error_text};

/// The heading of a screen in the main pane.
#[component]
pub(crate) fn PaneHeader(
    /// What the screen is.
    title: String,
) -> impl IntoView {
    let state = AppState::get();
    view! {
        <header class="pane-header">
            <button
                class="icon-button"
                aria-label=t("action.back")
                title=t("action.back")
                on:click=move |_| state.nav.back(Route::Home)
            >
                {icon(Icon::Back)}
            </button>
            <h1>{title}</h1>
        </header>
    }
}

/// The screen.
#[component]
pub(crate) fn Profile() -> impl IntoView {
    let state = AppState::get();
    let asks_phrase = RwSignal::new(false);
    let id = state.account.get_untracked().map(|a| a.id);
    view! {
        <div class="pane">
            <PaneHeader title=t("profile.title") />
            <div class="pane-body">
                <section class="card identity">
                    {move || state.account.get().map(|a| avatar(&a.id, &a.name, a.picture, Size::Large))}
                    {if kiosk::is_on() {
                        let name = move || state.account.get().map(|a| a.name);
                        view! { <p class="own-name" dir="auto">{name}</p> }.into_any()
                    } else {
                        view! {
                            <OwnPicture />
                            <NameEditor />
                        }
                            .into_any()
                    }}
                </section>
                {id
                    .map(|id| {
                        view! {
                            <section class="card">
                                <h2>{t("id.title")}</h2>
                                <p class="help">{t("id.explanation")}</p>
                                <div class="share">
                                    {qr(&id.to_hex(), t("id.qr_own"))} <FullId id />
                                </div>
                            </section>
                            // Its address is the kiosk's, where it would lead nowhere.
                            {(!kiosk::is_on()).then(|| view! { <ContactLink id /> })}
                        }
                    })}
                {(!kiosk::is_on())
                    .then(|| {
                        view! {
                            <section class="card">
                                <h2>{t("phrase.title")}</h2>
                                <p class="help">{t("phrase.explanation")}</p>
                                <div class="row-actions">
                                    <button
                                        id="show-phrase"
                                        class="button"
                                        on:click=move |_| asks_phrase.set(true)
                                    >
                                        {icon(Icon::Key)}
                                        {t("phrase.open")}
                                    </button>
                                    <button
                                        id="check-phrase"
                                        class="button quiet"
                                        on:click=move |_| state.nav.go(Route::SettingsOf(Section::Recovery))
                                    >
                                        {icon(Icon::Check)}
                                        {t("phrase.check")}
                                    </button>
                                </div>
                            </section>
                        }
                    })}
            </div>
            {move || {
                asks_phrase
                    .get()
                    .then(|| {
                        view! { <PhraseDialog on_close=move || asks_phrase.set(false) /> }.into_any()
                    })
            }}
        </div>
    }
}

/// The own name, and the field that changes it.
#[component]
fn NameEditor() -> impl IntoView {
    let state = AppState::get();
    let editing = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let save = move || {
        spawn_local(async move {
            let command = Command::SetDisplayName(typed.get_untracked());
            match state.request(command).await {
                Ok(_) => {
                    let _ = editing.try_set(false);
                    state.show_toast(t("toast.name_saved"));
                }
                Err(why) => {
                    let _ = error.try_set(error_text(&why));
                }
            }
        });
    };
    let shown = move || {
        let name = state.account.get().map(|a| a.name).unwrap_or_default();
        let start = move |_| {
            typed.set(state.account.get_untracked().map(|a| a.name).unwrap_or_default());
            error.set(String::new());
            editing.set(true);
        };
        view! {
            <p class="own-name" dir="auto">
                {if name.is_empty() { t("profile.no_name") } else { name }}
            </p>
            <button id="edit-name" class="button quiet" on:click=start>
                {t("profile.edit_name")}
            </button>
        }
        .into_any()
    };
    let form = move || {
        view! {
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    save();
                }
            >
                <Field
                    id="own-name"
                    label=t("name.label")
                    value=typed
                    error=error
                    help=t("name.help")
                    focus=true
                />
                <div class="actions">
                    <button type="button" class="button quiet" on:click=move |_| editing.set(false)>
                        {t("action.cancel")}
                    </button>
                    <button id="save-name" class="button primary">{t("action.save")}</button>
                </div>
            </form>
        }
        .into_any()
    };
    move || if editing.get() { form() } else { shown() }
}
