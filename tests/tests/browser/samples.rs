//! Files to send: pictures that tell apart at a glance, sounds, documents. All made here, so that every byte is known.

/// A picture of a coast as PNG; `seed` chooses its hour.
pub(crate) fn coast(width: u32, height: u32, seed: u32) -> Vec<u8> {
    let hour = f64::from(seed % 6) / 5.0;
    let sky_top = mix([38.0, 74.0, 110.0], [244.0, 150.0, 90.0], hour);
    let sky_low = mix([190.0, 214.0, 222.0], [252.0, 214.0, 150.0], hour);
    let sea = mix([20.0, 92.0, 104.0], [58.0, 60.0, 96.0], hour);
    let sun = (0.25 + 0.5 * hour, 0.42);
    png(width, height, |x, y| {
        let (x, y) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let ridge = 0.52 + 0.05 * (x * 9.0 + hour * 7.0).sin() + 0.03 * (x * 23.0).sin();
        let aspect = f64::from(width) / f64::from(height);
        let away = ((x - sun.0) * aspect).hypot(y - sun.1);
        if y > 0.68 {
            let glint = 30.0 * ((x * 60.0 + y * 240.0).sin() * (y * 90.0).cos()).max(0.0);
            sea.map(|channel| (channel * (1.5 - y) + glint).clamp(0.0, 255.0) as u8)
        } else if y > ridge {
            mix([58.0, 88.0, 66.0], [70.0, 58.0, 64.0], hour).map(|channel| (channel * (1.6 - y)) as u8)
        } else if away < 0.07 {
            [255, 244, 214]
        } else {
            mix(sky_top, sky_low, (y / 0.6).min(1.0)).map(|channel| channel.clamp(0.0, 255.0) as u8)
        }
    })
}

fn mix(a: [f64; 3], b: [f64; 3], part: f64) -> [f64; 3] {
    [0, 1, 2].map(|channel| a[channel] + (b[channel] - a[channel]) * part)
}

/// A PNG file without compression.
pub(crate) fn png(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0);
        for x in 0..width {
            rows.extend(pixel(x, y));
        }
    }
    let mut packed = vec![0x78, 0x01];
    let mut blocks = rows.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let size = u16::try_from(block.len()).expect("a block");
        packed.push(u8::from(blocks.peek().is_none()));
        packed.extend(size.to_le_bytes());
        packed.extend((!size).to_le_bytes());
        packed.extend(block);
    }
    let (a, b) = rows.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    packed.extend((b << 16 | a).to_be_bytes());
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut out, b"IHDR", &header);
    chunk(&mut out, b"IDAT", &packed);
    chunk(&mut out, b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    out.extend(u32::try_from(content.len()).expect("a chunk").to_be_bytes());
    let start = out.len();
    out.extend(name);
    out.extend(content);
    let sum = out[start..].iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 {
                sum >> 1 ^ 0xedb8_8320
            } else {
                sum >> 1
            }
        })
    });
    out.extend((!sum).to_be_bytes());
}

/// Samples a second of [`tone`].
const RATE: u32 = 8_000;

/// A recording as WAV: a tone that swells and fades, so that its drawing has a shape.
pub(crate) fn tone(seconds: u32) -> Vec<u8> {
    let samples = seconds * RATE;
    let mut out = b"RIFF".to_vec();
    out.extend((36 + samples * 2).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16_u32.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(RATE.to_le_bytes());
    out.extend((RATE * 2).to_le_bytes());
    out.extend(2_u16.to_le_bytes());
    out.extend(16_u16.to_le_bytes());
    out.extend(b"data");
    out.extend((samples * 2).to_le_bytes());
    for sample in 0..samples {
        let time = f64::from(sample) / f64::from(RATE);
        let whole = f64::from(seconds);
        let swell = (time / whole * 19.0).sin().abs() * (0.25 + 0.75 * (time / whole * 4.0).sin().abs());
        let value = (time * 440.0 * std::f64::consts::TAU).sin() * swell * 24_000.0;
        out.extend((value as i16).to_le_bytes());
    }
    out
}

/// Bytes that hold no pattern.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}
