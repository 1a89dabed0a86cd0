//! Files: addresses, both forms of encryption, pointers in messages, pictures, and what file servers answer.

use super::{CRYPTOGRAPHIC, PARSING, Row};
use crate::replay::ReplayRng;
use holdfast_protocol::file::api::{self, FileInfo, Uploaded};
use holdfast_protocol::file::lookup;
use holdfast_protocol::file::stream::{self, Domain, StreamSecret};
use holdfast_protocol::file::{
    Attachment, AttachmentKey, BodyDigest, DecryptError, FileId, FileKey, FileServer, FileType, FileUrl,
    LinkPreview, ProfileKey, ReceivedAttachment, attachment, clean_content_type, clean_file_name, image,
    picture,
};
use holdfast_protocol::message::schema::{AttachmentPointer, DataMessage};
use prost::Message;

pub(super) const TARGETS: &[Row] = &[
    ("file_url", url, url_seeds, PARSING),
    ("file_name", name, name_seeds, PARSING),
    (
        "attachment_body",
        attachment_body,
        attachment_seeds,
        CRYPTOGRAPHIC,
    ),
    ("stream_body", stream_body, stream_seeds, CRYPTOGRAPHIC),
    ("picture_body", picture_body, picture_seeds, CRYPTOGRAPHIC),
    ("attachment_pointer", pointer, pointer_seeds, PARSING),
    ("link_preview", preview, preview_seeds, PARSING),
    ("image", picture_file, image_seeds, PARSING),
    ("file_answer", answer, answer_seeds, PARSING),
    ("link_lookup", link_lookup, link_lookup_seeds, PARSING),
];

/// The file that bodies hold, and its seed.
const FILE: &[u8] = b"a small file";
const SEED: [u8; 32] = [5; 32];
/// What the message says of its size, bytes.
const SIZE: u32 = 12;

/// Nonces and keys of no consequence.
fn rng() -> ReplayRng {
    ReplayRng::new([vec![1; 64], vec![2; 16]])
}

fn server() -> FileServer {
    FileServer::session()
}

fn url(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(url) = FileUrl::parse(&text) {
        assert_eq!(FileUrl::parse(&url.to_string()).as_ref(), Ok(&url));
        let _ = (url.is_on(&server()), url.to_picture_url(), url.without_fragment());
        let _ = url.server(&server()).map(|server| server.destination());
    }
    let _ = FileServer::parse(&text, *server().key());
}

fn url_seeds() -> Vec<Vec<u8>> {
    let key = "ab".repeat(32);
    vec![
        format!("https://[::1]:8443/files/abc_-1/?x#p={key}&d=1&sr=y").into_bytes(),
        b"http://filev2.getsession.org/file/1234#d".to_vec(),
    ]
}

fn name(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(clean) = clean_file_name(&text) {
        assert_eq!(clean_file_name(&clean).as_deref(), Some(clean.as_str()));
    }
    if let Some(clean) = clean_content_type(&text) {
        assert_eq!(clean_content_type(&clean).as_deref(), Some(clean.as_str()));
    }
}

fn name_seeds() -> Vec<Vec<u8>> {
    vec![
        "..\\a/.\u{202e}gpj.exe ".as_bytes().to_vec(),
        b"audio/webm; codecs=opus".to_vec(),
    ]
}

/// Decrypts whole and in pieces, which must agree.
fn decrypt(key: &FileKey, size: u32, body: &[u8]) -> Result<Vec<u8>, DecryptError> {
    let whole = key.decrypt(size, body);
    for piece in [1, 50, 4_000] {
        let mut plain = Vec::new();
        let opened = key.decryptor(size).and_then(|mut decryptor| {
            for piece in body.chunks(piece) {
                decryptor.push(piece, &mut plain)?;
            }
            decryptor.finish(&mut plain)
        });
        assert_eq!(opened.map(|()| plain), whole);
    }
    whole
}

fn attachment_body(input: &[u8]) {
    // The hash in the message is the sender's too.
    let digest = BodyDigest::of(input);
    let key = FileKey::Legacy {
        key: AttachmentKey::from_bytes(&[1; 64]),
        digest,
    };
    for size in [1, SIZE, u32::MAX] {
        let _ = decrypt(&key, size, input);
    }
    let Ok(sent) = attachment::encrypt(input, &mut rng()) else {
        return;
    };
    let size = u32::try_from(input.len()).unwrap_or_default();
    let plain = attachment::decrypt(&sent.key, &sent.digest, size, &sent.body);
    assert_eq!(plain.as_deref(), Ok(input));
}

fn attachment_seeds() -> Vec<Vec<u8>> {
    let sent = attachment::encrypt(FILE, &mut rng());
    sent.map(|sent| sent.body).into_iter().collect()
}

fn stream_body(input: &[u8]) {
    let secret = StreamSecret::derive(&SEED, Domain::Attachment, FILE);
    let key = FileKey::Stream {
        key: secret.key().clone(),
    };
    for size in [0, SIZE, u32::MAX] {
        let _ = decrypt(&key, size, input);
    }
    let secret = StreamSecret::derive(&SEED, Domain::Attachment, input);
    let body = stream::encrypt(&secret, input).unwrap_or_default();
    assert_eq!(stream::decrypt(secret.key(), None, &body).as_deref(), Ok(input));
}

fn stream_seeds() -> Vec<Vec<u8>> {
    let secret = StreamSecret::derive(&SEED, Domain::Attachment, FILE);
    stream::encrypt(&secret, FILE).into_iter().collect()
}

fn picture_body(input: &[u8]) {
    for text in ["http://h/file/1", "http://h/file/1#d"] {
        if let Ok(url) = FileUrl::parse(text) {
            let stream = StreamSecret::derive(&SEED, Domain::ProfilePicture, FILE);
            let _ = picture::decrypt(&url, &stream.key().clone().into(), input);
            let _ = picture::decrypt(&url, &ProfileKey::from_bytes(&SEED), input);
        }
    }
}

fn picture_seeds() -> Vec<Vec<u8>> {
    let legacy = picture::encrypt_legacy(
        ProfileKey::from_bytes(&SEED),
        FILE,
        &mut ReplayRng::new([vec![0; 12]]),
    );
    let stream = picture::encrypt_stream(&SEED, FILE);
    [legacy, stream]
        .into_iter()
        .flatten()
        .map(|sent| sent.body)
        .collect()
}

fn pointer(input: &[u8]) {
    let Ok(pointer) = AttachmentPointer::decode(input) else {
        return;
    };
    if let ReceivedAttachment::Usable(attachment) = ReceivedAttachment::read(&pointer) {
        assert_eq!(Attachment::read(&attachment.to_pointer()), Ok(attachment));
    }
}

fn sample() -> Option<Attachment> {
    let key = FileKey::Legacy {
        key: AttachmentKey::from_bytes(&[1; 64]),
        digest: BodyDigest::from([2; 32]),
    };
    let id = FileId::parse("1234").ok()?;
    Some(Attachment {
        name: Some("a.png".to_owned()),
        ..Attachment::uploaded(&server(), id, key, SIZE)
    })
}

fn pointer_seeds() -> Vec<Vec<u8>> {
    sample()
        .iter()
        .map(|sample| sample.to_pointer().encode_to_vec())
        .collect()
}

fn preview(input: &[u8]) {
    let Ok(data) = DataMessage::decode(input) else {
        return;
    };
    if let Ok(Some(preview)) = LinkPreview::read(&data) {
        let written = DataMessage {
            body: data.body.clone(),
            preview: preview.to_wire(data.body()).into_iter().collect(),
            ..DataMessage::default()
        };
        assert_eq!(LinkPreview::read(&written), Ok(Some(preview)));
    }
}

fn preview_seeds() -> Vec<Vec<u8>> {
    let link = "https://example.org/page";
    let preview = LinkPreview {
        url: link.to_owned(),
        title: Some("A page".to_owned()),
        image: sample(),
    };
    let data = DataMessage {
        body: Some(link.to_owned()),
        preview: preview.to_wire(link).into_iter().collect(),
        ..DataMessage::default()
    };
    vec![data.encode_to_vec()]
}

fn picture_file(input: &[u8]) {
    let _ = FileType::of(input).content_type("audio/x");
    let info = image::read(input);
    if let Ok(stripped) = image::strip(input) {
        let again = image::strip(&stripped.bytes);
        assert_eq!(again.map(|again| again.bytes).as_ref(), Ok(&stripped.bytes));
        let kept = image::read(&stripped.bytes).map(|info| info.stored);
        assert_eq!(kept, info.map(|info| info.stored));
    }
}

/// A small picture of each format, with metadata.
fn image_seeds() -> Vec<Vec<u8>> {
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let jpeg = [
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xe1\0\x22",
        exif.as_slice(),
        b"\xff\xfe\0\x04me\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0a\xff\0b\xff\xd9",
    ];
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\0\0\0\0\0\0\0\x02tEXtab\0\0\0\0\0\0\0\x01IDATx\0\0\0\0\0\0\0\0IEND\0\0\0\0";
    let gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x21\xfe\x02me\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0;";
    let webp =
        b"RIFF\x2c\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\0\0\0\0\0\0VP8L\x05\0\0\0\x2f\0\0\0\0\0EXIF\0\0\0\0";
    vec![jpeg.concat(), png.to_vec(), gif.to_vec(), webp.to_vec()]
}

fn answer(input: &[u8]) {
    if let Ok(info) = FileInfo::parse(input) {
        // Times that have room to spare in a double come back.
        let exact = 1 << 46;
        if info.uploaded_ms < exact && info.expires_ms < exact && info.size < exact {
            assert_eq!(FileInfo::parse(&info.to_json()).ok(), Some(info));
        }
    }
    let _ = Uploaded::parse(input);
    let header = core::str::from_utf8(input).ok();
    let _ = header.and_then(api::expires_ms);
    assert!(api::requested_ttl(header, api::MIN_UPLOAD_TTL, api::MAX_TTL) <= api::MAX_TTL);
}

fn answer_seeds() -> Vec<Vec<u8>> {
    let info = FileInfo {
        size: 4_096,
        uploaded_ms: 1_761_002_358_022,
        expires_ms: 1_762_211_958_022,
    };
    let date = b"Wed, 05 Nov 2025 01:19:18 GMT".to_vec();
    vec![info.to_json_with_id(&api::file_id(FILE)), b"60".to_vec(), date]
}

fn link_lookup(input: &[u8]) {
    if let Ok(url) = lookup::read_request(input) {
        let again = lookup::request(&url).expect("a link that was read");
        assert_eq!(lookup::read_request(&again).expect("our own"), url);
    }
    if let Ok(page) = lookup::Page::read_answer(input) {
        let again = page.to_answer().expect("a page that was read");
        assert_eq!(lookup::Page::read_answer(&again).expect("our own"), page);
        let _ = page.title.as_deref().map(LinkPreview::clean_title);
    }
}

fn link_lookup_seeds() -> Vec<Vec<u8>> {
    vec![
        br#"{"url":"https://example.org/a?b#c"}"#.to_vec(),
        br#"{"title":"A page","image":"iVBORw0KGgo="}"#.to_vec(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_valid() {
        let key = StreamSecret::derive(&SEED, Domain::Attachment, FILE);
        for body in stream_seeds() {
            assert_eq!(stream::decrypt(key.key(), Some(SIZE), &body).as_deref(), Ok(FILE));
        }
        assert_eq!(attachment_seeds().len(), 1);
        assert_eq!(picture_seeds().len(), 2);
        assert!(preview_seeds().iter().all(|seed| seed.len() > 100));
        for seed in image_seeds() {
            let stripped = image::strip(&seed);
            assert!(
                stripped.is_ok_and(|stripped| stripped.bytes.len() < seed.len()),
                "{seed:?}"
            );
        }
    }
}
