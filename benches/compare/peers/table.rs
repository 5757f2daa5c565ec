//! The table, as it stands in the README.

use super::Figures;
use crate::measure::median;

/// Prints a row for each profiler.
pub(super) fn print(workloads: &[&str], rates: &[u32], peers: &[Figures]) {
    let rates: Vec<_> = rates
        .iter()
        .map(|rate| format!("lost at {rate} Hz"))
        .collect();
    let rates: Vec<_> = rates.iter().map(String::as_str).collect();
    let costs = ["CPU", "memory", "on disk", "first sample", "flame graph"];
    let heads = [&["profiler"], workloads, &costs, &rates].concat();
    println!("\n| {} |", heads.join(" | "));
    println!("|{}", " --- |".repeat(heads.len()));
    for peer in peers {
        println!("| {} |", cells(peer).join(" | "));
    }
}

fn cells(peer: &Figures) -> Vec<String> {
    let mut cells = vec![peer.name.to_owned()];
    cells.extend(peer.workloads.iter().map(|figures| match figures {
        Ok(figures) => {
            let complete = figures.complete as f64 * 100.0 / figures.samples.max(1) as f64;
            let slower = median(figures.slower.clone());
            format!(
                "{complete:.1} % of {}, ×{slower:.2}",
                thousands(figures.samples)
            )
        }
        Err(_) => "failed".to_owned(),
    }));
    match &peer.costs {
        Some(costs) => cells.extend([
            format!("{:.2} s", costs.cpu),
            format!("{:.0} MB", costs.peak_bytes as f64 / 1e6),
            format!("{:.2} MB", costs.bytes as f64 / 1e6),
            or_dash(costs.first_ms, |ms| format!("{ms:.0} ms")),
            or_dash(costs.graph_s, |seconds| format!("{seconds:.2} s")),
        ]),
        None => cells.extend(vec!["failed".to_owned(); 5]),
    }
    cells.extend(peer.losses.iter().map(|counts| match counts {
        Ok(counts) => {
            let lost = counts.lost.map_or("?".to_owned(), thousands);
            format!(
                "{lost} of {}",
                thousands(counts.samples + counts.lost.unwrap_or(0))
            )
        }
        Err(_) => "failed".to_owned(),
    }));
    cells
}

fn or_dash(value: Option<f64>, format: impl Fn(f64) -> String) -> String {
    value.map_or("-".to_owned(), format)
}

pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|part| String::from_utf8_lossy(part))
        .collect();
    parts.join(",")
}
