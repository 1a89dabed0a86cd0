//! The own contact link: to copy, to share, to print.

use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::snippet::SnippetButton;
use crate::components::choice::switch;
use crate::components::icon::{Icon, icon};
use crate::components::qr::qr;
use crate::i18n::{is_rtl, t, tf};
use crate::platform::session::StorageMode;
use crate::platform::{blob, card, pass_on};
use crate::state::AppState;
use crate::state::identity::short_id;
use crate::state::invite;

/// The file that the card is saved as.
const CARD_FILE: &str = "holdfast-card.png";

/// A card of the profile.
#[component]
pub(crate) fn ContactLink(
    /// The own account.
    id: Id,
) -> impl IntoView {
    let state = AppState::get();
    let with_name = RwSignal::new(true);
    let name = Memo::new(move |_| {
        state
            .account
            .with(|own| own.as_ref().map(|own| own.name.clone()).unwrap_or_default())
    });
    let told = Memo::new(move |_| {
        if with_name.get() {
            name.get()
        } else {
            String::new()
        }
    });
    let link = Memo::new(move |_| invite::link(&id, &told.get()));
    let save_card = move |_| {
        let content = card::Content {
            title: if name.with_untracked(String::is_empty) || !with_name.get_untracked() {
                t("link_own.card_title_plain")
            } else {
                tf("link_own.card_title", &[("name", &name.get_untracked())])
            },
            how: t("link_own.card_how"),
            address: invite::page_address(),
            id: tf("link_own.card_id", &[("id", &short_id(&id))]),
            rtl: is_rtl(),
        };
        let link = link.get_untracked();
        spawn_local(async move {
            let made = match card::draw(&link, &content).await {
                Some(picture) => blob::download(&picture, CARD_FILE),
                None => false,
            };
            state.show_toast(if made {
                t("link_own.card_saved")
            } else {
                t("link_own.card_failed")
            });
        });
    };
    let can_share = pass_on::is_possible();
    view! {
        <section class="card contact-link">
            <h2>{t("link_own.title")}</h2>
            <p class="help">{t("link_own.help")}</p>
            <div class="share">
                {move || qr(&link.get(), t("link_own.qr"))}
                <div class="full-id">
                    <p class="link-text-own" dir="ltr" data-link=link>{link}</p>
                    <div class="actions start">
                        <button
                            id="copy-link"
                            class="button"
                            on:click=move |_| state.copy(link.get_untracked(), t("link_own.copied"))
                        >
                            {icon(Icon::Copy)}
                            {t("link_own.copy")}
                        </button>
                        {can_share
                            .then(|| {
                                view! {
                                    <button
                                        id="share-link"
                                        class="button"
                                        on:click=move |_| pass_on::link(&link.get_untracked(), &t("link_own.share_title"))
                                    >
                                        {icon(Icon::External)}
                                        {t("link_own.share")}
                                    </button>
                                }
                            })}
                        {move || {
                            (state.mode.get() == StorageMode::OwnDevice)
                                .then(|| {
                                    view! {
                                        <button id="save-card" class="button" on:click=save_card>
                                            {icon(Icon::Download)}
                                            {t("link_own.card")}
                                        </button>
                                    }
                                })
                        }}
                        <SnippetButton id name=told />
                    </div>
                </div>
            </div>
            {move || {
                (!name.with(String::is_empty))
                    .then(|| {
                        switch(
                            "link-name",
                            t("link_own.with_name"),
                            t("link_own.with_name_help"),
                            with_name.into(),
                            Callback::new(move |on| with_name.set(on)),
                        )
                    })
            }}
        </section>
    }
}
