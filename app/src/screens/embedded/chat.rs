//! The chat in a frame, with a heading that leads nowhere but out of it.

use holdfast_client::api::Command;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Place;
use crate::components::avatar::{Size, avatar};
use crate::components::bars::TroubleBar;
use crate::components::dialog::{Confirm, Dialog};
use crate::components::icon::{Icon, icon, icon_button};
use crate::i18n::{t, tf, tn};
use crate::platform::frame::ToHost;
use crate::screens::contact::given_name;
use crate::screens::conversation::EmbeddedConversation;
use crate::screens::files::FileAsks;
use crate::screens::invited::claimed_name;
use crate::screens::questions::Questions;
use crate::screens::viewer::Viewer;
use crate::state::AppState;
use crate::state::identity::short_id;

/// How high a chat would like its frame to be, in CSS pixels.
const HEIGHT: u32 = 560;

/// The chat.
#[component]
pub(super) fn Chat(place: Place) -> impl IntoView {
    let state = AppState::get();
    let id = place.invite.id;
    place.host.tell(ToHost::Size(HEIGHT));
    let open = Memo::new(move |_| state.nav.current().conversation() == Some(id));
    let head = move || heading(state, place.clone());
    view! {
        <TroubleBar />
        {move || {
            // The engine has opened the conversation a moment after the account.
            open.get().then(|| view! { <EmbeddedConversation id heading=head() /> })
        }}
        <Questions />
        <Viewer />
        <FileAsks />
    }
}

/// Whom the chat is with, and the ways out of it.
fn heading(state: AppState, place: Place) -> AnyView {
    let id = place.invite.id;
    let claimed = claimed_name(&place.invite);
    let asks_end = RwSignal::new(false);
    let asks_tab = RwSignal::new(false);
    let title = {
        let claimed = claimed.clone();
        move || {
            let known = state.conversation(id);
            let name = known.as_ref().map(given_name).filter(|name| !name.is_empty());
            let name = name.map_or_else(|| claimed.clone(), ToOwned::to_owned);
            let picture = known.as_ref().and_then(|known| known.picture);
            let short = short_id(&id);
            let named = name != short;
            let letters = if named { name.clone() } else { String::new() };
            let sub = named.then(|| view! { <span dir="ltr">{short}</span> });
            view! {
                {avatar(&id, &letters, picture, Size::Small)}
                <span class="heading-text">
                    <span class="heading-name" dir="auto">{name}</span>
                    <span class="heading-sub" title=id.to_hex()>{sub}</span>
                </span>
            }
            .into_any()
        }
    };
    let tab = place.tab();
    let host = place.host;
    view! {
        <header class="pane-header">
            <h1 class="heading">
                <span class="heading-button">{title}</span>
            </h1>
            {icon_button("embed-tab", Icon::External, t("embed.tab_title"), move || asks_tab.set(true))}
            {icon_button("embed-end", Icon::Trash, t("embed.end_title"), move || asks_end.set(true))}
            {place
                .closable
                .then(|| icon_button("embed-close", Icon::Down, t("embed.hide"), move || host.tell(ToHost::Close)))}
        </header>
        {move || {
            asks_tab.get().then(|| tab_question(claimed.clone(), tab.clone(), asks_tab))
        }}
        {move || asks_end.get().then(|| end_question(state, asks_end))}
    }
    .into_any()
}

/// Says what goes along into a tab and what does not, before one is opened.
fn tab_question(who: String, tab: String, asks: RwSignal<bool>) -> AnyView {
    view! {
        <Dialog title=t("embed.tab_title") on_close=move || asks.set(false)>
            <p>{tf("embed.tab_text", &[("name", &who)])}</p>
            <div class="actions">
                <button class="button quiet" on:click=move |_| asks.set(false)>
                    {t("action.cancel")}
                </button>
                <a
                    id="confirm-tab"
                    class="button primary"
                    href=tab
                    target="_blank"
                    rel="noopener"
                    autofocus
                    on:click=move |_| {
                        // The browser follows the link first.
                        request_animation_frame(move || asks.set(false));
                    }
                >
                    {icon(Icon::External)}
                    {t("embed.tab_do")}
                </a>
            </div>
        </Dialog>
    }
    .into_any()
}

/// Asks before the chat is thrown away, with all that was not sent.
fn end_question(state: AppState, asks: RwSignal<bool>) -> AnyView {
    let waiting = state.network.with_untracked(|network| network.outbox);
    let mut text = t("embed.end_text");
    if waiting > 0 {
        text.push(' ');
        text.push_str(&tn("leave.waiting", u64::from(waiting)));
    }
    let end = move || {
        spawn_local(async move {
            // An engine that is gone has taken the chat with it.
            if state.request(Command::LogOut).await.is_err() && state.account.with_untracked(Option::is_some)
            {
                state.show_toast(t("leave.failed"));
            }
        });
    };
    view! {
        <Confirm
            title=t("embed.end_question")
            text=text
            action=t("embed.end_title")
            on_confirm=end
            on_close=move || asks.set(false)
            danger=true
        />
    }
    .into_any()
}
