//! Finds rows with both implementations and compares them.

use std::process::Command;

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, EhFrame, LittleEndian, Register, RegisterRule, UnwindContext,
    UnwindContextStorage, UnwindExpression, UnwindSection as _, UnwindTableRow,
};
use libloading::{Library, Symbol};

use crate::image::Image;

const REGISTERS: usize = 17;

// enum register_rule_kind in bpf/state.h
const SAME: u16 = 0;
const UNDEFINED: u16 = 1;
const AT_CFA: u16 = 2;
const IS_CFA: u16 = 3;
const IN_REGISTER: u16 = 4;
const AT_EXPRESSION: u16 = 5;
const IS_EXPRESSION: u16 = 6;

/// `struct register_rule`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Rule {
    kind: u16,
    number: u16,
    reserved: u32,
    offset: i64,
}

/// `struct row`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    cfa_register: u32,
    cfa_len: u32,
    cfa_offset: i64,
    ruled: u32,
    at_cfa: u32,
    registers: [Rule; REGISTERS],
}

/// `struct found` in rows.c
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    result: i32,
    signal_frame: u32,
    rest: u64,
    end: u64,
    row: Row,
}

impl Found {
    /// Whether there is a row.
    pub(crate) fn is_row(&self) -> bool {
        self.result == 0
    }

    /// Whether the CFA's register is what 32 bits hold of a larger number.
    pub(crate) fn is_based_on_low_half(&self, number: u64) -> bool {
        number > u32::MAX.into() && u64::from(self.row.cfa_register) == number & 0xffff_ffff
    }

    /// Where the FDE's length is. In the 64-bit format a mark and 8 bytes, else 4 bytes.
    pub(crate) fn fde(&self, image: &Image) -> u64 {
        let len = image.slice(self.rest - 8, 4);
        let len = u32::from_le_bytes(len.try_into().expect("they are 4 bytes"));
        if u64::from(len) == self.end - (self.rest - 4) {
            self.rest - 8
        } else {
            self.rest - 16
        }
    }
}

type FindRow = unsafe extern "C" fn(*const u8, u64, u64, u64, u64, *mut Found);

/// The kernel side, compiled natively.
pub(crate) struct Finder(Library);

impl Finder {
    pub(crate) fn compile() -> Self {
        let room = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("it is writable");
        let path = room.path().join("rows.so");
        let status = Command::new("cc")
            .args([
                "-O2", "-g", "-shared", "-fPIC", "-Wall", "-Werror", "-iquote", "bpf",
            ])
            .args(["-Wno-unused-function", "tests/cfi/rows.c", "-o"])
            .arg(&path)
            .status()
            .expect("cc runs");
        assert!(status.success(), "the unwinder does not compile natively");
        // SAFETY: the library was just compiled from our own sources and has no constructors.
        let library = unsafe { Library::new(&path) }.expect("it was just made");
        Self(library)
    }

    pub(crate) fn find(&self, image: &Image, pc: u64) -> Found {
        let mut found = Found::default();
        // SAFETY: the type is that of the definition in rows.c.
        let find: Symbol<'_, FindRow> =
            unsafe { self.0.get(b"somno_find_row") }.expect("it is there");
        // SAFETY: the image outlives the call, and the output is ours.
        unsafe {
            find(
                image.bytes.as_ptr(),
                image.at,
                image.bytes.len() as u64,
                image.eh_frame_hdr,
                pc,
                &raw mut found,
            );
        }
        found
    }
}

/// How much was compared.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) fdes: u64,
    pub(crate) rows: u64,
    pub(crate) expressions: u64,
}

/// Compares at the first and the last address of every row, and at one between.
pub(crate) fn compare(finder: &Finder, image: &Image) -> Tally {
    let section = EhFrame::new(
        image.slice(image.eh_frame, image.eh_frame_len),
        LittleEndian,
    );
    let bases = BaseAddresses::default()
        .set_eh_frame(image.eh_frame)
        .set_eh_frame_hdr(image.eh_frame_hdr);
    let mut tally = Tally::default();
    let mut context = UnwindContext::new();
    let mut entries = section.entries(&bases);
    while let Some(entry) = entries.next().expect("gimli reads the section") {
        let CieOrFde::Fde(partial) = entry else {
            continue;
        };
        let fde = partial
            .parse(EhFrame::cie_from_offset)
            .expect("gimli reads the FDE");
        // a linker leaves FDEs of code that it threw away
        if fde.initial_address() == 0 || fde.len() == 0 {
            continue;
        }
        tally.fdes += 1;
        let mut rows = fde
            .rows(&section, &bases, &mut context)
            .expect("gimli runs the CIE");
        while let Some(row) = rows.next_row().expect("gimli runs the FDE") {
            let (start, end) = (row.start_address(), row.end_address());
            for pc in [start, start + (end - start) / 2, end.saturating_sub(1)] {
                if pc < start || pc >= end {
                    continue;
                }
                check(finder, image, pc, row, fde.is_signal_trampoline());
                tally.rows += 1;
            }
            tally.expressions += u64::from(matches!(row.cfa(), CfaRule::Expression(_)));
        }
    }
    tally
}

fn check(finder: &Finder, image: &Image, pc: u64, theirs: &UnwindTableRow<usize>, signal: bool) {
    let ours = finder.find(image, pc);
    let place = format_args!("{} at {pc:#x}", image.name);
    assert!(ours.is_row(), "{place}: no row; gimli has {theirs:?}");
    if let Some(difference) = difference(image, &ours, theirs, signal) {
        panic!("{place}: {difference}");
    }
}

/// What of our row is not as gimli's.
pub(crate) fn difference<S: UnwindContextStorage<usize>>(
    image: &Image,
    ours: &Found,
    theirs: &UnwindTableRow<usize, S>,
    signal: bool,
) -> Option<String> {
    if (ours.signal_frame != 0) != signal {
        return Some(format!("signal frame: gimli has {signal}"));
    }
    let ours = &ours.row;
    let same = match theirs.cfa() {
        CfaRule::RegisterAndOffset { register, offset } => {
            ours.cfa_len == 0
                && ours.cfa_register == u32::from(register.0)
                && ours.cfa_offset == *offset
        }
        CfaRule::Expression(expression) => is_block(
            image,
            ours.cfa_offset,
            ours.cfa_len,
            expression.offset,
            expression.length,
        ),
    };
    if !same {
        return Some(format!("CFA: {ours:?}, gimli has {theirs:?}"));
    }
    (0_u16..).zip(ours.registers).find_map(|(number, rule)| {
        let theirs = theirs.register(Register(number));
        (!is_rule(image, rule, theirs.as_ref()))
            .then(|| format!("register {number}: {rule:?}, gimli has {theirs:?}"))
    })
}

fn is_rule(image: &Image, ours: Rule, theirs: Option<&RegisterRule<usize>>) -> bool {
    let same_block = |block: &UnwindExpression<usize>| {
        is_block(
            image,
            ours.offset,
            ours.number.into(),
            block.offset,
            block.length,
        )
    };
    match theirs {
        None | Some(RegisterRule::SameValue) => ours.kind == SAME,
        Some(RegisterRule::Undefined) => ours.kind == UNDEFINED,
        Some(RegisterRule::Offset(offset)) => ours.kind == AT_CFA && ours.offset == *offset,
        Some(RegisterRule::ValOffset(offset)) => ours.kind == IS_CFA && ours.offset == *offset,
        Some(RegisterRule::Register(register)) => {
            ours.kind == IN_REGISTER && ours.offset == i64::from(register.0)
        }
        Some(RegisterRule::Expression(block)) => ours.kind == AT_EXPRESSION && same_block(block),
        Some(RegisterRule::ValExpression(block)) => ours.kind == IS_EXPRESSION && same_block(block),
        Some(_) => false,
    }
}

/// Ours is relative to `.eh_frame_hdr`, gimli's to `.eh_frame`.
fn is_block(image: &Image, offset: i64, len: u32, their_offset: usize, their_len: usize) -> bool {
    image.eh_frame_hdr.wrapping_add_signed(offset) == image.eh_frame + their_offset as u64
        && len as usize == their_len
}
