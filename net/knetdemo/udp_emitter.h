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

/* State of the latest run, with the names in /proc/net/knetdemo/udp */
#define KND_UDP_STATES(EM)			\
	EM(NEVER,	"never")		\
	EM(RUNNING,	"running")		\
	EM(STOPPED,	"stopped")		\
	EM(FINISHED,	"finished")

#define KND_UDP_STATE(state, name)	KND_UDP_##state,
enum knd_udp_state { KND_UDP_STATES(KND_UDP_STATE) };

/* Causes of errors, likewise; in the order of KND_STAT_UDP_ERR_* */
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
 * struct knd_udp_run - the latest run, as its file shows it
 * @id: number of the run in this namespace, from 1
 * @state: written with WRITE_ONCE(), also read without the lock
 * @daddr: destination
 * @saddr: source, including what the kernel chose
 * @count: datagrams in the run; 0 is no limit
 * @rate: configured datagrams per second; 0 if an interval was configured
 * @size: bytes of payload in a datagram
 * @gso: configured number of segments in a call
 * @segs: number of segments that fit into a call
 * @stamp: each datagram begins with a stamp
 * @sent: datagrams that the stack took
 * @failed: datagrams that the stack refused
 * @bytes: payload of the datagrams that were sent
 * @errors: errors that sends returned, by cause
 * @gso_errno: why single datagrams are sent now instead of segments, or 0
 * @begin_ns: when the run began
 * @last_ns: when the latest burst began
 * @last_sent: @sent at @last_ns
 * @meter: measures the rate since the run began or a sysctl was changed
 * @pace: the schedule
 *
 * The first group describes the setup, the second what has been sent. All is
 * protected by &knd_udp.lock.
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
	bool stamp;

	u64 sent;
	u64 failed;
	u64 bytes;
	u64 errors[KND_UDP_ERR_MAX];
	int gso_errno;
	u64 begin_ns;
	u64 last_ns;
	u64 last_sent;
	struct knd_meter meter;
	struct knd_pace pace;
};

/**
 * struct knd_udp - the emitter of a namespace
 * @task: the thread, with a reference. It may have exited by itself.
 * @on: a run was started and its end was not reaped yet
 * @lock: held by the thread while it sends, for one burst at a time; others
 *	take it inside &knd_net.lock
 * @setup: what the run sends; NULL if there is no run and no ICMP errors are
 *	waited for
 * @run: the latest run
 * @linger_ns: until when a finished run waits for ICMP errors
 * @changes: how many times others than the thread have exchanged @setup
 * @stop: tells the thread to exit
 * @reported: ICMP errors about the latest run, by cause
 * @reports: number of ICMP errors since the namespace was made
 *
 * &knd_net.lock protects the first group and @lock the second. @changes and
 * @stop are written before the thread is woken, and read by it without a lock.
 * The last group is counted in softirq.
 */
struct knd_udp {
	struct task_struct *task;
	bool on;

	struct mutex lock;	/* see above */
	struct knd_udp_setup *setup;
	struct knd_udp_run run;
	u64 linger_ns;

	unsigned int changes;
	bool stop;

	atomic64_t reported[KND_UDP_ERR_MAX];
	atomic_t reports;
};

void knd_udp_init(struct knd_net *kn);
int knd_udp_apply(struct knd_net *kn);
bool knd_udp_reap(struct knd_net *kn);
void knd_udp_reported(struct knd_net *kn, int err);
void knd_udp_pre_exit(struct knd_net *kn);
void knd_udp_exit(struct knd_net *kn);
int knd_udp_show(struct seq_file *seq, void *v);

#endif /* _NET_KNETDEMO_UDP_EMITTER_H */
