/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Variables that were asked for, out of the environment that a program was started with: the
 * strings between env_start and env_end, NAME=VALUE each. The others do not leave the task.
 * Whether the program changed them since is not known: it may keep them anywhere.
 */
#ifndef SOMNO_ENVIRONMENT_H
#define SOMNO_ENVIRONMENT_H

/* Strings, or pieces of long ones, and bytes, after which the search is given up. */
#define VARIABLES_SEEN 8192
#define ENVIRONMENT_BYTES (2ULL << 20)

struct environment_key {
	u64 id;
	u32 pid;
	u32 reserved;
};

/*
 * Key: a process, as long as it runs one program. Value: not used. Those whose environment was
 * sent; where one is forgotten for others, it is sent once more. Room is made when it is asked for.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct environment_key);
	__type(value, u8);
} environments_sent SEC(".maps");

struct environment_walk {
	struct workspace *ws;
	u64 at;
	u64 end;
	/* what is at hand goes on with a string that did not fit */
	bool continues;
	bool failed;
	/* user halves come first */
	bool no_room;
};

static __always_inline bool is_name(struct environment_room *room, u32 variable)
{
	for (u32 i = 0; i < SOMNO_VARIABLE_LEN; i++) {
		char c = somno_config.variables[variable][i];

		if (!c)
			return i && room->record.text[i] == '=';
		if (room->record.text[i] != c)
			return false;
	}
	return false;
}

/* Whether it is one of those that were asked for. Global, so that it is verified once. */
__noinline int is_asked_for(struct environment_room *room __arg_nonnull)
{
	for (u32 variable = 0; variable < SOMNO_VARIABLES; variable++) {
		if (is_name(room, variable))
			return 1;
	}
	return 0;
}

/* Looks at a string, and sends it where it was asked for. */
static __always_inline int read_variable(struct environment_walk *walk)
{
	struct workspace *ws = walk->ws;
	struct somno_environment *record = &ws->environment.record;
	bool continues = walk->continues;
	long size;
	u64 len;

	if (walk->at >= walk->end)
		return 1;
	size = read_target_text(ws, record->text, SOMNO_ENVIRONMENT_LEN, walk->at);
	if (size <= 0) {
		ws->obstacle = OBSTACLE_MEMORY;
		ws->obstacle_at = walk->at;
		ws->obstacle_len = clamp(walk->end - walk->at, PAGE_SIZE);
		walk->failed = true;
		return 1;
	}
	walk->continues = size == SOMNO_ENVIRONMENT_LEN;
	walk->at += walk->continues ? size - 1 : size;
	if (continues || !is_asked_for(&ws->environment))
		return 0;
	record->record = SOMNO_ENVIRONMENT;
	len = clamp(size - 1, SOMNO_ENVIRONMENT_LEN - 1);
	record->text_len = len;
	record->flags = walk->continues ? SOMNO_ENVIRONMENT_CUT : 0;
	walk->no_room =
		is_user_ring_half_full() || emit_to_user_ring(record, sizeof(*record) + len);
	return walk->no_room ? 1 : 0;
}

static int read_variable_no_fault(u32 iteration, struct environment_walk *walk)
{
	return read_variable(walk);
}

static int read_variable_sleeping(u32 iteration, struct environment_walk *walk)
{
	int done = read_variable(walk);

	if (!walk->failed || !rescue(walk->ws))
		return done;
	walk->failed = false;
	return 0;
}

/*
 * Sends what was asked for of a task's environment, once for each program that a process runs.
 * Not inline: its stack would be below all of an unwind's.
 */
static __noinline void send_environment(struct workspace *ws, struct task_struct *task,
					enum read_mode mode)
{
	struct environment_walk walk = {.ws = ws};
	struct environment_key key = {.id = environment_of(task), .pid = pid_of(task)};
	struct mm_struct *mm;
	u8 sent = 1;

	if (!somno_config.environment ||
	    (somno_config.own_environment &&
	     read_only(task)->cred->uid.val != somno_config.environment_uid) ||
	    bpf_map_lookup_elem(&environments_sent, &key))
		return;
	mm = read_only(task)->mm;
	walk.at = mm->env_start;
	walk.end = walk.at + clamp(mm->env_end - walk.at, ENVIRONMENT_BYTES);
	ws->environment.record.pid = key.pid;
	ws->environment.record.id = key.id;
	if (mode == MAY_SLEEP)
		bpf_loop(VARIABLES_SEEN, read_variable_sleeping, &walk, 0);
	else
		bpf_loop(VARIABLES_SEEN, read_variable_no_fault, &walk, 0);
	/* tried again with the next stack, but for what cannot be read even with sleeping */
	if (!walk.no_room && (!walk.failed || mode == MAY_SLEEP))
		bpf_map_update_elem(&environments_sent, &key, &sent, BPF_ANY);
}

#endif
