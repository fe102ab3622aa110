/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: /proc/sys/net/knetdemo
 */

#ifndef _NET_KNETDEMO_SYSCTL_H
#define _NET_KNETDEMO_SYSCTL_H

#include <linux/if.h>
#include <linux/inet.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct cred;
struct knd_net;
struct knd_sysctl;

/* An IPv6 address, "%", a device name and the NUL */
#define KND_ADDR_LEN	(INET6_ADDRSTRLEN + IFNAMSIZ)
/* The longest text and its NUL */
#define KND_TEXT_LEN	256

/* Sysctls that start and stop a service which has parameters */
enum knd_switch {
	KND_SWITCH_TCP,
	KND_SWITCH_UDP,
	KND_SWITCH_COUNT,
	KND_SWITCH_NONE = KND_SWITCH_COUNT
};

/*
 * Written to a switch: start the service when its parameters have not changed
 * for a while. Read from it: the service is on, or waits to start.
 */
#define KND_SWITCH_DEFERRED	2

/*
 * struct knd_config - values of the sysctls of a network namespace
 *
 * Each file in /proc/sys/net/knetdemo/ has a member of its name. Numbers are
 * stored with WRITE_ONCE() under &knd_net.lock, and can be read anywhere with
 * READ_ONCE(). Text is read and written under &knd_net.lock only. The switches
 * @tcp and @udp are 0 or 1, whatever their files show.
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
	int tcp_log;
	int tcp_idle_ms;
	int udp;
	int udp_dport;
	int udp_sport;
	int udp_size;
	int udp_count;
	int udp_interval_us;
	int udp_rate_pps;
	int udp_linger_ms;
	int udp_gso;
	int udp_stamp;
	int udp_ttl;
	int udp_tos;
	unsigned int udp_mark;
	int udp_df;
	int ftp_timeout_ms;
	char tcp_addr[KND_ADDR_LEN];
	char udp_daddr[KND_ADDR_LEN];
	char udp_saddr[KND_ADDR_LEN];
	char udp_dev[IFNAMSIZ];
	char udp_message[KND_TEXT_LEN];
};

/**
 * struct knd_deferred - a service that starts after its parameters are set
 * @kn: the component in the namespace
 * @ctl: the switch of the service
 * @work: starts the service; cancelled when the sysctls are removed
 * @cred: credentials of the task that wrote the switch, with a reference; NULL
 *	where no start is pending
 * @start_at: when to start, in jiffies; each write of a parameter moves it
 */
struct knd_deferred {
	/* Constant */
	struct knd_net *kn;
	const struct knd_sysctl *ctl;

	struct delayed_work work;

	/* Protected by &knd_net.lock */
	const struct cred *cred;
	unsigned long start_at;
};

int knd_sysctl_init(struct knd_net *kn);
void knd_sysctl_exit(struct knd_net *kn);

#endif /* _NET_KNETDEMO_SYSCTL_H */
