// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: counters
 */

#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/u64_stats_sync.h>

#include "knetdemo.h"
#include "stats.h"

#define KND_STAT_NAME(stat, name)	name,
static const char * const knd_stat_names[] = { KND_STATS(KND_STAT_NAME) };

/**
 * knd_stat_add - add to a counter
 * @kn: the component in a namespace
 * @stat: which counter
 * @n: how many events or bytes
 *
 * Context: process or softirq, with interrupts enabled.
 */
void knd_stat_add(struct knd_net *kn, enum knd_stat stat, u64 n)
{
	struct knd_stats *stats;

	/* Softirq must not interrupt a writer on the same processor */
	local_bh_disable();
	stats = this_cpu_ptr(kn->stats);
	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->counter[stat], n);
	u64_stats_update_end(&stats->syncp);
	local_bh_enable();
}

/**
 * knd_stats_show - print all counters, each as a line "name value"
 * @seq: file
 * @v: unused
 *
 * Return: 0.
 */
int knd_stats_show(struct seq_file *seq, void *v)
{
	struct knd_net *kn = knd_pernet(seq_file_single_net(seq));
	u64 sum[KND_STAT_COUNT] = {};
	unsigned int start;
	int cpu, i;

	for_each_possible_cpu(cpu) {
		const struct knd_stats *stats = per_cpu_ptr(kn->stats, cpu);
		u64 copy[KND_STAT_COUNT];

		do {
			start = u64_stats_fetch_begin(&stats->syncp);
			for (i = 0; i < KND_STAT_COUNT; i++)
				copy[i] = u64_stats_read(&stats->counter[i]);
		} while (u64_stats_fetch_retry(&stats->syncp, start));

		for (i = 0; i < KND_STAT_COUNT; i++)
			sum[i] += copy[i];
	}
	/* The monitor counts attempts itself, as their sequence numbers */
	sum[KND_STAT_MONITOR_ATTEMPTS] = atomic64_read(&kn->mon.attempts);
	for (i = 0; i < KND_STAT_COUNT; i++)
		seq_printf(seq, "%s %llu\n", knd_stat_names[i], sum[i]);
	return 0;
}

/**
 * knd_stats_init - allocate the counters of a namespace
 * @kn: the component in a namespace that is being set up
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int __net_init knd_stats_init(struct knd_net *kn)
{
	kn->stats = netdev_alloc_pcpu_stats(struct knd_stats);
	return kn->stats ? 0 : -ENOMEM;
}

/**
 * knd_stats_exit - free the counters of a namespace
 * @kn: the component in a namespace, with all services stopped
 */
void __net_exit knd_stats_exit(struct knd_net *kn)
{
	free_percpu(kn->stats);
}
