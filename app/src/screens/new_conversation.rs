//! A new conversation by Account ID, and the own id for others to write to.

use holdfast_protocol::account::{Id, IdError};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::contact::FullId;
use super::profile::PaneHeader;
use crate::components::field::Field;
use crate::components::icon::{Icon, icon};
use crate::components::qr::qr;
use crate::engine::LinkError;
use crate::i18n::{number, t, tf};
use crate::state::{AppState, failure_text};

/// What is wrong with a typed id, in words.
fn id_error(error: &IdError) -> String {
    match error {
        IdError::Length { actual: 0 } => t("new.error_empty"),
        IdError::Length { actual } => tf(
            "new.error_length",
            &[
                ("needed", &number(Id::TEXT_SIZE as f64)),
                ("actual", &number(*actual as f64)),
            ],
        ),
        IdError::NotHex => t("new.error_not_hex"),
        IdError::Blinded => t("new.error_blinded"),
        IdError::Group => t("new.error_group"),
        IdError::UnknownPrefix { .. } | IdError::NotAccount => t("new.error_not_account"),
    }
}

/// The screen.
#[component]
pub(crate) fn NewConversation() -> impl IntoView {
    let state = AppState::get();
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    Effect::new(move |_| {
        typed.track();
        error.set(String::new());
    });
    let open = move |id: Id| {
        spawn_local(async move {
            let text = match state.open_conversation(id).await {
                Ok(()) => return,
                Err(LinkError::Failed(failure)) => failure_text(&failure),
                Err(LinkError::Lost) => t("error.engine_lost"),
            };
            let _ = error.try_set(text);
        });
    };
    let submit = move || {
        // People paste ids with line breaks and spaces in them.
        let compact: String = typed
            .get_untracked()
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        match Id::parse_account(&compact) {
            Ok(id) => open(id),
            Err(why) => error.set(id_error(&why)),
        }
    };
    let own = state.account.get_untracked().map(|a| a.id);
    view! {
        <div class="pane">
            <PaneHeader title=t("new.title") />
            <div class="pane-body">
                <section class="card">
                    <form
                        class="stack"
                        on:submit=move |event| {
                            event.prevent_default();
                            submit();
                        }
                    >
                        <Field
                            id="account-id"
                            label=t("new.label")
                            value=typed
                            error=error
                            help=t("new.help")
                            placeholder="05…".to_owned()
                            code=true
                            focus=true
                        />
                        <button id="open-conversation" class="button primary">
                            {t("new.open")}
                        </button>
                    </form>
                </section>
                {own
                    .map(|id| {
                        view! {
                            <section class="card link-card">
                                <button class="row-link" on:click=move |_| open(id)>
                                    <span class="choice-icon">{icon(Icon::Note)}</span>
                                    <span class="choice-text">
                                        <strong>{t("note.title")}</strong>
                                        <span>{t("note.subtitle")}</span>
                                    </span>
                                    {icon(Icon::Chevron)}
                                </button>
                            </section>
                            <section class="card">
                                <h2>{t("new.share_title")}</h2>
                                <p class="help">{t("new.share_text")}</p>
                                <div class="share">
                                    {qr(&id.to_hex(), t("id.qr_own"))} <FullId id />
                                </div>
                            </section>
                        }
                    })}
            </div>
        </div>
    }
}
