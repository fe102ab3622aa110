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
 * @net: the namespace, without a reference: it outlives this structure
 * @lock: serialises configuration: writes of sysctls and of "filter", and the
 *	start, change and stop of every service. Its holder can wait for the
 *	threads of a service to exit, so these threads must not take it.
 * @cfg: values of the sysctls
 * @deferred: services that start later, see sysctl.c
 * @sysctl: the registered sysctls
 * @proc: /proc/net/knetdemo
 * @files: &knd_file.list of the open files of /dev/knetdemo, see chardev.c
 * @stats: counters
 * @mon: the monitor
 * @tcp: the TCP service
 * @udp: the UDP emitter
 * @ftp: the FTP client
 */
struct knd_net {
	struct net *net;

	/* Configuration, protected by @lock */
	struct mutex lock;
	struct knd_config cfg;
	struct knd_deferred deferred[KND_SWITCH_COUNT];

	/* Interfaces; knd_files_lock in chardev.c protects @files */
	struct ctl_table_header *sysctl;
	struct proc_dir_entry *proc;
	struct list_head files;

	/* Services; each of these structures says what protects its members */
	struct knd_stats __percpu *stats;
	struct knd_monitor mon;
	struct knd_tcp tcp;
	struct knd_udp udp;
	struct knd_ftp ftp;
};

struct knd_net *knd_pernet(struct net *net);

#endif /* _NET_KNETDEMO_H */
