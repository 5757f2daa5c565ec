/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Reads of the current task's memory, and what sleeping for them rescued. */
#ifndef SOMNO_USER_MEMORY_H
#define SOMNO_USER_MEMORY_H

static __always_inline long read_user(struct workspace *ws, enum read_mode mode, void *to, u32 size,
				      u64 address)
{
	struct task_struct *task;
	u64 faults;
	long err;

	if (mode == NO_FAULT || somno_config.no_fault)
		return bpf_probe_read_user(to, size, (void *)address);

	task = bpf_get_current_task_btf();
	faults = task->min_flt + task->maj_flt;
	err = bpf_copy_from_user(to, size, (void *)address);
	if (!err && task->min_flt + task->maj_flt != faults)
		ws->slept++;
	return err;
}

#endif
