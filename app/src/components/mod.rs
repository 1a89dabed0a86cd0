//! The parts that screens are made of.
#![allow(
    unreachable_pub,
    reason = "the component macro declares its properties as public"
)]

pub(crate) mod avatar;
pub(crate) mod bars;
pub(crate) mod choice;
pub(crate) mod clock;
pub(crate) mod dialog;
pub(crate) mod emoji;
pub(crate) mod field;
pub(crate) mod focus;
pub(crate) mod icon;
pub(crate) mod keyboard;
pub(crate) mod keys;
pub(crate) mod menu;
pub(crate) mod notices;
pub(crate) mod press;
pub(crate) mod qr;
pub(crate) mod qr_path;
pub(crate) mod secret_field;
