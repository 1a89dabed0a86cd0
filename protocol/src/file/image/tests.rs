use super::*;
use proptest::prelude::*;

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap();
    [&[0xff, marker], &length.to_be_bytes()[..], content].concat()
}

fn exif(orientation: u16) -> Vec<u8> {
    let mut exif = tiff::write(Orientation::from_number(orientation).unwrap());
    exif.extend_from_slice(b"GPS 52.5 N 13.4 E");
    exif
}

/// A frame header of 300 × 200.
fn frame() -> Vec<u8> {
    segment(0xc0, &[8, 0, 200, 1, 44, 1, 1, 0x11, 0])
}

/// Two scans with an escaped 0xff, a restart and fill bytes inside, as progressive pictures have.
const SCANS: &[u8] = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0ab\xff\0c\xff\xd0d\xff\xc4\0\x03x\xff\xda\0\x08\x01\x01\0\0\x3f\0e\xff\xff\xd9";

fn jpeg(before: &[Vec<u8>]) -> Vec<u8> {
    [&[0xff, 0xd8], before.concat().as_slice(), &frame(), SCANS].concat()
}

fn png_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    [&length.to_be_bytes()[..], name, content, b"crc!"].concat()
}

fn png(width: u32, height: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        png_chunk(b"IHDR", &header),
        chunks.concat(),
        png_chunk(b"IEND", b""),
    ]
    .concat()
}

/// A screen of 300 × 200 with a table of two colours.
const SCREEN: &[u8] = b"GIF89a\x2c\x01\xc8\0\x80\0\0\0\0\0\xff\xff\xff";
/// A picture with a table of its own.
const PICTURE: &[u8] = b"\x2c\0\0\0\0\x01\0\x01\0\x80\0\0\0\xff\xff\xff\x02\x02\x44\x01\0";
const LOOP: &[u8] = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0";
const CONTROL: &[u8] = b"\x21\xf9\x04\0\x0a\0\0\0";

fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, content) in chunks {
        body.extend_from_slice(*name);
        body.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
        body.extend_from_slice(content);
        if content.len() % 2 == 1 {
            body.push(0);
        }
    }
    [
        b"RIFF",
        &u32::try_from(body.len()).unwrap().to_le_bytes()[..],
        &body,
    ]
    .concat()
}

/// 300 × 200, with flags.
fn extended(flags: u8) -> Vec<u8> {
    vec![flags, 0, 0, 0, 43, 1, 0, 199, 0, 0]
}

/// A lossy picture of 300 × 200 with scaling bits set.
const LOSSY: &[u8] = b"\x10\0\0\x9d\x01\x2a\x2c\x41\xc8\x80rest";
/// A lossless picture of 300 × 200: 14 bits each, less one.
const LOSSLESS: &[u8] = b"\x2f\x2b\xc1\x31\0";

fn sides(bytes: &[u8]) -> (u32, u32) {
    let Dimensions { width, height } = read(bytes).unwrap().stored;
    (width, height)
}

#[test]
fn sizes_are_read_from_every_format() {
    assert_eq!(sides(&jpeg(&[])), (300, 200));
    assert_eq!(sides(&png(300, 200, &[])), (300, 200));
    assert_eq!(sides(&[SCREEN, PICTURE, b";"].concat()), (300, 200));
    assert_eq!(sides(&riff(&[(b"VP8 ", LOSSY)])), (300, 200));
    assert_eq!(sides(&riff(&[(b"VP8L", LOSSLESS)])), (300, 200));
    assert_eq!(
        sides(&riff(&[(b"VP8X", &extended(0)), (b"VP8 ", LOSSY)])),
        (300, 200)
    );
}

#[test]
fn the_beginning_is_enough() {
    assert_eq!(sides(&png(300, 200, &[])[..33]), (300, 200));
    assert_eq!(sides(SCREEN), (300, 200));
    assert_eq!(
        sides(&riff(&[(b"VP8X", &extended(0)), (b"VP8 ", LOSSY)])[..30]),
        (300, 200)
    );
    let cut = jpeg(&[segment(0xe1, &exif(6))]);
    assert_eq!(sides(&cut[..cut.len() - SCANS.len()]), (300, 200));
}

#[test]
fn orientation_turns_what_is_shown() {
    let turned = read(&jpeg(&[segment(0xe0, b"JFIF\0"), segment(0xe1, &exif(6))])).unwrap();
    assert_eq!(turned.orientation.number(), 6);
    assert_eq!((turned.shown().width, turned.shown().height), (200, 300));
    let mirrored = read(&jpeg(&[segment(0xe1, &exif(2))])).unwrap();
    assert_eq!(mirrored.shown(), mirrored.stored);
}

#[test]
fn pictures_that_move_are_known() {
    let frames = |bytes: &[u8]| read(bytes).unwrap().frames;
    assert_eq!(frames(&[SCREEN, PICTURE, b";"].concat()), 1);
    let moving = [SCREEN, LOOP, CONTROL, PICTURE, CONTROL, PICTURE, b";", PICTURE].concat();
    assert_eq!(frames(&moving), 2);
    let still = png(
        1,
        1,
        &[png_chunk(b"IDAT", b"x"), png_chunk(b"acTL", &[0, 0, 0, 9])],
    );
    assert_eq!(frames(&still), 1);
    let moving = png(
        1,
        1,
        &[
            png_chunk(b"acTL", &[0, 0, 0, 9, 0, 0, 0, 0]),
            png_chunk(b"IDAT", b"x"),
        ],
    );
    assert_eq!(frames(&moving), 9);
    let extended = extended(0x02);
    let frame: (&[u8; 4], &[u8]) = (b"ANMF", b"x");
    let moving = riff(&[(b"VP8X", &extended), (b"ANIM", b""), frame, frame, frame]);
    assert_eq!(frames(&moving), 3);
    assert!(read(&moving[..30]).unwrap().is_animated());
}

#[test]
fn what_is_too_large_is_not_decoded() {
    assert!(read(&png(10_000, 10_000, &[])).is_ok());
    for (width, height) in [
        (10_000, 10_001),
        (65_536, 1),
        (0, 1),
        (1, 0),
        (u32::MAX, u32::MAX),
    ] {
        assert_eq!(read(&png(width, height, &[])), Err(ImageError::Dimensions));
    }
    // The header of WebP counts from one.
    let mut largest = extended(0);
    largest[4..].fill(0xff);
    assert_eq!(read(&riff(&[(b"VP8X", &largest)])), Err(ImageError::Dimensions));
}

#[test]
fn what_is_no_picture_says_so() {
    for bytes in [&b"<svg width=\"1\" height=\"1\"/>"[..], b"", b"%PDF-1.7", b"BM"] {
        assert_eq!(read(bytes), Err(ImageError::Type));
        assert_eq!(strip(bytes), Err(ImageError::Type));
    }
    assert_eq!(read(b"\xff\xd8\xff\xd9"), Err(ImageError::Malformed));
    assert_eq!(read(b"\xff\xd8\xff\xe0\0\x01"), Err(ImageError::Malformed));
    assert_eq!(read(b"\xff\xd8\xff\xe0\0\x09"), Err(ImageError::Truncated));
    assert_eq!(
        read(b"\x89PNG\r\n\x1a\n\0\0\0\0IDATcrc!"),
        Err(ImageError::Malformed)
    );
    assert_eq!(read(b"GIF89a\0"), Err(ImageError::Truncated));
    assert_eq!(
        read(&riff(&[(b"VP8 ", b"\x11\0\0\x9d\x01\x2a\x01\0\x01\0")])),
        Err(ImageError::Malformed)
    );
    assert_eq!(read(&riff(&[(b"none", b"")])), Err(ImageError::Malformed));
}

#[test]
fn jpeg_keeps_what_it_looks_like() {
    let icc = segment(0xe2, b"ICC_PROFILE\0\x01\x01colours");
    let adobe = segment(0xee, b"Adobe\0\x64\0\0\0\0\x01");
    let tables = segment(0xdb, &[0; 65]);
    let original = jpeg(&[
        segment(0xe0, b"JFIF\0\x01\x02\0\0\x48\0\x48\x01\x01abc"),
        segment(0xe0, b"JFXX\0\x10thumbnail"),
        segment(0xe1, &exif(6)),
        segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        segment(0xe2, b"MPF\0second picture"),
        icc.clone(),
        segment(0xed, b"Photoshop 3.0\0"),
        adobe.clone(),
        segment(0xfe, b"made by me"),
        tables.clone(),
    ]);
    let original = [original.as_slice(), b"a video behind the picture"].concat();
    let stripped = strip(&original).unwrap();
    let expected = jpeg(&[
        segment(0xe0, b"JFIF\0\x01\x02\0\0\x48\0\x48\0\0"),
        segment(0xe1, &tiff::write(stripped.orientation)),
        icc,
        adobe,
        tables,
    ]);
    assert_eq!(stripped.bytes, expected);
    assert_eq!(stripped.orientation.number(), 6);
    assert_eq!(read(&stripped.bytes), read(&original));
    assert_eq!(strip(&stripped.bytes).unwrap(), stripped);
    assert_eq!(strip(&jpeg(&[])).unwrap().bytes, jpeg(&[]));
}

#[test]
fn png_keeps_what_it_looks_like() {
    let kept = [
        png_chunk(b"gAMA", b"\0\0\xb1\x8f"),
        png_chunk(b"iCCP", b"colours"),
        png_chunk(b"PLTE", b"abc"),
        png_chunk(b"tRNS", b"a"),
        png_chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]),
        png_chunk(b"IDAT", b"pixels"),
        png_chunk(b"fdAT", b"more"),
    ];
    let dropped = [
        png_chunk(b"eXIf", &tiff::write(Orientation::from_number(3).unwrap())[6..]),
        png_chunk(b"tEXt", b"Author\0me"),
        png_chunk(b"iTXt", b"x"),
        png_chunk(b"zTXt", b"x"),
        png_chunk(b"tIME", b"x"),
        png_chunk(b"prVt", b"of some program"),
    ];
    let mixed: Vec<_> = kept
        .iter()
        .zip(dropped.iter().cycle())
        .flat_map(|(kept, dropped)| [dropped.clone(), kept.clone()])
        .collect();
    let original = [png(3, 4, &mixed).as_slice(), b"behind"].concat();
    let stripped = strip(&original).unwrap();
    assert_eq!(stripped.bytes, png(3, 4, &kept));
    assert_eq!(stripped.orientation.number(), 3);
    assert_eq!(strip(&png(3, 4, &[])), Err(ImageError::Malformed));
}

#[test]
fn gif_keeps_what_it_looks_like() {
    let comment = b"\x21\xfe\x02me\x03too\0";
    let xmp = b"\x21\xff\x0bXMP DataXMP\x04<x/>\0";
    let original = [
        SCREEN, LOOP, comment, CONTROL, PICTURE, xmp, CONTROL, PICTURE, b";behind",
    ]
    .concat();
    let stripped = strip(&original).unwrap();
    let expected = [SCREEN, LOOP, CONTROL, PICTURE, CONTROL, PICTURE, b";"].concat();
    assert_eq!(stripped.bytes, expected);
    assert_eq!(stripped.orientation, Orientation::UPRIGHT);
    assert_eq!(strip(&[SCREEN, b";"].concat()), Err(ImageError::Malformed));
    assert_eq!(
        strip(&[SCREEN, PICTURE, b"?"].concat()),
        Err(ImageError::Malformed)
    );
}

#[test]
fn webp_keeps_what_it_looks_like() {
    let flags = extended(0x3c);
    let exif = exif(8);
    let original = riff(&[
        (b"VP8X", &flags),
        (b"ICCP", b"odd"),
        (b"ALPH", b"a"),
        (b"VP8 ", LOSSY),
        (b"EXIF", &exif),
        (b"XMP ", b"<x/>"),
        (b"OWN ", b"of some program"),
    ]);
    let original = [original.as_slice(), b"behind"].concat();
    let stripped = strip(&original).unwrap();
    // Alpha and colours are still announced, EXIF and XMP no more.
    let flags = extended(0x30);
    let expected = riff(&[
        (b"VP8X", &flags),
        (b"ICCP", b"odd"),
        (b"ALPH", b"a"),
        (b"VP8 ", LOSSY),
    ]);
    assert_eq!(stripped.bytes, expected);
    assert_eq!(stripped.orientation.number(), 8);
    let flags = extended(0);
    assert_eq!(strip(&riff(&[(b"VP8X", &flags)])), Err(ImageError::Malformed));
}

/// One of each, with something to take out.
fn samples() -> Vec<Vec<u8>> {
    let flags = extended(0x08);
    let exif = exif(8);
    vec![
        jpeg(&[segment(0xe1, &exif)]),
        png(3, 4, &[png_chunk(b"tEXt", b"x"), png_chunk(b"IDAT", b"x")]),
        [SCREEN, LOOP, b"\x21\xfe\x02me\0", PICTURE, b";"].concat(),
        riff(&[(b"VP8X", &flags), (b"VP8 ", LOSSY), (b"EXIF", &exif)]),
    ]
}

#[test]
fn what_breaks_off_is_not_stripped() {
    for sample in samples() {
        for length in 0..sample.len() {
            // GIF may lack its trailer, and WebP the byte that makes its length even.
            let may_lack = sample.starts_with(b"GIF") || sample.starts_with(b"RIFF");
            let complete = may_lack && length + 1 == sample.len();
            assert_eq!(
                strip(&sample[..length]).is_ok(),
                complete,
                "{length} of {sample:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn what_is_stripped_once_stays(sample in prop::sample::select(samples()), changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let mut sample = sample;
        for (at, byte) in changes {
            let at = at.index(sample.len());
            sample[at] = byte;
        }
        if let Ok(stripped) = strip(&sample) {
            let info = read(&sample);
            prop_assert_eq!(read(&stripped.bytes).map(|info| info.stored), info.map(|info| info.stored));
            let again = strip(&stripped.bytes).map(|again| again.bytes);
            prop_assert_eq!(again, Ok(stripped.bytes));
        }
    }
}
