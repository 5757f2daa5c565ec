//! The colours of flame graphs.

use inferno::flamegraph::Palette;
use inferno::flamegraph::color::{Color, PaletteMap};
use rustc_hash::FxHashSet;

use super::class::Class;
use super::svg::unbroken;
use crate::event::Weight;
use crate::profile::frames::FrameId;
use crate::view::selection::{Selection, StackFrame};

/// The colour of what is no code.
const GREY: Color = Color {
    r: 200,
    g: 200,
    b: 200,
};

/// What decides a frame's colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colors {
    /// What code it is of.
    #[default]
    Kind,
    /// One of inferno's palettes.
    Palette(Palette),
}

impl Colors {
    /// The choice of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "kind" => Some(Self::Kind),
            _ => name.parse().ok().map(Self::Palette),
        }
    }

    /// Every name, the default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once("kind").chain(Palette::VARIANTS.iter().copied())
    }
}

/// Colours every function by its class. Of functions of the same name the heaviest decides.
pub(super) fn by_kind(selection: &Selection<'_>) -> PaletteMap {
    let modules = selection.profile.modules();
    let mut palette = PaletteMap::default();
    palette.insert("", GREY);
    let mut labels = FxHashSet::default();
    for row in selection.rows() {
        if labels.insert((row.thread, row.cpu))
            && let Some(label) = selection.label(row)
        {
            palette.insert(unbroken(&label), GREY);
        }
    }
    let mut frames = frame_weights(selection);
    frames.sort_unstable_by_key(|&(id, weight)| (weight, id));
    for (id, _) in frames {
        let frame = selection.profile.frames().get(id);
        for named in selection.named(id) {
            let frame = StackFrame { id, frame, named };
            let name = named.name.to_string();
            let color = color(Class::of(&frame, modules), &name);
            palette.insert(unbroken(&name), color);
        }
    }
    palette
}

/// What frames weigh; one that is on a stack twice counts twice, which decides nothing.
fn frame_weights(selection: &Selection<'_>) -> Vec<(FrameId, Weight)> {
    let stacks = selection.profile.stacks();
    let mut of_stacks = vec![Weight(0); stacks.len() + 1];
    for (stack, weight) in selection.stack_weights() {
        of_stacks[stack.index()] = weight;
    }
    let frames = selection.profile.frames();
    let mut of_frames = vec![Weight(0); frames.len()];
    // what is called comes after its callers
    for (stack, callers, leaf) in stacks.iter().rev() {
        let weight = of_stacks[stack.index()];
        of_stacks[callers.index()] += weight;
        of_frames[leaf.index()] += weight;
    }
    let ids = frames.iter().map(|(id, _)| id);
    ids.zip(of_frames)
        .filter(|&(_, weight)| weight > Weight(0))
        .collect()
}

/// Picks a shade of the class's hue by the name, so that a function has it in every graph.
///
/// The hues are those that `flamegraph.pl --color=java` has for stacks of this kind: green
/// for code made at run time, aqua where it was inlined, orange for the kernel, red for
/// programs and yellow for libraries.
fn color(class: Class, name: &str) -> Color {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let shade = u8::try_from(hash >> 58).expect("it has 6 bits");
    let [r, g, b] = match class {
        Class::Program => [190, 50, 50],
        Class::Library => [180, 180, 50],
        Class::Inlined => [50, 165, 165],
        Class::Jit => [50, 190, 50],
        Class::Kernel => [190, 90, 0],
        Class::Reason => return GREY,
    };
    let lit = |base: u8| if base == 0 { 0 } else { base + shade };
    Color {
        r: lit(r),
        g: lit(g),
        b: lit(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::fixture::Fixture;

    /// Check that every class has a hue of its own, and that the heavier function decides.
    #[test]
    fn classes_have_hues() {
        let mut fixture = Fixture::new();
        fixture.add("[lost];main;f_[i];lib:read;g_[j];sys_[k];x");
        fixture.add("lib:twice").add("twice").add("twice");
        let palette = fixture.subject(|subject| by_kind(subject.selection));
        let hue = |name: &str| {
            let color = palette.get(name).expect(name);
            let most = color.r.max(color.g).max(color.b);
            let strong = |part: u8| u16::from(part) * 4 > u16::from(most) * 3;
            [color.r, color.g, color.b].map(strong)
        };
        assert_eq!(hue("main"), [true, false, false]);
        assert_eq!(hue("read"), [true, true, false]);
        assert_eq!(hue("f_[i]"), [false, true, true]);
        assert_eq!(hue("g_[j]"), [false, true, false]);
        assert_eq!(palette.get("sys_[k]").map(|color| color.b), Some(0));
        assert_eq!(palette.get("[lost]"), Some(GREY));
        assert_eq!(palette.get("prog"), Some(GREY));
        assert_eq!(hue("twice"), hue("main"));
    }

    /// Check that every shade is a colour.
    #[test]
    fn shades_are_colors() {
        for number in 0..1000 {
            assert!(color(Class::Program, &number.to_string()).r >= 190);
            assert!(color(Class::Kernel, &number.to_string()).r >= 190);
        }
    }

    /// Check that every name that is told is one.
    #[test]
    fn names_are_known() {
        for name in Colors::names() {
            assert!(Colors::of_name(name).is_some(), "{name}");
        }
        assert_eq!(Colors::of_name("mauve"), None);
    }
}
