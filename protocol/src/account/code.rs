//! What is in a QR code, or in a text that was typed or pasted where one could have been scanned
//! (`spec/01-accounts-and-crypto.md §6.4, §7`).
//!
//! Session's apps put bare text into their codes: 66 hex digits of an id, 32 hex digits of a recovery phrase's seed, the
//! address of a community. Holdfast adds contact links, and links that ask for an account. A reader has to tell them apart:
//! nobody should start a chat with a secret, or hope to restore an account with what everybody may know.

use super::{Id, IdKind, PhraseError, Seed, SeedInputError};

/// Longest content that is looked at, bytes: a contact link with a long address and a name in escapes is well below. A QR
/// code can hold 4,296 characters.
pub const MAX_CODE: usize = 1_024;
/// How a contact link's data begins (`spec/12-client-behaviour.md §12.1`).
const CONTACT_LINK: &str = "#/c/";
/// How the data of a link begins that asks for an account (`docs/account-transfer.md`).
pub const TRANSFER_LINK: &str = "#/t/";
/// What every community's address has (`spec/06-communities.md`).
const COMMUNITY_KEY: &str = "public_key=";
/// How addresses of sites begin, in lower case.
const SCHEMES: [&str; 2] = ["https://", "http://"];

/// What a code is, by its form alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// The id of an account.
    Account(Id),
    /// A link to a chat with an account. The name it may claim is left out.
    ContactLink(Id),
    /// A link by which a device asks for an account: its data, which [`crate::transfer::Code::read`] checks.
    Transfer(String),
    /// An id that is no account's: a group's, or a blinded one.
    OtherId(IdKind),
    /// A recovery phrase, in hex digits or in words. A secret: only the screens that asked for it may act on it.
    Recovery(Seed),
    /// Thirteen words of the list that do not belong together, or 64 hex digits that are no account's seed.
    BrokenRecovery(SeedInputError),
    /// The address of a community.
    Community,
    /// Nothing that is known here.
    Other,
}

impl Code {
    /// Tells what a content is. Blanks around it do not matter, nor does the case of hex digits.
    pub fn read(content: &str) -> Self {
        let content = content.trim();
        if content.len() > MAX_CODE {
            return Self::Other;
        }
        if is_address(content) {
            return read_address(content);
        }
        match Seed::from_input(content) {
            Ok(seed) => Self::Recovery(seed),
            Err(SeedInputError::Id) => match Id::parse(content) {
                Ok(id) => of_id(id, Self::Account),
                Err(_) => Self::Other,
            },
            Err(
                error @ (SeedInputError::LongSeed
                | SeedInputError::Phrase(PhraseError::Checksum | PhraseError::Overflow)),
            ) => Self::BrokenRecovery(error),
            Err(SeedInputError::Phrase(_)) => Self::Other,
        }
    }
}

fn of_id(id: Id, account: fn(Id) -> Code) -> Code {
    match id.kind() {
        IdKind::Account => account(id),
        kind => Code::OtherId(kind),
    }
}

fn is_address(content: &str) -> bool {
    SCHEMES.iter().any(|scheme| {
        content
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

fn read_address(address: &str) -> Code {
    if let Some((_, data)) = address.split_once(CONTACT_LINK) {
        let end = data.find(['?', '/']).unwrap_or(data.len());
        return match data.get(..end).map(Id::parse) {
            Some(Ok(id)) => of_id(id, Code::ContactLink),
            _ => Code::Other,
        };
    }
    if let Some(data) = transfer_data(address).filter(|data| !data.is_empty()) {
        return Code::Transfer(data.to_owned());
    }
    if address.contains(COMMUNITY_KEY) {
        return Code::Community;
    }
    Code::Other
}

/// The data of a link that asks for an account, up to the first letter that is none of base64url; `None` for anything else.
/// What stands before [`TRANSFER_LINK`] does not matter.
pub fn transfer_data(address: &str) -> Option<&str> {
    let (_, data) = address.split_once(TRANSFER_LINK)?;
    let foreign = |letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_');
    let end = data.find(foreign).unwrap_or(data.len());
    data.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seed() -> Seed {
        Seed::from_bytes(&[7; Seed::SIZE])
    }

    #[test]
    fn what_sessions_apps_show_is_told_apart() {
        let id = seed().id();
        assert_eq!(Code::read(&id.to_hex()), Code::Account(id));
        assert_eq!(
            Code::read(&format!(" {}\n", id.to_hex().to_uppercase())),
            Code::Account(id)
        );
        assert_eq!(Code::read(&seed().to_hex()), Code::Recovery(seed()));
        assert_eq!(Code::read(seed().phrase().as_str()), Code::Recovery(seed()));
        let key = "85aae694fd7fa280cdd20beb0a4ada5638a646121e682f88578d67402a4a6e52";
        assert_eq!(
            Code::read(&format!("https://open.example.org/reef?public_key={key}")),
            Code::Community
        );
        for (prefix, kind) in [
            ("03", IdKind::Group),
            ("15", IdKind::Blinded15),
            ("25", IdKind::Blinded25),
        ] {
            assert_eq!(Code::read(&format!("{prefix}{key}")), Code::OtherId(kind));
        }
    }

    #[test]
    fn contact_links_are_read_wherever_they_are_served() {
        let id = seed().id();
        for link in [
            format!("https://chat.example.org/#/c/{id}"),
            format!("HTTPS://chat.example.org/app/#/c/{id}/?n=Ada%20%C3%85"),
            format!("http://127.0.0.1:8080/#/c/{id}?n=public_key=1"),
        ] {
            assert_eq!(Code::read(&link), Code::ContactLink(id), "{link}");
        }
        let group = format!("https://chat.example.org/#/c/03{}", "4".repeat(64));
        assert_eq!(Code::read(&group), Code::OtherId(IdKind::Group));
        for other in [
            "https://chat.example.org/#/c/",
            "https://chat.example.org/#/c/05",
            "https://chat.example.org/",
            &format!("javascript:alert(1)#/c/{id}"),
        ] {
            assert_eq!(Code::read(other), Code::Other, "{other}");
        }
    }

    #[test]
    fn links_that_ask_for_an_account_are_told_from_contact_links() {
        for link in [
            "https://chat.example.org/#/t/AQ-_0",
            "HTTPS://chat.example.org/app/#/t/AQ-_0/",
            " http://127.0.0.1:8080/#/t/AQ-_0?n=public_key=1\n",
        ] {
            assert_eq!(Code::read(link), Code::Transfer("AQ-_0".to_owned()), "{link}");
        }
        for other in [
            "https://chat.example.org/#/t/",
            "https://chat.example.org/#/t",
            "javascript:alert(1)#/t/AQ-_0",
            "#/t/AQ-_0",
        ] {
            assert_eq!(Code::read(other), Code::Other, "{other}");
        }
    }

    #[test]
    fn a_broken_recovery_code_is_told_from_what_is_none() {
        let phrase = seed().phrase();
        let swapped: Vec<&str> = phrase.words().collect();
        let wrong = Seed::from_bytes(&[8; Seed::SIZE]).phrase();
        let other = wrong.words().next().unwrap();
        let mut mixed = swapped.clone();
        mixed[0] = other;
        assert!(matches!(Code::read(&mixed.join(" ")), Code::BrokenRecovery(_)));
        assert_eq!(
            Code::read(&"ab".repeat(32)),
            Code::BrokenRecovery(SeedInputError::LongSeed)
        );
        let padded = format!("{}{}", *seed().to_hex(), "0".repeat(32));
        assert_eq!(Code::read(&padded), Code::Recovery(seed()));
        for other in ["", "WIFI:S:reef;T:WPA;P:secret;;", "4006381333931", "tel:+49123"] {
            assert_eq!(Code::read(other), Code::Other, "{other}");
        }
        assert_eq!(Code::read(&" a".repeat(MAX_CODE)), Code::Other);
    }

    #[test]
    fn a_secret_is_not_printed() {
        let printed = format!("{:?}", Code::read(&seed().to_hex()));
        assert_eq!(printed, "Recovery(Seed(..))");
    }

    proptest! {
        #[test]
        fn any_text_is_something(text in "\\PC{0,200}") {
            let _ = Code::read(&text);
            let _ = Code::read(&format!("https://{text}"));
            let _ = Code::read(&format!("https://a/#/c/{text}"));
            let _ = Code::read(&format!("https://a/#/t/{text}"));
        }

        #[test]
        fn every_seed_is_read_from_its_code(bytes: [u8; Seed::SIZE]) {
            let seed = Seed::from_bytes(&bytes);
            prop_assert_eq!(Code::read(&seed.to_hex()), Code::Recovery(seed.clone()));
            prop_assert_eq!(Code::read(&seed.id().to_hex()), Code::Account(seed.id()));
        }
    }
}
