//! The own profile and the settings of the account (spec/04-configs.md §10).
//!
//! What belongs to Pro is kept as other clients wrote it.

use super::ConfigKind;
use super::document;
use super::fields::{FieldError, Fields, ProfilePicture, Record, check_name, check_picture, cut_name, int};

const NAME: &[u8] = b"n";
const PICTURE_URL: &[u8] = b"p";
const PICTURE_KEY: &[u8] = b"q";
const UPDATED: &[u8] = b"t";
/// The same picture, uploaded again by a client on its own, and when that was.
const REUPLOADED_URL: &[u8] = b"P";
const REUPLOADED_KEY: &[u8] = b"Q";
const REUPLOADED: &[u8] = b"T";
const PRIORITY: &[u8] = b"+";
const EXPIRY: &[u8] = b"e";
const BLINDED_REQUESTS: &[u8] = b"M";

document!(
    /// The own profile, in namespace 2.
    UserProfile,
    ConfigKind::UserProfile
);

impl UserProfile {
    /// The own display name.
    pub fn name(&self) -> Option<&str> {
        let name = Fields(self.data()).bytes(NAME)?;
        core::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    /// Changes the name; an empty one is removed. Returns whether it is another one now.
    ///
    /// # Errors
    /// When it takes more than 100 bytes.
    pub fn set_name(&mut self, name: &str, now_ms: u64) -> Result<bool, FieldError> {
        check_name(name)?;
        let mut record = Record::at(self, &[]);
        record.nonempty(NAME, name.as_bytes());
        let changed = record.changed;
        self.stamp(changed, now_ms);
        Ok(changed)
    }

    /// Changes the name to as much of this one as fits.
    pub fn set_name_cut(&mut self, name: &str, now_ms: u64) -> bool {
        self.set_name(cut_name(name), now_ms).unwrap_or_default()
    }

    /// The picture in force: the one a client uploaded again if that was later.
    pub fn picture(&self) -> Option<ProfilePicture> {
        let fields = Fields(self.data());
        if fields.int(UPDATED) >= fields.int(REUPLOADED) {
            fields.picture(PICTURE_URL, PICTURE_KEY)
        } else {
            fields.picture(REUPLOADED_URL, REUPLOADED_KEY)
        }
    }

    /// Changes the picture or removes it. Returns whether anything changed.
    ///
    /// # Errors
    /// When its address takes more than 223 bytes.
    pub fn set_picture(&mut self, picture: Option<&ProfilePicture>, now_ms: u64) -> Result<bool, FieldError> {
        let stored = Fields(self.data()).picture(PICTURE_URL, PICTURE_KEY);
        check_picture(picture, stored.as_ref())?;
        let mut record = Record::at(self, &[]);
        record.picture(PICTURE_URL, PICTURE_KEY, picture);
        let changed = record.changed;
        let now = int(now_ms / 1000);
        if picture.is_none() {
            record.changed = false;
            record.picture(REUPLOADED_URL, REUPLOADED_KEY, None);
            if record.changed && now != 0 {
                record.nonzero(REUPLOADED, now);
            }
        }
        if changed && now != 0 {
            record.nonzero(UPDATED, now);
        }
        Ok(changed || record.changed)
    }

    /// Says where the same picture was uploaded again.
    ///
    /// # Errors
    /// When its address takes more than 223 bytes.
    pub fn set_reuploaded_picture(
        &mut self,
        picture: &ProfilePicture,
        now_ms: u64,
    ) -> Result<bool, FieldError> {
        let stored = Fields(self.data()).picture(REUPLOADED_URL, REUPLOADED_KEY);
        check_picture(Some(picture), stored.as_ref())?;
        let mut record = Record::at(self, &[]);
        record.picture(REUPLOADED_URL, REUPLOADED_KEY, Some(picture));
        let changed = record.changed;
        if changed && now_ms >= 1000 {
            record.nonzero(REUPLOADED, int(now_ms / 1000));
        }
        Ok(changed)
    }

    /// When name and picture were last chosen, unix seconds; 0 if never. Unlike [`Self::updated_at`] without what was noted
    /// once a client had uploaded the same picture again.
    pub fn chosen_at(&self) -> u64 {
        Fields(self.data()).positive(UPDATED)
    }

    /// When the profile last changed, unix seconds, as messages tell others; 0 if never.
    pub fn updated_at(&self) -> u64 {
        let fields = Fields(self.data());
        match fields.positive(UPDATED) {
            0 => 0,
            updated => updated.max(fields.positive(REUPLOADED)),
        }
    }

    /// Where Note to Self stands: −1 hidden, 0 among the others, above pinned.
    pub fn note_to_self_priority(&self) -> i64 {
        Fields(self.data()).int(PRIORITY)
    }

    /// Pins, unpins or hides Note to Self.
    pub fn set_note_to_self_priority(&mut self, priority: i64) -> bool {
        let mut record = Record::at(self, &[]);
        record.nonzero(PRIORITY, priority);
        record.changed
    }

    /// After how many seconds notes disappear; 0 if they stay.
    pub fn note_to_self_expiry(&self) -> u64 {
        Fields(self.data()).positive(EXPIRY)
    }

    /// Changes the timer of Note to Self, seconds; 0 turns it off.
    pub fn set_note_to_self_expiry(&mut self, seconds: u64) -> bool {
        let mut record = Record::at(self, &[]);
        record.positive(EXPIRY, seconds);
        record.changed
    }

    /// Whether people of communities may send message requests; `None` leaves it to the client's default.
    pub fn blinded_requests(&self) -> Option<bool> {
        self.data().get(BLINDED_REQUESTS)?.as_int().map(|set| set != 0)
    }

    /// Allows message requests from communities, refuses them, or leaves it to the default.
    pub fn set_blinded_requests(&mut self, allowed: Option<bool>, now_ms: u64) -> bool {
        let mut record = Record::at(self, &[]);
        record.put(BLINDED_REQUESTS, allowed.map(|allowed| i64::from(allowed).into()));
        let changed = record.changed;
        self.stamp(changed, now_ms);
        changed
    }

    /// Notes the time of a change beside whichever picture is in force, so that it stays in force. A clock that does not
    /// know the time (0) leaves no mark.
    fn stamp(&mut self, changed: bool, now_ms: u64) {
        let now = int(now_ms / 1000);
        if !changed || now == 0 {
            return;
        }
        let fields = Fields(self.data());
        let key = if fields.int(UPDATED) >= fields.int(REUPLOADED) {
            UPDATED
        } else {
            REUPLOADED
        };
        Record::at(self, &[]).nonzero(key, now);
    }
}
