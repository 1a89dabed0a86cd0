//! Writing the parameters of a request, in JSON or in bt (spec/03-network.md §3.1).

use super::params::Form;
use crate::swarm::{MessageHash, NamespaceSelection, SubaccountToken};
use crate::{base64, bt};

/// Writes a JSON object or bt dict. Keys must come in ascending order, which bencoding demands.
#[derive(Debug)]
pub(crate) struct Writer {
    form: Form,
    out: Vec<u8>,
    first: bool,
}

impl Writer {
    pub(crate) fn new(form: Form) -> Self {
        let open = match form {
            Form::Json => b'{',
            Form::Bt => b'd',
        };
        Self {
            form,
            out: vec![open],
            first: true,
        }
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.out.push(match self.form {
            Form::Json => b'}',
            Form::Bt => b'e',
        });
        self.out
    }

    fn key(&mut self, name: &str) {
        match self.form {
            Form::Bt => bt::write_bytes(&mut self.out, name.as_bytes()),
            Form::Json => {
                if !self.first {
                    self.out.push(b',');
                }
                self.first = false;
                self.out.push(b'"');
                self.out.extend_from_slice(name.as_bytes());
                self.out.extend_from_slice(b"\":");
            }
        }
    }

    fn raw_int(&mut self, number: i128) {
        match self.form {
            Form::Bt => bt::write_int(&mut self.out, number),
            Form::Json => self.out.extend_from_slice(number.to_string().as_bytes()),
        }
    }

    fn raw_text(&mut self, text: &str) {
        match self.form {
            Form::Bt => bt::write_bytes(&mut self.out, text.as_bytes()),
            Form::Json => crate::json::write_string(&mut self.out, text),
        }
    }

    fn raw_binary(&mut self, bytes: &[u8]) {
        match self.form {
            Form::Bt => bt::write_bytes(&mut self.out, bytes),
            Form::Json => {
                self.out.push(b'"');
                base64::append(&mut self.out, bytes);
                self.out.push(b'"');
            }
        }
    }

    fn raw_list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        let (open, close) = match self.form {
            Form::Json => (b'[', b']'),
            Form::Bt => (b'l', b'e'),
        };
        self.out.push(open);
        for (at, item) in items.iter().enumerate() {
            if at > 0 && self.form == Form::Json {
                self.out.push(b',');
            }
            write(self, item);
        }
        self.out.push(close);
    }

    pub(crate) fn int(&mut self, name: &str, number: impl Into<i128>) {
        self.key(name);
        self.raw_int(number.into());
    }

    /// Writes a truth value only when it is true: absent means false.
    pub(crate) fn flag(&mut self, name: &str, flag: bool) {
        if flag {
            self.key(name);
            match self.form {
                Form::Json => self.out.extend_from_slice(b"true"),
                Form::Bt => bt::write_int(&mut self.out, 1),
            }
        }
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.key(name);
        self.raw_text(text);
    }

    pub(crate) fn binary(&mut self, name: &str, bytes: &[u8]) {
        self.key(name);
        self.raw_binary(bytes);
    }

    /// Writes a key as hex in JSON and as raw bytes in bt.
    pub(crate) fn hex(&mut self, name: &str, bytes: &[u8]) {
        self.key(name);
        match self.form {
            Form::Bt => bt::write_bytes(&mut self.out, bytes),
            Form::Json => {
                let text = data_encoding::HEXLOWER.encode(bytes);
                self.raw_text(&text);
            }
        }
    }

    pub(crate) fn hashes(&mut self, name: &str, hashes: &[MessageHash]) {
        self.key(name);
        self.raw_list(hashes, |writer, hash| writer.raw_text(hash.as_str()));
    }

    pub(crate) fn ints(&mut self, name: &str, numbers: &[i128]) {
        self.key(name);
        self.raw_list(numbers, |writer, number| writer.raw_int(*number));
    }

    pub(crate) fn tokens(&mut self, name: &str, tokens: &[SubaccountToken]) {
        self.key(name);
        self.raw_list(tokens, |writer, token| writer.raw_binary(token.as_bytes()));
    }

    pub(crate) fn namespace_selection(&mut self, selection: NamespaceSelection) {
        match selection {
            NamespaceSelection::One(namespace) => self.int("namespace", namespace.0),
            NamespaceSelection::All => self.text("namespace", "all"),
        }
    }

    /// A JSON value, which bt carries as its text.
    pub(crate) fn value(&mut self, name: &str, value: &serde_json::Value) {
        self.key(name);
        let text = value.to_string();
        match self.form {
            Form::Json => self.out.extend_from_slice(text.as_bytes()),
            Form::Bt => bt::write_bytes(&mut self.out, text.as_bytes()),
        }
    }

    /// A nested object.
    pub(crate) fn dict(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.key(name);
        self.raw_dict(write);
    }

    /// A list of objects.
    pub(crate) fn dicts<T>(&mut self, name: &str, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.key(name);
        self.raw_list(items, |writer, item| {
            writer.raw_dict(|writer| write(writer, item))
        });
    }

    fn raw_dict(&mut self, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::new(self.form);
        inner.out = core::mem::take(&mut self.out);
        inner.out.push(match self.form {
            Form::Json => b'{',
            Form::Bt => b'd',
        });
        write(&mut inner);
        self.out = inner.finish();
    }
}
