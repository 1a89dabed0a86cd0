//! Settings: what there is, and the pages for each.

mod about;
mod backup;
mod give;
mod lock;
mod lock_asks;
mod notifications;
mod pages;
mod recovery;
mod storage;

use leptos::prelude::*;

use super::kiosk::settings as kiosk_settings;
use super::leaving::{Leave, Leaving};
use super::profile::PaneHeader;
use crate::components::avatar::{Size, avatar};
use crate::components::icon::{Icon, icon};
use crate::i18n::{number, t};
use crate::platform::kiosk;
use crate::platform::session::StorageMode;
use crate::state::AppState;
use crate::state::nav::{Route, Section};

pub(crate) use backup::OfferBanner;
pub(crate) use notifications::NotifyBanner;
pub(crate) use pages::{LanguageChoice, offers_languages};

/// A page of the settings.
pub(crate) fn section(section: Section) -> AnyView {
    let state = AppState::get();
    match section {
        Section::Privacy => pages::privacy(state),
        Section::Lock => lock::lock(state),
        Section::Notifications => notifications::notifications(state),
        Section::Conversations => pages::conversations(state),
        Section::Appearance => pages::appearance(state),
        Section::Storage => storage::storage(state),
        Section::Recovery => recovery::recovery(state),
        Section::Give => give::give(state),
        Section::Backup => backup::backup(state),
        Section::Keys => pages::keys(),
        Section::About => about::about(state),
    }
}

/// The way to a page, with what it says at present.
pub(crate) fn entry(
    id: &'static str,
    picture: Icon,
    label: String,
    now: Signal<String>,
    to: Route,
) -> AnyView {
    let state = AppState::get();
    view! {
        <button id=id class="row-link entry" on:click=move |_| state.nav.go(to)>
            {icon(picture)}
            <span class="choice-label">{label}</span>
            <span class="entry-now">{now}</span>
            {icon(Icon::Chevron)}
        </button>
    }
    .into_any()
}

/// The screen.
#[component]
pub(crate) fn Settings() -> impl IntoView {
    let state = AppState::get();
    if kiosk::is_on() {
        return kiosk_settings();
    }
    let leave = RwSignal::new(None::<Leave>);
    let own = state.mode.get_untracked() == StorageMode::OwnDevice;
    let nothing = || Signal::derive(String::new);
    let counted = move |count: u32| {
        if count == 0 {
            String::new()
        } else {
            number(f64::from(count))
        }
    };
    let section = |section| Route::SettingsOf(section);
    let me = move || {
        state.account.get().map(|a| {
            view! {
                {avatar(&a.id, &a.name, a.picture, Size::Medium)}
                <span class="choice-text">
                    <strong dir="auto">
                        {if a.name.is_empty() { t("profile.no_name") } else { a.name.clone() }}
                    </strong>
                    <span>{t("settings.profile_help")}</span>
                </span>
            }
            .into_any()
        })
    };
    view! {
        <div class="pane">
            <PaneHeader title=t("settings.title") />
            <div class="pane-body">
                <section class="card link-card">
                    <button
                        id="settings-profile"
                        class="row-link"
                        on:click=move |_| state.nav.go(Route::Profile)
                    >
                        {me}
                        {icon(Icon::Chevron)}
                    </button>
                </section>
                <section class="card link-card">
                    {entry("settings-privacy", Icon::Hide, t("privacy.title"), nothing(), section(Section::Privacy))}
                    {own
                        .then(|| {
                            entry(
                                "settings-lock",
                                Icon::Lock,
                                t("lock.title"),
                                Signal::derive(move || lock::present(state)),
                                section(Section::Lock),
                            )
                        })}
                    {entry(
                        "settings-notifications",
                        Icon::Bell,
                        t("notifications.title"),
                        Signal::derive(move || notifications::present(state)),
                        section(Section::Notifications),
                    )}
                    {entry(
                        "settings-recovery",
                        Icon::Key,
                        t("recovery.title"),
                        Signal::derive(move || recovery::present(state)),
                        section(Section::Recovery),
                    )}
                    {entry("settings-conversations", Icon::Chat, t("settings.conversations"), nothing(), section(Section::Conversations))}
                    {entry("settings-appearance", Icon::Eye, t("settings.appearance"), nothing(), section(Section::Appearance))}
                    {entry("settings-storage", Icon::Storage, t("storage.title"), nothing(), section(Section::Storage))}
                    {entry("settings-backup", Icon::Download, t("backup.title"), nothing(), section(Section::Backup))}
                    {entry("settings-keys", Icon::Keyboard, t("settings.shortcuts"), nothing(), section(Section::Keys))}
                </section>
                <section class="card link-card">
                    {entry(
                        "settings-requests",
                        Icon::Requests,
                        t("requests.title"),
                        Signal::derive(move || counted(state.conversations.counts().requests)),
                        Route::Requests,
                    )}
                    {entry(
                        "settings-blocked",
                        Icon::Block,
                        t("blocked.title"),
                        Signal::derive(move || counted(state.conversations.counts().blocked)),
                        Route::Blocked,
                    )}
                    {entry("settings-network", Icon::Network, t("network.title"), nothing(), Route::Network)}
                    {entry("settings-about", Icon::Info, t("about.title"), nothing(), section(Section::About))}
                </section>
                <section class="card">
                    <h2>{t("settings.device")}</h2>
                    {device(own, leave)}
                </section>
                <p class="about">
                    "Holdfast " {env!("CARGO_PKG_VERSION")} <br /> {t("settings.licence")}
                </p>
            </div>
            {move || {
                leave
                    .get()
                    .map(|what| {
                        view! { <Leaving what on_close=move || leave.set(None) /> }.into_any()
                    })
            }}
        </div>
    }
    .into_any()
}

/// What is kept here, and how to leave.
fn device(own: bool, leave: RwSignal<Option<Leave>>) -> AnyView {
    let (text, out) = if own {
        (t("settings.device_own"), t("settings.log_out"))
    } else {
        (t("settings.device_shared"), t("settings.end_session"))
    };
    view! {
        <p class="help">{text}</p>
        <div class="row-actions">
            <button
                id="log-out"
                class="button"
                class:danger=!own
                on:click=move |_| leave.set(Some(Leave::LogOut))
            >
                {icon(Icon::LogOut)}
                {out}
            </button>
            {own
                .then(|| {
                    view! {
                        <button
                            id="clear-device"
                            class="button danger"
                            on:click=move |_| leave.set(Some(Leave::Clear))
                        >
                            {icon(Icon::Trash)}
                            {t("settings.clear")}
                        </button>
                    }
                        .into_any()
                })}
        </div>
    }
    .into_any()
}
