//! Storage: what files take up on this device, how much they may, and how to make room.

use holdfast_client::api::{Command, Reply, StorageUse};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::pages::page;
use crate::components::dialog::Confirm;
use crate::components::focus::set_style;
use crate::components::icon::{Icon, icon};
use crate::engine::LinkError;
use crate::i18n::{bytes, t, tf, tn};
use crate::platform::keeping;
use crate::platform::session::StorageMode;
use crate::state::{AppState, failure_text};

/// The amounts that can be chosen, in bytes.
const QUOTAS: [u64; 5] = [
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
];

/// The page.
pub(super) fn storage(state: AppState) -> AnyView {
    let own = state.mode.get_untracked() == StorageMode::OwnDevice;
    let used = RwSignal::new(None::<StorageUse>);
    let failed = RwSignal::new(false);
    let asks = RwSignal::new(None::<bool>);
    let read = move || {
        spawn_local(async move {
            match state.request(Command::StorageUse).await {
                Ok(Reply::StorageUse(found)) => {
                    let _ = used.try_set(Some(found));
                }
                _ => {
                    let _ = failed.try_set(true);
                }
            }
        });
    };
    read();
    let clear = move |again_only: bool| {
        spawn_local(async move {
            match state.request(Command::ClearFiles { again_only }).await {
                Ok(_) => state.show_toast(t("storage.cleared")),
                Err(LinkError::Failed(why)) => state.show_toast(failure_text(&why)),
                Err(LinkError::Lost) => {}
            }
            read();
        });
    };
    let body = view! {
        {(!own).then(|| view! { <p class="warning">{t("storage.shared")}</p> })}
        {move || failed.get().then(|| view! { <p class="warning" role="alert">{t("error.storage")}</p> })}
        {move || used.get().map(|used| amount(&used))}
        {move || used.get().map(|now| quota(state, now, used))}
        {move || used.get().map(|used| room(&used, asks))}
        {own.then(|| keeping(state))}
        {move || {
            asks.get()
                .map(|again_only| {
                    let close = Callback::new(move |()| asks.set(None));
                    let (title, text) = if again_only {
                        (t("storage.clear_again_title"), t("storage.clear_again_text"))
                    } else {
                        (t("storage.clear_all_title"), t("storage.clear_all_text"))
                    };
                    view! {
                        <Confirm
                            title
                            text
                            action=t("storage.clear_do")
                            on_confirm=move || clear(again_only)
                            on_close=close
                            danger=!again_only
                        />
                    }
                        .into_any()
                })
        }}
    };
    page(t("storage.title"), body.into_any())
}

/// Whether the browser keeps all this, with a way to ask it.
fn keeping(state: AppState) -> AnyView {
    let kept = RwSignal::new(None::<bool>);
    spawn_local(async move {
        let found = keeping::is_for_good().await;
        let _ = kept.try_set(found);
    });
    let ask = move |_| {
        spawn_local(async move {
            let answer = keeping::ask().await;
            if answer != Some(true) {
                state.show_toast(t("storage.kept_refused"));
            }
            let _ = kept.try_set(answer);
        });
    };
    let card = move || {
        kept.get().map(|kept| {
            view! {
                <section class="card" id="storage-keeping">
                    <h2>{t("storage.kept_title")}</h2>
                    <p>{if kept { t("storage.kept_yes") } else { t("storage.kept_no") }}</p>
                    {(!kept)
                        .then(|| {
                            view! {
                                <div class="row-actions">
                                    <button id="ask-keeping" class="button" on:click=ask>
                                        {t("storage.kept_ask")}
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

/// How much there is, as words and as a line.
fn amount(used: &StorageUse) -> AnyView {
    let line = NodeRef::<html::Div>::new();
    let (all, again, quota) = (used.bytes, used.again.min(used.bytes), used.quota.max(1));
    Effect::new(move |_| {
        if let Some(line) = line.get() {
            let share = |bytes: u64| {
                let thousandths = bytes.min(quota) * 1000 / quota;
                format!("{}.{}%", thousandths / 10, thousandths % 10)
            };
            set_style(&line, "--kept", &share(all - again));
            set_style(&line, "--again", &share(again));
        }
    });
    let fact = |mark: &'static str, label: String, value: String| {
        view! {
            <div>
                <dt>
                    <span class="storage-dot" data-part=mark aria-hidden="true"></span>
                    {label}
                </dt>
                <dd>{value}</dd>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="card">
            <p class="storage-total">
                <strong>{bytes(all)}</strong>
                <span>{tn("storage.files", u64::from(used.files))}</span>
            </p>
            <div class="storage-line" node_ref=line aria-hidden="true">
                <span></span>
                <span></span>
            </div>
            <dl class="facts">
                {fact("again", t("storage.again"), bytes(again))}
                {fact("kept", t("storage.only_here"), bytes(all - again))}
            </dl>
            <p class="help">{t("storage.again_help")}</p>
        </section>
    }
    .into_any()
}

/// How much files may take up.
fn quota(state: AppState, now: StorageUse, used: RwSignal<Option<StorageUse>>) -> AnyView {
    let mut amounts = QUOTAS.to_vec();
    if !amounts.contains(&now.quota) {
        amounts.push(now.quota);
        amounts.sort_unstable();
    }
    let options = amounts
        .into_iter()
        .map(|amount| {
            view! {
                <option value=amount.to_string() selected=amount == now.quota>
                    {bytes(amount)}
                </option>
            }
            .into_any()
        })
        .collect_view();
    let choose = move |value: String| {
        let Ok(quota) = value.parse() else { return };
        spawn_local(async move {
            match state.request(Command::SetFileQuota(quota)).await {
                // What was too much is removed at once.
                Ok(_) => {
                    if let Ok(Reply::StorageUse(found)) = state.request(Command::StorageUse).await {
                        let _ = used.try_set(Some(found));
                    }
                }
                Err(LinkError::Failed(why)) => state.show_toast(failure_text(&why)),
                Err(LinkError::Lost) => {}
            }
        });
    };
    view! {
        <section class="card">
            <div class="setting">
                <label for="file-quota">{t("storage.quota")}</label>
                <select id="file-quota" on:change:target=move |event| choose(event.target().value())>
                    {options}
                </select>
            </div>
            <p class="help">{t("storage.quota_help")}</p>
        </section>
    }
    .into_any()
}

/// Makes room.
fn room(used: &StorageUse, asks: RwSignal<Option<bool>>) -> AnyView {
    let (again, all) = (used.again, used.removable);
    view! {
        <section class="card">
            <h2>{t("storage.clear_title")}</h2>
            <p class="help">{t("storage.clear_help")}</p>
            <div class="row-actions">
                <button
                    id="clear-again"
                    class="button"
                    disabled=again == 0
                    on:click=move |_| asks.set(Some(true))
                >
                    {icon(Icon::Clear)}
                    {tf("storage.clear_again", &[("size", &bytes(again))])}
                </button>
                <button
                    id="clear-all"
                    class="button danger"
                    disabled=all == 0
                    on:click=move |_| asks.set(Some(false))
                >
                    {icon(Icon::Trash)}
                    {tf("storage.clear_all", &[("size", &bytes(all))])}
                </button>
            </div>
        </section>
    }
    .into_any()
}
