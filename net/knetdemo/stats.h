/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: counters
 */

#ifndef _NET_KNETDEMO_STATS_H
#define _NET_KNETDEMO_STATS_H

#include <linux/types.h>
#include <linux/u64_stats_sync.h>

struct knd_net;
struct seq_file;

/* Order and names: knd_stat_names[] in stats.c */
enum knd_stat {
	/* monitor */
	KND_STAT_MONITOR_ATTEMPTS,	/* connection attempts shown */
	KND_STAT_MONITOR_FILTERED,	/* attempts that no rule matched */
	KND_STAT_MONITOR_SYN_RETRANS,	/* SYNs sent again */
	KND_STAT_MONITOR_MALFORMED,	/* no SYNs, for they lie */
	KND_STAT_MONITOR_UNLOGGED,	/* log lines that the limit kept out */
	KND_STAT_MONITOR_NO_SOCKET,	/* SYNs that no socket sent */
	KND_STAT_MONITOR_SYN_AGAIN,	/* passes of a SYN after its first */
	/* tcp */
	KND_STAT_TCP_ACCEPTED,		/* connections taken into service */
	KND_STAT_TCP_ACCEPT_ERRORS,	/* accepts that failed, tried again */
	KND_STAT_TCP_RELISTENED,	/* destroyed listeners replaced */
	KND_STAT_TCP_REFUSED_MAX,	/* closed at once: tcp_max_conns */
	KND_STAT_TCP_REFUSED_SOURCE,	/* ... tcp_max_conns_per_source */
	KND_STAT_TCP_REFUSED_NOMEM,	/* ... no memory to serve it */
	KND_STAT_TCP_BYTES_IN,		/* bytes read from clients */
	KND_STAT_TCP_BYTES_OUT,		/* bytes handed to the stack for them */
	KND_STAT_TCP_CLOSED,		/* connections released, the sum of: */
	KND_STAT_TCP_CLOSED_PEER,	/* enum knd_close, in its order */
	KND_STAT_TCP_CLOSED_RESET,
	KND_STAT_TCP_CLOSED_TIMEOUT,
	KND_STAT_TCP_CLOSED_IDLE,
	KND_STAT_TCP_CLOSED_KILLED,
	KND_STAT_TCP_CLOSED_STOPPED,
	KND_STAT_TCP_CLOSED_ERROR,
	/* udp */
	KND_STAT_UDP_RUNS,		/* runs begun */
	KND_STAT_UDP_SENT,		/* datagrams handed to the stack */
	KND_STAT_UDP_BYTES,		/* their payload */
	KND_STAT_UDP_FAILED,		/* datagrams that the stack refused */
	KND_STAT_UDP_LATE,		/* datagrams sent late */
	KND_STAT_UDP_SKIPPED,		/* datagrams given up */
	KND_STAT_UDP_GSO_REFUSED,	/* sends of segments that failed */
	KND_STAT_UDP_ERRORS,		/* errors of all causes */
	KND_STAT_UDP_ERR_NOBUFS,	/* dropped by a queue, or no memory */
	KND_STAT_UDP_ERR_AGAIN,		/* socket's buffer full for too long */
	KND_STAT_UDP_ERR_REFUSED,	/* nobody at the destination port */
	KND_STAT_UDP_ERR_UNREACH,	/* no route, or said unreachable */
	KND_STAT_UDP_ERR_NETDOWN,	/* device down or gone */
	KND_STAT_UDP_ERR_MSGSIZE,	/* too large for the path */
	KND_STAT_UDP_ERR_OTHER,		/* any other cause */
	/* ftp */
	KND_STAT_FTP_STARTED,		/* transfers begun */
	KND_STAT_FTP_DONE,		/* transfers that ended well */
	KND_STAT_FTP_FAILED,		/* transfers that did not */
	KND_STAT_FTP_BYTES,		/* bytes written to callers' files */
	KND_STAT_FTP_ROGUE,		/* data connections by somebody else */
	KND_STAT_MAX
};

struct knd_stats {
	u64_stats_t counter[KND_STAT_MAX];
	struct u64_stats_sync syncp;
};

int knd_stats_init(struct knd_net *kn);
void knd_stats_exit(struct knd_net *kn);
void knd_stat_add(struct knd_net *kn, enum knd_stat stat, u64 n);
int knd_stats_show(struct seq_file *seq, void *v);

static inline void knd_stat_inc(struct knd_net *kn, enum knd_stat stat)
{
	knd_stat_add(kn, stat, 1);
}

#endif /* _NET_KNETDEMO_STATS_H */
