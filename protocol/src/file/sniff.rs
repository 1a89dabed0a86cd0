//! What a file is, from its first bytes: nothing is shown by what its sender calls it
//! (spec/07-files-and-attachments.md §7).
//!
//! Text in any form, among it SVG, HTML and XML, is never recognised, so that it can never be shown as a picture or page.

/// Bytes at the beginning of a file that suffice to recognise it.
pub const SNIFFED: usize = 4_096;

/// What a file is by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// JPEG picture.
    Jpeg,
    /// PNG picture, with or without animation.
    Png,
    /// GIF picture, with or without animation.
    Gif,
    /// WebP picture, with or without animation.
    WebP,
    /// BMP picture.
    Bmp,
    /// TIFF picture.
    Tiff,
    /// Icon.
    Ico,
    /// AVIF picture.
    Avif,
    /// HEIC picture.
    Heic,
    /// MP4, most often a video; a recording without pictures looks alike.
    Mp4,
    /// MP4 that says that it is audio.
    M4a,
    /// QuickTime video.
    QuickTime,
    /// 3GPP, video or audio.
    ThreeGp,
    /// WebM, video or audio.
    WebM,
    /// Matroska video.
    Matroska,
    /// AVI video.
    Avi,
    /// MP3 audio.
    Mp3,
    /// AAC audio.
    Aac,
    /// WAVE audio.
    Wav,
    /// Ogg: Opus, Vorbis or others.
    Ogg,
    /// FLAC audio.
    Flac,
    /// AMR audio.
    Amr,
    /// PDF document.
    Pdf,
    /// ZIP, also what office documents and apps are packed in.
    Zip,
    /// gzip.
    Gzip,
    /// 7z.
    SevenZip,
    /// RAR.
    Rar,
    /// None of these.
    Unknown,
}

/// How a file can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Media {
    /// A picture that browsers show, whose dimensions [`super::image::read`] tells before.
    Image,
    /// A video.
    Video,
    /// Something to hear.
    Audio,
    /// A file to save.
    File,
}

/// Types by what they begin with.
const PREFIXES: [(&[u8], FileType); 17] = [
    (b"\xff\xd8\xff", FileType::Jpeg),
    (b"\x89PNG\r\n\x1a\n", FileType::Png),
    (b"GIF87a", FileType::Gif),
    (b"GIF89a", FileType::Gif),
    (b"II*\0", FileType::Tiff),
    (b"MM\0*", FileType::Tiff),
    (b"\0\0\x01\0", FileType::Ico),
    (b"OggS", FileType::Ogg),
    (b"fLaC", FileType::Flac),
    (b"#!AMR", FileType::Amr),
    (b"ID3", FileType::Mp3),
    (b"%PDF-", FileType::Pdf),
    (b"PK\x03\x04", FileType::Zip),
    (b"PK\x05\x06", FileType::Zip),
    (b"\x1f\x8b\x08", FileType::Gzip),
    (b"7z\xbc\xaf\x27\x1c", FileType::SevenZip),
    (b"Rar!\x1a\x07", FileType::Rar),
];

/// What Matroska and WebM begin with.
const EBML: &[u8] = b"\x1a\x45\xdf\xa3";
/// In how many bytes of it the document's type stands.
const EBML_HEADER: usize = 64;

impl FileType {
    /// Recognises a file; [`SNIFFED`] bytes of it are enough.
    pub fn of(bytes: &[u8]) -> Self {
        let prefix = PREFIXES.iter().find(|(prefix, _)| bytes.starts_with(prefix));
        if let Some((_, found)) = prefix {
            return *found;
        }
        if bytes.starts_with(EBML) {
            return matroska(bytes);
        }
        match (bytes.first_chunk::<4>(), at::<4>(bytes, 4), at::<4>(bytes, 8)) {
            (Some(b"RIFF"), _, Some(b"WEBP")) => Self::WebP,
            (Some(b"RIFF"), _, Some(b"WAVE")) => Self::Wav,
            (Some(b"RIFF"), _, Some(b"AVI ")) => Self::Avi,
            (_, Some(b"ftyp"), Some(brand)) => by_brand(brand),
            (Some([b'B', b'M', ..]), ..) if is_bmp(bytes) => Self::Bmp,
            (Some(first), ..) => by_frame(first),
            _ => Self::Unknown,
        }
    }

    /// How it can be shown. What is recorded as audio in a container for videos is audio where the sender says so.
    pub fn media(self, claimed: &str) -> Media {
        match self {
            Self::Jpeg | Self::Png | Self::Gif | Self::WebP => Media::Image,
            Self::Mp4 | Self::ThreeGp | Self::WebM if claimed.starts_with("audio/") => Media::Audio,
            Self::Mp4 | Self::ThreeGp | Self::WebM | Self::QuickTime => Media::Video,
            Self::Ogg if claimed.starts_with("video/") => Media::Video,
            Self::M4a | Self::Mp3 | Self::Aac | Self::Wav | Self::Ogg | Self::Flac => Media::Audio,
            _ => Media::File,
        }
    }

    /// The content type to hand it on with: never one under which a browser runs anything.
    pub fn content_type(self, claimed: &str) -> &'static str {
        let audio = self.media(claimed) == Media::Audio;
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Ico => "image/x-icon",
            Self::Avif => "image/avif",
            Self::Heic => "image/heic",
            Self::Mp4 if audio => "audio/mp4",
            Self::Mp4 => "video/mp4",
            Self::M4a => "audio/mp4",
            Self::QuickTime => "video/quicktime",
            Self::ThreeGp if audio => "audio/3gpp",
            Self::ThreeGp => "video/3gpp",
            Self::WebM if audio => "audio/webm",
            Self::WebM => "video/webm",
            Self::Matroska => "video/x-matroska",
            Self::Avi => "video/x-msvideo",
            Self::Mp3 => "audio/mpeg",
            Self::Aac => "audio/aac",
            Self::Wav => "audio/wav",
            Self::Ogg if audio => "audio/ogg",
            Self::Ogg => "video/ogg",
            Self::Flac => "audio/flac",
            Self::Amr => "audio/amr",
            Self::Pdf => "application/pdf",
            Self::Zip => "application/zip",
            Self::Gzip => "application/gzip",
            Self::SevenZip => "application/x-7z-compressed",
            Self::Rar => "application/vnd.rar",
            Self::Unknown => super::name::UNKNOWN_TYPE,
        }
    }
}

/// The bytes at a place.
pub(super) fn at<const N: usize>(bytes: &[u8], place: usize) -> Option<&[u8; N]> {
    bytes.get(place..)?.first_chunk()
}

/// The brand of an ISO base media file.
fn by_brand(brand: &[u8; 4]) -> FileType {
    match brand {
        b"M4A " | b"M4B " | b"M4P " => FileType::M4a,
        b"qt  " => FileType::QuickTime,
        b"avif" | b"avis" => FileType::Avif,
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" | b"msf1" => FileType::Heic,
        [b'3', b'g', ..] => FileType::ThreeGp,
        _ => FileType::Mp4,
    }
}

/// The document type stands in the first element: `webm` or `matroska`.
fn matroska(bytes: &[u8]) -> FileType {
    let header = bytes.get(..EBML_HEADER).unwrap_or(bytes);
    let has = |name: &[u8]| header.windows(name.len()).any(|window| window == name);
    if has(b"webm") {
        FileType::WebM
    } else if has(b"matroska") {
        FileType::Matroska
    } else {
        FileType::Unknown
    }
}

/// Two letters alone would be any text: the sizes of the two headers must be right too.
fn is_bmp(bytes: &[u8]) -> bool {
    let reserved = at::<4>(bytes, 6) == Some(&[0; 4]);
    let header = at::<4>(bytes, 14).map(|size| u32::from_le_bytes(*size));
    reserved && matches!(header, Some(12 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Audio frames without a container: 11 bits of ones, then a header without reserved values.
fn by_frame(first: &[u8; 4]) -> FileType {
    let [sync, kind, rates, _] = *first;
    if sync != 0xff || kind & 0xe0 != 0xe0 {
        return FileType::Unknown;
    }
    let (version, layer) = (kind >> 3 & 0b11, kind >> 1 & 0b11);
    if kind & 0xf6 == 0xf0 && rates >> 2 & 0xf <= 12 {
        return FileType::Aac;
    }
    let reserved = version == 0b01 || rates >> 4 == 0b1111 || rates >> 2 & 0b11 == 0b11;
    if layer == 0b01 && !reserved {
        FileType::Mp3
    } else {
        FileType::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        for (bytes, content_type, media) in [
            (&b"\xff\xd8\xff\xe0"[..], "image/jpeg", Media::Image),
            (b"\x89PNG\r\n\x1a\n", "image/png", Media::Image),
            (b"GIF89a", "image/gif", Media::Image),
            (b"GIF87a", "image/gif", Media::Image),
            (b"RIFF\x01\0\0\0WEBPVP8 ", "image/webp", Media::Image),
            (b"RIFF\x01\0\0\0WAVEfmt ", "audio/wav", Media::Audio),
            (b"RIFF\x01\0\0\0AVI LIST", "video/x-msvideo", Media::File),
            (b"\0\0\0\x18ftypisom", "video/mp4", Media::Video),
            (b"\0\0\0\x18ftypM4A ", "audio/mp4", Media::Audio),
            (b"\0\0\0\x14ftypqt  ", "video/quicktime", Media::Video),
            (b"\0\0\0\x1cftypavif", "image/avif", Media::File),
            (b"\0\0\0\x1cftypheic", "image/heic", Media::File),
            (b"\0\0\0\x1cftyp3gp4", "video/3gpp", Media::Video),
            (
                b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm",
                "video/webm",
                Media::Video,
            ),
            (
                b"\x1a\x45\xdf\xa3\x9fB\x82\x88matroska",
                "video/x-matroska",
                Media::File,
            ),
            (b"ID3\x04", "audio/mpeg", Media::Audio),
            (b"\xff\xfb\x90\x64", "audio/mpeg", Media::Audio),
            (b"\xff\xf1\x50\x80", "audio/aac", Media::Audio),
            (b"OggS\0\x02", "audio/ogg", Media::Audio),
            (b"fLaC\0", "audio/flac", Media::Audio),
            (b"%PDF-1.7", "application/pdf", Media::File),
            (b"PK\x03\x04", "application/zip", Media::File),
            (
                b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
                "image/bmp",
                Media::File,
            ),
        ] {
            let found = FileType::of(bytes);
            assert_eq!(found.content_type(""), content_type, "{bytes:?}");
            assert_eq!(found.media(""), media, "{bytes:?}");
        }
    }

    #[test]
    fn text_is_nothing_to_show() {
        for text in [
            "<svg xmlns=\"http://www.w3.org/2000/svg\">",
            "<?xml version=\"1.0\"?><svg>",
            "<!DOCTYPE html>",
            "<html><script>",
            "BMW is a text",
            "GIF89",
            "",
            "\u{feff}<svg>",
        ] {
            let found = FileType::of(text.as_bytes());
            assert_eq!(found, FileType::Unknown, "{text}");
            assert_eq!(found.media("image/png"), Media::File);
            assert_eq!(found.content_type("text/html"), "application/octet-stream");
        }
    }

    #[test]
    fn a_claim_only_tells_audio_from_video() {
        assert_eq!(FileType::Mp4.content_type("audio/aac"), "audio/mp4");
        assert_eq!(
            FileType::WebM.content_type("audio/webm;codecs=opus"),
            "audio/webm"
        );
        assert_eq!(FileType::Ogg.content_type("video/ogg"), "video/ogg");
        assert_eq!(FileType::Jpeg.media("audio/mpeg"), Media::Image);
        assert_eq!(FileType::Mp3.media("image/png"), Media::Audio);
    }

    #[test]
    fn reserved_values_are_no_audio() {
        for bytes in [
            b"\xff\xff\xff\xff",
            b"\xff\xfb\xf0\0",
            b"\xff\xeb\x90\0",
            b"\xff\xfb\x9c\0",
        ] {
            assert_eq!(FileType::of(bytes), FileType::Unknown, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn more_bytes_than_needed_change_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let longer = [bytes.as_slice(), &[0; SNIFFED]].concat();
            let head = &longer[..SNIFFED];
            prop_assert_eq!(FileType::of(head), FileType::of(&longer));
        }
    }
}
