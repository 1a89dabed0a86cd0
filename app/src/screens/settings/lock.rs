//! The lock: set it, change it, remove it, and when it locks.

use leptos::prelude::*;
use leptos::task::spawn_local;
use zeroize::Zeroizing;

use super::lock_asks::{Ask, asked};
use super::pages::page;
use crate::components::choice::{Choice, choices};
use crate::components::icon::{Icon, icon};
use crate::components::secret_field::SecretField;
use crate::engine::lock::{LockAsk, LockRefusal};
use crate::i18n::{number, t, tf, tn};
use crate::platform::passkey;
use crate::screens::locked::refusal_words;
use crate::screens::phrase::PhraseDialog;
use crate::state::AppState;
use crate::state::lock::passphrase;
use crate::state::preferences::key;

/// The choices of how long nobody must be there until it locks, in minutes; 0 is never.
const IDLE_MINUTES: [&str; 5] = ["1", "5", "15", "60", "0"];

/// Whether there is a lock, in a word.
pub(super) fn present(state: AppState) -> String {
    if state.has_lock() {
        t("lock.on")
    } else {
        t("lock.off")
    }
}

/// The page.
pub(super) fn lock(state: AppState) -> AnyView {
    let looked = RwSignal::new(false);
    let failed = RwSignal::new(String::new());
    spawn_local(async move {
        match state.ask_lock(LockAsk::Look).await {
            Ok(_) => {
                let _ = looked.try_set(true);
            }
            Err(why) => {
                let _ = failed.try_set(refusal_words(&why));
            }
        }
    });
    let set = Memo::new(move |_| looked.get().then(|| state.lock.view.with(|view| view.set)));
    let why_not = move || {
        view! { <p class="warning" role="alert" hidden=move || failed.with(String::is_empty)>{failed}</p> }
            .into_any()
    };
    let body = move || match set.get() {
        None => why_not(),
        Some(false) => unset(state),
        Some(true) => present_lock(state),
    };
    page(t("lock.title"), body.into_any())
}

/// Without a lock: what it would do, and a passphrase for it.
fn unset(state: AppState) -> AnyView {
    let (new, repeat) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (new_error, repeat_error) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let busy = RwSignal::new(false);
    let phrase = RwSignal::new(false);
    let submit = move || {
        if busy.get_untracked() || !same(new, repeat, repeat_error) {
            return;
        }
        new_error.set(String::new());
        busy.set(true);
        spawn_local(async move {
            let typed = Zeroizing::new(new.get_untracked());
            let question = LockAsk::Set(passphrase(&typed));
            match state.ask_lock(question).await {
                Ok(_) => {
                    state.note_lock(true);
                    state.show_toast(t("lock.set_done"));
                }
                Err(why) => {
                    let _ = new_error.try_set(refusal_words(&why));
                }
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <section class="card">
            <p>{t("lock.about")}</p>
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    submit();
                }
            >
                <SecretField
                    id="new-passphrase"
                    label=t("lock.new")
                    value=new
                    error=new_error
                    help=Signal::stored(t("lock.new_help"))
                />
                <SecretField
                    id="repeat-passphrase"
                    label=t("lock.repeat")
                    value=repeat
                    error=repeat_error
                />
                <p class="warning">{t("lock.no_way_back")}</p>
                {move || {
                    (!state.preferences.phrase_seen.get())
                        .then(|| {
                            view! {
                                <button
                                    type="button"
                                    class="button"
                                    on:click=move |_| phrase.set(true)
                                >
                                    {icon(Icon::Key)}
                                    {t("leave.show_phrase")}
                                </button>
                            }
                                .into_any()
                        })
                }}
                <button
                    id="set-passphrase"
                    class="button primary"
                    aria-disabled=move || busy.get().to_string()
                >
                    {move || if busy.get() { t("lock.working") } else { t("lock.set") }}
                </button>
            </form>
        </section>
        <p class="help">{t("lock.limits")}</p>
        {move || {
            phrase
                .get()
                .then(|| view! { <PhraseDialog on_close=move || phrase.set(false) /> }.into_any())
        }}
    }
    .into_any()
}

/// Whether a new passphrase was typed the same way twice; says so if not.
pub(super) fn same(new: RwSignal<String>, repeat: RwSignal<String>, error: RwSignal<String>) -> bool {
    let same = new.with_untracked(|new| repeat.with_untracked(|repeat| new == repeat));
    error.set(if same { String::new() } else { t("lock.not_same") });
    same
}

/// With a lock: when it locks, and what can be changed.
fn present_lock(state: AppState) -> AnyView {
    let asks = RwSignal::new(None::<Ask>);
    view! {
        <section class="card">
            <p>{t("lock.is_set")}</p>
            <div class="row-actions">
                <button id="settings-lock-now" class="button" on:click=move |_| state.lock_now()>
                    {icon(Icon::Lock)}
                    {t("lock.now")}
                </button>
            </div>
        </section>
        <section class="card">{idle(state)}</section>
        <section class="card">
            <h2>{t("lock.passphrase")}</h2>
            <div class="row-actions">
                <button
                    id="change-passphrase"
                    class="button"
                    on:click=move |_| asks.set(Some(Ask::Change))
                >
                    {icon(Icon::Edit)}
                    {t("lock.change")}
                </button>
                <button
                    id="remove-passphrase"
                    class="button danger"
                    on:click=move |_| asks.set(Some(Ask::Remove))
                >
                    {icon(Icon::Trash)}
                    {t("lock.remove")}
                </button>
            </div>
        </section>
        {passkeys(state, asks)}
        <p class="help">{t("lock.limits")}</p>
        {move || asks.get().map(|ask| asked(state, ask, asks))}
    }
    .into_any()
}

/// After how long it locks by itself.
fn idle(state: AppState) -> AnyView {
    let chosen = Signal::derive(move || {
        state
            .preferences
            .lock_after
            .get()
            .map_or_else(String::new, |minutes| minutes.to_string())
    });
    let all = IDLE_MINUTES
        .into_iter()
        .map(|value| Choice {
            value,
            label: match value.parse::<u64>() {
                Ok(0) | Err(_) => t("lock.after_never"),
                Ok(minutes) => tn("lock.after", minutes),
            },
            help: String::new(),
        })
        .collect();
    let choose = Callback::new(move |value| state.set_preference(key::LOCK_AFTER, value));
    choices("lock-after", t("lock.after_title"), all, chosen, choose)
}

/// The passkeys, where the browser can do that.
fn passkeys(state: AppState, asks: RwSignal<Option<Ask>>) -> AnyView {
    let possible = RwSignal::new(false);
    spawn_local(async move {
        let found = passkey::is_possible().await;
        let _ = possible.try_set(found);
    });
    let known = Memo::new(move |_| state.lock.view.with(|view| view.passkeys.len()));
    let line = move |at: usize| {
        let name = tf("passkey.number", &[("number", &number((at + 1) as f64))]);
        let remove = tf("passkey.remove_label", &[("name", &name)]);
        view! {
            <li class="passkey">
                {icon(Icon::Key)}
                <span>{name}</span>
                <button
                    class="icon-button remove-passkey"
                    aria-label=remove.clone()
                    title=remove
                    on:click=move |_| asks.set(Some(Ask::RemovePasskey(at)))
                >
                    {icon(Icon::Trash)}
                </button>
            </li>
        }
        .into_any()
    };
    let card = move || {
        (possible.get() || known.get() > 0).then(|| {
            view! {
                <section class="card">
                    <h2>{t("passkey.title")}</h2>
                    <p class="help">{t("passkey.about")}</p>
                    <ul class="passkeys">{(0..known.get()).map(line).collect_view()}</ul>
                    {possible
                        .get()
                        .then(|| {
                            view! {
                                <div class="row-actions">
                                    <button
                                        id="add-passkey"
                                        class="button"
                                        on:click=move |_| asks.set(Some(Ask::AddPasskey))
                                    >
                                        {icon(Icon::Plus)}
                                        {t("passkey.add")}
                                    </button>
                                </div>
                            }
                                .into_any()
                        })}
                </section>
            }
            .into_any()
        })
    };
    card.into_any()
}

/// Which field a refusal belongs to: the new passphrase's, or else the old one's.
pub(super) fn is_about_new(why: &LockRefusal) -> bool {
    matches!(why, LockRefusal::TooShort | LockRefusal::TooLong)
}
