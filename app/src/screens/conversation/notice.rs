//! What happened in a conversation, told between its messages.

use holdfast_client::api::{Disappearing, Notice, Standing};
use leptos::prelude::*;

use super::room::Room;
use crate::components::icon::{Icon, icon};
use crate::i18n::{clock, full_date, span, t, tf};
use crate::state::timeline::Row;

/// A notice in words.
pub(super) fn words(what: Notice, own: bool, name: &str) -> String {
    let by = |mine: String, theirs: &dyn Fn() -> String| if own { mine } else { theirs() };
    match what {
        Notice::Disappearing(Disappearing::Off) => by(t("notice.timer_off_own"), &|| {
            tf("notice.timer_off", &[("name", name)])
        }),
        Notice::Disappearing(Disappearing::AfterRead(seconds)) => {
            let time = span(u64::from(seconds));
            by(tf("notice.timer_read_own", &[("time", &time)]), &|| {
                tf("notice.timer_read", &[("name", name), ("time", &time)])
            })
        }
        Notice::Disappearing(Disappearing::AfterSend(seconds)) => {
            let time = span(u64::from(seconds));
            by(tf("notice.timer_send_own", &[("time", &time)]), &|| {
                tf("notice.timer_send", &[("name", name), ("time", &time)])
            })
        }
        Notice::RequestAccepted => by(tf("notice.accepted_own", &[("name", name)]), &|| {
            tf("notice.accepted", &[("name", name)])
        }),
        Notice::MediaSaved => by(t("notice.media_own"), &|| tf("notice.media", &[("name", name)])),
        Notice::MissedCall => tf("notice.call", &[("name", name)]),
    }
}

/// A notice among the messages.
pub(super) fn notice(room: Room, row: &Row, what: Notice) -> AnyView {
    let message = &row.message;
    let (own, at) = (message.outgoing, message.sent_at);
    let about = room.desk.about.get();
    let picture = match what {
        Notice::Disappearing(_) => Icon::Timer,
        Notice::RequestAccepted => Icon::Check,
        Notice::MediaSaved => Icon::Down,
        Notice::MissedCall => Icon::Phone,
    };
    let follows = matches!(what, Notice::Disappearing(mode)
        if row.newest_timer && mode != about.mode && about.standing == Standing::Active);
    view! {
        <div class="notice-body">
            <p class="notice-text">
                {icon(picture)} <span>{words(what, own, &about.name)}</span>
                <time title=full_date(at)>{clock(at)}</time>
            </p>
            {follows
                .then(|| {
                    view! {
                        <button class="link-button" data-act="follow">{t("timer.follow")}</button>
                    }
                })}
        </div>
    }
    .into_any()
}
