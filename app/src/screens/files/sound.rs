//! The player of a voice message or another recording.

use holdfast_client::api::{Command, FileInfo, FileKind, MAX_WAVEFORM};
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::cover::Stand;
use super::rows::{button_of, doing, sub};
use super::{Part, act, words};
use crate::components::focus::set_style;
use crate::components::icon::{Icon, icon};
use crate::i18n::{bytes, playing_time, speed, t, tf};
use crate::platform::{near, sound as decoder};

/// Recordings larger than this are not decoded to draw how loud they are: a voice message of five minutes has two
/// megabytes (`spec/12-client-behaviour.md §1`).
const MAX_DRAWN: u64 = 3_000_000;
/// Bars of the drawing.
const BARS: usize = MAX_WAVEFORM;
/// Width of the drawing, in its own units: three for each bar.
const BAR_STEP: usize = 3;
/// Half of its height.
const HALF: u32 = 12;
/// Steps of the slider in each second of a recording.
const STEPS: f64 = 10.0;

/// A recording with its player.
pub(super) fn sound(part: Part) -> AnyView {
    let voice = part.kind == FileKind::Voice;
    // It plays as long as it is shown: not when its message was deleted, nor in another conversation.
    on_cleanup(move || part.state.playback.stop_file(part.file));
    let node = NodeRef::<html::Div>::new();
    let here = part.here();
    let is_near = RwSignal::new(false);
    Effect::new(move |_| {
        if let Some(node) = node.get() {
            near::follow(&node, move |now| {
                let _ = is_near.try_set(now);
            });
        }
    });
    if voice {
        Effect::new(move |_| {
            if is_near.get() && here.get() {
                learn(part);
            }
        });
    }
    let stand = part.stand();
    let name = (!voice).then(|| words::title(&part.info()));
    let body = move || match stand.get() {
        Stand::Here => player(part, voice),
        other => view! {
            {(voice).then(|| view! { <span class="file-name">{t("file.voice")}</span> })}
            <span class="file-sub">
                {sub(part, other)}
                {(other == Stand::Waits)
                    .then(|| {
                        words::duration(&part.info()).map(|time| view! { <span>" · " {time}</span> })
                    })}
            </span>
        }
        .into_any(),
    };
    view! {
        <div class="file-row sound" class:voice=voice node_ref=node data-file=part.file.0.to_string()>
            {move || button(part, stand.get())}
            <div class="file-text">
                {name.map(|name| view! { <span class="file-name" dir="auto">{name}</span> })}
                {body}
            </div>
        </div>
    }
    .into_any()
}

/// Plays, or does what has to be done before.
fn button(part: Part, stand: Stand) -> AnyView {
    let playback = part.state.playback;
    let named = words::spoken(&part.attachment.get_untracked());
    if stand == Stand::Here {
        let plays = Memo::new(move |_| playback.track.get() == Some(part.file) && playback.plays.get());
        let label = move || {
            let file = [("file", named.as_str())];
            if plays.get() {
                tf("file.pause_label", &file)
            } else {
                tf("file.play_label", &file)
            }
        };
        return view! {
            <button class="sound-button" data-act=act::PLAY aria-label=label.clone() title=label>
                {move || icon(if plays.get() { Icon::Pause } else { Icon::Play })}
            </button>
        }
        .into_any();
    }
    match button_of(stand) {
        Some((act, label)) => {
            let label = label(&named);
            view! {
                <button class="sound-button idle" data-act=act aria-label=label.clone() title=label>
                    {doing(part, stand)}
                </button>
            }
            .into_any()
        }
        None => view! { <span class="sound-button idle lost">{doing(part, stand)}</span> }.into_any(),
    }
}

/// How loud a recording is, the place in it, and its time. A recording runs from left to right in every language.
fn player(part: Part, voice: bool) -> AnyView {
    let playback = part.state.playback;
    let current = Memo::new(move |_| playback.track.get() == Some(part.file));
    let length = Memo::new(move |_| {
        let known = part
            .attachment
            .with(|attachment| f64::from(attachment.info.duration_ms) / 1000.0);
        if current.get() && playback.length.get() > 0.0 {
            playback.length.get()
        } else {
            known
        }
    });
    let at = Memo::new(move |_| if current.get() { playback.at.get() } else { 0.0 });
    let track = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        let (at, length) = (at.get(), length.get());
        if let Some(track) = track.get() {
            let part = if length > 0.0 {
                (at / length).clamp(0.0, 1.0)
            } else {
                0.0
            };
            let thousandths = (part * 1000.0).round() as u32;
            set_style(
                &track,
                "--played",
                &format!("{}.{}%", thousandths / 10, thousandths % 10),
            );
        }
    });
    let waveform = Memo::new(move |_| {
        part.attachment
            .with(|attachment| attachment.info.waveform.clone())
    });
    let drawing = move || {
        let path = waveform.with(|waveform| bars(waveform));
        view! {
            <svg class="wave" viewBox=format!("0 0 {} {}", BARS * BAR_STEP, HALF * 2) preserveAspectRatio="none" aria-hidden="true">
                <path d=path.clone() />
            </svg>
            <svg class="wave played" viewBox=format!("0 0 {} {}", BARS * BAR_STEP, HALF * 2) preserveAspectRatio="none" aria-hidden="true">
                <path d=path />
            </svg>
        }
        .into_any()
    };
    let seek = move |value: String| {
        if let Ok(steps) = value.parse::<u32>() {
            let attachment = part.attachment.get_untracked();
            playback.seek(part.state, &attachment, f64::from(steps) / STEPS);
        }
    };
    let spoken = move || {
        tf(
            "file.place",
            &[
                ("at", &playing_time(at.get())),
                ("length", &playing_time(length.get())),
            ],
        )
    };
    let time = move || {
        if current.get() && (at.get() > 0.0 || playback.plays.get()) {
            playing_time(at.get())
        } else if length.get() > 0.0 {
            playing_time(length.get())
        } else {
            part.attachment.with(|attachment| bytes(attachment.info.size))
        }
    };
    view! {
        <div class="track" class:plain=!voice dir="ltr" node_ref=track>
            {if voice { drawing.into_any() } else { view! { <span class="track-line"></span> }.into_any() }}
            <input
                type="range"
                min="0"
                max=move || ((length.get() * STEPS).ceil().max(1.0) as u32).to_string()
                prop:value=move || ((at.get() * STEPS).round() as u32).to_string()
                disabled=move || length.get() <= 0.0
                aria-label=t("file.seek")
                aria-valuetext=spoken
                on:input:target=move |event| seek(event.target().value())
                on:keydown=keep_keys
            />
        </div>
        <div class="sound-foot">
            <span class="sound-time">{time}</span>
            {move || {
                current
                    .get()
                    .then(|| {
                        let now = move || speed(playback.speed());
                        view! {
                            <button
                                class="sound-speed"
                                data-act=act::SPEED
                                aria-label=move || tf("file.speed", &[("speed", &now())])
                                title=move || tf("file.speed", &[("speed", &now())])
                            >
                                {now}
                            </button>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

/// The slider's keys move the slider; the list of messages shall not hear of them.
fn keep_keys(event: KeyboardEvent) {
    if event.key() != "Escape" {
        event.stop_propagation();
    }
}

/// The path of a drawing: a bar for each value, in proportion to the loudest; flat when nothing is known.
fn bars(waveform: &[u8]) -> String {
    let loudest = waveform.iter().copied().max().unwrap_or(0).max(1);
    let mut path = String::new();
    for bar in 0..BARS {
        let value = waveform.get(bar * waveform.len() / BARS).copied().unwrap_or(0);
        let half = (u32::from(value) * (HALF - 1) / u32::from(loudest)).max(1);
        let x = bar * BAR_STEP + 1;
        path.push_str(&format!("M{x}.5 {}v{}", HALF - half, half * 2));
    }
    path
}

/// Finds out how long and how loud a voice message is, once, and tells the engine.
fn learn(part: Part) {
    let info = part.info();
    let known = info.duration_ms > 0 && !info.waveform.is_empty();
    if known || info.size > MAX_DRAWN || !part.state.files.describe_now(part.file) {
        return;
    }
    let state = part.state;
    spawn_local(async move {
        if let Some(blob) = state.files.blob(state, &part.wanted()).await
            && let Some(heard) = decoder::look(&blob, MAX_WAVEFORM).await
        {
            state.tell(Command::DescribeFile {
                file: part.file,
                info: FileInfo {
                    duration_ms: heard.duration_ms,
                    waveform: heard.loudness,
                    ..FileInfo::default()
                },
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{BARS, bars};

    #[test]
    fn there_are_as_many_bars_for_any_number_of_values() {
        for count in [0, 1, 7, 63, 64, 200] {
            assert_eq!(bars(&vec![9; count]).matches('M').count(), BARS, "{count}");
        }
        assert!(bars(&[0, 255]).starts_with("M1.5 11v2"));
        assert!(bars(&[0, 255]).ends_with("v22"));
    }
}
