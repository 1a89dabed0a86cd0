//! What is said about a code that is not the one that was asked for.

use holdfast_protocol::account::{Code, IdKind};

use crate::i18n::t;
use crate::platform::camera::NoCamera;

/// What a code is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To open an account.
    Recovery,
    /// To write to somebody.
    Person,
    /// To give the account to another device.
    Transfer,
}

impl Purpose {
    /// The heading of the dialog.
    pub(super) fn title(self) -> String {
        match self {
            Purpose::Recovery => t("scan.title_recovery"),
            Purpose::Person => t("scan.title_person"),
            Purpose::Transfer => t("scan.title_transfer"),
        }
    }

    /// Where the code is found.
    pub(super) fn where_from(self) -> String {
        match self {
            Purpose::Recovery => t("scan.where_recovery"),
            Purpose::Person => t("scan.where_person"),
            Purpose::Transfer => t("scan.where_transfer"),
        }
    }

    /// What is wrong with a code, in words; `None` when it is what is wanted. Nothing of its content is repeated.
    pub(crate) fn objection(self, code: &Code) -> Option<String> {
        match (self, code) {
            (Purpose::Recovery, Code::Recovery(_))
            | (Purpose::Person, Code::Account(_) | Code::ContactLink(_))
            | (Purpose::Transfer, Code::Transfer(_)) => None,
            (_, Code::Transfer(_)) => Some(t("scan.is_transfer")),
            (Purpose::Recovery, Code::Account(_) | Code::ContactLink(_)) => Some(t("scan.is_id")),
            (Purpose::Recovery, Code::BrokenRecovery(_)) => Some(t("scan.is_broken")),
            (Purpose::Person, Code::Recovery(_) | Code::BrokenRecovery(_)) => Some(t("scan.is_secret")),
            (Purpose::Transfer, Code::Recovery(_) | Code::BrokenRecovery(_)) => {
                Some(t("scan.is_secret_here"))
            }
            (Purpose::Transfer, Code::Account(_) | Code::ContactLink(_)) => Some(t("scan.is_person")),
            (_, Code::OtherId(IdKind::Group)) => Some(t("new.error_group")),
            (_, Code::OtherId(IdKind::Blinded15 | IdKind::Blinded25)) => Some(t("new.error_blinded")),
            (_, Code::Community) => Some(t("scan.is_community")),
            (_, Code::OtherId(_) | Code::Other) => Some(match self {
                Purpose::Recovery => t("scan.unknown_recovery"),
                Purpose::Person => t("scan.unknown_person"),
                Purpose::Transfer => t("scan.unknown_transfer"),
            }),
        }
    }
}

/// Why there is no camera, and what to do.
pub(super) fn no_camera(why: NoCamera) -> String {
    match why {
        NoCamera::Denied => t("scan.denied"),
        NoCamera::Missing => t("scan.missing"),
        NoCamera::Busy => t("scan.busy"),
        NoCamera::Insecure => t("scan.insecure"),
        NoCamera::Unable => t("scan.unable"),
    }
}

#[cfg(test)]
mod tests {
    use holdfast_protocol::account::{Code, Seed};

    use super::Purpose;

    #[test]
    fn only_what_was_asked_for_is_taken() {
        let seed = Seed::from_bytes(&[5; 16]);
        let id = seed.id();
        let link = Code::ContactLink(id);
        let recovery = Code::Recovery(seed);
        let transfer = Code::Transfer("AQ".to_owned());
        assert_eq!(Purpose::Recovery.objection(&recovery), None);
        assert_eq!(Purpose::Person.objection(&link), None);
        assert_eq!(Purpose::Person.objection(&Code::Account(id)), None);
        assert_eq!(Purpose::Transfer.objection(&transfer), None);
        for (purpose, code, key) in [
            (Purpose::Recovery, &link, "scan.is_id"),
            (Purpose::Person, &recovery, "scan.is_secret"),
            (Purpose::Person, &Code::Community, "scan.is_community"),
            (Purpose::Recovery, &Code::Other, "scan.unknown_recovery"),
            (Purpose::Recovery, &transfer, "scan.is_transfer"),
            (Purpose::Person, &transfer, "scan.is_transfer"),
            (Purpose::Transfer, &recovery, "scan.is_secret_here"),
            (Purpose::Transfer, &link, "scan.is_person"),
            (Purpose::Transfer, &Code::Other, "scan.unknown_transfer"),
        ] {
            // Without a language each text is its key.
            assert_eq!(purpose.objection(code).as_deref(), Some(key));
        }
    }
}
