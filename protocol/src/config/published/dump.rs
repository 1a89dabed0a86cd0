//! What the swarm has, in a document's dump: only what the current message does not say already.

use super::super::diff::{self, Diff};
use super::super::dump::DumpError;
use super::super::kept;
use super::super::message::{FormatError, Frozen};
use super::super::tree::{Budget, NUMBER};
use super::{Name, Published};
use crate::bt::{Reader, Token, write_bytes, write_int};
use std::sync::Arc;
use zeroize::Zeroizing;

// Keys, in their order.
const CLAIM: &[u8] = b"c";
const MESSAGE: &[u8] = b"m";
const OWN: &[u8] = b"n";
const MADE_HERE: &[u8] = b"u";

/// Most bytes that keys and numbers take.
const HEAD: usize = 4 * (3 + NUMBER);

impl Published {
    /// For the dump of a document whose current message this is.
    pub(in crate::config) fn dump(&self, current: &Frozen) -> Zeroizing<Vec<u8>> {
        let other = (self.message.hash != current.hash).then_some(&self.message.plain);
        // Diffs hold no secrets, and may grow.
        let mut claim = Vec::new();
        if let Some(diff) = &self.claim {
            diff::write(&mut claim, diff);
        }
        // Room for everything at once: a buffer that grows leaves copies of the keys in the message behind.
        let room = other.map_or(0, |plain| plain.len()) + claim.len() + kept::names_bound(&self.own);
        let mut out = Zeroizing::new(Vec::with_capacity(room + HEAD));
        out.push(b'd');
        if self.claim.is_some() {
            write_bytes(&mut out, CLAIM);
            out.extend_from_slice(&claim);
        }
        if let Some(plain) = other {
            write_bytes(&mut out, MESSAGE);
            write_bytes(&mut out, plain);
        }
        write_bytes(&mut out, OWN);
        kept::write_names(&mut out, &self.own);
        write_bytes(&mut out, MADE_HERE);
        write_int(&mut out, self.made_here.into());
        out.push(b'e');
        out
    }
}

/// What a dump says. By default nothing: the current message counts as what the swarm has.
#[derive(Default)]
pub(in crate::config) struct StoredPublished {
    /// The message, where it is not the current one.
    other: Option<Arc<Frozen>>,
    claim: Option<Arc<Diff>>,
    made_here: bool,
    own: Vec<Name>,
}

impl StoredPublished {
    /// Reads it from a dump.
    pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Result<Self, DumpError> {
        if reader.token()? != Token::Dict {
            return Err(DumpError::Broken);
        }
        let mut stored = Self::default();
        let mut last = None;
        while let Some(key) = reader.key(&mut last)? {
            match key {
                CLAIM => {
                    if reader.token()? != Token::Dict {
                        return Err(DumpError::Broken);
                    }
                    let claim = diff::read(reader, 0, &mut Budget::own()).map_err(FormatError::from)?;
                    stored.claim = Some(Arc::new(claim));
                }
                MESSAGE => {
                    let Token::Bytes(plain) = reader.token()? else {
                        return Err(DumpError::Broken);
                    };
                    let message = Frozen::parse_own(Zeroizing::new(plain.to_vec()))?;
                    stored.other = Some(Arc::new(message));
                }
                OWN => stored.own = kept::read_names(reader)?,
                MADE_HERE => stored.made_here = reader.token()? == Token::Int(1),
                _ => {
                    reader.raw_value()?;
                }
            }
        }
        Ok(stored)
    }

    /// It in a document whose current message this is.
    pub(in crate::config) fn resumed(self, current: &Arc<Frozen>) -> Published {
        let message = self.other.unwrap_or_else(|| Arc::clone(current));
        let mut published = Published::new(message);
        published.claim = self.claim;
        published.made_here = self.made_here;
        self.own.into_iter().for_each(|name| published.note_own(name));
        published
    }
}
