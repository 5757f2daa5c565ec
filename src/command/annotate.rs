//! `somno annotate`: functions with their source lines and instructions.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::screen::Screen;
use super::{Verbosity, recorded};
use crate::cli::annotate::Annotate;
use crate::code::instructions::position;
use crate::code::module_code::{ModuleCode, Region};
use crate::code::source;
use crate::config::annotate::AnnotateConfig;
use crate::config::filters::chosen_event;
use crate::error::{Error, Result};
use crate::event::Weight;
use crate::id::ModuleId;
use crate::recording::Recording;
use crate::report::annotation::{self as report, Entry, Listing};
use crate::report::look::{Look, Role};
use crate::text::counted;
use crate::view::annotation::{self, Annotation};
use crate::view::functions::Place;
use crate::view::selection::{Filter, Selection};
use crate::view::top::Share;

/// Functions that are shown, and parts of each: where it was inlined there may be many.
const FUNCTIONS: usize = 5;
const REGIONS: usize = 8;

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// Whatever fails.
pub fn run(typed: Annotate, screen: Screen, verbosity: Verbosity) -> Result<u8> {
    let config = AnnotateConfig::new(typed)?;
    let recording = recorded::open_and_say(&config.file, verbosity)?;
    screen.show(&document(&config, &recording, screen.look)?)?;
    Ok(0)
}

/// Makes the text of all functions that match.
fn document(config: &AnnotateConfig, recording: &Recording, look: Look) -> Result<String> {
    let filter = Filter {
        event: chosen_event(&recording.header, None)?,
        ..Filter::default()
    };
    let began = recording.header.began;
    let selection = Selection::new(&recording.profile, &recording.names, began, &filter);
    let annotations = annotation::matching(&selection, &config.function);
    if annotations.is_empty() {
        let message = format!(
            "failed to find a sampled function: none matches `{}`",
            config.function
        );
        return Err(Error::failed(message).with_hint("`somno report` lists them"));
    }
    let total = selection.total();
    let shown = annotations.iter().take(FUNCTIONS);
    let shown = shown.map(|annotation| function(annotation, recording, total, look));
    let mut texts: Vec<_> = of_event(&selection, recording, look)
        .into_iter()
        .chain(shown)
        .collect();
    let more = annotations.len().saturating_sub(FUNCTIONS);
    if more > 0 {
        let line = format!("matching less often: {}\n", counted(more, "function"));
        texts.push(look.paint(Role::Aside, &line));
    }
    Ok(texts.join("\n"))
}

/// Which event shares are of, where there are several.
fn of_event(selection: &Selection<'_>, recording: &Recording, look: Look) -> Option<String> {
    let events = &recording.header.events;
    let event = events.get(usize::from(selection.event()?))?;
    let line = format!(
        "samples of `{}`, the first of the events in the recording\n",
        event.name
    );
    Some(look.paint(Role::Aside, &line))
}

fn function(annotation: &Annotation, recording: &Recording, total: Weight, look: Look) -> String {
    let modules = recording.profile.modules();
    let mut text = report::head(annotation, modules, total, look);
    for listing in sources(annotation, recording)
        .into_iter()
        .chain(instructions(annotation, recording))
    {
        text = text + "\n" + &report::listing(&listing, total, look);
    }
    text
}

/// The lines of each file that the function has samples in.
fn sources(annotation: &Annotation, recording: &Recording) -> Vec<Listing> {
    let mut files: BTreeMap<&str, BTreeMap<u32, Share>> = BTreeMap::new();
    for ((file, line), share) in &annotation.lines {
        files.entry(file).or_default().insert(*line, *share);
    }
    if files.is_empty() {
        return vec![Listing {
            title: "source".into(),
            note: Some("no lines are known: there is no debug information".into()),
            entries: Vec::new(),
        }];
    }
    let mut listings: Vec<_> = files
        .into_iter()
        .map(|(file, shares)| {
            let source = source::read(file);
            let is_newer = source
                .as_ref()
                .is_ok_and(|source| source.changed_unix_ns > recording.header.began_unix_ns);
            let note = is_newer.then(|| "it was changed after the recording began".to_owned());
            let lines = source.as_ref().map(|source| source.lines.as_slice());
            let listing = report::source(file, &shares, lines.map_err(Clone::clone), note);
            (shares.into_values().max().unwrap_or_default(), listing)
        })
        .collect();
    // the file with the hottest line first
    listings.sort_by_key(|(hottest, _)| Reverse(*hottest));
    listings.into_iter().map(|(_, listing)| listing).collect()
}

/// The instructions that the function has samples at, or why there are none.
fn instructions(annotation: &Annotation, recording: &Recording) -> Vec<Listing> {
    let without = |title: &str, reason: String| {
        vec![Listing {
            title: format!("instructions {title}").trim_end().into(),
            note: Some(format!("not shown: {reason}")),
            entries: Vec::new(),
        }]
    };
    let modules = recording.profile.modules();
    let id = match annotation.place {
        Place::Module(ModuleId::VDSO) => {
            return without("", "the kernel maps this code, and it is in no file".into());
        }
        Place::Module(id) => id,
        Place::Anonymous => {
            return without("", "code made at run time is not recorded".into());
        }
        Place::Kernel => return without("", "the kernel's code is not read".into()),
        Place::Nowhere => return Vec::new(),
    };
    let Some(module) = modules.get(id) else {
        return without("", "its module is not known".into());
    };
    let code = match ModuleCode::open(module) {
        Ok(code) => code,
        Err(reason) => return without(&module.path(), reason),
    };
    let regions = code.regions(&annotation.places());
    if regions.is_empty() {
        return without(&module.path(), "it has no symbol there".into());
    }
    let mut listings: Vec<_> = regions
        .iter()
        .map(|region| listing(region, annotation, &code, &module.path()))
        .collect();
    listings.sort_by_key(|listing| Reverse(own(listing)));
    let hidden = listings.len().saturating_sub(REGIONS);
    listings.truncate(REGIONS);
    if hidden > 0
        && let Some(last) = listings.last_mut()
    {
        last.note = Some(format!("{hidden} more parts have fewer samples"));
    }
    listings
}

fn own(listing: &Listing) -> Weight {
    listing.entries.iter().map(|entry| entry.share.own).sum()
}

/// The instructions of a symbol with their weights.
fn listing(region: &Region, annotation: &Annotation, code: &ModuleCode, path: &str) -> Listing {
    let shares =
        annotation.shares_by(|offset| position(&region.instructions, code.address(offset)?));
    let entries = region.instructions.iter().enumerate();
    Listing {
        title: format!("instructions of {} in {path}", region.symbol),
        note: None,
        entries: entries
            .map(|(position, instruction)| Entry {
                label: format!("{:x}", instruction.address),
                text: instruction.text.clone(),
                share: shares.get(&position).copied().unwrap_or_default(),
            })
            .collect(),
    }
}
