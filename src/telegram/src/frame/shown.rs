use core::fmt;

use super::{FrameLength, FramePart, Framing, Notation, OnGarbage, Total};

/// In the words of a spec: `length ascii(4) exclusive max 4096`.
impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        for part in &parts.before {
            match part {
                FramePart::Constant(bytes) => constant(f, bytes)?,
                FramePart::Filler { len, byte } => {
                    let word = match byte {
                        b'0' => "zero",
                        0 => "nul",
                        _ => "space",
                    };
                    write!(f, "filler({len}) {word} ")?;
                }
                FramePart::Length(length) => {
                    notation(f, *length)?;
                    match length.more {
                        0 => f.write_str(" exclusive ")?,
                        more if more == i32::from(length.width) => f.write_str(" inclusive ")?,
                        more => write!(f, " add {more} ")?,
                    }
                }
            }
        }
        for (at, length) in &parts.inside {
            notation(f, *length)?;
            match length.more {
                0 => write!(f, " at {at} whole ")?,
                more => write!(f, " at {at} from {} ", -more)?,
            }
        }
        if !parts.after.is_empty() {
            f.write_str("telegram ")?;
            constant(f, &parts.after)?;
        }
        match &parts.total {
            Total::Fixed(total) => write!(f, "fixed {total}")?,
            Total::Typed(_) => write!(f, "total by type max {}", parts.frame_bytes_max)?,
            Total::Said => write!(f, "max {}", parts.frame_bytes_max)?,
        }
        match parts.on_garbage {
            OnGarbage::Close => Ok(()),
            OnGarbage::Resynchronise => f.write_str(" on garbage resynchronise"),
        }
    }
}

fn notation(f: &mut fmt::Formatter<'_>, length: FrameLength) -> fmt::Result {
    let width = length.width;
    match length.notation {
        Notation::Ascii => write!(f, "length ascii({width})"),
        Notation::Big => write!(f, "length binary({width}) big"),
        Notation::Little => write!(f, "length binary({width}) little"),
        Notation::Bcd => write!(f, "length bcd({width})"),
    }
}

/// Bytes and a blank.
fn constant(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    match bytes {
        [0x02] => f.write_str("stx "),
        [0x03] => f.write_str("etx "),
        text if text.iter().all(|byte| matches!(byte, b' '..=b'~')) => {
            write!(f, "{:?} ", core::str::from_utf8(text).unwrap_or_default())
        }
        bytes => {
            f.write_str("0x")?;
            bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
            f.write_str(" ")
        }
    }
}
