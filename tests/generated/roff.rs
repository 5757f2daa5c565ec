//! Text as roff, by the man macros: `groff_man(7)`.

/// Escapes what roff would take for its own. Hyphens are those that can be typed.
pub(crate) fn text(plain: &str) -> String {
    let escaped = plain.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) {
        format!("\\&{escaped}")
    } else {
        escaped
    }
}

/// Literal: what is typed.
pub(crate) fn bold(plain: &str) -> String {
    format!("\\fB{}\\fR", text(plain))
}

/// A stand-in for what is typed.
pub(crate) fn italic(plain: &str) -> String {
    format!("\\fI{}\\fR", text(plain))
}

/// Paragraphs, of a text with empty lines between them.
pub(crate) fn paragraphs(plain: &str) -> String {
    let paragraphs = plain.trim().split("\n\n");
    let paragraphs: Vec<_> = paragraphs.map(lines).collect();
    paragraphs.join(".IP\n")
}

/// Lines as they are, each begun anew where it was not wrapped.
fn lines(paragraph: &str) -> String {
    let lines: Vec<_> = paragraph.lines().map(|line| text(line.trim())).collect();
    lines.join("\n.br\n") + "\n"
}

/// Lines as they are typed.
pub(crate) fn example(plain: &str) -> String {
    let lines = plain.lines().map(|line| text(line.trim()));
    let lines: Vec<_> = lines.collect();
    format!(".EX\n{}\n.EE\n", lines.join("\n"))
}

/// A section, or nothing where there is nothing in it.
pub(crate) fn section(title: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!(".SH {title}\n{body}")
}
