/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the UDP emitter
 */

#ifndef _NET_KNETDEMO_UDP_EMITTER_H
#define _NET_KNETDEMO_UDP_EMITTER_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/socket.h>
#include <linux/types.h>

#include "pace.h"

struct knd_net;
struct knd_udp_setup;
struct seq_file;
struct task_struct;

/* How the latest run is going, with the names in /proc/net/knetdemo/udp */
#define KND_UDP_STATES(EM)			\
	EM(NEVER,	"never")		\
	EM(RUNNING,	"running")		\
	EM(STOPPED,	"stopped")		\
	EM(FINISHED,	"finished")

#define KND_UDP_STATE(state, name)	KND_UDP_##state,
enum knd_udp_state { KND_UDP_STATES(KND_UDP_STATE) };

/* Causes of errors, likewise; in the order of the counters KND_STAT_UDP_ERR_* */
#define KND_UDP_ERRORS(EM)			\
	EM(NOBUFS,	"nobufs")		\
	EM(AGAIN,	"again")		\
	EM(REFUSED,	"refused")		\
	EM(UNREACH,	"unreach")		\
	EM(NETDOWN,	"netdown")		\
	EM(MSGSIZE,	"msgsize")		\
	EM(OTHER,	"other")

#define KND_UDP_ERROR(error, name)	KND_UDP_ERR_##error,
enum knd_udp_error {
	KND_UDP_ERRORS(KND_UDP_ERROR)
	KND_UDP_ERR_MAX
};

/**
 * struct knd_udp_run - what is known about a run
 * @id: number of the run in this namespace, from 1
 * @state: how it is going
 * @daddr: destination
 * @saddr: source, with what the kernel chose
 * @count: datagrams wanted; 0 is no limit
 * @rate: datagrams a second, as asked for; 0 where an interval holds
 * @size: bytes of payload in a datagram
 * @gso: segments in a send, as asked for
 * @segs: segments in a send, as they fit
 * @gso_errno: why segments are not sent in one call now; 0 where they are
 * @stamp: a stamp is in front
 * @sent: datagrams handed to the stack
 * @failed: datagrams that the stack refused
 * @bytes: payload of what was sent
 * @errors: what sends returned, by cause
 * @begin_ns: when the run began
 * @meter: the rate since the run began or a sysctl was changed
 * @last_ns: when sending last began
 * @last_sent: @sent at @last_ns
 * @pace: the schedule
 */
struct knd_udp_run {
	u32 id;
	enum knd_udp_state state;
	struct sockaddr_storage daddr;
	struct sockaddr_storage saddr;
	u64 count;
	u32 rate;
	unsigned int size;
	unsigned int gso;
	unsigned int segs;
	int gso_errno;
	bool stamp;
	u64 sent;
	u64 failed;
	u64 bytes;
	u64 errors[KND_UDP_ERR_MAX];
	u64 begin_ns;
	struct knd_meter meter;
	u64 last_ns;
	u64 last_sent;
	struct knd_pace pace;
};

/**
 * struct knd_udp - the emitter of a namespace
 * @lock: protects @setup and @run; held by the thread while it sends, taken
 *	inside &knd_net.lock by others
 * @setup: socket and payload; NULL where no run is going on and no reports
 *	about one are waited for
 * @run: the latest run
 * @linger_ns: when a finished run stops waiting for reports
 * @reported: errors that the network reported about the latest run, by cause;
 *	counted in softirq
 * @reports: how many of them there were since the namespace was made
 * @task: the thread, with a reference; protected by &knd_net.lock. It may have
 *	ended by itself.
 * @changes: counts changes of @setup by others than the thread
 * @stop: tells the thread to end
 */
struct knd_udp {
	struct mutex lock;
	struct knd_udp_setup *setup;
	struct knd_udp_run run;
	u64 linger_ns;
	atomic64_t reported[KND_UDP_ERR_MAX];
	atomic_t reports;
	struct task_struct *task;
	unsigned int changes;
	bool stop;
};

void knd_udp_init(struct knd_net *kn);
int knd_udp_apply(struct knd_net *kn);
void knd_udp_reported(struct knd_net *kn, int err);
void knd_udp_pre_exit(struct knd_net *kn);
void knd_udp_exit(struct knd_net *kn);
int knd_udp_show(struct seq_file *seq, void *v);

#endif /* _NET_KNETDEMO_UDP_EMITTER_H */
