//! Bringing a backup file back: chosen, opened, looked at, and only then taken.

use holdfast_client::api::{BackupContents, BackupTaken};
use leptos::html;
use leptos::prelude::*;
use web_sys::File;
use zeroize::Zeroizing;

use super::progress;
use crate::components::icon::{Icon, icon};
use crate::components::secret_field::SecretField;
use crate::i18n::{bytes, full_time, number, t, tf, tn};
use crate::state::AppState;
use crate::state::backup::{Bringing, Wrong};

/// The part of the page.
pub(super) fn bring(state: AppState) -> AnyView {
    let backups = state.backups;
    // Outlives an attempt, so that a wrong passphrase does not ask for the file again.
    let chosen = RwSignal::new_local(None::<File>);
    // While it is read only the amount changes.
    let step = Memo::new(move |_| match backups.bringing.get() {
        Bringing::Checking(..) | Bringing::Taking(..) => Bringing::Opening,
        other => other,
    });
    let body = move || match step.get() {
        Bringing::Checked(contents) => looked_at(state, &contents),
        Bringing::Taken(taken) => result(state, &taken, chosen),
        Bringing::Idle => form(state, chosen),
        Bringing::Opening | Bringing::Checking(..) | Bringing::Taking(..) => working(state),
    };
    view! {
        <section class="card" id="backup-bring">
            <h2>{t("backup.bring_title")}</h2>
            {body}
        </section>
    }
    .into_any()
}

fn form(state: AppState, chosen: RwSignal<Option<File>, LocalStorage>) -> AnyView {
    let typed = RwSignal::new(String::new());
    let wrong = state.backups.wrong;
    let input = NodeRef::<html::Input>::new();
    let pick = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    let go = move || match chosen.get_untracked() {
        None => wrong.set(Wrong {
            file: t("backup.error_no_file"),
            ..Wrong::default()
        }),
        Some(_) if typed.with_untracked(String::is_empty) => wrong.set(Wrong {
            passphrase: t("backup.error_no_passphrase"),
            ..Wrong::default()
        }),
        Some(file) => {
            let typed = Zeroizing::new(typed.get_untracked());
            state.backups.look_into(state, file, &typed);
        }
    };
    let name = move || match chosen.get() {
        Some(file) => tf(
            "backup.chosen",
            &[("name", &file.name()), ("size", &bytes(file.size() as u64))],
        ),
        None => t("backup.none_chosen"),
    };
    view! {
        <p class="help">{t("backup.bring_text")}</p>
        <form
            class="stack"
            on:submit=move |event| {
                event.prevent_default();
                go();
            }
        >
            <div class="field">
                <div class="backup-file">
                    <button
                        type="button"
                        id="choose-backup"
                        class="button"
                        aria-describedby="backup-file-name backup-file-error"
                        on:click=pick
                    >
                        {icon(Icon::Document)}
                        {t("backup.choose")}
                    </button>
                    <span id="backup-file-name" dir="auto">{name}</span>
                </div>
                // Any file: where an ending is not known, systems would let none be chosen.
                <input
                    id="backup-file"
                    type="file"
                    hidden
                    node_ref=input
                    on:change:target=move |event| {
                        let input = event.target();
                        if let Some(file) = input.files().and_then(|files| files.item(0)) {
                            chosen.set(Some(file));
                            wrong.update(|wrong| wrong.file = String::new());
                        }
                        input.set_value("");
                    }
                />
                <p class="error" id="backup-file-error" role="alert">
                    {move || wrong.with(|wrong| wrong.file.clone())}
                </p>
            </div>
            <SecretField
                id="backup-open-passphrase"
                label=t("backup.open_passphrase")
                value=typed
                error=Signal::derive(move || wrong.with(|wrong| wrong.passphrase.clone()))
            />
            <p class="error" role="alert">{move || wrong.with(|wrong| wrong.other.clone())}</p>
            <button id="open-backup" class="button primary">
                {t("backup.look")}
            </button>
        </form>
    }
    .into_any()
}

fn working(state: AppState) -> AnyView {
    let bringing = state.backups.bringing;
    let label = Signal::derive(move || match bringing.get() {
        Bringing::Opening => t("backup.opening"),
        Bringing::Taking(..) => t("backup.taking"),
        _ => t("backup.checking"),
    });
    let amount = Signal::derive(move || match bringing.get() {
        Bringing::Checking(done, total) | Bringing::Taking(done, total) => (done, total),
        _ => (0, 0),
    });
    view! {
        {progress("backup-bringing", label, amount)}
        <p class="help">{t("backup.keep_open")}</p>
        <button
            id="stop-bringing"
            class="button quiet"
            on:click=move |_| state.backups.stop_bringing(state)
        >
            {t("action.cancel")}
        </button>
    }
    .into_any()
}

fn fact(id: &'static str, label: String, value: String) -> AnyView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd id=id>{value}</dd>
        </div>
    }
    .into_any()
}

fn count(of: u64) -> String {
    number(of as f64)
}

/// What is in the file, before anything of it is taken.
fn looked_at(state: AppState, contents: &BackupContents) -> AnyView {
    let files = contents.files;
    view! {
        <p role="status">{t("backup.whole")}</p>
        <dl class="facts">
            {fact("backup-date", t("backup.made_at"), full_time(contents.made_at))}
            {fact("backup-conversations", t("backup.conversations"), count(contents.conversations))}
            {fact("backup-messages", t("backup.messages"), count(contents.messages))}
            {(files > 0).then(|| fact("backup-file-count", t("backup.file_count"), count(files)))}
        </dl>
        <p class="help">{t("backup.look_text")}</p>
        <p class="error" id="backup-take-error" role="alert">
            {move || state.backups.wrong.with(|wrong| wrong.other.clone())}
        </p>
        <div class="row-actions">
            <button
                id="take-backup"
                class="button primary"
                on:click=move |_| state.backups.bring_back(state)
            >
                {t("backup.take")}
            </button>
            <button
                id="close-backup"
                class="button quiet"
                on:click=move |_| state.backups.stop_bringing(state)
            >
                {t("action.cancel")}
            </button>
        </div>
    }
    .into_any()
}

/// What came of it.
fn result(state: AppState, taken: &BackupTaken, chosen: RwSignal<Option<File>, LocalStorage>) -> AnyView {
    let mut lines = vec![tn("backup.added", taken.added)];
    if taken.known > 0 {
        lines.push(tn("backup.known", taken.known));
    }
    if taken.files > 0 {
        lines.push(tn("backup.got_files", taken.files));
    }
    if taken.contacts > 0 {
        lines.push(tn("backup.got_contacts", taken.contacts));
    }
    if taken.left_out > 0 {
        lines.push(tn("backup.left_out", taken.left_out));
    }
    let lines = lines
        .into_iter()
        .map(|line| view! { <li>{line}</li> })
        .collect_view();
    view! {
        <div role="status" class="backup-done" id="backup-result">
            <p>
                {icon(Icon::Check)}
                <strong>{t("backup.taken")}</strong>
            </p>
            <ul>{lines}</ul>
        </div>
        <button
            id="backup-taken"
            class="button"
            on:click=move |_| {
                chosen.set(None);
                state.backups.stop_bringing(state);
            }
        >
            {t("backup.done")}
        </button>
    }
    .into_any()
}
