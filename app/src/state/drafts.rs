//! Texts that were written and not sent.
//!
//! A tab holds one until the engine keeps it. From then on the conversation's own draft counts, of which every tab hears:
//! what another tab made of it since is not overwritten from memory.

use std::collections::HashMap;

use holdfast_client::api::{Command, Conversation};
use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::AppState;
use super::text::brought_back;

impl AppState {
    /// The text of a conversation that this tab holds, since the engine does not keep it yet; empty where it was emptied, or
    /// sent and not accepted yet.
    pub(crate) fn draft(self, id: Id) -> Option<String> {
        self.drafts.with(|drafts| drafts.get(&id).cloned())
    }

    /// As [`Self::draft`], without following changes.
    pub(crate) fn draft_untracked(self, id: Id) -> Option<String> {
        self.drafts.with_untracked(|drafts| drafts.get(&id).cloned())
    }

    /// The text begun in a conversation, here or wherever it was written last; without following changes.
    pub(crate) fn begun(self, id: Id) -> String {
        self.draft_untracked(id)
            .or_else(|| self.conversations.get_untracked(id)?.draft)
            .unwrap_or_default()
    }

    /// Whether any text was written and not sent.
    pub(crate) fn has_drafts(self) -> bool {
        let all = untrack(|| self.conversations.snapshot());
        self.drafts.with_untracked(|drafts| {
            let begun = |conversation: &Conversation| {
                drafts
                    .get(&conversation.id)
                    .or(conversation.draft.as_ref())
                    .is_some_and(|text| !text.is_empty())
            };
            all.iter().any(begun)
        })
    }

    /// Notes the text under the user's hands. Nothing else shows it as long as it is written.
    pub(crate) fn type_draft(self, id: Id, text: &str) {
        if self.account.with_untracked(Option::is_some) {
            self.drafts.update_untracked(|drafts| put(drafts, id, text));
        }
    }

    /// The text under the user's hands was handed over to be sent.
    pub(crate) fn draft_sent(self, id: Id) {
        self.type_draft(id, "");
        self.refused.set_value(None);
    }

    /// Puts a text where one is written, and has the engine keep it.
    pub(crate) fn set_draft(self, id: Id, text: String) {
        // What comes back late finds the account gone, and leaves nothing behind.
        if self.account.with_untracked(Option::is_some) {
            self.drafts.update(|drafts| put(drafts, id, &text));
            self.keep_draft(id, text);
        }
    }

    /// Has the engine keep a text. One that it can't keep stays with this tab.
    pub(crate) fn keep_draft(self, id: Id, text: String) {
        spawn_local(async move {
            let command = Command::SetDraft {
                conversation: id,
                text: text.clone(),
            };
            if self.request(command).await.is_ok() {
                self.draft_kept(id, &text);
            }
        });
    }

    /// The engine has this text, and tells it to all tabs; empty when the one before was sent.
    pub(crate) fn draft_kept(self, id: Id, text: &str) {
        let same = self
            .drafts
            .with_untracked(|drafts| drafts.get(&id).is_some_and(|held| held == text));
        if same {
            self.drafts.update(|drafts| {
                drafts.remove(&id);
            });
        }
    }

    /// A conversation was deleted: what this tab holds of a text goes with it, also from its open screen.
    pub(crate) fn drop_draft(self, id: Id) {
        self.drafts.update(|drafts| {
            drafts.remove(&id);
        });
    }

    /// A text that was refused comes back after its screen was left: above what was begun there since.
    pub(crate) fn give_back(self, id: Id, text: &str) {
        let whole = self.with_refused(id, text, &self.begun(id));
        self.set_draft(id, whole);
    }

    /// A refused text with what is written in its conversation now: above that, and below those that were refused before.
    pub(crate) fn with_refused(self, id: Id, text: &str, now: &str) -> String {
        let earlier = self.refused.get_value().filter(|(of, _)| *of == id);
        let earlier = earlier.map(|(_, text)| text).unwrap_or_default();
        let (above, whole) = brought_back(&earlier, text, now);
        if self.account.with_untracked(Option::is_some) {
            self.refused.set_value(Some((id, above)));
        }
        whole
    }
}

fn put(drafts: &mut HashMap<Id, String>, id: Id, text: &str) {
    let text = if text.trim().is_empty() { "" } else { text };
    drafts.insert(id, text.to_owned());
}
