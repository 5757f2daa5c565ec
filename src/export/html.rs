//! An interactive page: one file, which loads nothing and opens in any browser.
//!
//! The page is written by hand in `assets/html`. Everything that is from the profile is in
//! `document`, compressed and in base64, and reaches the page as text only: no name
//! can end the element that it is in. The policy lets a browser run the script and use
//! the style that have these hashes, and nothing else.

mod columns;
mod document;
mod samples;
mod tables;
#[cfg(test)]
pub(super) mod tests;

use std::io::{self, Write};

use base64::engine::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use base64::write::EncoderWriter;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha2::{Digest as _, Sha256};

use super::{Options, Subject};

/// The page, with a `{{name}}` where something belongs.
const PAGE: &str = include_str!("../../assets/html/page.html");
const STYLE: &str = include_str!("../../assets/html/style.css");

/// The script: each file one concern, those first that others are built on.
const SCRIPT: &str = concat!(
    include_str!("../../assets/html/data.js"),
    include_str!("../../assets/html/text.js"),
    include_str!("../../assets/html/tree.js"),
    include_str!("../../assets/html/queries.js"),
    include_str!("../../assets/html/layout.js"),
    include_str!("../../assets/html/bins.js"),
    include_str!("../../assets/html/colors.js"),
    include_str!("../../assets/html/graph.js"),
    include_str!("../../assets/html/timeline.js"),
    include_str!("../../assets/html/table.js"),
    include_str!("../../assets/html/details.js"),
    include_str!("../../assets/html/header.js"),
    include_str!("../../assets/html/keys.js"),
    include_str!("../../assets/html/search.js"),
    include_str!("../../assets/html/controls.js"),
    include_str!("../../assets/html/app.js"),
    include_str!("../../assets/html/main.js"),
);

/// Writes the page.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(subject: &Subject<'_>, options: &Options, to: &mut dyn Write) -> io::Result<()> {
    for part in PAGE.split("{{") {
        let Some((name, text)) = part.split_once("}}") else {
            to.write_all(part.as_bytes())?;
            continue;
        };
        match name {
            "policy" => to.write_all(policy().as_bytes())?,
            "style" => to.write_all(STYLE.as_bytes())?,
            "script" => to.write_all(SCRIPT.as_bytes())?,
            "data" => write_data(subject, options, to)?,
            _ => unreachable!("the page has no `{name}`"),
        }
        to.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Says what a browser may run and load: what is here, and nothing from elsewhere.
fn policy() -> String {
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; \
         base-uri 'none'; form-action 'none'",
        BASE64.encode(Sha256::digest(SCRIPT)),
        BASE64.encode(Sha256::digest(STYLE)),
    )
}

fn write_data(subject: &Subject<'_>, options: &Options, to: &mut dyn Write) -> io::Result<()> {
    let base64 = EncoderWriter::new(to, &BASE64);
    let mut zlib = ZlibEncoder::new(base64, Compression::default());
    document::write(subject, options, &mut zlib)?;
    zlib.finish()?.finish()?;
    Ok(())
}
