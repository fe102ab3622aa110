// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: counters
 */

#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/u64_stats_sync.h>

#include "knetdemo.h"
#include "stats.h"

/* Names are ABI, documented in Documentation/networking/knetdemo.rst */
static const char * const knd_stat_names[] = {
	[KND_STAT_MONITOR_ATTEMPTS]	= "monitor_attempts",
	[KND_STAT_MONITOR_FILTERED]	= "monitor_filtered",
	[KND_STAT_MONITOR_SYN_RETRANS]	= "monitor_syn_retrans",
	[KND_STAT_MONITOR_MALFORMED]	= "monitor_malformed",
	[KND_STAT_MONITOR_UNLOGGED]	= "monitor_unlogged",
	[KND_STAT_MONITOR_NO_SOCKET]	= "monitor_no_socket",
	[KND_STAT_MONITOR_SYN_AGAIN]	= "monitor_syn_again",
	[KND_STAT_TCP_ACCEPTED]		= "tcp_accepted",
	[KND_STAT_TCP_ACCEPT_ERRORS]	= "tcp_accept_errors",
	[KND_STAT_TCP_RELISTENED]	= "tcp_relistened",
	[KND_STAT_TCP_REFUSED_MAX]	= "tcp_refused_max",
	[KND_STAT_TCP_REFUSED_SOURCE]	= "tcp_refused_source",
	[KND_STAT_TCP_REFUSED_NOMEM]	= "tcp_refused_nomem",
	[KND_STAT_TCP_BYTES_IN]		= "tcp_bytes_in",
	[KND_STAT_TCP_BYTES_OUT]	= "tcp_bytes_out",
	[KND_STAT_TCP_CLOSED]		= "tcp_closed",
	[KND_STAT_UDP_RUNS]		= "udp_runs",
	[KND_STAT_TCP_CLOSED_PEER]	= "tcp_closed_peer",
	[KND_STAT_TCP_CLOSED_RESET]	= "tcp_closed_reset",
	[KND_STAT_TCP_CLOSED_TIMEOUT]	= "tcp_closed_timeout",
	[KND_STAT_TCP_CLOSED_IDLE]	= "tcp_closed_idle",
	[KND_STAT_TCP_CLOSED_KILLED]	= "tcp_closed_killed",
	[KND_STAT_TCP_CLOSED_STOPPED]	= "tcp_closed_stopped",
	[KND_STAT_TCP_CLOSED_ERROR]	= "tcp_closed_error",
	[KND_STAT_UDP_SENT]		= "udp_sent",
	[KND_STAT_UDP_BYTES]		= "udp_bytes",
	[KND_STAT_UDP_FAILED]		= "udp_failed",
	[KND_STAT_UDP_LATE]		= "udp_late",
	[KND_STAT_UDP_SKIPPED]		= "udp_skipped",
	[KND_STAT_UDP_GSO_REFUSED]	= "udp_gso_refused",
	[KND_STAT_UDP_ERRORS]		= "udp_errors",
	[KND_STAT_UDP_ERR_NOBUFS]	= "udp_err_nobufs",
	[KND_STAT_UDP_ERR_AGAIN]	= "udp_err_again",
	[KND_STAT_UDP_ERR_REFUSED]	= "udp_err_refused",
	[KND_STAT_UDP_ERR_UNREACH]	= "udp_err_unreach",
	[KND_STAT_UDP_ERR_NETDOWN]	= "udp_err_netdown",
	[KND_STAT_UDP_ERR_MSGSIZE]	= "udp_err_msgsize",
	[KND_STAT_UDP_ERR_OTHER]	= "udp_err_other",
	[KND_STAT_FTP_STARTED]		= "ftp_started",
	[KND_STAT_FTP_DONE]		= "ftp_done",
	[KND_STAT_FTP_FAILED]		= "ftp_failed",
	[KND_STAT_FTP_BYTES]		= "ftp_bytes",
	[KND_STAT_FTP_ROGUE]		= "ftp_rogue",
};

static_assert(ARRAY_SIZE(knd_stat_names) == KND_STAT_MAX);

/**
 * knd_stat_add - count
 * @kn: the component in a namespace
 * @stat: which counter
 * @n: how many events or bytes
 *
 * Context: process or softirq, interrupts enabled.
 */
void knd_stat_add(struct knd_net *kn, enum knd_stat stat, u64 n)
{
	struct knd_stats *stats;

	/* One writer at a time for this CPU's copy, also on 32 bits */
	local_bh_disable();
	stats = this_cpu_ptr(kn->stats);
	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->counter[stat], n);
	u64_stats_update_end(&stats->syncp);
	local_bh_enable();
}

/**
 * knd_stats_show - print all counters, "name value" a line
 * @seq: of the file
 * @v: unused
 *
 * Return: 0.
 */
int knd_stats_show(struct seq_file *seq, void *v)
{
	struct knd_net *kn = knd_pernet(seq_file_single_net(seq));
	u64 sum[KND_STAT_MAX] = {};
	unsigned int start;
	int cpu, i;

	for_each_possible_cpu(cpu) {
		const struct knd_stats *stats = per_cpu_ptr(kn->stats, cpu);
		u64 copy[KND_STAT_MAX];

		do {
			start = u64_stats_fetch_begin(&stats->syncp);
			for (i = 0; i < KND_STAT_MAX; i++)
				copy[i] = u64_stats_read(&stats->counter[i]);
		} while (u64_stats_fetch_retry(&stats->syncp, start));

		for (i = 0; i < KND_STAT_MAX; i++)
			sum[i] += copy[i];
	}
	/* Counted where they are numbered */
	sum[KND_STAT_MONITOR_ATTEMPTS] = atomic64_read(&kn->mon.attempts);
	for (i = 0; i < KND_STAT_MAX; i++)
		seq_printf(seq, "%s %llu\n", knd_stat_names[i], sum[i]);
	return 0;
}

/**
 * knd_stats_init - allocate the counters of a namespace
 * @kn: the component in a namespace that is being set up
 *
 * Return: 0 or -ENOMEM.
 */
int __net_init knd_stats_init(struct knd_net *kn)
{
	int cpu;

	kn->stats = alloc_percpu(struct knd_stats);
	if (!kn->stats)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(kn->stats, cpu)->syncp);
	return 0;
}

/**
 * knd_stats_exit - free the counters of a namespace
 * @kn: the component in a namespace where nothing counts any more
 */
void __net_exit knd_stats_exit(struct knd_net *kn)
{
	free_percpu(kn->stats);
}
