/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What an unwind works on; there is no kernel in it, so that it also compiles as ordinary C. */
#ifndef SOMNO_STATE_H
#define SOMNO_STATE_H

#include "x86_64.h"

/* a power of two, for the verifier */
#define MAPPINGS_KEPT 8
/*
 * Known when compiling: a program that may not sleep is refused if it as much
 * as contains a reachable call of a helper that does.
 */
enum read_mode { MAY_SLEEP, NO_FAULT };

/* What stood in the way of a step. */
enum obstacle {
	OBSTACLE_NONE = 0,
	/* memory could not be read without faulting */
	OBSTACLE_MEMORY,
	/* the address space was being changed */
	OBSTACLE_LOCK,
};

/* A part of the address space and the file behind it. */
struct mapping {
	u64 start;
	u64 end;
	u64 file_offset;
	/* SOMNO_MODULE_*; 0: anonymous memory */
	u32 module;
	bool executable;
	/* some of its pages are the process's own, or were */
	bool changed;
	/* what reads it can only wait for a disk: no driver or userfaultfd serves it */
	bool may_sleep;
};

/* How far a module's addresses are moved where all of it is mapped: a copy of its code has no
 * tables. */
struct placement {
	u32 module;
	u32 reserved;
	u64 bias;
};

/* a power of two, for the verifier */
#define PLACEMENTS_KEPT 4

/* What is known of a thread's address space; see mapping.h. */
struct address_space {
	/* for which it is known: how often the thread had executed a program, and the lock's count
	 */
	u32 exec_id;
	u32 sequence;
	/* where the last address was found, and where the next mapping goes */
	u32 last;
	u32 next;
	struct mapping mappings[MAPPINGS_KEPT];
	/* tried before they are believed, so that they stay when mappings change */
	struct placement placements[PLACEMENTS_KEPT];
};

/* The registers of a frame; the return address stands for the instruction pointer. */
struct registers {
	/* a power of two, for the verifier */
	u64 r[32];
	/* a bit for each register whose value is known */
	u32 known;
};

#define CURSOR_WINDOW 256
#define STACK_WINDOW 2048
#define PAGE_SIZE 4096

/* See cursor.h. */
struct cursor {
	u64 at;
	u64 end;
	u64 window_at;
	u32 window_len;
	bool failed;
	/* failed at the end of the window, not at that of the stretch */
	bool ran_out;
	u8 window[CURSOR_WINDOW];
	/* a word that is read at the window's last byte ends here */
	u8 behind[8];
};

enum register_rule_kind {
	RULE_SAME = 0,
	RULE_UNDEFINED,
	/* saved at CFA + offset */
	RULE_AT_CFA,
	/* is CFA + offset */
	RULE_IS_CFA,
	/* in the register of number `offset` */
	RULE_IN_REGISTER,
	/* saved where the expression says */
	RULE_AT_EXPRESSION,
	/* is what the expression says */
	RULE_IS_EXPRESSION,
};

/* Where a register of the caller is; an expression is `number` bytes at cfi.base + offset. */
struct register_rule {
	u16 kind;
	u16 number;
	u32 reserved;
	s64 offset;
};

/* CFA = register + offset, or, where `cfa_len` is not 0, the expression at cfi.base + offset. */
struct row {
	u32 cfa_register;
	u32 cfa_len;
	s64 cfa_offset;
	/* a bit for each register that is not as it was, and for those at CFA + offset */
	u32 ruled;
	u32 at_cfa;
	struct register_rule registers[DWARF_REGISTERS];
};

struct block {
	u64 at;
	u64 len;
};

enum cfi_result {
	CFI_FOUND,
	/* no FDE describes the address */
	CFI_NONE,
	/* contradicts itself, or passes a bound */
	CFI_BAD,
};

/* Rows that remember_state may have put by. */
#define CFI_REMEMBERED 16

/* What is known of the call frame information for one address; see eh_frame.h and cfi.h. */
struct cfi {
	u64 pc;
	/* where offsets of expressions begin: .eh_frame_hdr, or .eh_frame where there is none */
	u64 base;
	bool has_header;
	u64 next_record;
	/* the sorted table: pairs of 4-byte offsets */
	u64 table;
	u64 table_len;

	/* of the CIE */
	u64 cie_at;
	u64 code_factor;
	s64 data_factor;
	u64 cie_code;
	u64 cie_code_end;
	u32 return_register;
	u32 pointer_encoding;
	bool signal_frame;
	bool augmented;

	/* the table has an FDE from the next address on */
	bool next_begins;
	/* the section's end was met, not an error */
	bool at_end;

	/* of the FDE */
	u64 fde_cie;
	u64 fde_rest;
	u64 fde_begin;
	u64 fde_code;
	u64 fde_code_end;

	/* of the interpreter */
	u64 location;
	u32 remembered;
	struct row row;
	struct row initial;
	struct row rows[CFI_REMEMBERED];
};

#define EXPRESSION_STACK 16

/* See dwarf_expr.h. */
struct expression {
	u64 start;
	u64 first;
	u64 result;
	/* memory that the last operation asked for; size 0: none */
	u64 wanted;
	u64 wanted_size;
	u32 depth;
	bool has_first;
	bool failed;
	u64 stack[EXPRESSION_STACK];
};

/* An expression as numbers: *(register + offset) + add, or without the dereference; see shape.h. */
struct shape {
	u32 of_register;
	bool dereferenced;
	s64 offset;
	s64 add;
};

/*
 * Steps of one whole unwind, which everything that a target's tables can make long
 * takes from: instructions, operations, records. At some 30 ns each, 4 ms.
 */
#define UNWIND_STEPS 131072

enum rule_kind {
	/* all of the row is here */
	RULE_PLAIN = 1,
	/* the row says more than fits: it is found again each time */
	RULE_ROW = 2,
	/* there is no call frame information */
	RULE_NONE = 3,
	/* there is, and it contradicts itself */
	RULE_BAD = 4,
	/* the thread's first frame: the return address is undefined */
	RULE_END = 5,
	/* likewise: no call is before the return address, but a function begins there */
	RULE_BEGIN = 6,
};

struct rule {
	u8 kind;
	u8 cfa_register;
	bool cfa_dereferenced;
	u8 reserved;
	s32 cfa_offset;
	/* of the registers in the order of saved_register, bytes; 0: as it was */
	short saved[SAVED_REGISTERS];
	short cfa_add;
	/* a bit for each register that is saved, and for those whose offset is from rbp, not the
	 * CFA */
	u32 is_saved;
	u32 from_bp;
};

/* What one step up the stack came to. */
enum step {
	STEP_UP,
	/* the thread's first frame was reached */
	STEP_END,
	/* likewise, and it begins where a call would return to */
	STEP_BEGIN,
	/* there is no call frame information: the frame pointer may know */
	STEP_NO_CFI,
	STEP_NO_FRAME_POINTER,
	STEP_BAD_CFI,
	STEP_BROKEN_CHAIN,
	STEP_UNREADABLE,
};

/* See elf.h. */
#define SEGMENTS SOMNO_SEGMENTS

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, program_headers, section_headers;
	u32 flags;
	u16 size, program_header_size, program_header_count;
	u16 rest[3];
};

struct program_header {
	u32 type, flags;
	u64 offset, vaddr, paddr, file_size, memory_size, align;
};

/* A note's header and what a build id's holds. */
struct note {
	u32 name_size;
	u32 size;
	u32 type;
	char name[4];
	u8 content[SOMNO_BUILD_ID_LEN];
};

struct segment {
	u64 offset;
	u64 size;
	u64 vaddr;
	u64 flags;
};

/* Of program headers that point to notes, how many are looked at. */
#define NOTE_SEGMENTS 4

struct note_segment {
	u64 vaddr;
	u64 size;
};

struct module_layout {
	/* addresses as the file has them; 0: there is none */
	u64 eh_frame_hdr;
	/* where there is no such header */
	u64 eh_frame;
	u64 program_headers;
	u64 dynamic;
	u64 dynamic_size;
	u32 count;
	u32 reserved;
	struct segment segments[SEGMENTS];
};

/* How far the capture of a module's symbols is; see capture.h. */
enum capture_phase {
	/* where the tables are and how long, by the file's section headers */
	CAPTURE_HEADER,
	CAPTURE_SECTIONS,
	CAPTURE_STRINGS,
	/* or by the dynamic section and the hash tables, in memory */
	CAPTURE_DYNAMIC,
	CAPTURE_HASH,
	CAPTURE_GNU_HASH,
	CAPTURE_BUCKETS,
	CAPTURE_CHAIN,
	/* user space is told what will come */
	CAPTURE_TELL,
	CAPTURE_BYTES,
	CAPTURE_DONE,
};

struct symbol_capture {
	u32 module;
	/* a task is at work on it */
	u32 taken;
	u32 phase;
	/* reads that came to nothing */
	u32 failures;
	/* what is to be read next: an address as the file has it, or, of_file, a place there */
	u64 at;
	u64 end;
	/* of the two tables, likewise */
	u64 symbols;
	u64 symbols_size;
	u64 strings;
	u64 strings_size;
	/* bytes of both that are behind us */
	u64 passed;
	/* by which the number of symbols is found */
	u64 hash;
	u64 gnu_hash;
	u64 buckets;
	u64 chains;
	u64 first_chained;
	u64 last_chained;
	u64 sections;
	u32 section_count;
	/* the section of the names */
	u32 link;
	bool of_file;
	/* .symtab */
	bool with_local;
	bool cut;
	/* when somebody was last at work on it */
	u64 touched_ns;
	/* what was asked for so far, answered or not */
	u32 steps;
};

struct module_room {
	/* where the walk up a path is, and where it ends: kernel addresses */
	u64 dentry;
	u64 mount;
	u64 root_dentry;
	u64 root_mnt;
	u32 len;
	u32 finished;
	union {
		struct somno_module record;
		/* a component may start at the last byte of the path's room */
		u8 bytes[sizeof(struct somno_module) + SOMNO_PATH_LEN + 256];
	};
};

/* A piece of a symbol table; bytes are padded with zeros where a word is read at the end. */
struct symbol_room {
	struct somno_symbol_tables tables;
	union {
		struct somno_symbol_bytes piece;
		u8 all[sizeof(struct somno_symbol_bytes) + SOMNO_SYMBOL_PIECE];
	};
};

struct environment_room {
	union {
		struct somno_environment record;
		u64 words[(sizeof(struct somno_environment) + SOMNO_ENVIRONMENT_LEN) / 8];
	};
};

struct workspace {
	/* the thread that is read from outside; see outside.h */
	u32 outside_tid;
	u32 reserved;
	struct registers regs;
	struct registers caller;
	/* ip is where a call returns to, so the call is just before it */
	bool is_return_address;
	/* the thread is where it began: nothing called this frame */
	bool is_first_frame;
	/* where sp was when the program began */
	u64 start_stack;
	/* a frame whose rule is looked up for others, when the walk is over; see wanted.h */
	u64 wanted;
	/* how far the search for .eh_frame is */
	u64 scan_at;
	/* where the tables' mapping is */
	u64 tables_start;
	u64 tables_end;
	/* what stood in the way of this step, and where */
	u32 obstacle;
	u32 obstacle_len;
	u64 obstacle_at;
	u32 rescues;
	/* up to where of this frame obstacles stay */
	u32 given_up;
	u32 slept;
	/* what of the budget is left */
	u32 steps_left;
	/* counts of this unwind */
	u32 frames_cfi;
	u32 frames_frame_pointer;
	u32 rules_cached;
	u32 rules_found;
	struct address_space space;
	/* modules were told of: their reader is woken when the unwind is over, not to get in its
	 * way */
	bool discovered;
	/* more is known than is kept for the thread */
	bool space_grew;
	/* a module in it is not known to user space */
	bool space_untold;
	/* what the kernel was asked for last */
	struct mapping asked;
	/* on the way back to a file's first page */
	struct mapping back;
	u64 stack_at;
	u64 stack_len;
	u64 stack[STACK_WINDOW / 8];
	struct cursor cursor;
	struct cfi cfi;
	struct expression expression;
	struct shape shape;
	struct rule rule;
	/* instructions where there is no CFI, and the words at bp or sp */
	struct code code;
	u64 frame_record[2];
	u64 top[4];
	/* frames in a row that were found by their frame pointers */
	u32 records;
	struct elf_header elf_header;
	struct program_header program_header;
	struct module_layout layout;
	u64 headers_at;
	/* where the ELF header was read; 0: it was not */
	u64 elf_header_at;
	struct note_segment notes[NOTE_SEGMENTS];
	u32 note_segments;
	struct note note;
	struct somno_build_id build_id;
	/* what is captured now, if its module is not 0; and what to add to the file's addresses */
	struct symbol_capture capture;
	u64 capture_bias;
	/* a mapping of the file */
	u64 capture_mapping;
	/* the next mapping to look at, and the bytes that may still be read */
	u32 capture_next;
	u32 capture_budget;
	u32 answer_len;
	u32 capture_place;
	union {
		struct somno_user_half half;
		u64 half_words[sizeof(struct somno_user_half) / 8 + SOMNO_MAX_DEPTH];
		/* when the half is sent */
		struct symbol_room symbols;
	};
	union {
		struct module_room module;
		/* when modules have been told of */
		struct environment_room environment;
	};
};

#endif
