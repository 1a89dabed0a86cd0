//! A new conversation: with a contact, by Account ID, or by others who get the own one.

use holdfast_client::api::{Conversation, Place, Standing};
use holdfast_protocol::account::{Code, Id, IdError};
use holdfast_protocol::kiosk::Feature;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::contact::{FullId, display_name, given_name};
use super::profile::PaneHeader;
use super::scan::{Purpose, Scan};
use crate::components::avatar::{Size, avatar};
use crate::components::field::Field;
use crate::components::focus::{hold, item_of, one_stop, walk};
use crate::components::icon::{Icon, icon};
use crate::components::qr::qr;
use crate::i18n::{alphabetically, number, t, tf};
use crate::platform::kiosk;
use crate::state::identity::short_id;
use crate::state::{AppState, error_text};

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
    let body = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        typed.track();
        error.set(String::new());
    });
    let open = move |id: Id| {
        spawn_local(async move {
            if let Err(why) = state.open_conversation(id).await {
                let _ = error.try_set(error_text(&why));
            }
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
            Err(why) => match matching(state, &typed.get_untracked()).first() {
                // The words of a name, and Enter: its first match.
                Some(contact) if !compact.is_empty() => open(contact.id),
                _ => error.set(id_error(&why)),
            },
        }
    };
    let scanned = move |code: Code| {
        if let Code::Account(id) | Code::ContactLink(id) = code {
            open(id);
        }
    };
    let own = state.account.get_untracked().map(|a| a.id);
    let shows_own = kiosk::allows(Feature::AccountId);
    view! {
        <div class="pane">
            <PaneHeader title=t("new.title") />
            <div class="pane-body" node_ref=body>
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
                            label=t("new.label_any")
                            value=typed
                            error=error
                            help=t("new.help")
                            placeholder="05…".to_owned()
                            code=true
                            focus=true
                        />
                        <div class="actions">
                            <Scan id="scan-id" purpose=Purpose::Person on_found=scanned />
                            <button id="open-conversation" class="button primary">
                                {t("new.open")}
                            </button>
                        </div>
                    </form>
                </section>
                {move || {
                    if let Some(body) = body.get_untracked() {
                        hold(&body, ".person", "data-contact");
                    }
                    contacts(matching(state, &typed.get()), Callback::new(open))
                }}
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
                            {shows_own
                                .then(|| {
                                    view! {
                                        <section class="card">
                                            <h2>{t("new.share_title")}</h2>
                                            <p class="help">{t("new.share_text")}</p>
                                            <div class="share">
                                                {qr(&id.to_hex(), t("id.qr_own"))} <FullId id />
                                            </div>
                                        </section>
                                    }
                                })}
                        }
                            .into_any()
                    })}
            </div>
        </div>
    }
}

/// The contacts whose name contains what was typed, by name; all of them when nothing was.
pub(crate) fn matching(state: AppState, typed: &str) -> Vec<Conversation> {
    let wanted = typed.trim().to_lowercase();
    let mut found: Vec<Conversation> = state.conversations.snapshot();
    found.retain(|c| {
        !c.note_to_self
            && matches!(c.place, Place::List | Place::Hidden)
            && matches!(c.standing, Standing::Active | Standing::OutgoingRequest)
            && (wanted.is_empty() || display_name(c).to_lowercase().contains(&wanted))
    });
    alphabetically(&mut found, display_name);
    found
}

/// The letter a contact stands under: `#` for names that begin with no letter, and for those without a name.
fn letter(contact: &Conversation) -> String {
    match given_name(contact).trim().chars().next() {
        Some(first) if first.is_alphabetic() => first.to_uppercase().collect(),
        _ => "#".to_owned(),
    }
}

/// Contacts under letters.
pub(crate) fn contacts(found: Vec<Conversation>, open: Callback<Id>) -> Option<AnyView> {
    if found.is_empty() {
        return None;
    }
    let mut under = String::new();
    let mut rows: Vec<AnyView> = Vec::new();
    // Tab reaches the first one, or the one that had the focus last; arrow keys lead on.
    let mut index = "0";
    for contact in found {
        let letter = letter(&contact);
        if letter != under {
            rows.push(view! { <li class="letter" aria-hidden="true">{letter.clone()}</li> }.into_any());
            under = letter;
        }
        let id = contact.id;
        let given = given_name(&contact);
        rows.push(
            view! {
                <li>
                    <button
                        class="person"
                        tabindex=index
                        data-contact=id.to_hex()
                        on:click=move |_| open.run(id)
                    >
                        {avatar(&id, given, contact.picture, Size::Small)}
                        <span class="choice-text">
                            <strong dir="auto">{display_name(&contact)}</strong>
                            {(!given.is_empty())
                                .then(|| view! { <span dir="ltr">{short_id(&id)}</span> }.into_any())}
                        </span>
                    </button>
                </li>
            }
            .into_any(),
        );
        index = "-1";
    }
    let node = NodeRef::<html::Ul>::new();
    Some(
        view! {
            <section class="card">
                <h2>{t("new.contacts")}</h2>
                <ul
                    class="people"
                    node_ref=node
                    on:focusin=move |event| {
                        if let Some(list) = node.get_untracked() {
                            one_stop(&list, ".person", item_of(&event, ".person"));
                        }
                    }
                    on:keydown=move |event| {
                        if let Some(list) = node.get_untracked() {
                            walk(&list, ".person", false, &event);
                        }
                    }
                >
                    {rows}
                </ul>
            </section>
        }
        .into_any(),
    )
}
