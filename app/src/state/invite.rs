//! Contact links: `https://HOST/#/c/05…?n=NAME` opens a chat with an account (`spec/12-client-behaviour.md §12.1`).
//!
//! Everything stands behind the `#`, which browsers do not send to servers. The name is a claim of whoever made the link;
//! it is shown as such and never kept. An installed app is also opened by `web+session:05…?n=NAME`, as the manifest has
//! browsers ask (`static/holdfast.webmanifest`).

use holdfast_protocol::account::{Id, IdError};
use holdfast_protocol::message::name::clean_display_name;
use leptos::prelude::window;
use wasm_bindgen::JsValue;

use super::nav;
use crate::platform::frame::is_framed;

/// How a contact link's data begins.
const PREFIX: &str = "#/c/";
/// How the data begins when a browser hands over a whole link of [`SCHEME`], escaped.
const HANDED_OVER: &str = "#/o/";
/// How such a link begins.
const SCHEME: &str = "web+session:";
/// What stands before the name.
const NAME: &str = "n=";
/// Longest data that is read, characters: an id, and a name of 100 bytes, each of them escaped.
const MAX_DATA: usize = 512;
/// The same where it is escaped once more.
const MAX_HANDED_OVER: usize = 1_024;

/// Whom a contact link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invite {
    /// The account.
    pub id: Id,
    /// What the link says that it is called.
    pub name: Option<String>,
}

/// Reads what stands behind an address, from the `#` on; `None` when it is no contact link.
///
/// # Errors
/// It is one, but names no account that can be written to.
pub(crate) fn read(data: &str) -> Option<Result<Invite, IdError>> {
    if let Some(whom) = data.strip_prefix(PREFIX) {
        return Some(read_whom(whom));
    }
    let link = data.strip_prefix(HANDED_OVER)?;
    if link.chars().count() > MAX_HANDED_OVER {
        return Some(Err(IdError::NotAccount));
    }
    let link = unescape(link);
    let whom = link.strip_prefix(SCHEME).map(|whom| whom.trim_start_matches('/'));
    Some(whom.map_or(Err(IdError::NotAccount), read_whom))
}

/// Reads the id and what follows it.
fn read_whom(whom: &str) -> Result<Invite, IdError> {
    if whom.chars().count() > MAX_DATA {
        return Err(IdError::NotAccount);
    }
    let (id, query) = whom.split_once('?').unwrap_or((whom, ""));
    let name = query.split('&').find_map(|pair| pair.strip_prefix(NAME));
    Id::parse_account(id.trim_end_matches('/')).map(|id| Invite {
        id,
        name: name.and_then(|name| clean_display_name(&unescape(name)).ok()),
    })
}

/// What a contact link to an account has behind its address.
pub(crate) fn data(id: &Id, name: &str) -> String {
    let mut out = format!("{PREFIX}{}", id.to_hex());
    if !name.trim().is_empty() {
        out.push_str("?n=");
        for byte in name.trim().bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out
}

/// The contact link to an account, at this page's own address.
pub(crate) fn link(id: &Id, name: &str) -> String {
    format!("{}{}", page_address(), data(id, name))
}

/// The page's address without what is asked of it: where its links lead to.
pub(crate) fn page_address() -> String {
    let location = window().location();
    let origin = location.origin().unwrap_or_default();
    let path = location.pathname().unwrap_or_default();
    format!("{origin}{path}")
}

/// What stands behind the page's address, from the `#` on.
pub(super) fn data_in_address() -> Option<String> {
    window().location().hash().ok()
}

/// The contact link in the page's address, which stays there.
pub(crate) fn named_in_address() -> Option<Result<Invite, IdError>> {
    read(&data_in_address()?)
}

/// Whether the present entry of the browser's history was shown by this page before: it has noted its place there.
pub(crate) fn is_gone_back_to() -> bool {
    let state = window().history().and_then(|history| history.state());
    state.is_ok_and(|state| nav::is_known(&state))
}

/// Takes what stands behind the page's address out of it, so that a reload does not follow it again and nobody reads it
/// there. In a frame it stays: the page around named the chat.
pub(crate) fn clear_address() {
    if is_framed() {
        return;
    }
    let location = window().location();
    let address = format!(
        "{}{}",
        location.pathname().unwrap_or_default(),
        location.search().unwrap_or_default()
    );
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        // Refused only when a page floods its history.
        let _ = history.replace_state_with_url(&state, "", Some(&address));
    }
}

/// Resolves `%41` and the like; what is none stays as it is.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use holdfast_protocol::account::Id;

    use super::{Invite, data, read};

    fn id() -> Id {
        Id::parse(&format!("05{}", "3".repeat(64))).expect("an id")
    }

    #[test]
    fn a_link_says_whom_it_leads_to() {
        for name in ["Harbour office", "Ключ & Замок", "100 % 😀", "a?n=b#c"] {
            let read = read(&data(&id(), name))
                .expect("a contact link")
                .expect("an account");
            assert_eq!(
                read,
                Invite {
                    id: id(),
                    name: Some(name.to_owned())
                }
            );
        }
        let nameless = read(&data(&id(), " "))
            .expect("a contact link")
            .expect("an account");
        assert_eq!(nameless.name, None);
    }

    #[test]
    fn a_name_is_cleaned_and_never_stops_a_link() {
        let hex = id().to_hex();
        let name = |query: &str| {
            let link = format!("#/c/{hex}/?{query}");
            read(&link).expect("a contact link").expect("an account").name
        };
        assert_eq!(name("x=1&n=Ada"), Some("Ada".to_owned()));
        assert_eq!(name("n=%zz%4"), Some("%zz%4".to_owned()));
        assert_eq!(name("n="), None);
        assert_eq!(name(&format!("n={}", "a".repeat(300))), None);
    }

    #[test]
    fn a_link_that_a_browser_hands_over_leads_to_the_same() {
        let hex = id().to_hex();
        for (handed, name) in [
            (format!("#/o/web%2Bsession%3A{hex}"), None),
            (format!("#/o/web+session:{hex}"), None),
            (
                format!("#/o/web%2Bsession%3A%2F%2F{hex}%2F%3Fn%3DAda"),
                Some("Ada"),
            ),
            (
                format!("#/o/web%2Bsession%3A{hex}%3Fn%3D%25C3%2585da"),
                Some("Åda"),
            ),
        ] {
            let invite = read(&handed).expect("a contact link").expect("an account");
            let expected = Invite {
                id: id(),
                name: name.map(ToOwned::to_owned),
            };
            assert_eq!(invite, expected, "{handed}");
        }
        for bad in [
            "#/o/".to_owned(),
            format!("#/o/{hex}"),
            format!("#/o/https%3A{hex}"),
            format!("#/o/web%2Bsession%3A03{}", "3".repeat(64)),
            format!("#/o/web%2Bsession%3A{hex}{}", "%3F".repeat(9_000)),
        ] {
            assert!(read(&bad).expect("a contact link").is_err(), "{bad}");
        }
    }

    #[test]
    fn other_ids_and_other_addresses_are_told_apart() {
        for other in ["", "#", "#/", "#/j/x", "#c/05"] {
            assert_eq!(read(other), None, "{other}");
        }
        let group = format!("#/c/03{}", "3".repeat(64));
        let blinded = format!("#/c/15{}", "3".repeat(64));
        for bad in [
            "#/c/",
            "#/c/05",
            "#/c/ada",
            &group,
            &blinded,
            &format!("#/c/{}", "0".repeat(9_000)),
        ] {
            assert!(read(bad).expect("a contact link").is_err(), "{bad}");
        }
    }
}
