//! gimli, over all of an image.

use gimli::{
    BaseAddresses, CallFrameInstruction, CommonInformationEntry, DW_EH_PE_udata4, DwEhPe, EhFrame,
    EhFrameHdr, EhFrameOffset, EndianSlice, Error, FrameDescriptionEntry, LittleEndian, Pointer,
    Register, RegisterRule, UnwindContext, UnwindContextStorage, UnwindSection as _,
    UnwindTableRow,
};

use crate::image::Image;

type Section<'a> = EndianSlice<'a, LittleEndian>;
pub(crate) type Fde<'a> = FrameDescriptionEntry<Section<'a>>;
pub(crate) type Cie<'a> = CommonInformationEntry<Section<'a>>;
pub(crate) type Row = UnwindTableRow<usize, Unbounded>;

/// Has gimli remember as many rows as it is asked to.
pub(crate) struct Unbounded;

impl UnwindContextStorage<usize> for Unbounded {
    type Rules = Vec<(Register, RegisterRule<usize>)>;
    type Stack = Vec<Row>;
}

/// The other implementation, on the same image.
pub(crate) struct Gimli<'a> {
    image: &'a Image,
    pub(crate) section: EhFrame<Section<'a>>,
    pub(crate) bases: BaseAddresses,
}

impl<'a> Gimli<'a> {
    pub(crate) fn new(image: &'a Image) -> Self {
        Self {
            image,
            section: EhFrame::new(&image.bytes, LittleEndian),
            bases: bases(image),
        }
    }

    /// By the table alone, with a count of 4 bytes: gimli multiplies longer ones unchecked.
    pub(crate) fn find(&self, pc: u64) -> Result<(Fde<'a>, Row), Error> {
        let count_encoding = DwEhPe(self.image.slice(self.image.eh_frame_hdr + 2, 1)[0]);
        if count_encoding != DW_EH_PE_udata4 {
            return Err(Error::UnsupportedPointerEncoding(count_encoding));
        }
        let header = usize::try_from(self.image.eh_frame_hdr - self.image.at).expect("it fits");
        let header =
            EhFrameHdr::new(&self.image.bytes[header..], LittleEndian).parse(&self.bases, 8)?;
        let table = header.table().ok_or(Error::NoUnwindInfoForAddress)?;
        match table.lookup(pc, &self.bases)? {
            Pointer::Direct(at) => self.read(at, pc),
            Pointer::Indirect(_) => Err(Error::UnsupportedIndirectPointer),
        }
    }

    pub(crate) fn read(&self, at: u64, pc: u64) -> Result<(Fde<'a>, Row), Error> {
        let offset = usize::try_from(at.wrapping_sub(self.image.at)).expect("it fits");
        let fde = self.section.fde_from_offset(
            &self.bases,
            EhFrameOffset(offset),
            EhFrame::cie_from_offset,
        )?;
        if !fde.contains(pc) {
            return Err(Error::NoUnwindInfoForAddress);
        }
        let mut context = UnwindContext::new_in();
        let row = fde
            .unwind_info_for_address(&self.section, &self.bases, &mut context, pc)?
            .clone();
        Ok((fde, row))
    }

    fn instructions(&self, fde: &Fde<'a>) -> Vec<CallFrameInstruction<usize>> {
        let mut of_cie = fde.cie().instructions(&self.section, &self.bases);
        let mut of_fde = fde.instructions(&self.section, &self.bases);
        std::iter::from_fn(|| of_cie.next().ok().flatten())
            .chain(std::iter::from_fn(|| of_fde.next().ok().flatten()))
            .collect()
    }

    pub(crate) fn any(
        &self,
        fde: &Fde<'a>,
        is: impl Fn(&CallFrameInstruction<usize>) -> bool,
    ) -> bool {
        self.instructions(fde).iter().any(is)
    }

    /// The most rows that are remembered at once.
    pub(crate) fn remembers(&self, fde: &Fde<'a>) -> usize {
        let mut depth = 0_usize;
        let mut most = 0;
        for instruction in self.instructions(fde) {
            match instruction {
                CallFrameInstruction::RememberState => depth += 1,
                CallFrameInstruction::RestoreState => depth = depth.saturating_sub(1),
                _ => {}
            }
            most = most.max(depth);
        }
        most
    }
}

pub(crate) fn bases(image: &Image) -> BaseAddresses {
    BaseAddresses::default()
        .set_eh_frame(image.eh_frame)
        .set_eh_frame_hdr(image.eh_frame_hdr)
}
