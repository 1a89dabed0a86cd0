//! What another app shared: the question for which conversation it is, and what stands in the way of asking it.

use holdfast_client::api::{Conversation, Place, Standing};
use holdfast_client::search::fits_name;
use holdfast_protocol::account::Id;
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;

use super::contact::{display_name, given_name};
use super::files::words::{kind_icon, kind_words};
use crate::components::avatar::{Size, avatar, note_avatar};
use crate::components::dialog::Dialog;
use crate::components::field::leave_as_typed;
use crate::components::focus::{focus, matching, touch, walk};
use crate::components::icon::{Icon, icon};
use crate::components::keys::composes;
use crate::i18n::{alphabetically, bytes, t, tf, tn};
use crate::state::identity::short_id;
use crate::state::share::{Share, Shared};
use crate::state::{AppState, Phase};

/// So much of a shared text is shown while the conversation is chosen, in characters.
const GLANCE: usize = 300;

/// Before there is an account: what to do first. When what was shared is gone: that, anywhere.
#[component]
pub(crate) fn ShareBar() -> impl IntoView {
    let state = AppState::get();
    let lost = Memo::new(move |_| match (state.share.get(), state.phase.get()) {
        (Share::Lost, _) => Some(true),
        (Share::Here(_), Phase::Start) => Some(false),
        _ => None,
    });
    let bar = move |lost: bool| {
        let (picture, words, action) = if lost {
            (Icon::Alert, t("share.lost"), t("bar.understood"))
        } else {
            (Icon::Info, t("share.no_account"), t("share.close"))
        };
        view! {
            <div class="bar" id="share-bar">
                {icon(picture)}
                <p>{words}</p>
                <button class="bar-action" on:click=move |_| state.share.drop_it()>
                    {action}
                </button>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="bars" role="status">{move || lost.get().map(bar)}</div>
    }
}

/// The question for which conversation it is, as long as something waits for that.
#[component]
pub(crate) fn ShareQuestion() -> impl IntoView {
    let state = AppState::get();
    move || match state.share.get() {
        Share::Here(shared) => view! { <Chooser shared /> }.into_any(),
        Share::Nothing | Share::Lost => ().into_any(),
    }
}

#[component]
fn Chooser(shared: Shared) -> impl IntoView {
    let state = AppState::get();
    let with_files = shared.count > 0;
    let typed = RwSignal::new(String::new());
    let field = NodeRef::<html::Input>::new();
    let list = NodeRef::<html::Ul>::new();
    leave_as_typed(field);
    let found = Memo::new(move |_| fitting(state, with_files, &typed.get()));
    let waiting = Memo::new(move |_| if with_files { not_accepted(state) } else { 0 });
    let none = Memo::new(move |_| found.with(Vec::is_empty));
    let told = move || match (typed.get().trim(), found.with(Vec::len)) {
        ("", _) | (_, 0) => String::new(),
        (_, n) => tn("search.count", n as u64),
    };
    let cancel = move || state.share.cancel(state);
    let on_field_key = move |event: KeyboardEvent| {
        let first = || {
            list.get_untracked()
                .and_then(|list| matching(&list, ".person").into_iter().next())
        };
        match event.key().as_str() {
            "ArrowDown" => {
                if let Some(first) = first() {
                    focus(&first);
                }
            }
            "Enter" if !composes(&event) => {
                // Only what was looked for: without a word the first one is there by chance.
                if let Some(first) = first().filter(|_| !typed.get_untracked().trim().is_empty()) {
                    first.click();
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let on_list_key = move |event: KeyboardEvent| {
        let Some(list) = list.get_untracked() else { return };
        let is_focused =
            |row: &web_sys::HtmlElement| document().active_element().is_some_and(|at| **row == at);
        let at_first = event.key() == "ArrowUp" && matching(&list, ".person").first().is_some_and(is_focused);
        match field.get_untracked().filter(|_| at_first) {
            Some(field) => {
                event.prevent_default();
                focus(&field);
            }
            None => walk(&list, ".person", false, &event),
        }
    };
    // An on-screen keyboard would cover the list.
    let by_hand = touch();
    view! {
        <Dialog title=t("share.title") on_close=cancel firm=true>
            <div class="shared" id="shared" tabindex="-1" autofocus=by_hand>
                {what(&shared)}
                <p class="help">{t("share.help")}</p>
            </div>
            <div class="search-field">
                {icon(Icon::Search)}
                <input
                    id="share-search"
                    node_ref=field
                    type="search"
                    autofocus=!by_hand
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    enterkeyhint="search"
                    dir="auto"
                    aria-label=t("search.label")
                    aria-describedby="shared"
                    placeholder=t("search.label")
                    prop:value=typed
                    on:input:target=move |event| typed.set(event.target().value())
                    on:keydown=on_field_key
                />
            </div>
            <p class="unseen" role="status">{told}</p>
            <ul class="people share-list" node_ref=list aria-label=t("list.label") on:keydown=on_list_key>
                <For each=move || found.get() key=|id| *id children=move |id| row(state, id) />
            </ul>
            {move || {
                none.get()
                    .then(|| {
                        let words = typed.get();
                        view! { <p class="search-none" role="status">{tf("search.none", &[("words", words.trim())])}</p> }
                    })
            }}
            {move || {
                let count = waiting.get();
                (count > 0).then(|| view! { <p class="help">{tn("share.waiting", count)}</p> })
            }}
            <div class="actions">
                <button class="button" id="cancel-share" on:click=move |_| cancel()>
                    {t("action.cancel")}
                </button>
            </div>
        </Dialog>
    }
}

/// What is shared, in a line for files and some of the text.
fn what(shared: &Shared) -> AnyView {
    let files = shared.kind.map(|kind| {
        let name = match shared.name.as_str() {
            "" => kind_words(kind, shared.count as u64),
            name => name.to_owned(),
        };
        view! {
            <p class="shared-files">
                {icon(kind_icon(kind))} <span dir="auto">{name}</span>
                <span class="shared-size">{bytes(shared.bytes)}</span>
            </p>
        }
        .into_any()
    });
    let text: String = shared.text.chars().take(GLANCE).collect();
    let text = (!text.is_empty()).then(|| view! { <p class="shared-text" dir="auto">{text}</p> }.into_any());
    view! {
        {files}
        {text}
    }
    .into_any()
}

/// The conversations that it can go to and whose name fits what was typed: the note to self, those of the list in its
/// order, then other contacts by name.
fn fitting(state: AppState, with_files: bool, typed: &str) -> Vec<Id> {
    let own = state.account.with(|account| account.as_ref().map(|a| a.id));
    let fits = |name: &str| typed.trim().is_empty() || fits_name(name, typed);
    let all: Vec<Conversation> = state
        .conversations
        .snapshot()
        .into_iter()
        .filter(|c| takes(c.standing, with_files))
        .filter(|c| fits(&display_name(c)) || c.name.as_deref().is_some_and(fits))
        .collect();
    let (listed, mut others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .filter(|c| matches!(c.place, Place::List | Place::Hidden))
        .partition(|c| c.place == Place::List);
    alphabetically(&mut others, display_name);
    let notes = own.filter(|_| fits(&t("note.title")));
    notes
        .into_iter()
        .chain(listed.iter().chain(&others).map(|c| c.id))
        .collect()
}

/// Whether a conversation other than the note to self takes it. A request of somebody is answered by hand first.
fn takes(standing: Standing, with_files: bool) -> bool {
    match standing {
        Standing::Active => true,
        Standing::OutgoingRequest | Standing::Fresh => !with_files,
        Standing::Own | Standing::IncomingRequest | Standing::Blocked => false,
    }
}

/// How many conversations of the list take no files yet.
fn not_accepted(state: AppState) -> u64 {
    let all = state.conversations.snapshot();
    all.iter()
        .filter(|c| c.place == Place::List && c.standing == Standing::OutgoingRequest)
        .count() as u64
}

fn row(state: AppState, id: Id) -> AnyView {
    let (face, name, below) = if state.is_own(&id) {
        let face = note_avatar(Size::Small).into_any();
        let below = view! { <span>{t("note.subtitle")}</span> }.into_any();
        (face, t("note.title"), Some(below))
    } else {
        let known = state.conversations.get_untracked(id);
        let given = known.as_ref().map_or("", given_name);
        let face = avatar(&id, given, known.as_ref().and_then(|c| c.picture), Size::Small);
        let below = (!given.is_empty()).then(|| view! { <span dir="ltr">{short_id(&id)}</span> }.into_any());
        (
            face,
            known.as_ref().map_or_else(|| short_id(&id), display_name),
            below,
        )
    };
    view! {
        <li>
            <button class="person" data-share-with=id.to_hex() on:click=move |_| state.share.give(state, id)>
                {face}
                <span class="choice-text">
                    <strong dir="auto">{name}</strong>
                    {below}
                </span>
            </button>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::Standing;

    use super::takes;

    #[test]
    fn files_go_to_those_who_agreed_and_texts_also_to_those_who_were_asked() {
        assert!(takes(Standing::Active, true) && takes(Standing::Active, false));
        assert!(!takes(Standing::OutgoingRequest, true) && takes(Standing::OutgoingRequest, false));
        for standing in [Standing::IncomingRequest, Standing::Blocked] {
            assert!(!takes(standing, false), "{standing:?}");
        }
    }
}
