//! Making a backup file.

use holdfast_client::api::{Command, Reply, StorageUse};
use leptos::prelude::*;
use leptos::task::spawn_local;
use zeroize::Zeroizing;

use super::progress;
use super::strength::{Strength, strength};
use crate::components::choice::switch;
use crate::components::icon::{Icon, icon};
use crate::components::secret_field::SecretField;
use crate::i18n::{bytes, t, tf, tn};
use crate::state::AppState;
use crate::state::backup::Making;

fn strength_text(text: &str) -> String {
    match strength(text) {
        Strength::Empty => t("backup.strength_empty"),
        Strength::Short(missing) => tn("backup.strength_short", missing as u64),
        Strength::Weak => t("backup.strength_weak"),
        Strength::Fair => t("backup.strength_fair"),
        Strength::Strong => t("backup.strength_strong"),
    }
}

/// The part of the page. `own`: this is the user's own device.
pub(super) fn make(state: AppState, own: bool) -> AnyView {
    let backups = state.backups;
    // While it is written only the amount changes.
    let step = Memo::new(move |_| match backups.making.get() {
        Making::Writing(..) => Making::Starting,
        other => other,
    });
    let body = move || match step.get() {
        Making::Starting | Making::Writing(..) => working(state),
        Making::Made(name) => made(state, name),
        Making::Failed(why) => form(state, own, why),
        Making::Idle => form(state, own, String::new()),
    };
    view! {
        <section class="card" id="backup-make">
            <h2>{t("backup.make_title")}</h2>
            {body}
        </section>
    }
    .into_any()
}

fn form(state: AppState, own: bool, failed: String) -> AnyView {
    let (first, second) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (first_error, second_error) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let files = RwSignal::new(false);
    let hint = Signal::derive(move || first.with(|text| strength_text(text)));
    // What was wrong is not wrong any more once it is changed.
    Effect::new(move |_| {
        first.track();
        first_error.set(String::new());
        second_error.set(String::new());
    });
    Effect::new(move |_| {
        second.track();
        second_error.set(String::new());
    });
    let go = move || {
        let same = first.with_untracked(|first| second.with_untracked(|second| first == second));
        match first.with_untracked(|typed| strength(typed)) {
            Strength::Empty | Strength::Short(_) => first_error.set(t("backup.error_short")),
            _ if !same => second_error.set(t("backup.error_differ")),
            _ => {
                let typed = Zeroizing::new(first.get_untracked());
                state.backups.make(state, &typed, files.get_untracked());
            }
        }
    };
    view! {
        <p class="help">{t("backup.make_text")}</p>
        {(!own).then(|| view! { <p class="warning">{t("backup.shared")}</p> })}
        <form
            class="stack"
            on:submit=move |event| {
                event.prevent_default();
                go();
            }
        >
            <SecretField
                id="backup-passphrase"
                label=t("backup.passphrase")
                value=first
                error=first_error
                help=hint
            />
            <SecretField id="backup-again" label=t("backup.again") value=second error=second_error />
            {with_files(state, files)}
            {(!failed.is_empty()).then(|| view! { <p class="error" role="alert">{failed}</p> })}
            <button id="make-backup" class="button primary">
                {icon(Icon::Download)}
                {t("backup.make")}
            </button>
        </form>
    }
    .into_any()
}

/// Whether photos and files go into it, with how much they are. Nothing is asked where there are none.
fn with_files(state: AppState, files: RwSignal<bool>) -> AnyView {
    let used = RwSignal::new(None::<StorageUse>);
    spawn_local(async move {
        if let Ok(Reply::StorageUse(found)) = state.request(Command::StorageUse).await {
            let _ = used.try_set(Some(found));
        }
    });
    (move || {
        used.get().filter(|used| used.files > 0).map(|used| {
            switch(
                "backup-files",
                t("backup.files"),
                tf("backup.files_help", &[("size", &bytes(used.bytes))]),
                files.into(),
                Callback::new(move |on| files.set(on)),
            )
        })
    })
    .into_any()
}

fn working(state: AppState) -> AnyView {
    let amount = Signal::derive(move || match state.backups.making.get() {
        Making::Writing(done, total) => (done, total),
        _ => (0, 0),
    });
    view! {
        {progress("backup-making", Signal::stored(t("backup.making")), amount)}
        <p class="help">{t("backup.keep_open")}</p>
        <button id="stop-backup" class="button quiet" on:click=move |_| state.backups.stop_making()>
            {t("action.cancel")}
        </button>
    }
    .into_any()
}

fn made(state: AppState, name: String) -> AnyView {
    view! {
        <div role="status" class="backup-done">
            <p>
                {icon(Icon::Check)}
                <strong>{t("backup.made")}</strong>
            </p>
            <p class="file-name" dir="auto">{name}</p>
            <p class="help">{t("backup.made_text")}</p>
        </div>
        <button id="backup-made" class="button" on:click=move |_| state.backups.stop_making()>
            {t("backup.done")}
        </button>
    }
    .into_any()
}
