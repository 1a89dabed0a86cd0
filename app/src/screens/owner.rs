//! Asks once more who is there, before something that nobody else at an open device is to do: where there is a lock, for what
//! opens it.

use leptos::prelude::*;
use leptos::reactive::graph::untrack;
use leptos::task::spawn_local;
use zeroize::Zeroizing;

use super::locked::{passkey_words, refusal_words};
use crate::components::icon::{Icon, icon};
use crate::components::secret_field::SecretField;
use crate::engine::lock::LockAsk;
use crate::i18n::t;
use crate::platform::passkey;
use crate::state::AppState;

/// The buttons that lead back and on. With a lock, they lead on only with its passphrase or a passkey.
#[component]
pub(crate) fn OwnerOnly(
    /// The id of the button that leads on.
    id: &'static str,
    /// What that button says.
    action: String,
    /// Its picture.
    #[prop(optional)]
    picture: Option<Icon>,
    /// What follows can't be taken back.
    #[prop(optional)]
    danger: bool,
    /// The id of the button that leads back.
    cancel_id: &'static str,
    /// Leads back.
    #[prop(into)]
    on_cancel: Callback<()>,
    /// Leads on.
    #[prop(into)]
    on_sure: Callback<()>,
) -> impl IntoView {
    let state = AppState::get();
    let class = if danger {
        "button danger solid"
    } else {
        "button primary"
    };
    let cancel = view! {
        <button
            type="button"
            id=cancel_id
            class="button quiet"
            on:click=move |_| on_cancel.run(())
        >
            {t("action.cancel")}
        </button>
    }
    .into_any();
    let picture = picture.map(icon);
    if untrack(|| state.has_lock()) {
        return asks(state, id, class, action, picture.into_any(), cancel, on_sure);
    }
    view! {
        <div class="actions">
            {cancel} <button type="button" id=id class=class on:click=move |_| on_sure.run(())>
                {picture}
                {action}
            </button>
        </div>
    }
    .into_any()
}

/// The same behind the passphrase, or a passkey.
fn asks(
    state: AppState,
    id: &'static str,
    class: &'static str,
    action: String,
    picture: AnyView,
    cancel: AnyView,
    on_sure: Callback<()>,
) -> AnyView {
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let possible = RwSignal::new(false);
    spawn_local(async move {
        // Beside a tab that was open this one has not seen the lock yet. Without an answer the passphrase is asked alone.
        let looked = state.ask_lock(LockAsk::Look).await.is_ok();
        let found = looked && passkey::is_possible().await;
        let _ = possible.try_set(found);
    });
    // The field says what went wrong, for as long as it is what was tried.
    Effect::new(move |_| {
        typed.track();
        error.set(String::new());
    });
    let end = move |result: Result<(), String>| {
        // Whoever went back meanwhile wants nothing any more.
        if busy.try_set(false).is_some() {
            return;
        }
        match result {
            Ok(()) => on_sure.run(()),
            Err(words) => error.set(words),
        }
    };
    let check = move || {
        if busy.get_untracked() {
            return;
        }
        if typed.with_untracked(String::is_empty) {
            error.set(t("lock.error_empty"));
            return;
        }
        busy.set(true);
        let passphrase = Zeroizing::new(typed.get_untracked());
        spawn_local(async move {
            let result = state.check_passphrase(&passphrase).await;
            end(result.map_err(|why| refusal_words(&why)));
        });
    };
    let check_passkey = move |_| {
        if busy.get_untracked() {
            return;
        }
        error.set(String::new());
        busy.set(true);
        spawn_local(async move {
            let result = state.check_passkey().await;
            end(result.map_err(|why| passkey_words(&why)));
        });
    };
    let with_passkey = move || possible.get() && state.lock.view.with(|view| !view.passkeys.is_empty());
    view! {
        <form
            class="stack"
            on:submit=move |event| {
                event.prevent_default();
                check();
            }
        >
            <SecretField
                id="owner-passphrase"
                label=t("lock.passphrase")
                value=typed
                error=error
                help=Signal::stored(t("lock.again"))
            />
            <div class="actions">
                {cancel}
                {move || {
                    with_passkey()
                        .then(|| {
                            view! {
                                <button
                                    type="button"
                                    id="owner-passkey"
                                    class="button"
                                    aria-disabled=move || busy.get().to_string()
                                    on:click=check_passkey
                                >
                                    {icon(Icon::Key)}
                                    {t("lock.open_passkey")}
                                </button>
                            }
                                .into_any()
                        })
                }}
                <button id=id class=class aria-disabled=move || busy.get().to_string()>
                    {picture}
                    {move || if busy.get() { t("lock.working") } else { action.clone() }}
                </button>
            </div>
        </form>
    }
    .into_any()
}
