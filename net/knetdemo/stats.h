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

/*
 * The counters, in the order of the file "stats": the enumerator without
 * KND_STAT_, and the name in that file. The names are ABI, and documented in
 * Documentation/networking/knetdemo.rst.
 */
#define KND_STATS(EM)							\
	/* The monitor */						\
	/* recorded attempts */						\
	EM(MONITOR_ATTEMPTS, "monitor_attempts")			\
	/* attempts that no rule matched */				\
	EM(MONITOR_FILTERED, "monitor_filtered")			\
	/* SYNs that a TCP socket sent again */				\
	EM(MONITOR_SYN_RETRANS, "monitor_syn_retrans")			\
	/* headers that are truncated or inconsistent */		\
	EM(MONITOR_MALFORMED, "monitor_malformed")			\
	/* log lines that the rate limit kept out */			\
	EM(MONITOR_UNLOGGED, "monitor_unlogged")			\
	/* SYNs that no socket of the namespace sent */			\
	EM(MONITOR_NO_SOCKET, "monitor_no_socket")			\
	/* further passes of a SYN through the hook */			\
	EM(MONITOR_SYN_AGAIN, "monitor_syn_again")			\
	/* The TCP service */						\
	/* connections taken into service */				\
	EM(TCP_ACCEPTED, "tcp_accepted")				\
	/* accepts that failed, to be tried again */			\
	EM(TCP_ACCEPT_ERRORS, "tcp_accept_errors")			\
	/* destroyed listeners that were replaced */			\
	EM(TCP_RELISTENED, "tcp_relistened")				\
	/* connections reset at once: tcp_max_conns */			\
	EM(TCP_REFUSED_MAX, "tcp_refused_max")				\
	/* connections reset at once: tcp_max_conns_per_source */	\
	EM(TCP_REFUSED_SOURCE, "tcp_refused_source")			\
	/* connections reset at once: no memory */			\
	EM(TCP_REFUSED_NOMEM, "tcp_refused_nomem")			\
	/* bytes read from clients */					\
	EM(TCP_BYTES_IN, "tcp_bytes_in")				\
	/* bytes handed to TCP for clients */				\
	EM(TCP_BYTES_OUT, "tcp_bytes_out")				\
	/* connections released, the sum of: */				\
	EM(TCP_CLOSED, "tcp_closed")					\
	/* enum knd_close, in its order */				\
	EM(TCP_CLOSED_PEER, "tcp_closed_peer")				\
	EM(TCP_CLOSED_RESET, "tcp_closed_reset")			\
	EM(TCP_CLOSED_TIMEOUT, "tcp_closed_timeout")			\
	EM(TCP_CLOSED_IDLE, "tcp_closed_idle")				\
	EM(TCP_CLOSED_KILLED, "tcp_closed_killed")			\
	EM(TCP_CLOSED_STOPPED, "tcp_closed_stopped")			\
	EM(TCP_CLOSED_ERROR, "tcp_closed_error")			\
	/* The UDP emitter */						\
	/* runs begun */						\
	EM(UDP_RUNS, "udp_runs")					\
	/* datagrams that the stack took */				\
	EM(UDP_SENT, "udp_sent")					\
	/* payload of those */						\
	EM(UDP_BYTES, "udp_bytes")					\
	/* datagrams that the stack did not take */			\
	EM(UDP_FAILED, "udp_failed")					\
	/* datagrams sent more than 1 ms late */			\
	EM(UDP_LATE, "udp_late")					\
	/* datagrams skipped by the schedule */				\
	EM(UDP_SKIPPED, "udp_skipped")					\
	/* sends of segments that failed */				\
	EM(UDP_GSO_REFUSED, "udp_gso_refused")				\
	/* errors, the sum of: */					\
	EM(UDP_ERRORS, "udp_errors")					\
	/* enum knd_udp_error, in its order */				\
	EM(UDP_ERR_NOBUFS, "udp_err_nobufs")				\
	EM(UDP_ERR_AGAIN, "udp_err_again")				\
	EM(UDP_ERR_REFUSED, "udp_err_refused")				\
	EM(UDP_ERR_UNREACH, "udp_err_unreach")				\
	EM(UDP_ERR_NETDOWN, "udp_err_netdown")				\
	EM(UDP_ERR_MSGSIZE, "udp_err_msgsize")				\
	EM(UDP_ERR_OTHER, "udp_err_other")				\
	/* The FTP client */						\
	/* transfers begun */						\
	EM(FTP_STARTED, "ftp_started")					\
	/* transfers that succeeded */					\
	EM(FTP_DONE, "ftp_done")					\
	/* transfers that failed */					\
	EM(FTP_FAILED, "ftp_failed")					\
	/* bytes written to files of callers */				\
	EM(FTP_BYTES, "ftp_bytes")					\
	/* data connections not from the server */			\
	EM(FTP_ROGUE, "ftp_rogue")

#define KND_STAT_ENUM(stat, name)	KND_STAT_##stat,
enum knd_stat {
	KND_STATS(KND_STAT_ENUM)
	KND_STAT_COUNT
};

/**
 * struct knd_stats - the counters of one processor
 * @counter: values, by enum knd_stat
 * @syncp: lets 32-bit readers see whole values
 */
struct knd_stats {
	u64_stats_t counter[KND_STAT_COUNT];
	struct u64_stats_sync syncp;
};

int knd_stats_init(struct knd_net *kn);
void knd_stats_exit(struct knd_net *kn);
void knd_stat_add(struct knd_net *kn, enum knd_stat stat, u64 n);
int knd_stats_show(struct seq_file *seq, void *v);

/**
 * knd_stat_inc - count one event
 * @kn: the component in a namespace
 * @stat: which counter
 *
 * Context: see knd_stat_add().
 */
static inline void knd_stat_inc(struct knd_net *kn, enum knd_stat stat)
{
	knd_stat_add(kn, stat, 1);
}

#endif /* _NET_KNETDEMO_STATS_H */
