//! The network panel: the way of the messages, and how well it works.

use leptos::prelude::*;
use std::time::Duration;

use super::profile::PaneHeader;
use crate::components::bars::clock_error;
use crate::components::clock::every;
use crate::components::icon::{Icon, icon};
use crate::i18n::{duration_ago, number, t, tf, tn};
use crate::state::AppState;

/// How often the ages on the screen are counted anew.
const TICK: Duration = Duration::from_secs(1);
/// A clock this close to the network's is right, in milliseconds.
const CLOCK_FINE_MS: u64 = 2_000;

/// The screen.
#[component]
pub(crate) fn Network() -> impl IntoView {
    let state = AppState::get();
    let second = every(TICK);
    let status = Memo::new(move |_| state.network.get());
    let hops = move || {
        status
            .get()
            .path
            .into_iter()
            .enumerate()
            .map(|(at, hop)| {
                let role = if at == 0 {
                    t("network.guard")
                } else {
                    tf("network.hop", &[("number", &number((at + 1) as f64))])
                };
                view! {
                    <li>
                        <span class="hop-dot"></span>
                        <span class="hop-text">
                            <strong>{role}</strong>
                            <span dir="ltr">{hop.address}</span>
                        </span>
                        <code dir="ltr">{hop.key}</code>
                    </li>
                }
            })
            .collect_view()
    };
    let gateway = move || {
        status.with(|s| s.gateway.clone()).map(|address| {
            view! {
                <li>
                    <span class="hop-dot"></span>
                    <span class="hop-text">
                        <strong>{t("network.gateway")}</strong>
                        <span dir="ltr">{address}</span>
                    </span>
                </li>
            }
        })
    };
    let path = move || {
        if status.with(|s| s.path.is_empty()) {
            return view! { <p class="help">{t("network.no_path")}</p> }.into_any();
        }
        view! {
            <ol class="path">
                <li>
                    <span class="hop-dot end">{icon(Icon::Device)}</span>
                    <span class="hop-text">
                        <strong>{t("network.here")}</strong>
                        <span>{t("network.here_text")}</span>
                    </span>
                </li>
                {gateway}
                {hops}
                <li>
                    <span class="hop-dot end">{icon(Icon::Network)}</span>
                    <span class="hop-text">
                        <strong>{t("network.swarm")}</strong>
                        <span>{t("network.swarm_text")}</span>
                    </span>
                </li>
            </ol>
        }
        .into_any()
    };
    let age = move |at: Option<u64>, never: String| {
        second.track();
        at.map_or(never, duration_ago)
    };
    let clock = move || {
        let offset = status.with(|s| s.clock_offset_ms);
        if offset.unsigned_abs() < CLOCK_FINE_MS {
            t("network.clock_fine")
        } else if offset > 0 {
            tf("network.clock_behind", &[("amount", &clock_error(offset))])
        } else {
            tf("network.clock_ahead", &[("amount", &clock_error(offset))])
        }
    };
    let headline = move || match status.with(|s| (s.connected, s.paths)) {
        (true, 2..) => ("good", t("light.good")),
        (true, _) => ("fair", t("light.fair")),
        (false, _) => ("bad", t("light.bad")),
    };
    view! {
        <div class="pane">
            <PaneHeader title=t("network.title") />
            <div class="pane-body">
                <section class="card">
                    <p class="status-line" role="status">
                        <span class="light" data-light=move || headline().0></span>
                        <strong>{move || headline().1}</strong>
                    </p>
                    <p class="help">{t("network.explanation")}</p>
                    {path}
                </section>
                <section class="card">
                    <h2>{t("network.details")}</h2>
                    <dl class="facts">
                        <Fact
                            name=t("network.name")
                            value=move || status.with(|s| s.network.clone())
                        />
                        <Fact
                            name=t("network.gateway")
                            value=move || {
                                let gateway = status.with(|s| s.gateway.clone());
                                gateway.unwrap_or_else(|| t("network.gateway_none"))
                            }
                        />
                        <Fact
                            name=t("network.paths")
                            value=move || tn("network.paths_ready", status.with(|s| u64::from(s.paths)))
                        />
                        <Fact
                            name=t("network.last_poll")
                            value=move || age(status.with(|s| s.last_poll), t("network.never"))
                        />
                        <Fact
                            name=t("network.nodes")
                            value=move || number(status.with(|s| f64::from(s.nodes)))
                        />
                        <Fact
                            name=t("network.list_age")
                            value=move || age(status.with(|s| s.list_fetched_at), t("network.never"))
                        />
                        <Fact
                            name=t("network.confirmed")
                            value=move || {
                                if status.with(|s| s.list_confirmed) {
                                    t("network.confirmed_yes")
                                } else {
                                    t("network.confirmed_no")
                                }
                            }
                        />
                        <Fact name=t("network.clock") value=clock />
                        <Fact
                            name=t("network.outbox")
                            value=move || number(status.with(|s| f64::from(s.outbox)))
                        />
                        <Fact
                            name=t("network.unreadable")
                            value=move || number(status.with(|s| f64::from(s.unreadable)))
                        />
                    </dl>
                </section>
            </div>
        </div>
    }
}

/// A name and a value that changes.
#[component]
fn Fact(name: String, #[prop(into)] value: Signal<String>) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
}
