//! The differences between both implementations that are meant, and how to tell them.

use gimli::{
    CallFrameInstruction, CfaRule, DW_CFA_set_loc, DwCfa, EhFrameOffset, Error, Register,
    UnwindSection as _,
};

use crate::image::Image;
use crate::reference::{Cie, Fde, Gimli, Row};
use crate::rows::Found;

/// `CFI_REMEMBERED` in bpf/state.h
pub(crate) const REMEMBERED: usize = 16;

/// The longest block that a row has room for.
const LONGEST_BLOCK: usize = 0xffff;

/// Why we have a row where gimli refuses the same FDE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lenience {
    /// An unknown letter ends what is read of an augmentation, whose length is known.
    UnknownLetter,
    /// Bits of a number beyond its 64th are dropped.
    LongNumber,
    /// Registers beyond those followed are ignored whatever their number.
    OtherRegister,
    /// Pointers to a personality routine or its data are stepped over.
    HandlerPointer,
    /// Where the section ends is not known.
    PastTheEnd,
    /// That an address would have to be loaded first is not looked at.
    IndirectAddress,
    /// A CIE that restores a register has the caller's value in it.
    RestoreInCie,
    /// An address in a CIE is written as those of its FDEs are.
    AddressInCie,
    /// gimli does not know `DW_CFA_GNU_negative_offset_extended`.
    NegativeOffset,
}

/// Why we have none where gimli has a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strictness {
    /// Only versions 1 and 3 are known in `.eh_frame`.
    Version,
    /// The return address is in the column that the ABI has for it.
    ReturnColumn,
    /// A block is empty or longer than `LONGEST_BLOCK`.
    Block,
    /// Rows are remembered up to `REMEMBERED`.
    Remembered,
    /// A CIE whose instructions have addresses of their own.
    AddressInCie,
    /// A table that a linker would not write, or not for this FDE, leads nowhere.
    Table,
}

pub(crate) fn lenience(image: &Image, fde: u64, ours: &Found, error: Error) -> Option<Lenience> {
    let (cie, version) = cie_of(image, fde);
    let letters: Vec<_> = image.bytes[version + 1..]
        .iter()
        .take_while(|&&letter| letter != 0)
        .collect();
    let handler = letters.iter().any(|&&letter| b"PL".contains(&letter));
    match error {
        Error::UnknownAugmentation => {
            (letters.first() == Some(&&b'z')).then_some(Lenience::UnknownLetter)
        }
        Error::BadUnsignedLeb128 | Error::BadSignedLeb128 => Some(Lenience::LongNumber),
        Error::UnsupportedRegister(number) => {
            (!ours.is_based_on_low_half(number)).then_some(Lenience::OtherRegister)
        }
        Error::UnknownPointerEncoding(_)
        | Error::UnsupportedPointerEncoding(_)
        | Error::CannotParseOmitPointerEncoding
        | Error::TextRelativePointerButTextBaseIsUndefined
        | Error::DataRelativePointerButDataBaseIsUndefined
        | Error::FuncRelativePointerInBadContext => handler.then_some(Lenience::HandlerPointer),
        Error::UnexpectedEof(_) => {
            let end = image.at + image.bytes.len() as u64;
            if end_of(image, fde) > end || end_of(image, cie) > end {
                Some(Lenience::PastTheEnd)
            } else if sets_address(image, cie) {
                Some(Lenience::AddressInCie)
            } else {
                letters.contains(&&b'L').then_some(Lenience::HandlerPointer)
            }
        }
        Error::UnsupportedIndirectPointer => Some(Lenience::IndirectAddress),
        Error::CfiInstructionInInvalidContext => Some(Lenience::RestoreInCie),
        Error::UnknownCallFrameInstruction(DwCfa(0x2f)) => Some(Lenience::NegativeOffset),
        _ => None,
    }
}

pub(crate) fn strictness(
    image: &Image,
    gimli: &Gimli<'_>,
    fde: &Fde<'_>,
    row: &Row,
) -> Option<Strictness> {
    let cie = fde.cie();
    let is_block = |len: usize| (1..=LONGEST_BLOCK).contains(&len);
    let row_block = match row.cfa() {
        CfaRule::Expression(block) => is_block(block.length),
        CfaRule::RegisterAndOffset { .. } => true,
    };
    if cie.version() == 4 {
        Some(Strictness::Version)
    } else if cie.return_address_register() != Register(16) {
        Some(Strictness::ReturnColumn)
    } else if has_addresses(gimli, cie) {
        Some(Strictness::AddressInCie)
    } else if !row_block
        || gimli.any(fde, |instruction| match instruction {
            CallFrameInstruction::DefCfaExpression { expression } => !is_block(expression.length),
            CallFrameInstruction::Expression { expression, .. }
            | CallFrameInstruction::ValExpression { expression, .. } => {
                expression.length > LONGEST_BLOCK
            }
            _ => false,
        })
    {
        Some(Strictness::Block)
    } else if gimli.remembers(fde) > REMEMBERED {
        Some(Strictness::Remembered)
    } else if !is_in_table(image, fde) {
        Some(Strictness::Table)
    } else {
        None
    }
}

/// Whether instructions of a CIE advance: where to is not defined.
pub(crate) fn has_addresses(gimli: &Gimli<'_>, cie: &Cie<'_>) -> bool {
    let mut instructions = cie.instructions(&gimli.section, &gimli.bases);
    std::iter::from_fn(|| instructions.next().ok().flatten()).any(|instruction| {
        matches!(
            instruction,
            CallFrameInstruction::SetLoc { .. } | CallFrameInstruction::AdvanceLoc { .. }
        )
    })
}

/// Whether a CIE's instructions may have a `DW_CFA_set_loc` among them.
fn sets_address(image: &Image, cie: u64) -> bool {
    let gimli = Gimli::new(image);
    let offset = usize::try_from(cie - image.at).expect("it fits");
    let Ok(cie) = gimli
        .section
        .cie_from_offset(&gimli.bases, EhFrameOffset(offset))
    else {
        return false;
    };
    let mut instructions = cie.instructions(&gimli.section, &gimli.bases);
    let ends_in_one = loop {
        match instructions.next() {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    let end = offset + 4 + cie.entry_len();
    // an opcode and an address that is shorter than 8 bytes
    ends_in_one && image.bytes[end - 8..end].contains(&DW_CFA_set_loc.0)
}

/// Whether the table is one of 4-byte offsets, sorted, and has the FDE where it begins.
fn is_in_table(image: &Image, fde: &Fde<'_>) -> bool {
    let offset = |address: u64| address.wrapping_sub(image.eh_frame_hdr).cast_signed();
    let begin = offset(fde.initial_address());
    let at = offset(image.at + fde.offset() as u64);
    image.slice(image.eh_frame_hdr + 2, 2) == [0x03, 0x3b]
        && image.table().map(|(_, begin, _)| begin).is_sorted()
        && image
            .table()
            .any(|(_, first, second)| (first.into(), second.into()) == (begin, at))
}

/// An FDE's CIE, and where in the image's bytes the version of that is.
fn cie_of(image: &Image, fde: u64) -> (u64, usize) {
    let pointer_at = content_of(image, fde).0;
    let pointer = image.slice(pointer_at, 4);
    let pointer = u32::from_le_bytes(pointer.try_into().expect("they are 4 bytes"));
    let cie = pointer_at - u64::from(pointer);
    let version = content_of(image, cie).0 + 4 - image.at;
    (cie, usize::try_from(version).expect("it fits"))
}

/// Where a record's content begins, and how long it says to be.
fn content_of(image: &Image, record: u64) -> (u64, u64) {
    let len = image.slice(record, 4);
    match u32::from_le_bytes(len.try_into().expect("they are 4 bytes")) {
        u32::MAX => {
            let len = image.slice(record + 4, 8);
            let len = u64::from_le_bytes(len.try_into().expect("they are 8 bytes"));
            (record + 12, len)
        }
        len => (record + 4, len.into()),
    }
}

fn end_of(image: &Image, record: u64) -> u64 {
    let (content, len) = content_of(image, record);
    content.saturating_add(len)
}
