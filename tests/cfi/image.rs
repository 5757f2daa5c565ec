//! A binary as a loader lays it out.

use std::fs;
use std::path::Path;

use object::read::elf::{ElfFile64, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSection as _, elf};

/// A binary's segments in one stretch of memory, at the addresses that the file says.
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: u64,
    pub(crate) eh_frame_hdr: u64,
    pub(crate) eh_frame: u64,
    pub(crate) eh_frame_len: usize,
}

impl Image {
    pub(crate) fn load(path: &Path) -> Self {
        let name = path.display().to_string();
        let data = fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let file = ElfFile64::<Endianness>::parse(&data[..])
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let endian = Endianness::Little;
        let loads: Vec<_> = file
            .elf_program_headers()
            .iter()
            .filter(|header| header.p_type(endian) == elf::PT_LOAD)
            .collect();
        let at = loads
            .iter()
            .map(|load| load.p_vaddr(endian))
            .min()
            .expect("it has segments");
        let end = loads
            .iter()
            .map(|load| load.p_vaddr(endian) + load.p_memsz(endian))
            .max()
            .expect("it has segments");
        let mut bytes = vec![0; usize::try_from(end - at).expect("it fits")];
        for load in loads {
            let content = load.data(endian, &data[..]).expect("it is in the file");
            let start = usize::try_from(load.p_vaddr(endian) - at).expect("it fits");
            bytes[start..start + content.len()].copy_from_slice(content);
        }
        let header = file
            .elf_program_headers()
            .iter()
            .find(|header| header.p_type(endian) == elf::PT_GNU_EH_FRAME)
            .unwrap_or_else(|| panic!("{name}: no .eh_frame_hdr"));
        let section = file
            .section_by_name(".eh_frame")
            .unwrap_or_else(|| panic!("{name}: no .eh_frame"));
        Self {
            bytes,
            at,
            eh_frame_hdr: header.p_vaddr(endian),
            eh_frame: section.address(),
            eh_frame_len: usize::try_from(section.size()).expect("it fits"),
            name,
        }
    }

    /// Has `.eh_frame` be all of the image: the kernel side does not know where it ends.
    pub(crate) fn without_sections(self) -> Self {
        Self {
            eh_frame: self.at,
            eh_frame_len: self.bytes.len(),
            ..self
        }
    }

    /// The bytes at an address.
    pub(crate) fn slice(&self, address: u64, len: usize) -> &[u8] {
        let start = usize::try_from(address - self.at).expect("it fits");
        &self.bytes[start..start + len]
    }

    /// The sorted table's entries where there is a usual one: their places and their two numbers.
    pub(crate) fn table(&self) -> impl Iterator<Item = (u64, i32, i32)> {
        let number = |at| {
            let bytes = self.slice(at, 4);
            i32::from_le_bytes(bytes.try_into().expect("they are 4 bytes"))
        };
        let first = self.eh_frame_hdr + 12;
        let count = number(first - 4).cast_unsigned();
        let end = self.at + self.bytes.len() as u64 - 8;
        (0..u64::from(count))
            .map(move |index| first + index * 8)
            .take_while(move |&place| place <= end)
            .map(move |place| (place, number(place), number(place + 4)))
    }
}
