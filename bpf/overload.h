/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Keeps what samples cost a CPU below a share of its time. Time earns a budget, and interrupts
 * and callbacks spend it where they run; while it is overdrawn, samples are shed. As time goes on
 * at one rate, so is what is shed even. The next sample of the same event on that CPU weighs as
 * much more.
 */
#ifndef SOMNO_OVERLOAD_H
#define SOMNO_OVERLOAD_H

/* What may be saved up, so that a quiet minute does not pay for a busy one. */
#define BUDGET_MAX_NS 1000000
/*
 * What may be overdrawn, as time that earns it: what is never shed (exits, intervals off the CPU)
 * is paid for as well, and its debt must not silence the CPU for longer.
 */
#define DEBT_MAX_NS 200000000
/* Samples that are shed in a row: one a second at the default rate is taken whatever is owed. */
#define SHED_MAX 1000
/* What one callback spends at most: where it slept, it did not take the CPU. */
#define CALLBACK_MAX_NS 1000000
/* What one interrupt spends at most: where it took longer, a hypervisor ran something else. */
#define INTERRUPT_MAX_NS 100000
#define OVERHEAD_ALL 65536

struct budget {
	s64 balance_ns;
	u64 earned_until_ns;
	/* samples that were shed since the last one that was not */
	u64 owed[SOMNO_EVENTS];
};

/* Key: 0. Value: that of one CPU. Never deleted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct budget);
} budgets SEC(".maps");

/* The share of time that is earned, of OVERHEAD_ALL; 0: nothing is shed. Kept by user space. */
u32 overhead_share;

static __always_inline struct budget *this_budget(void)
{
	u32 zero = 0;

	return overhead_share ? bpf_map_lookup_elem(&budgets, &zero) : NULL;
}

/* Atomic: an interrupt comes in between where a callback spends. */
static __always_inline void pay(u64 ns)
{
	struct budget *budget = this_budget();

	if (budget)
		__sync_fetch_and_add(&budget->balance_ns, -(s64)ns);
}

static __always_inline void pay_in_callback(u64 ns)
{
	pay(ns < CALLBACK_MAX_NS ? ns : CALLBACK_MAX_NS);
}

static __always_inline void pay_in_interrupt(u64 ns)
{
	pay(ns < INTERRUPT_MAX_NS ? ns : INTERRUPT_MAX_NS);
}

/* How many samples this one stands for; 0: it is shed. */
static __always_inline u64 admit(u8 event, u64 now_ns)
{
	struct budget *budget = this_budget();
	u64 elapsed_ns, owed, *mine;
	s64 earned_ns, balance_ns, least_ns;

	if (!budget)
		return 1;
	elapsed_ns = now_ns - budget->earned_until_ns;
	budget->earned_until_ns = now_ns;
	if (elapsed_ns > 1000000000)
		elapsed_ns = 1000000000;
	earned_ns = elapsed_ns * overhead_share / OVERHEAD_ALL;
	balance_ns = budget->balance_ns;
	least_ns = -(s64)((u64)DEBT_MAX_NS * overhead_share / OVERHEAD_ALL);
	if (balance_ns + earned_ns > BUDGET_MAX_NS)
		earned_ns = BUDGET_MAX_NS - balance_ns;
	if (balance_ns + earned_ns < least_ns)
		earned_ns = least_ns - balance_ns;
	__sync_fetch_and_add(&budget->balance_ns, earned_ns);
	mine = &budget->owed[event & (SOMNO_EVENTS - 1)];
	if (balance_ns + earned_ns < 0 && *mine < SHED_MAX) {
		*mine += 1;
		count(shed);
		return 0;
	}
	owed = *mine;
	*mine = 0;
	return 1 + owed;
}

/* Has the next sample stand for those that one which was lost would have stood for. */
static __always_inline void owe_again(u8 event, u64 samples)
{
	struct budget *budget = this_budget();

	if (budget)
		budget->owed[event & (SOMNO_EVENTS - 1)] += samples - 1;
}

#endif
