//! A link in the text that is being written: when the user asks for it, the network's helper says what there is to show of
//! it, and that goes with the message. Nothing is asked before, and all of it is off until the settings say otherwise.

use holdfast_client::api::{Command, Failure, LinkImage, LinkPage, NewLink, Reply};
use holdfast_protocol::file::preview::is_link;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::gestures::to_composer;
use super::room::Room;
use super::tray::Staged;
use crate::components::icon::{Icon, icon};
use crate::engine::jobs::{Job, News};
use crate::i18n::{t, tf};
use crate::platform::blob::{self, Pieces};
use crate::state::attach::closed;
use crate::state::safe::Head;
use crate::state::text::{Segment, segments};
use crate::state::{error_text, failure_text};

/// How far the user's question about a link got.
#[derive(Clone, Debug, PartialEq)]
enum Look {
    /// The helper is asked.
    Asking,
    /// It can be sent.
    Ready {
        title: String,
        image: Option<LinkImage>,
        /// Where this page has the picture.
        address: Option<String>,
    },
    /// Why there is nothing to show.
    Nothing(String),
}

/// A link, and what became of it.
#[derive(Clone, Debug, PartialEq)]
struct Looked {
    url: String,
    look: Look,
}

/// The link of the text that is being written; copies are the same one.
#[derive(Clone, Copy)]
pub(super) struct LinkCard {
    room: Room,
    /// The first link of the text that can have a preview; none beside a quotation or files, with which no client shows one.
    link: Memo<Option<String>>,
    looked: RwSignal<Option<Looked>>,
    /// The link that shall go without.
    declined: RwSignal<Option<String>>,
}

impl LinkCard {
    pub(super) fn new(room: Room, text: RwSignal<String>, staged: Staged) -> Self {
        let state = room.state;
        let link = Memo::new(move |_| {
            let wanted = state.preferences.link_previews.get()
                && state.network.with(|network| network.previews)
                && closed(state, room.id).is_none()
                && room.desk.reply.with(Option::is_none)
                && staged.is_empty();
            wanted.then(|| text.with(|text| first_link(text))).flatten()
        });
        let card = Self {
            room,
            link,
            looked: RwSignal::new(None),
            declined: RwSignal::new(None),
        };
        // What was found for a link goes when the link does.
        Effect::new(move |_| {
            let link = link.get();
            let stale = card.looked.with_untracked(|looked| {
                looked
                    .as_ref()
                    .is_some_and(|looked| Some(&looked.url) != link.as_ref())
            });
            if stale {
                card.clear();
            }
        });
        on_cleanup(move || card.clear());
        card
    }

    fn clear(self) {
        let before = self.looked.try_update(Option::take).flatten();
        if let Some(Looked {
            look: Look::Ready {
                address: Some(address),
                ..
            },
            ..
        }) = before
        {
            blob::revoke(&address);
        }
    }

    fn set(self, url: &str, look: Look) {
        // Another link may be looked at by now, or this one gone.
        let waits = self
            .looked
            .try_with_untracked(|looked| looked.as_ref().is_some_and(|looked| looked.url == url))
            .unwrap_or_default();
        match look {
            look if waits => self.looked.set(Some(Looked {
                url: url.to_owned(),
                look,
            })),
            Look::Ready {
                address: Some(address),
                ..
            } => blob::revoke(&address),
            _ => {}
        }
    }

    fn ask(self, url: String) {
        self.looked.set(Some(Looked {
            url: url.clone(),
            look: Look::Asking,
        }));
        spawn_local(async move {
            let state = self.room.state;
            match state.request(Command::LookAtLink(url.clone())).await {
                Ok(Reply::LinkPage(page)) => self.draw(url, page),
                Ok(_) => {}
                Err(why) => self.set(&url, Look::Nothing(error_text(&why))),
            }
        });
    }

    /// Has the worker draw the page's picture anew: what a site sends is neither shown nor passed on as it is.
    fn draw(self, url: String, page: LinkPage) {
        let state = self.room.state;
        let title = page.title.unwrap_or_default();
        let plain = {
            let (url, title) = (url.clone(), title.clone());
            move || {
                let look = if title.is_empty() {
                    Look::Nothing(failure_text(&Failure::LinkBlank))
                } else {
                    Look::Ready {
                        title: title.clone(),
                        image: None,
                        address: None,
                    }
                };
                self.set(&url, look);
            }
        };
        let source = page.image.and_then(|bytes| {
            let head = Some(Head::of("", &bytes)).filter(|head| head.is_picture())?;
            pieces(&bytes).blob(head.content_type)
        });
        let Some(source) = source else { return plain() };
        let without = plain.clone();
        let job = state.prepare(Job::LinkImage, &source, move |_, news| match news {
            News::Drawn(image) => {
                let shown = pieces(&image.bytes).blob(Head::of("", &image.bytes).content_type);
                self.set(
                    &url,
                    Look::Ready {
                        title: title.clone(),
                        address: shown.as_ref().and_then(blob::address),
                        image: Some(image),
                    },
                );
            }
            News::Refused(_) => plain(),
            _ => {}
        });
        if job.is_none() {
            without();
        }
    }

    /// What goes with the text, which is being sent.
    pub(super) fn take(self) -> Option<NewLink> {
        let link = self.link.get_untracked();
        let looked = self.looked.get_untracked();
        let taken = looked
            .filter(|looked| Some(&looked.url) == link.as_ref())
            .and_then(|looked| match looked.look {
                Look::Ready { title, image, .. } => Some(NewLink {
                    url: looked.url,
                    title,
                    image,
                }),
                _ => None,
            });
        self.clear();
        self.declined.set(None);
        taken
    }

    /// The offer, or what came of it, above the text field.
    pub(super) fn view(self) -> AnyView {
        let shown = Memo::new(move |_| {
            let link = self.link.get()?;
            let declined = self.declined.with(|declined| declined.as_ref() == Some(&link));
            (!declined).then_some(link)
        });
        (move || {
            let link = shown.get()?;
            let looked = self.looked.get().map(|looked| looked.look);
            let host = host(&link);
            Some(match looked {
                None => self.offer(link, &host),
                Some(Look::Asking) => {
                    let words = tf("link.looking", &[("host", &host)]);
                    self.card(link, "asking", words)
                }
                Some(Look::Nothing(words)) => self.card(link, "", words),
                Some(Look::Ready { title, address, .. }) => self.ready(link, &title, address, &host),
            })
        })
        .into_any()
    }

    fn offer(self, link: String, host: &str) -> AnyView {
        let wanted = link.clone();
        view! {
            <div class="link-offer">
                <button type="button" id="offer-preview" class="link-button" on:click=move |_| self.ask(wanted.clone())>
                    {icon(Icon::Link)}
                    {tf("link.offer", &[("host", host)])}
                </button>
                {self.close(link, t("link.decline"))}
            </div>
        }
        .into_any()
    }

    /// Something to say of a link.
    fn card(self, link: String, kind: &'static str, words: String) -> AnyView {
        view! {
            <div class=format!("link-offer {kind}")>
                {icon(Icon::Link)}
                <p role="status">{words}</p>
                {self.close(link, t("link.remove"))}
            </div>
        }
        .into_any()
    }

    fn ready(self, link: String, title: &str, address: Option<String>, host: &str) -> AnyView {
        let pictured = address.is_some();
        let title = if title.is_empty() { host } else { title };
        view! {
            <div class="link-offer" role="group" aria-label=t("link.card")>
                <div class="link-preview" class:pictured=pictured>
                    <span class="link-picture">
                        {address.map(|address| view! { <img src=address alt="" draggable="false" /> })}
                        {icon(Icon::Link)}
                    </span>
                    <span class="link-text">
                        <span class="link-title" dir="auto">{title.to_owned()}</span>
                        <span class="link-host" dir="ltr">{host.to_owned()}</span>
                    </span>
                </div>
                <span class="unseen" role="status">{tf("link.ready", &[("title", title)])}</span>
                {self.close(link, t("link.remove"))}
            </div>
        }
        .into_any()
    }

    fn close(self, link: String, words: String) -> AnyView {
        view! {
            <button
                type="button"
                id="decline-preview"
                class="icon-button"
                aria-label=words.clone()
                title=words
                on:click=move |_| {
                    self.clear();
                    self.declined.set(Some(link.clone()));
                    to_composer();
                }
            >
                {icon(Icon::Close)}
            </button>
        }
        .into_any()
    }
}

fn pieces(bytes: &[u8]) -> Pieces {
    let mut pieces = Pieces::new();
    pieces.push(bytes);
    pieces
}

/// The first link of a text that can have a preview: it stands in the text as it leads.
fn first_link(text: &str) -> Option<String> {
    segments(text).into_iter().find_map(|segment| match segment {
        Segment::Link { shown, href } if shown == href && is_link(&href) => Some(href),
        _ => None,
    })
}

/// A link's site, as a browser shows it.
fn host(link: &str) -> String {
    let (_, rest) = link.split_once("://").unwrap_or(("", link));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{first_link, host};

    #[test]
    fn only_a_link_that_stands_in_the_text_as_it_leads_has_a_preview() {
        let first = |text| first_link(text);
        assert_eq!(
            first("see http://a.example, www.b.example and https://C.example/x, https://d.example"),
            Some("https://C.example/x".to_owned())
        );
        assert_eq!(first("no link, https://user@e.example/"), None);
        assert_eq!(host("https://C.Example:8080/x?y"), "c.example:8080");
    }
}
