//! The encoding inside the member channel: fixed-size integers, big-endian, and byte strings after their 32-bit length.
//! Nothing outside the sealed channel ever sees it.

use bytes::{Bytes, BytesMut};

/// The text ended early or a length in it is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed peer message")]
pub struct WireError;

/// Builds a message.
#[derive(Debug, Default)]
pub struct Writer(BytesMut);

impl Writer {
    /// An empty message.
    pub fn new() -> Self {
        Self::default()
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Four bytes; used for lengths and counts, which are far below the limit.
    pub fn len(&mut self, value: usize) -> &mut Self {
        self.raw(&u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes())
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Bytes whose number the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A byte string with its length.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.len(bytes.len()).raw(bytes)
    }

    /// How much was written.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The message.
    pub fn finish(self) -> Bytes {
        self.0.freeze()
    }
}

/// Reads a message.
#[derive(Clone, Debug)]
pub struct Reader(Bytes);

impl Reader {
    /// Starts at the first byte.
    pub fn new(message: Bytes) -> Self {
        Self(message)
    }

    fn take(&mut self, count: usize) -> Result<Bytes, WireError> {
        if count > self.0.len() {
            Err(WireError)
        } else {
            Ok(self.0.split_to(count))
        }
    }

    /// Bytes of a known number.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.take(N)?.as_ref().try_into().map_err(|_| WireError)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, WireError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// A length or count of four bytes.
    pub fn len(&mut self) -> Result<usize, WireError> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| WireError)
    }

    /// A count of items that take at least `size` bytes each, so that a lie cannot reserve memory.
    pub fn count(&mut self, size: usize) -> Result<usize, WireError> {
        let count = self.len()?;
        if count.saturating_mul(size.max(1)) > self.0.len() {
            Err(WireError)
        } else {
            Ok(count)
        }
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A byte string with its length.
    pub fn bytes(&mut self) -> Result<Bytes, WireError> {
        let length = self.len()?;
        self.take(length)
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What has not been read.
    pub fn rest(self) -> Bytes {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::new();
        writer.u8(7).u16(300).u64(u64::MAX).bytes(b"abc").raw(b"xy");
        let mut reader = Reader::new(writer.finish());
        assert_eq!(reader.u8(), Ok(7));
        assert_eq!(reader.u16(), Ok(300));
        assert_eq!(reader.u64(), Ok(u64::MAX));
        assert_eq!(reader.bytes().unwrap().as_ref(), b"abc");
        assert_eq!(reader.array(), Ok(*b"xy"));
        assert!(reader.is_empty());
    }

    #[test]
    fn lies_about_lengths_are_refused() {
        let mut writer = Writer::new();
        writer.len(1_000_000).raw(b"short");
        let message = writer.finish();
        assert_eq!(Reader::new(message.clone()).bytes(), Err(WireError));
        assert_eq!(Reader::new(message.clone()).count(33), Err(WireError));
        assert_eq!(Reader::new(message.slice(..3)).len(), Err(WireError));
    }
}
