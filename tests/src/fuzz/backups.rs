//! Backup files: as they come from anywhere, and the records in one that was opened.

use super::{CRYPTOGRAPHIC, PARSING, Row};
use crate::replay::ReplayRng;
use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::backup::{
    About, Attachment, BackupError, Conversation, Cost, End, HEAD_SIZE, Message, Passphrase, Reaction,
    Reader, Record, Setting, Writer, parse,
};

pub(super) const TARGETS: &[Row] = &[
    ("backup_file", file, file_seeds, PARSING),
    ("backup_records", records, record_seeds, CRYPTOGRAPHIC),
];

/// As little as Argon2 takes.
const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};

fn account() -> Account {
    Account::from_seed(Seed::from_bytes(&[6; 16]))
}

fn passphrase() -> Passphrase {
    Passphrase::new("fuzz".to_owned())
}

fn write(records: &[Record]) -> Vec<u8> {
    let mut rng = ReplayRng::new([vec![1; 32]]);
    let mut bytes = Vec::new();
    let mut writer =
        Writer::start(&account(), &passphrase(), CHEAP, &mut rng, &mut bytes).expect("a cheap start");
    for record in records {
        writer.push(record, &mut bytes).expect("what was read fits");
    }
    writer.finish(&mut bytes).expect("few chunks");
    bytes
}

fn read(bytes: &[u8], slice: usize) -> Result<Vec<Record>, BackupError> {
    let mut reader = Reader::open(&account(), &passphrase(), bytes)?;
    let mut records = Vec::new();
    for bytes in bytes.chunks(slice) {
        reader.push(bytes, &mut records)?;
    }
    reader.finish()?;
    Ok(records)
}

fn samples() -> Vec<Record> {
    let message = Message {
        author: vec![5; 33],
        sent_at: 1_780_000_000_000,
        body: "a text".to_owned(),
        files: vec![Attachment {
            url: "http://filev2.getsession.org/file/1234#d".to_owned(),
            key: vec![1; 32],
            ..Attachment::default()
        }],
        reactions: vec![Reaction {
            emoji: "😂".to_owned(),
            on: true,
            ..Reaction::default()
        }],
        ..Message::default()
    };
    vec![
        Record::About(About {
            account: account().id().as_bytes().to_vec(),
            created_at: 1_780_000_000_001,
            app: "fuzz".to_owned(),
            with_files: false,
        }),
        Record::Setting(Setting {
            name: "theme".to_owned(),
            value: "dark".to_owned(),
        }),
        Record::Conversation(Conversation {
            id: vec![5; 33],
            ..Conversation::default()
        }),
        Record::Message(message),
        Record::End(End {
            conversations: 1,
            messages: 1,
            files: 0,
        }),
    ]
}

/// A file is read the same in whatever slices; nothing but what was written is read.
fn file(input: &[u8]) {
    let whole = read(input, usize::MAX);
    assert!(whole == read(input, 7), "slices matter");
    if let Ok(records) = whole {
        assert!(records == samples() || records.is_empty(), "nobody wrote this");
    }
}

fn file_seeds() -> Vec<Vec<u8>> {
    let file = write(&samples());
    assert!(
        read(&file, 1_000) == Ok(samples()),
        "what was written is not read"
    );
    vec![write(&[]), file[..HEAD_SIZE].to_vec(), file]
}

/// What can be read can be written, and is read again.
fn records(input: &[u8]) {
    let Ok((records, rest)) = parse(input) else {
        return;
    };
    assert!(input.ends_with(rest));
    assert!(read(&write(&records), 1_000) == Ok(records), "not the same");
}

fn record_seeds() -> Vec<Vec<u8>> {
    // A setting, a kind that is not known, and a message.
    let setting = b"\x0d\0\0\0\x02\x0a\x05theme\x12\x03abc";
    let unknown = b"\x03\0\0\0\xc8\x01\x02";
    let message = b"\x09\0\0\0\x04\x22\x04kelp\x50\x01";
    let seeds = vec![
        setting.to_vec(),
        [&setting[..], unknown].concat(),
        [&unknown[..], message].concat(),
    ];
    for seed in &seeds {
        let (records, rest) = parse(seed).expect("records");
        assert!(records.len() == 1 && rest.is_empty(), "{seed:?}");
    }
    seeds
}
