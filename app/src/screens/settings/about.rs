//! About: which release of the app runs here, whose it is, how that can be compared, and looking for a newer one.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::super::release::refusal;
use super::pages::page;
use crate::components::icon::{Icon, icon};
use crate::i18n::{full_date, t, tf};
use crate::platform::releases::{Refused, Release, Standing, short};
use crate::state::AppState;

/// The page.
pub(super) fn about(state: AppState) -> AnyView {
    let releases = state.releases;
    // What can be pressed stays where it is while the rest changes.
    let there = Memo::new(move |_| releases.standing.with(Option::is_some));
    let kept = Memo::new(move |_| {
        releases
            .standing
            .with(|now| now.as_ref().is_some_and(|now| now.running.is_some()))
    });
    let body = view! {
        {move || {
            if releases.replaced.get() {
                return Some(replaced());
            }
            releases.standing.with(|now| now.as_ref().and_then(refused))
        }}
        <section class="card">
            <dl class="facts">
                {fact(t("about.version"), env!("CARGO_PKG_VERSION").to_owned())}
                {move || releases.standing.with(|now| now.as_ref().and_then(facts))}
            </dl>
            <p class="help" id="release-standing">
                {move || releases.standing.with(|now| standing(now.as_ref(), releases.checking.get()))}
            </p>
        </section>
        {move || kept.get().then(|| compare(releases.site()))}
        {move || there.get().then(|| newer(state))}
        <p class="about">
            "Holdfast " {env!("CARGO_PKG_VERSION")} <br /> {t("settings.licence")}
        </p>
    };
    page(t("about.title"), body.into_any())
}

fn fact(label: String, value: String) -> AnyView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd dir="auto">{value}</dd>
        </div>
    }
    .into_any()
}

/// A hash or key, which reads from left to right in every language.
fn print_fact(id: &'static str, label: String, hexadecimal: &str) -> AnyView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd id=id class="print" dir="ltr">
                {short(hexadecimal)}
            </dd>
        </div>
    }
    .into_any()
}

/// What is known of the release that runs from here.
fn facts(now: &Standing) -> Option<AnyView> {
    let running = now.running.as_ref()?;
    let all = view! {
        {print_fact("release-build", t("about.build"), &running.fingerprint)}
        {print_fact("release-key", t("about.key"), &now.key)}
        {fact(t("about.since"), full_date(now.since_ms))}
        {fact(t("about.checked"), full_date(now.checked_ms))}
    };
    Some(all.into_any())
}

/// What keeps the app as it is, or that nothing does.
fn standing(now: Option<&Standing>, checking: bool) -> String {
    match now {
        None if checking => t("about.storing"),
        None => t("about.not_kept"),
        Some(now) if now.running.is_some() => t("about.kept"),
        Some(now) if !now.can_check => t("about.cannot_check"),
        Some(_) if checking => t("about.storing"),
        Some(now) if now.failed => t("about.not_stored"),
        Some(now) if now.refused == Some(Refused::Unsigned) => t("about.unsigned"),
        Some(_) => t("about.not_stored"),
    }
}

/// That another worker came, and what to do.
fn replaced() -> AnyView {
    view! {
        <div class="warning" role="alert">
            <p>{t("release.replaced")}</p>
            <p>{t("about.replaced_help")}</p>
        </div>
    }
    .into_any()
}

/// What was refused, and what to do. That a site is not signed is said once.
fn refused(now: &Standing) -> Option<AnyView> {
    let runs = now.running.is_some();
    let why = now.refused.filter(|why| runs || *why != Refused::Unsigned)?;
    let help = view! {
        <div class="warning" id="release-refused">
            <p>{refusal(why, runs)}</p>
            <p>{t("about.refused_help")}</p>
        </div>
    };
    Some(help.into_any())
}

/// How to compare what runs here with what the server hands out to others.
fn compare(site: String) -> AnyView {
    view! {
        <section class="card">
            <h2>{t("about.compare_title")}</h2>
            <p class="help">{t("about.compare")}</p>
            <p class="address" dir="ltr">
                "holdfast verify " {site}
            </p>
            <p class="help">{t("about.limits")}</p>
        </section>
    }
    .into_any()
}

/// The way to a newer release.
fn newer(state: AppState) -> AnyView {
    let releases = state.releases;
    // What came of it is said once it was asked for here.
    let asked = RwSignal::new(false);
    let check = move |_| {
        if releases.checking.get_untracked() {
            return;
        }
        spawn_local(async move {
            releases.check().await;
            let _ = asked.try_set(true);
        });
    };
    let outcome = move || {
        if releases.checking.get() {
            return t("about.checking");
        }
        let asked = asked.get();
        releases
            .standing
            .with(|now| now.as_ref().map(|now| came_of(now, asked)))
            .unwrap_or_default()
    };
    let offered = move || releases.standing.with(|now| now.as_ref()?.offered.clone());
    view! {
        <section class="card">
            <h2>{t("about.newer_title")}</h2>
            <p class="help" id="release-outcome" role="status">
                {outcome}
            </p>
            <div class="row-actions">
                {move || offered().map(|release| restart(state, &release))}
                <button
                    id="release-check"
                    class="button"
                    aria-disabled=move || releases.checking.get().to_string()
                    on:click=check
                >
                    {icon(Icon::Retry)}
                    {t("about.check")}
                </button>
            </div>
        </section>
    }
    .into_any()
}

/// What the last look at the server told, in words.
fn came_of(now: &Standing, asked: bool) -> String {
    match &now.offered {
        Some(release) => tf(
            "about.offered",
            &[
                ("version", &release.version),
                ("build", &short(&release.fingerprint)),
            ],
        ),
        None if asked && now.failed => t("about.check_failed"),
        None if asked && now.refused.is_none() && now.running.is_some() => t("about.newest"),
        None => t("about.newer_help"),
    }
}

fn restart(state: AppState, release: &Release) -> AnyView {
    let label = tf("about.restart", &[("version", &release.version)]);
    view! {
        <button id="about-restart" class="button primary" on:click=move |_| state.releases.restart()>
            {label}
        </button>
    }
    .into_any()
}
