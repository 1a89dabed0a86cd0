//! Reactions: the pills below a message, the bar above its menu, the picker, and who chose what.

use holdfast_client::api::{Command, Message, MessageId, Reaction};
use holdfast_protocol::account::Id;
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::bubble::picture;
use super::room::Room;
use crate::components::dialog::Dialog;
use crate::components::emoji::EmojiPicker;
use crate::components::focus::{focus, hold};
use crate::components::icon::{Icon, icon};
use crate::components::menu::Floating;
use crate::i18n::{is_rtl, number, t, tf, tn};
use crate::state::AppState;
use crate::state::preferences::key;

/// What is offered at once, until others were used (`spec/02-messages-v1.md §5.4`).
const QUICK: [&str; 6] = ["😂", "🥰", "😢", "😡", "😮", "😈"];
/// More different ones than this are folded (`spec/12-client-behaviour.md §5.6`).
const UNFOLDED: usize = 6;
/// How many of the folded ones are hinted at.
const STACKED: usize = 4;

/// The six emoji of the bar: those used last, then the usual ones.
fn quick(recent: &[String]) -> Vec<String> {
    let mut all: Vec<String> = recent.to_vec();
    for usual in QUICK {
        if !all.iter().any(|e| e == usual) {
            all.push(usual.into());
        }
    }
    all.truncate(QUICK.len());
    all
}

/// Adds or removes an own reaction.
pub(super) fn react(room: Room, message: &Message, emoji: String) {
    let state = room.state;
    let add = !chosen(state, message, &emoji);
    if add {
        let mut recent = state.preferences.reactions.get_untracked();
        recent.retain(|e| *e != emoji);
        recent.insert(0, emoji.clone());
        recent.truncate(QUICK.len());
        state.set_preference(key::REACTIONS, &recent.join(" "));
    }
    state.command(Command::React {
        message: message.id,
        emoji,
        add,
    });
}

/// Whether the own account chose an emoji.
fn chosen(state: AppState, message: &Message, emoji: &str) -> bool {
    message
        .reactions
        .iter()
        .any(|r| r.emoji == emoji && r.from.iter().any(|id| state.is_own(id)))
}

fn name_of(room: Room, id: &Id) -> String {
    super::bubble::author(room, room.state.is_own(id))
}

/// Who chose an emoji, in words.
fn names(room: Room, reaction: &Reaction) -> String {
    let named: Vec<String> = reaction.from.iter().take(2).map(|id| name_of(room, id)).collect();
    match (named.as_slice(), reaction.from.len()) {
        ([one], 1) => one.clone(),
        ([one, two], 2) => tf("reaction.both", &[("one", one), ("two", two)]),
        _ => tn("reaction.count", reaction.from.len() as u64),
    }
}

/// The pills below a message. A click on one adds or removes the own reaction.
pub(super) fn pills(room: Room, message: &Message) -> Option<AnyView> {
    let all = &message.reactions;
    if all.is_empty() {
        return None;
    }
    let many = all.len() > UNFOLDED;
    let unfolded = many && room.desk.unfolded.with(|ids| ids.contains(&message.id));
    let shown = if many && !unfolded {
        UNFOLDED - 1
    } else {
        all.len()
    };
    let pills = all.iter().take(shown).map(|reaction| {
        let mine = reaction.from.iter().any(|id| room.state.is_own(id));
        let who = names(room, reaction);
        let count = reaction.from.len() as u64;
        let label = tf("reaction.pill", &[("emoji", &reaction.emoji), ("names", &who)]);
        view! {
            <button
                class="pill"
                data-act="react"
                data-emoji=reaction.emoji.clone()
                aria-pressed=mine.to_string()
                aria-label=label
                title=who
            >
                <span class="pill-emoji">{reaction.emoji.clone()}</span>
                {(count > 1).then(|| number(count as f64))}
            </button>
        }
        .into_any()
    });
    let fold = many.then(|| {
        let hint: String = all
            .iter()
            .skip(shown)
            .take(STACKED)
            .map(|r| r.emoji.as_str())
            .collect();
        let (label, text) = if unfolded {
            (t("reaction.less"), t("reaction.less"))
        } else {
            (tn("reaction.more_kinds", (all.len() - shown) as u64), hint)
        };
        view! {
            <button class="pill" data-act="unfold" aria-expanded=unfolded.to_string() aria-label=label>
                {text}
            </button>
        }
        .into_any()
    });
    Some(
        view! {
            <div class="pills" role="group" aria-label=t("reaction.group")>
                {pills.collect_view()} {fold}
            </div>
        }
        .into_any(),
    )
}

/// The bar above a message's menu.
pub(super) fn bar(room: Room, message: Message, place: (i32, i32)) -> AnyView {
    let desk = room.desk;
    let id = message.id;
    let buttons = quick(&room.state.preferences.reactions.get_untracked())
        .into_iter()
        .map(|emoji| {
            let pressed = chosen(room.state, &message, &emoji);
            let label = tf("reaction.with", &[("emoji", &emoji)]);
            let (message, picked) = (message.clone(), emoji.clone());
            view! {
                <button
                    class="emoji"
                    aria-pressed=pressed.to_string()
                    aria-label=label
                    on:click=move |_| {
                        desk.menu.set(None);
                        react(room, &message, picked.clone());
                    }
                >
                    {emoji}
                </button>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <div class="reaction-bar" role="group" aria-label=t("reaction.bar") on:keydown=sideways>
            {buttons}
            <button
                class="emoji"
                aria-label=t("reaction.any")
                title=t("reaction.any")
                on:click=move |_| {
                    desk.menu.set(None);
                    desk.picker.set(Some((id, place)));
                }
            >
                {icon(Icon::Plus)}
            </button>
        </div>
    }
    .into_any()
}

/// Arrow keys walk through the bar.
fn sideways(event: KeyboardEvent) {
    let forward = match event.key().as_str() {
        "ArrowRight" => !is_rtl(),
        "ArrowLeft" => is_rtl(),
        _ => return,
    };
    let next = document().active_element().and_then(|at| {
        if forward {
            at.next_element_sibling()
        } else {
            at.previous_element_sibling()
        }
    });
    if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        event.prevent_default();
        focus(&next);
    }
}

/// The whole picker, as long as a reaction is being picked.
#[component]
pub(super) fn ReactionPicker(room: Room) -> impl IntoView {
    let open = room.desk.picker;
    move || {
        open.get().map(|(id, (x, y))| {
            let close = move || open.set(None);
            let pick = move |emoji: String| {
                close();
                if let Some(message) = room.message(id) {
                    react(room, &message, emoji);
                }
            };
            view! {
                <Floating x y on_close=Callback::new(move |()| close())>
                    <EmojiPicker on_pick=pick on_close=close />
                </Floating>
            }
            .into_any()
        })
    }
}

/// Who reacted with what; one's own can be taken back here.
#[component]
pub(super) fn Reactors(room: Room, id: MessageId, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let chosen = RwSignal::new(0_usize);
    let all = Memo::new(move |_| {
        room.row(id)
            .map(|row| row.with(|row| row.message.reactions.clone()))
            .unwrap_or_default()
    });
    let tabs = move || {
        all.get()
            .into_iter()
            .enumerate()
            .map(|(at, reaction)| {
                view! {
                    <button
                        class="pill"
                        aria-pressed=move || (chosen.get() == at).to_string()
                        aria-label=names(room, &reaction)
                        on:click=move |_| chosen.set(at)
                    >
                        <span class="pill-emoji">{reaction.emoji.clone()}</span>
                        {number(reaction.from.len() as f64)}
                    </button>
                }
                .into_any()
            })
            .collect_view()
    };
    let list = NodeRef::<html::Ul>::new();
    let people = move || {
        let all = all.get();
        if let Some(list) = list.get_untracked() {
            hold(&list, ".button", "id");
        }
        let Some(reaction) = all.get(chosen.get().min(all.len().saturating_sub(1))) else {
            return view! { <p class="help">{t("reaction.none")}</p> }.into_any();
        };
        let emoji = reaction.emoji.clone();
        reaction
            .from
            .iter()
            .map(|who| {
                let own = room.state.is_own(who);
                let name = name_of(room, who);
                let emoji = emoji.clone();
                view! {
                    <li class="reactor">
                        {picture(room, who)} <span dir="auto">{name}</span>
                        {own
                            .then(|| {
                                view! {
                                    <button
                                        class="button quiet"
                                        on:click=move |_| {
                                            if let Some(message) = room.message(id) {
                                                react(room, &message, emoji.clone());
                                            }
                                        }
                                    >
                                        {t("reaction.remove")}
                                    </button>
                                }
                            })}
                    </li>
                }
                .into_any()
            })
            .collect_view()
            .into_any()
    };
    view! {
        <Dialog title=t("reaction.who") on_close>
            <div class="pills" role="group" aria-label=t("reaction.group")>{tabs}</div>
            <ul class="reactors" node_ref=list>
                {people}
            </ul>
            <div class="actions">
                <button class="button" on:click=move |_| on_close.run(())>{t("action.close")}</button>
            </div>
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::quick;

    #[test]
    fn what_was_used_last_comes_first_and_six_are_offered() {
        let recent = ["🎉".to_owned(), "😢".to_owned()];
        assert_eq!(quick(&recent), ["🎉", "😢", "😂", "🥰", "😡", "😮"]);
        assert_eq!(quick(&[]).len(), 6);
    }
}
