//! What the lock's page asks before it changes something: the passphrase, where somebody else could open the lock or keep
//! its owner out; else whether that is meant.

use leptos::prelude::*;
use leptos::task::spawn_local;
use zeroize::Zeroizing;

use super::lock::{is_about_new, same};
use crate::components::dialog::{Confirm, Dialog};
use crate::components::secret_field::SecretField;
use crate::engine::lock::{LockAsk, LockRefusal};
use crate::i18n::t;
use crate::screens::locked::{passkey_words, refusal_words};
use crate::state::AppState;
use crate::state::lock::passphrase;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Change the passphrase.
    Change,
    /// Remove the lock.
    Remove,
    /// Add a passkey.
    AddPasskey,
    /// Remove the passkey at this place.
    RemovePasskey(usize),
}

/// The question.
pub(super) fn asked(state: AppState, ask: Ask, asks: RwSignal<Option<Ask>>) -> AnyView {
    match ask {
        Ask::RemovePasskey(at) => remove_passkey(state, at, asks),
        ask => view! { <WithPassphrase ask asks /> }.into_any(),
    }
}

fn remove_passkey(state: AppState, at: usize, asks: RwSignal<Option<Ask>>) -> AnyView {
    let id = state
        .lock
        .view
        .with_untracked(|view| view.passkeys.get(at).map(|passkey| passkey.id.clone()));
    let remove = move || {
        let Some(id) = id.clone() else { return };
        spawn_local(async move {
            if let Err(why) = state.ask_lock(LockAsk::RemovePasskey(id)).await {
                state.show_toast(refusal_words(&why));
            }
        });
    };
    view! {
        <Confirm
            title=t("passkey.remove_title")
            text=t("passkey.remove_text")
            action=t("passkey.remove")
            on_confirm=remove
            on_close=move || asks.set(None)
            danger=true
        />
    }
    .into_any()
}

/// The fields of a question, and what is wrong with them.
#[derive(Clone, Copy)]
struct Fields {
    old: RwSignal<String>,
    new: RwSignal<String>,
    repeat: RwSignal<String>,
    old_error: RwSignal<String>,
    new_error: RwSignal<String>,
    repeat_error: RwSignal<String>,
}

impl Fields {
    fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self {
            old: empty(),
            new: empty(),
            repeat: empty(),
            old_error: empty(),
            new_error: empty(),
            repeat_error: empty(),
        }
    }

    /// Whether the question is still on the page.
    fn asked(self) -> bool {
        self.old.try_with_untracked(|_| ()).is_some()
    }

    fn refused(self, why: &LockRefusal) {
        let words = refusal_words(why);
        let field = if is_about_new(why) {
            self.new_error
        } else {
            self.old_error
        };
        // The question may have been taken back.
        let _ = field.try_set(words);
    }
}

/// Does what was asked; whether it was done. What went wrong stands beside the fields.
async fn carry_out(state: AppState, ask: Ask, fields: Fields) -> bool {
    let typed = Zeroizing::new(fields.old.get_untracked());
    let question = match ask {
        Ask::Change => LockAsk::Change {
            old: passphrase(&typed),
            new: passphrase(&Zeroizing::new(fields.new.get_untracked())),
        },
        Ask::Remove => LockAsk::Remove(passphrase(&typed)),
        // First whether it is the passphrase: nobody is asked to make a passkey in vain.
        Ask::AddPasskey | Ask::RemovePasskey(_) => LockAsk::Check(passphrase(&typed)),
    };
    if let Err(why) = state.ask_lock(question).await {
        fields.refused(&why);
        return false;
    }
    match ask {
        // Who has taken it back is not asked by the system.
        Ask::AddPasskey if !fields.asked() => return false,
        Ask::Change => state.show_toast(t("lock.changed_done")),
        Ask::Remove => {
            state.note_lock(false);
            state.show_toast(t("lock.removed_done"));
        }
        Ask::AddPasskey => match state.add_passkey(&typed).await {
            Ok(()) => state.show_toast(t("passkey.added")),
            Err(why) => {
                let _ = fields.old_error.try_set(passkey_words(&why));
                return false;
            }
        },
        Ask::RemovePasskey(_) => {}
    }
    true
}

/// A question that needs the passphrase.
#[component]
fn WithPassphrase(ask: Ask, asks: RwSignal<Option<Ask>>) -> impl IntoView {
    let state = AppState::get();
    let fields = Fields::new();
    let busy = RwSignal::new(false);
    let (title, text, action) = match ask {
        Ask::Change => (t("lock.change_title"), String::new(), t("action.save")),
        Ask::Remove => (t("lock.remove_title"), t("lock.remove_text"), t("lock.remove")),
        Ask::AddPasskey | Ask::RemovePasskey(_) => {
            (t("passkey.add"), t("passkey.add_text"), t("action.continue"))
        }
    };
    let change = ask == Ask::Change;
    let danger = ask == Ask::Remove;
    let submit = move || {
        if busy.get_untracked() || (change && !same(fields.new, fields.repeat, fields.repeat_error)) {
            return;
        }
        fields.old_error.set(String::new());
        fields.new_error.set(String::new());
        busy.set(true);
        spawn_local(async move {
            if carry_out(state, ask, fields).await {
                // Without a lock the whole page is another one by now.
                let _ = asks.try_set(None);
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <Dialog title on_close=move || asks.set(None)>
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    submit();
                }
            >
                {(!text.is_empty()).then(|| view! { <p>{text}</p> })}
                <SecretField
                    id="old-passphrase"
                    label=if change { t("lock.old") } else { t("lock.passphrase") }
                    value=fields.old
                    error=fields.old_error
                    focus=true
                />
                {change
                    .then(|| {
                        view! {
                            <SecretField
                                id="new-passphrase"
                                label=t("lock.new")
                                value=fields.new
                                error=fields.new_error
                                help=Signal::stored(t("lock.new_help"))
                            />
                            <SecretField
                                id="repeat-passphrase"
                                label=t("lock.repeat")
                                value=fields.repeat
                                error=fields.repeat_error
                            />
                        }
                            .into_any()
                    })}
                <div class="actions">
                    <button
                        type="button"
                        class="button quiet"
                        on:click=move |_| asks.set(None)
                    >
                        {t("action.cancel")}
                    </button>
                    <button
                        id="confirm-passphrase"
                        class=if danger { "button danger solid" } else { "button primary" }
                        aria-disabled=move || busy.get().to_string()
                    >
                        {move || if busy.get() { t("lock.working") } else { action.clone() }}
                    </button>
                </div>
            </form>
        </Dialog>
    }
}
