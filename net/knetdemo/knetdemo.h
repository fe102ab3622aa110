/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: what the files share
 */

#ifndef _NET_KNETDEMO_H
#define _NET_KNETDEMO_H

#include <linux/inet.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>

struct ctl_table;
struct ctl_table_header;
struct net;
struct proc_dir_entry;
struct seq_file;
struct socket;

/* An IPv6 address, "%", a device name and the NUL */
#define KND_ADDR_LEN	(INET6_ADDRSTRLEN + IFNAMSIZ)
/* The longest udp_message and its NUL */
#define KND_TEXT_LEN	256

/* The roles, as tcp_service names them */
enum knd_service {
	KND_SERVICE_ACCEPT,
	KND_SERVICE_DISCARD,
	KND_SERVICE_ECHO,
	KND_SERVICE_CHARGEN,
	KND_SERVICE_MAX = KND_SERVICE_CHARGEN
};

/**
 * struct knd_config - the knobs of a network namespace
 *
 * One member for each file in /proc/sys/net/knetdemo/, with its name. Numbers
 * are stored with WRITE_ONCE() under &knd_net.lock and may be read anywhere
 * with READ_ONCE(). Text is read and written under &knd_net.lock only.
 */
struct knd_config {
	int monitor;
	int monitor_log;
	int monitor_ring;
	int tcp;
	int tcp_port;
	int tcp_service;
	int tcp_backlog;
	int tcp_max_conns;
	int tcp_max_conns_per_source;
	int tcp_idle_ms;
	int udp;
	int udp_dport;
	int udp_sport;
	int udp_size;
	int udp_count;
	int udp_interval_us;
	int udp_gso;
	int udp_stamp;
	int ftp_timeout_ms;
	char tcp_addr[KND_ADDR_LEN];
	char udp_daddr[KND_ADDR_LEN];
	char udp_saddr[KND_ADDR_LEN];
	char udp_message[KND_TEXT_LEN];
};

/* Order and names: knd_stat_names[] in stats.c */
enum knd_stat {
	/* monitor */
	KND_STAT_MONITOR_ATTEMPTS,	/* connection attempts shown */
	/* tcp */
	KND_STAT_TCP_ACCEPTED,		/* connections accepted */
	KND_STAT_TCP_CLOSED,		/* connections released */
	/* udp */
	KND_STAT_UDP_SENT,		/* datagrams handed to the stack */
	KND_STAT_UDP_ERRORS,		/* datagrams that the stack refused */
	KND_STAT_MAX
};

struct knd_stats {
	u64_stats_t counter[KND_STAT_MAX];
	struct u64_stats_sync syncp;
};

/**
 * struct knd_net - the component in one network namespace
 * @net: the namespace; outlives this structure, no reference is held
 * @lock: serialises configuration: protects @cfg, and the starting, changing
 *	and stopping of every role. Never taken by a role's own thread, which
 *	may be waited for with it held.
 * @cfg: the knobs
 * @stats: counters
 * @sysctl: the registered knobs
 * @proc: /proc/net/knetdemo
 */
struct knd_net {
	struct net *net;
	struct mutex lock;
	struct knd_config cfg;
	struct knd_stats __percpu *stats;
	struct ctl_table_header *sysctl;
	struct proc_dir_entry *proc;
};

/* main.c */
struct knd_net *knd_pernet(struct net *net);

/* chardev.c */
int knd_chardev_init(void);
void knd_chardev_exit(void);

/* monitor.c */
int knd_monitor_apply(struct knd_net *kn);
void knd_monitor_pre_exit(struct knd_net *kn);

/* proc.c */
int knd_proc_init(struct knd_net *kn);
void knd_proc_exit(struct knd_net *kn);

/* sock.c */
int knd_addr_parse(struct net *net, const char *text, int port,
		   struct sockaddr_storage *addr);

/* stats.c */
int knd_stats_init(struct knd_net *kn);
void knd_stats_exit(struct knd_net *kn);
void knd_stat_add(struct knd_net *kn, enum knd_stat stat, u64 n);
int knd_stats_show(struct seq_file *seq, void *v);

static inline void knd_stat_inc(struct knd_net *kn, enum knd_stat stat)
{
	knd_stat_add(kn, stat, 1);
}

/* sysctl.c */
int knd_sysctl_init(struct knd_net *kn);
void knd_sysctl_exit(struct knd_net *kn);

/* tcp_service.c */
int knd_tcp_apply(struct knd_net *kn);
void knd_tcp_pre_exit(struct knd_net *kn);
void knd_tcp_exit(struct knd_net *kn);

/* udp_emitter.c */
int knd_udp_apply(struct knd_net *kn);
void knd_udp_pre_exit(struct knd_net *kn);
void knd_udp_exit(struct knd_net *kn);

#endif /* _NET_KNETDEMO_H */
