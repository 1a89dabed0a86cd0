//! What members tell each other about an account: names of what they hold, and the things themselves.

use bytes::Bytes;

use crate::peer::wire::{Reader, WireError, Writer};
use crate::storage::db::{Account, AccountState, Hash, NewMessage, Operation, RowState};

/// Names of rows and operations of one account.
pub(super) struct Names {
    pub(super) account: Account,
    pub(super) rows: Vec<Hash>,
    pub(super) operations: Vec<Hash>,
}

impl Names {
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Writer::new();
        out.raw(&self.account);
        for list in [&self.rows, &self.operations] {
            out.len(list.len());
            for hash in list {
                out.raw(hash);
            }
        }
        out.finish()
    }

    pub(super) fn decode(message: Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(message);
        Ok(Self {
            account: reader.array()?,
            rows: read_hashes(&mut reader)?,
            operations: read_hashes(&mut reader)?,
        })
    }
}

fn read_hashes(reader: &mut Reader) -> Result<Vec<Hash>, WireError> {
    (0..reader.count(32)?).map(|_| reader.array()).collect()
}

/// Rows and operations of one account.
pub(super) struct Contents {
    pub(super) account: Account,
    pub(super) rows: Vec<NewMessage>,
    pub(super) operations: Vec<Operation>,
}

impl Contents {
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Writer::new();
        out.raw(&self.account).len(self.rows.len());
        for row in &self.rows {
            out.raw(&row.namespace.to_be_bytes())
                .raw(&row.hash)
                .u64(row.timestamp)
                .u64(row.expiry)
                .u64(row.touched)
                .bytes(&row.data);
        }
        out.len(self.operations.len());
        for op in &self.operations {
            out.raw(&op.id)
                .u64(op.at)
                .bytes(op.method.as_bytes())
                .bytes(&op.params);
        }
        out.finish()
    }

    pub(super) fn decode(message: Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(message);
        let account = reader.array()?;
        let mut rows = Vec::new();
        for _ in 0..reader.count(62)? {
            rows.push(NewMessage {
                account,
                namespace: i16::from_be_bytes(reader.array()?),
                hash: reader.array()?,
                timestamp: reader.u64()?,
                expiry: reader.u64()?,
                touched: reader.u64()?,
                data: reader.bytes()?,
            });
        }
        let mut operations = Vec::new();
        for _ in 0..reader.count(48)? {
            operations.push(Operation {
                id: reader.array()?,
                at: reader.u64()?,
                method: String::from_utf8(reader.bytes()?.to_vec()).map_err(|_| WireError)?,
                params: reader.bytes()?.to_vec(),
            });
        }
        Ok(Self {
            account,
            rows,
            operations,
        })
    }
}

/// Writes what is held for an account.
pub(super) fn write_state(out: &mut Writer, state: &AccountState) {
    out.len(state.rows.len());
    for row in &state.rows {
        out.raw(&row.hash).u64(row.expiry).u64(row.touched);
    }
    out.len(state.operations.len());
    for id in &state.operations {
        out.raw(id);
    }
}

/// Reads [`write_state`].
pub(super) fn read_state(reader: &mut Reader) -> Result<AccountState, WireError> {
    let mut rows = Vec::new();
    for _ in 0..reader.count(48)? {
        rows.push(RowState {
            hash: reader.array()?,
            expiry: reader.u64()?,
            touched: reader.u64()?,
        });
    }
    Ok(AccountState {
        rows,
        operations: read_hashes(reader)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng as _, SeedableRng as _};

    fn contents() -> Contents {
        Contents {
            account: [5; 33],
            rows: vec![NewMessage {
                account: [5; 33],
                namespace: -21,
                hash: [1; 32],
                timestamp: 2,
                expiry: 3,
                touched: 4,
                data: Bytes::from_static(b"data"),
            }],
            operations: vec![Operation {
                id: [6; 32],
                method: "delete".to_owned(),
                params: b"de".to_vec(),
                at: 7,
            }],
        }
    }

    #[test]
    fn what_is_told_is_understood() {
        let original = contents();
        let read = Contents::decode(original.encode()).unwrap();
        assert_eq!(read.operations, original.operations);
        let (read, row) = (&read.rows[0], &original.rows[0]);
        assert_eq!(
            (read.namespace, &read.data, read.expiry),
            (row.namespace, &row.data, row.expiry)
        );
        let state = AccountState {
            rows: vec![RowState {
                hash: [1; 32],
                expiry: 2,
                touched: 3,
            }],
            operations: vec![[4; 32]],
        };
        let mut out = Writer::new();
        write_state(&mut out, &state);
        assert_eq!(read_state(&mut Reader::new(out.finish())).unwrap(), state);
    }

    #[test]
    fn nonsense_and_cut_off_messages_are_refused_without_harm() {
        let whole = contents().encode();
        for end in 0..whole.len() {
            assert!(Contents::decode(whole.slice(..end)).is_err(), "cut at {end}");
        }
        let mut random = ChaCha20Rng::from_seed([1; 32]);
        for _ in 0..2_000 {
            let mut bytes = vec![0; usize::try_from(random.next_u32() % 300).unwrap()];
            random.fill_bytes(&mut bytes);
            let bytes = Bytes::from(bytes);
            let _ = (Contents::decode(bytes.clone()), Names::decode(bytes.clone()));
            let _ = read_state(&mut Reader::new(bytes.clone()));
            let _ = crate::peer::links::decode_forwards(bytes);
        }
    }
}
