//! The bars about the app's own release: a new one is ready, one was refused, or somebody meddled with what guards it.

use leptos::prelude::*;

use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::releases::{Refused, Standing};
use crate::state::nav::{Route, Section};
use crate::state::{AppState, Phase};

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// The browser has another worker that no release explains.
    Replaced,
    /// A release was refused; whether another one runs on.
    Refused(Refused, bool),
    /// A new one waits.
    Ready,
}

/// The weightiest of what a standing tells.
fn news(standing: &Standing, later: bool) -> Option<News> {
    let runs = standing.running.is_some();
    // A site that was never signed is not refused: there is nothing else to run.
    let refused = standing
        .refused
        .filter(|why| !standing.refused_read && (runs || *why != Refused::Unsigned));
    match refused {
        Some(why) => Some(News::Refused(why, runs)),
        None if standing.offered.is_some() && !later => Some(News::Ready),
        None => None,
    }
}

/// Why a release was refused, in words.
pub(super) fn refusal(why: Refused, runs: bool) -> String {
    match why {
        _ if !runs => t("release.wrong_first"),
        Refused::Unsigned => t("release.unsigned"),
        Refused::Altered => t("release.altered"),
        Refused::Older => t("release.older"),
        Refused::Partial => t("release.partial"),
        Refused::OtherKey => t("release.other_key"),
    }
}

/// The bar.
#[component]
pub(crate) fn ReleaseBar() -> impl IntoView {
    let state = AppState::get();
    let releases = state.releases;
    let said = Memo::new(move |_| {
        if releases.replaced.get() {
            return Some(News::Replaced);
        }
        let later = releases.later.get();
        releases
            .standing
            .with(|now| now.as_ref().and_then(|now| news(now, later)))
    });
    view! {
        <div class="bars" role="status">{move || said.get().map(|said| bar(state, said))}</div>
    }
}

fn bar(state: AppState, said: News) -> AnyView {
    let releases = state.releases;
    let button = |id: &'static str, words: String, act: Callback<()>| {
        view! {
            <button id=id class="bar-action" on:click=move |_| act.run(())>
                {words}
            </button>
        }
        .into_any()
    };
    let details = move || {
        (state.phase.get() == Phase::Ready).then(|| {
            let go = move |()| state.nav.go(Route::SettingsOf(Section::About));
            button("release-details", t("release.what_to_do"), Callback::new(go))
        })
    };
    let (picture, words, actions) = match said {
        News::Replaced => (Icon::Alert, t("release.replaced"), view! { {details} }.into_any()),
        News::Refused(why, runs) => {
            let read = button(
                "release-understood",
                t("bar.understood"),
                Callback::new(move |()| releases.read()),
            );
            (
                Icon::Alert,
                refusal(why, runs),
                view! {
                    {details}
                    {read}
                }
                .into_any(),
            )
        }
        News::Ready => {
            let now = button(
                "release-restart",
                t("release.restart"),
                Callback::new(move |()| releases.restart()),
            );
            let later = button(
                "release-later",
                t("release.later"),
                Callback::new(move |()| releases.later.set(true)),
            );
            (
                Icon::Info,
                t("release.ready"),
                view! {
                    {now}
                    {later}
                }
                .into_any(),
            )
        }
    };
    view! {
        <div class="bar asks" id="release-bar" class:severe=said == News::Replaced>
            {icon(picture)}
            <p>{words}</p>
            <div class="bar-actions">{actions}</div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::releases::Release;

    #[test]
    fn what_matters_most_is_said_and_only_until_it_was_read() {
        let mut now = Standing {
            refused: Some(Refused::Unsigned),
            ..Standing::default()
        };
        assert_eq!(news(&now, false), None, "a site that was never signed");
        now.refused = Some(Refused::Altered);
        assert_eq!(news(&now, false), Some(News::Refused(Refused::Altered, false)));
        let release = Release::for_tests("one");
        now.running = Some(release.clone());
        now.offered = Some(release);
        now.refused = Some(Refused::Unsigned);
        assert_eq!(news(&now, false), Some(News::Refused(Refused::Unsigned, true)));
        now.refused_read = true;
        assert_eq!(news(&now, false), Some(News::Ready));
        assert_eq!(news(&now, true), None, "until the next start");
    }
}
