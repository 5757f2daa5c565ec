//! Instructions of x86, as GNU tools write them.

use iced_x86::{Decoder, DecoderOptions, Formatter as _, GasFormatter};

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its address in its file.
    pub address: u64,
    /// Its bytes.
    pub len: u64,
    /// What it does.
    pub text: String,
}

/// How many bits addresses have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// i386.
    B32,
    /// x86-64, x32 included.
    B64,
}

/// Decodes code that lies at this address; what is no instruction is called `(bad)`.
#[must_use]
pub fn decode(code: &[u8], address: u64, bits: Bits) -> Vec<Instruction> {
    let bits = match bits {
        Bits::B32 => 32,
        Bits::B64 => 64,
    };
    let mut formatter = GasFormatter::new();
    let options = formatter.options_mut();
    options.set_uppercase_hex(false);
    options.set_space_after_operand_separator(true);
    options.set_branch_leading_zeros(false);
    let decoder = Decoder::with_ip(bits, code, address, DecoderOptions::NONE);
    decoder
        .into_iter()
        .map(|instruction| {
            let mut text = String::new();
            formatter.format(&instruction, &mut text);
            Instruction {
                address: instruction.ip(),
                len: instruction.len() as u64,
                text,
            }
        })
        .collect()
}

/// The instruction that an address is in, by its position.
#[must_use]
pub fn position(instructions: &[Instruction], address: u64) -> Option<usize> {
    let after = instructions.partition_point(|instruction| instruction.address <= address);
    let position = after.checked_sub(1)?;
    let instruction = &instructions[position];
    (address - instruction.address < instruction.len).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: [u8; 14] = [
        0x55, 0x48, 0x89, 0xe5, 0xe8, 0xf7, 0x00, 0x00, 0x00, 0x75, 0xf5, 0xc3, 0x0f, 0x0b,
    ];

    /// Check instructions, that each byte is in one, and that half of one is bad.
    #[test]
    fn code_is_decoded() {
        let instructions = decode(&CODE[..13], 0x1000, Bits::B64);
        let text: Vec<_> = instructions
            .iter()
            .map(|i| format!("{:x} {} {}", i.address, i.len, i.text))
            .collect();
        assert_eq!(
            text,
            [
                "1000 1 push %rbp",
                "1001 3 mov %rsp, %rbp",
                "1004 5 call 0x1100",
                "1009 2 jne 0x1000",
                "100b 1 ret",
                "100c 1 (bad)",
            ]
        );
        let total: u64 = instructions.iter().map(|i| i.len).sum();
        assert_eq!(total, 13);
    }

    /// Check that an address inside a call is the call's, and one outside nobody's.
    #[test]
    fn addresses_are_found() {
        let instructions = decode(&CODE, 0x1000, Bits::B64);
        for (address, expected) in [
            (0xfff, None),
            (0x1000, Some(0)),
            (0x1001, Some(1)),
            (0x1008, Some(2)),
            (0x100d, Some(5)),
            (0x100e, None),
        ] {
            assert_eq!(position(&instructions, address), expected, "{address:#x}");
        }
        assert_eq!(position(&[], 1), None);
    }
}
