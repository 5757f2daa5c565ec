//! Changes bytes of real call frame information and compares what both
//! implementations make of it.
//!
//! They may differ only in what [`Lenience`] and [`Strictness`] name. Where both
//! accept an FDE, its row is the same.

use std::collections::BTreeMap;

use gimli::{CieOrFde, EhFrame, LittleEndian, UnwindSection as _};

use crate::image::Image;
use crate::random::Random;
use crate::reasons::{Lenience, REMEMBERED, Strictness, has_addresses, lenience, strictness};
use crate::reference::{Gimli, bases};
use crate::rows::{Finder, Found, difference};

/// What came of the mutations.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) equal: u64,
    refused: u64,
    other_fde: u64,
    lenient: BTreeMap<Lenience, u64>,
    strict: BTreeMap<Strictness, u64>,
}

/// An FDE to change something of: places and lengths in the image.
struct Target {
    fde: (u64, u64),
    cie: (u64, u64),
    begin: u64,
    len: u64,
    table_entry: Option<u64>,
}

/// What is put in place of bytes: instructions of every form, some with expressions.
const INSTRUCTIONS: [&[u8]; 29] = [
    &[0x01, 0, 0x10, 0, 0],
    &[0x02, 8],
    &[0x03, 0, 1],
    &[0x04, 0, 0, 1, 0],
    &[0x05, 3, 2],
    &[0x06, 6],
    &[0x07, 16],
    &[0x08, 3],
    &[0x09, 12, 1],
    &[0x0a],
    &[0x0b],
    &[0x0a; REMEMBERED + 1],
    &[0x0c, 7, 16],
    &[0x0d, 6],
    &[0x0d, 0x8b, 0x80, 0x80, 0x80, 0x10],
    &[0x0e, 32],
    &[
        0x0e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    &[0x0f, 3, 0x77, 8, 0x06],
    &[0x0f, 0],
    &[0x10, 6, 2, 0x77, 16],
    &[0x11, 13, 0x7d],
    &[0x12, 7, 0x7e],
    &[0x13, 0x7c],
    &[0x14, 7, 2],
    &[0x15, 1, 0x7e],
    &[0x16, 3, 3, 0x77, 24, 0x06],
    &[0x2e, 16],
    &[0x2f, 15, 3],
    &[0x41, 0x83, 3, 0xc3],
];

/// Changes the image so many times, each time anew, and compares at an address of what was changed.
pub(crate) fn compare(finder: &Finder, image: Image, mutations: u64, seed: u64) -> Tally {
    let targets = targets(&image);
    let mut image = image.without_sections();
    let mut random = Random(seed);
    let mut tally = Tally::default();
    for number in 0..mutations {
        let target = random.pick(&targets);
        let undo = mutate(&mut image, target, &mut random);
        let pc = target.begin + random.below(target.len);
        let ours = finder.find(&image, pc);
        if let Err(difference) = judge(&image, pc, &ours, &mut tally) {
            panic!(
                "{} at {pc:#x}, mutation {number} of seed {seed}, {undo:x?}: {difference}",
                image.name
            );
        }
        for (place, byte) in undo.into_iter().rev() {
            image.bytes[place] = byte;
        }
    }
    tally
}

fn targets(image: &Image) -> Vec<Target> {
    let bytes = image.slice(image.eh_frame, image.eh_frame_len);
    let section = EhFrame::new(bytes, LittleEndian);
    let bases = bases(image);
    let table = table(image);
    let mut entries = section.entries(&bases);
    let mut targets = Vec::new();
    while let Some(entry) = entries.next().expect("gimli reads the section") {
        let CieOrFde::Fde(partial) = entry else {
            continue;
        };
        let fde = partial
            .parse(EhFrame::cie_from_offset)
            .expect("gimli reads the FDE");
        if fde.len() == 0 {
            continue;
        }
        let place = |offset, len| (image.eh_frame + offset as u64, len as u64 + 4);
        let at = place(fde.offset(), fde.entry_len());
        targets.push(Target {
            fde: at,
            cie: place(fde.cie().offset(), fde.cie().entry_len()),
            begin: fde.initial_address(),
            len: fde.len(),
            table_entry: table.get(&at.0).copied(),
        });
    }
    targets
}

/// Where the sorted table has each FDE.
fn table(image: &Image) -> BTreeMap<u64, u64> {
    image
        .table()
        .map(|(place, _, fde)| {
            let fde = image.eh_frame_hdr.wrapping_add_signed(fde.into());
            (fde, place)
        })
        .collect()
}

/// Changes some bytes that say something of the target, and returns what was there.
fn mutate(image: &mut Image, target: &Target, random: &mut Random) -> Vec<(usize, u8)> {
    let mut undo = Vec::new();
    for _ in 0..=random.below(3) {
        let (at, len) = match (random.below(10), target.table_entry) {
            (0, Some(entry)) => *random.pick(&[(image.eh_frame_hdr, 12), (entry, 8)]),
            (0..=2, _) => target.cie,
            (3, _) => target.fde,
            // its instructions: before them are four numbers and an empty augmentation
            _ => (target.fde.0 + 17, target.fde.1 - 17),
        };
        let offset = random.below(len);
        let start = usize::try_from(at + offset - image.at).expect("it fits");
        let room = usize::try_from(len - offset).expect("it fits");
        let mut bytes: Vec<_> = match random.below(4) {
            0 => vec![random.byte()],
            1 => vec![image.bytes[start] ^ 1 << random.below(8)],
            2 => vec![*random.pick(&[0, 1, 0x7f, 0x80, 0xff])],
            _ => random.pick(&INSTRUCTIONS).to_vec(),
        };
        bytes.truncate(room);
        for (place, byte) in (start..).zip(bytes) {
            undo.push((place, image.bytes[place]));
            image.bytes[place] = byte;
        }
    }
    undo
}

/// Counts how the two compare; what of them may not be is the error.
fn judge(image: &Image, pc: u64, ours: &Found, tally: &mut Tally) -> Result<(), String> {
    let gimli = Gimli::new(image);
    let theirs = gimli.find(pc);
    if !ours.is_row() {
        match theirs {
            Err(_) => tally.refused += 1,
            Ok((fde, row)) => {
                let strictness = strictness(image, &gimli, &fde, &row)
                    .ok_or_else(|| format!("no row; gimli has {row:?} of {fde:?}"))?;
                *tally.strict.entry(strictness).or_default() += 1;
            }
        }
        return Ok(());
    }

    let at = ours.fde(image);
    // the table may lead elsewhere, so the FDE that we found is what gimli is asked about
    if theirs.is_ok_and(|(fde, _)| image.at + fde.offset() as u64 != at) {
        tally.other_fde += 1;
    }
    match gimli.read(at, pc) {
        Ok((fde, row)) => match difference(image, ours, &row, fde.is_signal_trampoline()) {
            None => tally.equal += 1,
            Some(_) if has_addresses(&gimli, fde.cie()) => {
                *tally.strict.entry(Strictness::AddressInCie).or_default() += 1;
            }
            Some(difference) => return Err(difference),
        },
        Err(error) => {
            let lenience = lenience(image, at, ours, error)
                .ok_or_else(|| format!("{ours:?} of the FDE at {at:#x}; gimli: {error}"))?;
            *tally.lenient.entry(lenience).or_default() += 1;
        }
    }
    Ok(())
}
