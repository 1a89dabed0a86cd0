//! Where a message is written, with its files, or spoken.

use holdfast_client::api::{Command, Failure, FileId, Message, MessageId, NewLink, Reply};
use holdfast_protocol::kiosk::Feature;
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::attach::AttachButton;
use super::bubble::author;
use super::draft::Draft;
use super::gestures::to_composer;
use super::link::LinkCard;
use super::room::Room;
use super::tray::{Staged, Tray};
use super::voice::{Recorder, VoiceBar, VoiceButton};
use crate::components::dialog::Dialog;
use crate::components::emoji::EmojiPicker;
use crate::components::focus::{focus, set_style, touch};
use crate::components::icon::{Icon, icon, icon_button};
use crate::components::keys::composes;
use crate::engine::LinkError;
use crate::i18n::{number, t, tf, tn};
use crate::platform::session::StorageMode;
use crate::platform::{frame, kiosk};
use crate::screens::files::words::brief;
use crate::state::attach::messages;
use crate::state::phrase_input::holds_phrase;
use crate::state::preferences::key;
use crate::state::text::counted_length;
use crate::state::{error_text, failure_text};

/// The longest text, in Unicode code points (`spec/12-client-behaviour.md §1`).
const LIMIT: usize = 2000;
/// The counter appears when this many are left.
const COUNTER_FROM: usize = 200;
/// A screen reader is told what is left when it falls to one of these. Each character would drown everything else.
const TOLD_AT: [i64; 6] = [COUNTER_FROM as i64, 100, 50, 20, 10, 0];

/// The text field with its buttons.
#[component]
pub(crate) fn Composer(room: Room) -> impl IntoView {
    let state = room.state;
    let id = room.id;
    let field = NodeRef::<html::Textarea>::new();
    let draft = Draft::new(room);
    let text = RwSignal::new(draft.begun());
    let reply = room.desk.reply;
    let error = RwSignal::new(String::new());
    let emoji = RwSignal::new(false);
    let asks_phrase = RwSignal::new(false);
    let left = Memo::new(move |_| LIMIT as i64 - text.with(|t| counted_length(t)) as i64);
    let blank = Memo::new(move |_| text.with(|t| t.trim().is_empty()));
    let staged = Staged::new(room);
    let card = LinkCard::new(room, text, staged);
    let sending = RwSignal::new(false);

    Effect::new(move |_| {
        text.track();
        if let Some(field) = field.get() {
            request_animation_frame(move || fit(&field));
        }
    });
    Effect::new(move |before: Option<()>| {
        if let Some(field) = field.get()
            && before.is_none()
            && !touch()
        {
            request_animation_frame(move || {
                focus(&field);
            });
        }
    });
    on_cleanup(move || draft.leave(&text.try_get_untracked().unwrap_or_default()));
    // A text comes from elsewhere: refused after its screen was left, or shared by another app.
    Effect::new(move |_| {
        let come = state.draft(id);
        let other = |come: &String| text.with_untracked(|text| text.trim() != come.trim());
        if let Some(come) = come.filter(other) {
            draft.put(&come);
            text.set(come);
        }
    });
    let told = Memo::new(move |_| told_at(left.get()));
    Effect::new(move |_| {
        if told.get().is_some() {
            state.announce(words_left(left.get_untracked()));
        }
    });

    // Sends one message after the other: the text and the reply go with the first.
    let deliver =
        move |body: String, answered: Option<Message>, link: Option<NewLink>, files: Vec<Vec<FileId>>| {
            // Files leave the tray when the engine says so: until then they could be sent twice.
            sending.set(!files.is_empty());
            spawn_local(async move {
                let reply_to = answered.as_ref().map(|message| message.id);
                let sent = send_all(room, &body, reply_to, link, files).await;
                let _ = sending.try_set(false);
                // Where there was none, the engine's draft is of another text, and stays.
                let has_text = !body.trim().is_empty();
                let Err((why, accepted)) = sent else {
                    if has_text {
                        state.draft_kept(id, "");
                    }
                    return;
                };
                let _ = error.try_set(error_text(&why));
                if accepted || why == LinkError::Lost {
                    // Accepted, or nobody can tell yet: the engine still has its draft if it did not accept the message.
                    if has_text {
                        state.draft_kept(id, "");
                    }
                    return;
                }
                // Nothing was accepted: the text goes back to where it was written, above what was written there since.
                if has_text {
                    let back = text.try_update(|now| {
                        *now = state.with_refused(id, &body, now);
                        now.clone()
                    });
                    match back {
                        Some(now) => draft.put(&now),
                        None => state.give_back(id, &body),
                    }
                }
                // A message that is gone can't be answered the next time either.
                let gone = matches!(why, LinkError::Failed(Failure::NotFound | Failure::NotAllowed));
                if !gone && reply.try_with_untracked(Option::is_none) == Some(true) {
                    let _ = reply.try_set(answered);
                }
            });
        };
    let send = move |sure: bool| {
        let body = text.get_untracked();
        let (ready, all) = untrack(|| (staged.is_ready(), staged.files.get()));
        if body.trim().is_empty() && untrack(|| staged.is_empty()) || sending.get_untracked() {
            return;
        }
        if !ready {
            error.set(t("composer.files_wait"));
            return;
        }
        if counted_length(&body) > LIMIT {
            error.set(failure_text(&Failure::TextTooLong));
            return;
        }
        if !sure && holds_phrase(&body) {
            asks_phrase.set(true);
            return;
        }
        error.set(String::new());
        state.attach.dismiss(id);
        let link = card.take();
        text.set(String::new());
        draft.sent(&body);
        let answered = reply.get_untracked();
        reply.set(None);
        deliver(body, answered, link, messages(&all));
        if let Some(field) = field.get_untracked() {
            focus(&field);
        }
    };
    let send_voice = Callback::new(move |file: FileId| {
        let answered = reply.get_untracked();
        reply.set(None);
        deliver(String::new(), answered, None, vec![vec![file]]);
    });
    let recorder = Recorder::new(room, send_voice);
    let recording = Memo::new(move |_| recorder.busy());
    // The page around a frame would have to pass the microphone on.
    let may_speak = !frame::is_framed();
    let speaks = Memo::new(move |_| {
        let nothing = blank.get() && staged.is_empty() && !sending.get();
        let can = may_speak && kiosk::allows(Feature::Voice);
        recording.get() || nothing && can && state.network.with(|network| network.files)
    });
    let enter_sends = move || state.preferences.enter_sends.get().unwrap_or_else(|| !touch());
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" && emoji.get_untracked() {
            event.prevent_default();
            emoji.set(false);
            return;
        }
        if event.key() != "Enter" || composes(&event) || event.alt_key() {
            return;
        }
        let sends = if event.ctrl_key() || event.meta_key() {
            true
        } else {
            untrack(enter_sends) != event.shift_key()
        };
        if sends {
            event.prevent_default();
            send(false);
        }
    };
    let insert = move |picked: String| {
        let Some(field) = field.get_untracked() else {
            return;
        };
        let start = field.selection_start().ok().flatten();
        let end = field.selection_end().ok().flatten();
        if let (Some(start), Some(end)) = (start, end) {
            // Positions come from the field itself.
            let _ = field.set_range_text_with_start_and_end_and_mode(&picked, start, end, "end");
            let now = field.value();
            draft.typed(&now);
            text.set(now);
        }
    };
    let counter = move || {
        let left = left.get();
        (left <= COUNTER_FROM as i64).then(|| {
            let words = words_left(left);
            let title = words.clone();
            view! {
                <span class="counter" class:over=left < 0 title=title>
                    <span aria-hidden="true">{number(left as f64)}</span>
                    <span class="unseen">{words}</span>
                </span>
            }
            .into_any()
        })
    };
    let written = move || {
        view! {
            <AttachButton room />
            <button
                type="button"
                id="open-emoji"
                class="icon-button"
                aria-label=t("emoji.title")
                title=t("emoji.title")
                aria-expanded=move || emoji.get().to_string()
                on:click=move |_| emoji.update(|open| *open = !*open)
            >
                {icon(Icon::Emoji)}
            </button>
            <div class="composer-field">
                <textarea
                    id="message-text"
                    node_ref=field
                    rows="1"
                    dir="auto"
                    placeholder=t("composer.placeholder")
                    aria-label=t("composer.placeholder")
                    autocomplete="off"
                    enterkeyhint=move || {
                        if enter_sends() { "send" } else { "enter" }
                    }
                    // Browsers that check words on their servers would send them there.
                    spellcheck=(state.mode.get() == StorageMode::SharedComputer).then_some("false")
                    prop:value=text
                    on:input:target=move |event| {
                        let now = event.target().value();
                        draft.typed(&now);
                        error.set(String::new());
                        text.set(now);
                    }
                    on:keydown=on_key
                ></textarea>
                {counter}
            </div>
        }
        .into_any()
    };
    view! {
        <form
            class="composer"
            class:recording=recording
            on:keydown=move |event| recorder.key(&event)
            on:submit=move |event| {
                event.prevent_default();
                send(false);
            }
        >
            {move || {
                emoji
                    .get()
                    .then(|| {
                        view! {
                            <EmojiPicker
                                on_pick=insert
                                on_close=move || {
                                    emoji.set(false);
                                    if let Some(field) = field.get_untracked() {
                                        focus(&field);
                                    }
                                }
                            />
                        }
                            .into_any()
                    })
            }}
            {move || reply.get().map(|message| answering(room, &message))}
            {card.view()}
            <p class="error composer-error" role="alert">{error}</p>
            <Tray room staged />
            <div class="composer-row">
                {move || {
                    if recording.get() {
                        view! { <VoiceBar recorder /> }.into_any()
                    } else {
                        written()
                    }
                }}
                {move || {
                    if speaks.get() {
                        view! { <VoiceButton recorder /> }.into_any()
                    } else {
                        let idle = move || {
                            let nothing = blank.get() && staged.is_empty();
                            nothing || left.get() < 0 || !staged.is_ready() || sending.get()
                        };
                        send_button(Signal::derive(idle))
                    }
                }}
            </div>
        </form>
        {move || {
            asks_phrase
                .get()
                .then(|| {
                    view! {
                        <Dialog title=t("phrase_sent.title") on_close=move || asks_phrase.set(false)>
                            <p>{t("phrase_sent.text")}</p>
                            <div class="actions">
                                <button
                                    class="button danger"
                                    on:click=move |_| {
                                        asks_phrase.set(false);
                                        send(true);
                                    }
                                >
                                    {t("phrase_sent.send")}
                                </button>
                                <button
                                    class="button primary"
                                    autofocus
                                    on:click=move |_| asks_phrase.set(false)
                                >
                                    {t("phrase_sent.keep")}
                                </button>
                            </div>
                        </Dialog>
                    }
                        .into_any()
                })
        }}
    }
}

/// How many characters are left, in words.
fn words_left(left: i64) -> String {
    if left < 0 {
        tn("composer.over", left.unsigned_abs())
    } else {
        tn("composer.left", left.unsigned_abs())
    }
}

/// Which of [`TOLD_AT`] what is left has fallen to; one more when there is too much, and none while there is plenty.
fn told_at(left: i64) -> Option<usize> {
    if left < 0 {
        return Some(TOLD_AT.len());
    }
    TOLD_AT.iter().rposition(|mark| left <= *mark)
}

/// Gives messages to the engine in order. An error comes with whether an earlier one was accepted.
async fn send_all(
    room: Room,
    body: &str,
    reply_to: Option<MessageId>,
    mut link: Option<NewLink>,
    mut files: Vec<Vec<FileId>>,
) -> Result<(), (LinkError, bool)> {
    let state = room.state;
    if files.is_empty() {
        files.push(Vec::new());
    }
    for (at, files) in files.into_iter().enumerate() {
        let first = at == 0;
        let command = Command::SendText {
            conversation: room.id,
            body: if first { body.to_owned() } else { String::new() },
            reply_to: reply_to.filter(|_| first),
            files,
            link: link.take(),
        };
        match state.request(command).await {
            Ok(Reply::Accepted(message)) => {
                if !state.preferences.has_written.get_untracked() {
                    state.set_preference(key::HAS_WRITTEN, "1");
                    // From now on something would be missed.
                    if state.mode.get_untracked() == StorageMode::OwnDevice {
                        spawn_local(async {
                            // The settings show what came of it.
                            let _ = crate::platform::keeping::ask().await;
                        });
                    }
                }
                room.sent(message);
            }
            Ok(_) => {}
            Err(why) => return Err((why, !first)),
        }
    }
    Ok(())
}

fn send_button(idle: Signal<bool>) -> AnyView {
    view! {
        <button
            id="send-message"
            class="send"
            aria-label=t("composer.send")
            title=t("composer.send")
            disabled=idle
            on:pointerdown=move |event| {
                // An on-screen keyboard stays up.
                event.prevent_default();
            }
        >
            {icon(Icon::Send)}
        </button>
    }
    .into_any()
}

/// The message that is answered, above the field.
fn answering(room: Room, message: &Message) -> AnyView {
    let name = author(room, message.outgoing);
    view! {
        <div class="answering" role="group" aria-label=tf("composer.replying", &[("name", &name)])>
            {icon(Icon::Reply)}
            <div class="quote">
                <span class="quote-author" dir="auto">{name.clone()}</span>
                <span class="quote-text" dir="auto">{brief(message)}</span>
            </div>
            {icon_button("end-reply", Icon::Close, t("composer.end_reply"), move || {
                room.desk.reply.set(None);
                to_composer();
            })}
        </div>
    }
    .into_any()
}

/// Makes the field as high as its text; the style sheet ends that at eight lines.
fn fit(field: &web_sys::HtmlTextAreaElement) {
    // Its frame keeps its height while the text is measured: a list that grew for a moment would lose its place.
    let frame = field
        .parent_element()
        .and_then(|frame| frame.dyn_into::<HtmlElement>().ok());
    if let Some(frame) = &frame {
        let height = frame.offset_height();
        set_style(frame, "min-height", &format!("{height}px"));
    }
    set_style(field, "height", "auto");
    let border = field.offset_height() - field.client_height();
    let height = field.scroll_height() + border;
    set_style(field, "height", &format!("{height}px"));
    if let Some(frame) = &frame {
        set_style(frame, "min-height", "");
    }
}

#[cfg(test)]
mod tests {
    use super::told_at;

    #[test]
    fn what_is_left_is_told_now_and_then() {
        assert_eq!(told_at(201), None);
        assert_eq!(told_at(200), told_at(101));
        assert_ne!(told_at(101), told_at(100));
        assert_eq!(told_at(9), told_at(1));
        assert_ne!(told_at(1), told_at(0));
        assert_ne!(told_at(0), told_at(-1));
        assert_eq!(told_at(-1), told_at(-500));
    }
}
