//! Columns of numbers, small ones small: `assets/html/data.js` reads them.

use std::io::{self, Write};

/// Writes numbers in LEB128, seven bits a byte, the lowest first.
///
/// # Errors
/// Whatever the writer gives.
pub(super) fn write<T: Into<u64>>(
    numbers: impl IntoIterator<Item = T>,
    to: &mut dyn Write,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    for number in numbers {
        push(&mut bytes, number.into());
    }
    to.write_all(&bytes)
}

fn push(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    /// Check numbers at the borders of their lengths.
    #[test]
    fn numbers_are_written() {
        for (number, bytes) in [
            (0_u64, &[0][..]),
            (127, &[127]),
            (128, &[128, 1]),
            (16_384, &[128, 128, 1]),
            (u64::MAX, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ] {
            let mut written = Vec::new();
            super::write([number], &mut written).expect("memory takes everything");
            assert_eq!(written, bytes);
        }
    }
}
