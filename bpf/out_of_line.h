/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The instruction that a uprobe replaces is executed elsewhere, from a copy. A task that was
 * stopped by one is there already when its stack is read: it is taken back to where it came from.
 */
#ifndef SOMNO_OUT_OF_LINE_H
#define SOMNO_OUT_OF_LINE_H

/* UPROBE_XOL_SLOT_BYTES */
#define COPY_BYTES 128

static __always_inline u64 original_ip(struct task_struct *task, u64 ip)
{
	struct uprobe_task *stopped = BPF_CORE_READ(task, utask);
	u64 offset;

	if (!stopped || !BPF_CORE_READ(stopped, active_uprobe))
		return ip;
	offset = ip - BPF_CORE_READ(stopped, xol_vaddr);
	return offset < COPY_BYTES ? BPF_CORE_READ(stopped, vaddr) + offset : ip;
}

#endif
