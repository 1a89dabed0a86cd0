//! Profiles in messages: how the own one is attached and when a received one counts (`spec/02-messages-v1.md §5.5`).

use super::name::received_name;
use super::schema::{DataMessage, LokiProfile, MessageRequestResponse};

/// Sizes of a picture's key in bytes: today's, and one found in old data.
const KEY_SIZES: [usize; 2] = [32, 16];

/// Where a profile picture is and what decrypts it. The key is not printed.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Picture {
    /// Download address.
    pub url: String,
    /// 32 bytes (16 in old data).
    pub key: Vec<u8>,
}

impl core::fmt::Debug for Picture {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Picture { .. }")
    }
}

/// The own profile, as messages carry it to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Display name.
    pub name: String,
    /// Picture.
    pub picture: Option<Picture>,
    /// When it last changed, in seconds; 0 if never.
    pub updated_at: u64,
}

impl Profile {
    /// Puts the profile into a visible message or reaction. Not for copies to the own swarm.
    pub fn attach(&self, data: &mut DataMessage) {
        data.profile = Some(self.wire());
        data.profile_key = self.key();
    }

    /// Puts the profile into the acceptance of a message request.
    pub fn attach_to_response(&self, response: &mut MessageRequestResponse) {
        response.profile = Some(self.wire());
        response.profile_key = self.key();
    }

    fn wire(&self) -> LokiProfile {
        LokiProfile {
            display_name: (!self.name.is_empty()).then(|| self.name.clone()),
            profile_picture: self.picture.as_ref().map(|picture| picture.url.clone()),
            last_update_seconds: (self.updated_at != 0).then_some(self.updated_at),
        }
    }

    fn key(&self) -> Option<Vec<u8>> {
        self.picture.as_ref().map(|picture| picture.key.clone())
    }
}

/// What happens to the stored picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PictureChange {
    /// Stays as it is.
    Keep,
    /// There is none any more.
    Clear,
    /// This one from now on.
    Set(Picture),
}

/// What a received profile changes about its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileChange {
    /// The new name, cleaned and cut; `None` keeps the stored one.
    pub name: Option<String>,
    /// The picture.
    pub picture: PictureChange,
    /// The time to store with it, in seconds.
    pub updated_at: u64,
}

/// The profile of a visible message; `stored_at` is the time (seconds) stored with what is known of the sender, or 0.
///
/// `None` when there is no profile or it is not newer. Never ask this for messages from self.
pub fn change_in_message(data: &DataMessage, stored_at: u64) -> Option<ProfileChange> {
    change(data.profile.as_ref()?, data.profile_key(), stored_at, true)
}

/// The profile in the acceptance of a message request. See [`change_in_message`].
pub fn change_in_response(response: &MessageRequestResponse, stored_at: u64) -> Option<ProfileChange> {
    change(
        response.profile.as_ref()?,
        response.profile_key(),
        stored_at,
        false,
    )
}

fn change(profile: &LokiProfile, key: &[u8], stored_at: u64, visible: bool) -> Option<ProfileChange> {
    let updated_at = profile.last_update_seconds();
    let newer = updated_at > stored_at;
    if !newer && (updated_at != 0 || stored_at != 0) {
        return None;
    }
    let picture = match profile.profile_picture.as_deref() {
        Some(url) if !url.trim().is_empty() && KEY_SIZES.contains(&key.len()) => {
            PictureChange::Set(Picture {
                url: url.to_owned(),
                key: key.to_vec(),
            })
        }
        Some(_) => PictureChange::Clear,
        None if visible && newer => PictureChange::Clear,
        None => PictureChange::Keep,
    };
    Some(ProfileChange {
        name: received_name(profile.display_name()),
        picture,
        updated_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(updated_at: u64) -> Profile {
        Profile {
            name: "Ann".to_owned(),
            picture: Some(Picture {
                url: "http://files/1".to_owned(),
                key: vec![1; 32],
            }),
            updated_at,
        }
    }

    fn message(profile: &Profile) -> DataMessage {
        let mut data = DataMessage::default();
        profile.attach(&mut data);
        data
    }

    #[test]
    fn a_newer_profile_counts() {
        let change = change_in_message(&message(&profile(5)), 4).unwrap();
        assert_eq!(change.name.as_deref(), Some("Ann"));
        assert_eq!(change.picture, PictureChange::Set(profile(5).picture.unwrap()));
        assert_eq!(change.updated_at, 5);
    }

    #[test]
    fn an_older_or_equal_one_does_not() {
        assert_eq!(change_in_message(&message(&profile(5)), 5), None);
        assert_eq!(change_in_message(&message(&profile(0)), 5), None);
        assert!(change_in_message(&message(&profile(0)), 0).is_some());
        assert_eq!(change_in_message(&DataMessage::default(), 0), None);
    }

    #[test]
    fn a_picture_goes_when_it_is_gone_or_unreadable() {
        let without = |updated_at| {
            message(&Profile {
                picture: None,
                ..profile(updated_at)
            })
        };
        assert_eq!(
            change_in_message(&without(5), 4).unwrap().picture,
            PictureChange::Clear
        );
        assert_eq!(
            change_in_message(&without(0), 0).unwrap().picture,
            PictureChange::Keep
        );
        let mut response = MessageRequestResponse::default();
        Profile {
            picture: None,
            ..profile(5)
        }
        .attach_to_response(&mut response);
        assert_eq!(
            change_in_response(&response, 4).unwrap().picture,
            PictureChange::Keep
        );
        let mut keyless = message(&profile(5));
        keyless.profile_key = Some(vec![1; 31]);
        assert_eq!(
            change_in_message(&keyless, 4).unwrap().picture,
            PictureChange::Clear
        );
    }
}
