/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the state of a namespace
 */

#ifndef _NET_KNETDEMO_H
#define _NET_KNETDEMO_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <net/net_namespace.h>

#include "ftp_client.h"
#include "monitor.h"
#include "stats.h"
#include "sysctl.h"
#include "tcp_listener.h"
#include "udp_emitter.h"

struct ctl_table_header;
struct proc_dir_entry;

/**
 * struct knd_net - the component in one network namespace
 * @net: the namespace; outlives this structure, no reference is held
 * @lock: serialises configuration: protects @cfg, and the starting, changing
 *	and stopping of every role. Never taken by a role's own thread, which
 *	may be waited for with it held.
 * @cfg: the knobs
 * @deferred: roles that start later, see sysctl.c
 * @stats: counters
 * @sysctl: the registered knobs
 * @proc: /proc/net/knetdemo
 * @udp: the emitter
 * @tcp: the TCP service, see tcp_listener.h
 * @files: &knd_file.list of the open files of /dev/knetdemo, see chardev.c
 * @mon: monitor
 * @ftp: the FTP client
 */
struct knd_net {
	struct net *net;
	struct mutex lock;
	struct knd_config cfg;
	struct knd_deferred deferred[KND_ROLE_MAX];
	struct knd_stats __percpu *stats;
	struct ctl_table_header *sysctl;
	struct proc_dir_entry *proc;
	struct knd_udp udp;
	struct knd_tcp tcp;
	struct list_head files;
	struct knd_monitor mon;
	struct knd_ftp ftp;
};

struct knd_net *knd_pernet(struct net *net);

#endif /* _NET_KNETDEMO_H */
