//! What people read, open and type of a transfer: links, digits, and why it came to nothing.

use holdfast_client::api::{TransferEnd, TransferFault};
use holdfast_protocol::account::{TRANSFER_LINK, transfer_data};

use crate::i18n::{t, tn};
use crate::state::invite::page_address;

/// Longest code that is looked at, characters: those of this version take about seventy.
const MAX_CODE: usize = 256;
/// The zeros of the digits that people here type with: Latin, Arabic, Persian.
const ZEROS: [char; 3] = ['0', '\u{660}', '\u{6f0}'];

/// Reads the code in what stands behind an address, from the `#` on; `None` when it is no link that asks for an account.
pub(super) fn read(data: &str) -> Option<String> {
    let code = transfer_data(data).filter(|_| data.starts_with(TRANSFER_LINK))?;
    // One that was cut off is refused as a damaged one.
    Some(code.chars().take(MAX_CODE).collect())
}

/// The link that asks for an account, at this page's own address.
pub(super) fn link(code: &str) -> String {
    format!("{}{TRANSFER_LINK}{code}", page_address())
}

/// The digits of a text as `0` to `9`, whatever else is in it.
pub(super) fn ascii_digits(text: &str) -> String {
    let value = |typed: char| {
        ZEROS.into_iter().find_map(|zero| {
            let value = u32::from(typed).checked_sub(u32::from(zero))?;
            char::from_digit(value, 10)
        })
    };
    text.chars().filter_map(value).collect()
}

/// Why a command of a transfer was refused, in words.
pub(crate) fn fault_text(fault: TransferFault) -> String {
    match fault {
        TransferFault::Code => t("give.error_code"),
        TransferFault::Version => t("give.error_version"),
        TransferFault::Expired => t("transfer.end_expired"),
        TransferFault::WrongDigits { left } => tn("give.error_digits", u64::from(left)),
        TransferFault::TooManyTries => t("give.error_tries"),
        TransferFault::OwnCode => t("give.error_own"),
        TransferFault::NotNow => t("give.error_not_now"),
        TransferFault::Unreachable => t("transfer.end_unreachable"),
    }
}

/// Why a transfer ended, in words.
pub(super) fn end_text(end: TransferEnd) -> String {
    match end {
        TransferEnd::Expired => t("transfer.end_expired"),
        TransferEnd::TwoAnswers => t("transfer.end_two"),
        TransferEnd::Stopped => t("transfer.end_stopped"),
        TransferEnd::Unreachable => t("transfer.end_unreachable"),
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_CODE, ascii_digits, read};

    #[test]
    fn links_that_ask_for_an_account_are_read_and_others_are_not() {
        for link in ["#/t/AQ-_0", "#/t/AQ-_0/", "#/t/AQ-_0?x=1&y", "#/t/AQ-_0ä"] {
            assert_eq!(read(link).as_deref(), Some("AQ-_0"), "{link}");
        }
        for other in ["", "#", "#/t", "#t/AQ", "#/c/05"] {
            assert_eq!(read(other), None, "{other}");
        }
        let long = read(&format!("#/t/{}", "A".repeat(9_000))).expect("a link");
        assert_eq!(long.len(), MAX_CODE);
    }

    #[test]
    fn digits_are_read_as_people_type_them() {
        for typed in ["012 789", " 0-1-2/789 ", "٠١٢ ٧٨٩", "۰۱۲۷۸۹", "0١2۷8۹ ok"] {
            assert_eq!(ascii_digits(typed), "012789", "{typed}");
        }
        assert_eq!(ascii_digits("no digits, ½ or Ⅳ"), "");
    }
}
