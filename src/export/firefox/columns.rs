//! The tables that all threads of a Firefox profile share, by columns, as they are written.
//!
//! Source: `src/types/profile.ts` of <https://github.com/firefox-devtools/profiler> at
//! version 60 of the format, and its `docs-developer/CHANGELOG-formats.md`.

use serde::Serialize;

use super::tables::{Function, Place};

/// A column that has nothing for us.
type Nothing = Vec<Option<u32>>;

/// The type of a resource that is a library.
const LIBRARY: u32 = 1;

/// All of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shared {
    pub(super) stack_table: StackTable,
    pub(super) frame_table: FrameTable,
    pub(super) func_table: FuncTable,
    pub(super) resource_table: ResourceTable,
    pub(super) native_symbols: NativeSymbols,
    pub(super) sources: Sources,
    pub(super) string_array: Vec<String>,
}

/// Stacks: a frame on top of another stack.
#[derive(Debug, Serialize)]
pub(super) struct StackTable {
    frame: Vec<u32>,
    prefix: Vec<Option<u32>>,
    length: usize,
}

impl StackTable {
    pub(super) fn new(stacks: &[(Option<u32>, u32)]) -> Self {
        Self {
            frame: stacks.iter().map(|&(_, frame)| frame).collect(),
            prefix: stacks.iter().map(|&(prefix, _)| prefix).collect(),
            length: stacks.len(),
        }
    }
}

/// Places in functions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FrameTable {
    address: Vec<i64>,
    inline_depth: Vec<usize>,
    category: Vec<usize>,
    subcategory: Vec<u32>,
    func: Vec<u32>,
    native_symbol: Nothing,
    #[serde(rename = "innerWindowID")]
    inner_window_id: Vec<u32>,
    line: Vec<Option<u32>>,
    column: Nothing,
    length: usize,
}

impl FrameTable {
    pub(super) fn new(places: &[Place]) -> Self {
        let address = |place: &Place| i64::try_from(place.address?).ok();
        let rows = places.iter();
        Self {
            address: rows
                .clone()
                .map(|place| address(place).unwrap_or(-1))
                .collect(),
            inline_depth: rows.clone().map(|place| place.inline_depth).collect(),
            category: rows
                .clone()
                .map(|place| super::category(place.class))
                .collect(),
            subcategory: vec![0; places.len()],
            func: rows.clone().map(|place| place.function).collect(),
            native_symbol: vec![None; places.len()],
            inner_window_id: vec![0; places.len()],
            line: rows.map(|place| place.line).collect(),
            column: vec![None; places.len()],
            length: places.len(),
        }
    }
}

/// Functions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FuncTable {
    name: Vec<u32>,
    #[serde(rename = "isJS")]
    is_js: Vec<bool>,
    #[serde(rename = "relevantForJS")]
    relevant_for_js: Vec<bool>,
    resource: Vec<i64>,
    source: Vec<Option<u32>>,
    line_number: Nothing,
    column_number: Nothing,
    length: usize,
}

impl FuncTable {
    pub(super) fn new(functions: &[Function]) -> Self {
        let resource = |function: &Function| Some(i64::from(function.resource?));
        let rows = functions.iter();
        Self {
            name: rows.clone().map(|function| function.name).collect(),
            is_js: vec![false; functions.len()],
            relevant_for_js: vec![false; functions.len()],
            resource: rows
                .clone()
                .map(|function| resource(function).unwrap_or(-1))
                .collect(),
            source: rows.map(|function| function.source).collect(),
            line_number: vec![None; functions.len()],
            column_number: vec![None; functions.len()],
            length: functions.len(),
        }
    }
}

/// What functions come from: here one for each library, in the same order.
#[derive(Debug, Serialize)]
pub(super) struct ResourceTable {
    lib: Vec<usize>,
    name: Vec<u32>,
    host: Nothing,
    r#type: Vec<u32>,
    length: usize,
}

impl ResourceTable {
    pub(super) fn new(name: Vec<u32>) -> Self {
        let length = name.len();
        Self {
            lib: (0..length).collect(),
            name,
            host: vec![None; length],
            r#type: vec![LIBRARY; length],
            length,
        }
    }
}

/// Symbols by address: none, as no address of one is known.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NativeSymbols {
    lib_index: Nothing,
    address: Nothing,
    name: Nothing,
    function_size: Nothing,
    length: usize,
}

/// Source files.
#[derive(Debug, Serialize)]
pub(super) struct Sources {
    id: Nothing,
    filename: Vec<u32>,
    length: usize,
}

impl Sources {
    pub(super) fn new(names: &[u32]) -> Self {
        Self {
            id: vec![None; names.len()],
            filename: names.to_vec(),
            length: names.len(),
        }
    }
}
