//! Why a command was not carried out, in words.

use holdfast_client::api::Failure;

use super::{backup, transfer};
use crate::engine::LinkError;
use crate::i18n::t;

/// What became of a command that brought no reply, in words.
pub(crate) fn error_text(error: &LinkError) -> String {
    match error {
        LinkError::Failed(failure) => failure_text(failure),
        LinkError::Lost => t("error.engine_lost"),
    }
}

/// A failed command in words.
pub(crate) fn failure_text(failure: &Failure) -> String {
    match failure {
        Failure::NameEmpty => t("name.error_empty"),
        Failure::NameTooLong => t("name.error_long"),
        Failure::TextEmpty => t("composer.error_empty"),
        Failure::TextTooLong => t("composer.error_long"),
        Failure::NotAnAccount => t("new.error_not_account"),
        Failure::NicknameTooLong => t("error.nickname_long"),
        Failure::NotAllowed => t("error.not_allowed"),
        Failure::TooFast => t("error.too_fast"),
        Failure::Blocked => t("error.blocked"),
        Failure::NotFound => t("error.not_found"),
        Failure::FileSize => t("error.file_size"),
        Failure::TooManyFiles => t("error.too_many_files"),
        Failure::FileIncomplete => t("error.file_incomplete"),
        Failure::NotAcceptedYet => t("error.not_accepted_yet"),
        Failure::NoFileServer => t("error.no_file_server"),
        Failure::NoLinkHelper => t("error.no_link_helper"),
        Failure::LinkUnreachable => t("error.link_unreachable"),
        Failure::LinkBlank => t("error.link_blank"),
        Failure::LinkPreview => t("error.link_preview"),
        Failure::Backup(fault) => backup::fault_text(fault),
        Failure::Transfer(fault) => transfer::fault_text(*fault),
        Failure::StorageFull => t("error.storage_full"),
        Failure::NoAccount => t("error.no_account"),
        Failure::AccountExists => t("error.account_exists"),
        Failure::Storage(_) => t("error.storage"),
        Failure::NotErased => t("error.not_erased"),
    }
}
