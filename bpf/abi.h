/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Every structure that crosses the border between the kernel and user space.
 * src/bpf/abi.rs mirrors this file; both sides assert sizes and offsets.
 *
 * A pid is a process and a tid a thread, as users say it; Linux calls them
 * tgid and pid.
 */
#ifndef SOMNO_ABI_H
#define SOMNO_ABI_H

#define SOMNO_COMM_LEN 16
/* kernel.perf_event_max_stack, the most that bpf_get_stack returns by default */
#define SOMNO_KERNEL_DEPTH 127
#define SOMNO_MAX_DEPTH 1024
#define SOMNO_PATH_LEN 4096
#define SOMNO_MAX_CPUS 1024
#define SOMNO_EVENTS 32
/* Variables of the environment that may be asked for, and bytes of a name with its end. */
#define SOMNO_VARIABLES 8
#define SOMNO_VARIABLE_LEN 64
#define SOMNO_SLOTS 16384
/* Histogram of the interrupt half's cost: eight buckets for each power of two. */
#define SOMNO_COST_BUCKETS 256

/* What a record in a ring is; the first word of each. */
enum somno_record {
	SOMNO_KERNEL_HALF = 1,
	SOMNO_USER_HALF = 2,
	SOMNO_MODULE = 3,
	SOMNO_NOTICE = 4,
	SOMNO_BUILD_ID = 5,
	SOMNO_SYMBOL_TABLES = 6,
	SOMNO_SYMBOL_BYTES = 7,
	SOMNO_ENVIRONMENT = 8,
};

/* Whether and how a sample's user stack follows. */
enum somno_promise {
	/* a user half with this cookie */
	SOMNO_DEFERRED = 0,
	/* never: a kernel thread, an I/O worker or idle */
	SOMNO_KERNEL_ONLY = 1,
	/* it is in this record, taken by frame pointers in the interrupt */
	SOMNO_INTERRUPT = 2,
	/* never: the task was past giving up its memory */
	SOMNO_EXITED = 3,
	/* never: every slot in reach was taken */
	SOMNO_NO_SLOT = 4,
	/* never: the kernel refused to schedule the callback */
	SOMNO_NOT_SCHEDULED = 5,
};

/* How the unwinding of a user stack ended. */
enum somno_outcome {
	SOMNO_COMPLETE = 0,
	SOMNO_NO_CFI = 1,
	SOMNO_BAD_CFI = 2,
	SOMNO_BROKEN_CHAIN = 3,
	SOMNO_UNREADABLE = 4,
	SOMNO_TOO_DEEP = 5,
	SOMNO_PAST_EXIT = 6,
	SOMNO_EXEC = 7,
};

/* What a sample's task was doing: an interval off the CPU has the state in which it began. */
enum somno_state {
	SOMNO_ON_CPU = 0,
	/* waiting, and a signal would end that */
	SOMNO_INTERRUPTIBLE = 1,
	/* waiting, for a disk mostly */
	SOMNO_UNINTERRUPTIBLE = 2,
	/* ready to run, but another task did */
	SOMNO_PREEMPTED = 3,
	/* by a signal, a debugger, or a freezer */
	SOMNO_STOPPED = 4,
};

#define SOMNO_FLAG_OWN_COST 1 /* the interrupt hit somno's own callback */
#define SOMNO_FLAG_NMI 2      /* taken in a non-maskable interrupt */
#define SOMNO_FLAG_WAKER 4    /* who ended the wait is known, and follows the addresses */

/*
 * The interrupt's part of a sample, or what ended an interval off the CPU; one
 * for each. Kernel return addresses follow (leaf first), then with SOMNO_INTERRUPT
 * the user's.
 */
struct somno_kernel_half {
	unsigned int record;
	unsigned short cpu;
	unsigned char promise;
	unsigned char flags;
	unsigned long long time_ns; /* CLOCK_MONOTONIC; of an interval, its end */
	unsigned long long cookie;  /* 0: no user half */
	unsigned long long weight;  /* samples, or nanoseconds */
	unsigned long long cgroup;  /* the task's, in the hierarchy that perf has; 0: unknown */
	/* of the process, with its pid: which environment it has; 0: none was asked for */
	unsigned long long environment;
	unsigned int pid;
	unsigned int tid;
	unsigned short kernel_frames;
	unsigned short user_frames;
	unsigned char state;
	unsigned char event; /* which of the session's */
	unsigned short waker_frames;
	char comm[SOMNO_COMM_LEN];
	unsigned long long addresses[];
};

/* What ran where a task was woken, which in an interrupt may have nothing to do with it. */
struct somno_waker {
	unsigned int pid;
	unsigned int tid;
	char comm[SOMNO_COMM_LEN];
	unsigned long long addresses[];
};

/*
 * A frame is one word. Without the top bit it is a place in a file: module id
 * (23 bits) and offset (40 bits). With it, an address in anonymous memory.
 * A caller's frame points into its call instruction, not behind it.
 */
#define SOMNO_FRAME_ADDRESS (1ULL << 63)
#define SOMNO_FRAME_OFFSET_BITS 40

/* The task's part: its user stack, leaf first. It serves every kernel half with its cookie. */
struct somno_user_half {
	unsigned int record;
	unsigned char outcome;
	/* sent before an exit or exec: samples of the rest of it have this cookie too */
	unsigned char leaving;
	unsigned short frame_count;
	unsigned long long time_ns; /* CLOCK_MONOTONIC */
	unsigned long long cookie;
	unsigned long long process_start_ns; /* CLOCK_BOOTTIME */
	unsigned int pid;
	unsigned int tid;
	unsigned int cost_ns; /* of the callback, up to sending this */
	unsigned int slept;   /* reads that faulted and got their data */
	unsigned long long frames[];
};

#define SOMNO_MODULE_VDSO 1  /* the id of the vDSO, which no file backs */
#define SOMNO_MODULE_FIRST 2 /* the first id of a file */

#define SOMNO_MODULE_DELETED 1	/* the file has no name any more */
#define SOMNO_MODULE_PATH_CUT 2 /* the path did not fit */

/*
 * Which file it is. Opaque: on overlayfs and btrfs the device is not the one
 * that stat reports. Change time is absent because unlink changes it.
 */
struct somno_identity {
	unsigned long long inode;
	unsigned long long size;
	unsigned long long mtime_ns;
	unsigned int device;
	unsigned int reserved;
};

/* The first sight of a module. Path components follow, leaf first, each ended by a zero byte. */
struct somno_module {
	unsigned int record;
	unsigned int id;
	struct somno_identity identity;
	unsigned long long map_start;
	unsigned long long map_end;
	unsigned int pid;
	unsigned short flags;
	unsigned short path_len;
	char path[];
};

#define SOMNO_BUILD_ID_LEN 32

/* What a module's file calls itself, as read from memory; follows its first sight. */
struct somno_build_id {
	unsigned int record;
	unsigned int id;
	unsigned int len;
	unsigned char bytes[SOMNO_BUILD_ID_LEN];
};

/* A loaded segment: offset and size in the file, and its address there. */
struct somno_segment {
	unsigned long long offset;
	unsigned long long size;
	unsigned long long vaddr;
};

#define SOMNO_SEGMENTS 8

#define SOMNO_SYMBOLS_CUT 1    /* the end of a table was beyond the bound */
#define SOMNO_SYMBOLS_STATIC 2 /* .symtab, where functions that are not exported are too */

/*
 * A module's symbols are being captured: a table of Elf64_Sym and the strings with their
 * names follow in pieces. Everything here is the target's, and may be anything.
 */
struct somno_symbol_tables {
	unsigned int record;
	unsigned int id;
	/* bytes that will be sent of each */
	unsigned long long symbols_size;
	unsigned long long strings_size;
	unsigned int flags;
	unsigned int segment_count;
	struct somno_segment segments[SOMNO_SEGMENTS];
};

enum somno_symbol_table {
	SOMNO_SYMBOLS = 0,
	SOMNO_STRINGS = 1,
};

#define SOMNO_SYMBOL_PIECE 4096

/* A piece of one of the tables; the bytes follow. Pieces that could not be read are left out. */
struct somno_symbol_bytes {
	unsigned int record;
	unsigned int id;
	unsigned int table;
	unsigned int len;
	unsigned long long offset;
	unsigned char bytes[];
};

#define SOMNO_ENVIRONMENT_LEN 4096

#define SOMNO_ENVIRONMENT_CUT 1 /* the value did not fit */

/* A variable of a process's environment, as it was given to its program: NAME=VALUE. */
struct somno_environment {
	unsigned int record;
	unsigned int pid;
	unsigned long long id;
	unsigned short text_len;
	unsigned short flags;
	unsigned int reserved;
	char text[];
};

enum somno_notice_kind {
	SOMNO_FORK = 1,
	SOMNO_EXECED = 2,
	SOMNO_EXIT = 3,
	SOMNO_RENAMED = 4,
};

/* Something happened to a task that is followed. */
struct somno_notice {
	unsigned int record;
	unsigned int kind;
	unsigned long long time_ns; /* CLOCK_MONOTONIC */
	unsigned int pid;
	unsigned int tid;
	unsigned int parent_pid;
	unsigned int reserved;
	char comm[SOMNO_COMM_LEN];
};

/* What of a followed task's events is open. */
enum somno_following {
	/* some may not be: not every child has inherited them */
	SOMNO_OPENING = 1,
	SOMNO_OPENED = 2,
};

/*
 * What arm_slots_from takes, and how many slots one run of it arms: no more than
 * the kernel keeps memory ready for.
 */
#define SOMNO_ARM_BATCH 32
struct somno_arm {
	unsigned int first;
};

_Static_assert(sizeof(struct somno_kernel_half) == 80, "abi");
_Static_assert(sizeof(struct somno_waker) == 24, "abi");
_Static_assert(sizeof(struct somno_user_half) == 48, "abi");
_Static_assert(sizeof(struct somno_identity) == 32, "abi");
_Static_assert(sizeof(struct somno_module) == 64, "abi");
_Static_assert(sizeof(struct somno_notice) == 48, "abi");
_Static_assert(sizeof(struct somno_environment) == 24, "abi");
_Static_assert(sizeof(struct somno_symbol_tables) == 224, "abi");
_Static_assert(sizeof(struct somno_symbol_bytes) == 24, "abi");

/* The owner word of a slot: the tid that holds it (0: free) and how often it was claimed. */
#define SOMNO_OWNER_TID(owner) ((unsigned int)(owner))
#define SOMNO_OWNER_TURN(owner) ((unsigned int)((owner) >> 32))

#endif
