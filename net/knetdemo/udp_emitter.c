// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: UDP emitter
 *
 * A run has a thread that sends, and a setup: a socket and what is sent through
 * it. The task that writes a sysctl makes the setup, so that an address that
 * cannot be bound is an error of that write. It exchanges the setup under
 * &knd_udp.lock, which the thread holds while it sends: once the write has
 * returned, nothing is sent under the old value.
 *
 * A run ends in one of three ways. A counted run reaches its count: the thread
 * marks it finished, keeps the socket open for udp_linger_ms to count late ICMP
 * errors, frees the setup and exits. A write of 0 stops the run: the writer
 * waits for the thread and frees the setup. When the namespace is dismantled,
 * knd_udp_pre_exit() tells the thread to exit and knd_udp_exit() waits for it.
 */

#include <linux/bvec.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uio.h>
#include <net/net_namespace.h>
#include <uapi/linux/knetdemo.h>

#include "access.h"
#include "knetdemo.h"
#include "sock.h"
#include "trace.h"

/* The largest UDP payload over IPv4; used for both families */
#define KND_UDP_MAX_LEN		65507
/* The thread releases &knd_udp.lock after this many datagrams or bytes */
#define KND_UDP_BURST		64
#define KND_UDP_BURST_BYTES	(256 * 1024)
/* Below this size copying costs less than passing references to pages */
#define KND_UDP_SPLICE_MIN	1024
/* Pause of an unpaced run after an error that the next datagram would repeat */
#define KND_UDP_PAUSE_NS	(10 * NSEC_PER_MSEC)
/* After this time segments are tried again on a route that refused them */
#define KND_UDP_GSO_RETRY_NS	(1 * NSEC_PER_SEC)
/* Retries of one datagram, when each error may belong to an earlier one */
#define KND_UDP_TRIES		8
/* Returned instead of a time: the run is over and the thread exits */
#define KND_UDP_OVER		U64_MAX

/**
 * struct knd_udp_setup - what a run sends, and the socket that it uses
 * @sock: connected to @daddr; NULL until the setup is complete
 * @segment: value of the option UDP_SEGMENT of @sock
 * @reopen: connect @sock again before the next send: the source address may
 *	have been removed, or the socket was disconnected
 * @gso_errno: why the route did not take segments, or 0
 * @gso_retry_ns: when to try segments again
 * @daddr: destination
 * @saddr: source as configured; address and port may be unspecified
 * @opts: options of the socket
 * @count: datagrams in the run; 0 is no limit
 * @rate: configured datagrams per second; 0 if an interval was configured
 * @interval: whole nanoseconds between two datagrams; 0 is unpaced
 * @frac: fraction of the interval, in 2^-32 ns
 * @size: bytes in a datagram, including the stamp
 * @gso: configured number of segments in a call
 * @segs: number of segments in a call that fit into KND_UDP_MAX_LEN
 * @stamp: each datagram begins with a stamp
 * @buf: the payload of a call with @segs datagrams
 * @pages: @buf as pages
 *
 * The first group changes while the thread sends and is protected by
 * &knd_udp.lock. The others are constant once the setup is made; only the
 * stamps in @buf are written for each call.
 */
struct knd_udp_setup {
	struct socket *sock;
	u16 segment;
	bool reopen;
	int gso_errno;
	u64 gso_retry_ns;

	struct sockaddr_storage daddr;
	struct sockaddr_storage saddr;
	struct knd_udp_opts opts;
	u64 count;
	u32 rate;
	u32 frac;
	u64 interval;
	unsigned int size;
	unsigned int gso;
	unsigned int segs;
	bool stamp;
	void *buf;
	struct bio_vec pages[DIV_ROUND_UP(KND_UDP_MAX_LEN, PAGE_SIZE)];
};

#define KND_UDP_NAME(value, name)	name,
static const char * const knd_udp_states[] = { KND_UDP_STATES(KND_UDP_NAME) };
static const char * const knd_udp_errors[] = { KND_UDP_ERRORS(KND_UDP_NAME) };

static_assert(KND_STAT_UDP_ERR_OTHER - KND_STAT_UDP_ERR_NOBUFS ==
	      KND_UDP_ERR_OTHER);
static_assert(sizeof(struct knetdemo_udp_stamp) == 24);

static enum knd_udp_error knd_udp_cause(int err)
{
	switch (-err) {
	case ENOBUFS:
	case ENOMEM:
		return KND_UDP_ERR_NOBUFS;
	case EAGAIN:
		return KND_UDP_ERR_AGAIN;
	case ECONNREFUSED:
		return KND_UDP_ERR_REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENONET:
	case EACCES:		/* a prohibit route or a policy */
		return KND_UDP_ERR_UNREACH;
	case ENETDOWN:
	case ENODEV:
	case ENXIO:
		return KND_UDP_ERR_NETDOWN;
	case EMSGSIZE:
		return KND_UDP_ERR_MSGSIZE;
	default:
		return KND_UDP_ERR_OTHER;
	}
}

static void knd_udp_count_error(struct knd_net *kn, int err)
{
	enum knd_udp_error cause = knd_udp_cause(err);

	kn->udp.run.errors[cause]++;
	knd_stat_inc(kn, KND_STAT_UDP_ERRORS);
	knd_stat_inc(kn, KND_STAT_UDP_ERR_NOBUFS + cause);
}

/**
 * knd_udp_reported - count an ICMP error
 * @kn: the component in a namespace
 * @err: -errno about a datagram of the latest run that was sent earlier
 *
 * Context: softirq or process, with the socket's sk_callback_lock held, which
 * knd_udp_close() takes: no call comes after it.
 */
void knd_udp_reported(struct knd_net *kn, int err)
{
	enum knd_udp_error cause = knd_udp_cause(err);

	atomic64_inc(&kn->udp.reported[cause]);
	atomic_inc(&kn->udp.reports);
	knd_stat_inc(kn, KND_STAT_UDP_ERRORS);
	knd_stat_inc(kn, KND_STAT_UDP_ERR_NOBUFS + cause);
}

static void knd_udp_setup_free(struct knd_udp_setup *setup)
{
	if (!setup)
		return;
	if (setup->sock)
		knd_udp_close(setup->sock);
	/* Packets in queues hold references of their own to the pages */
	if (setup->buf)
		free_pages_exact(setup->buf, setup->segs * setup->size);
	kfree(setup);
}

/* Write the payload of all segments, without their stamps */
static void knd_udp_fill(struct knd_udp_setup *setup, const char *message)
{
	size_t head = setup->stamp ? sizeof(struct knetdemo_udp_stamp) : 0;
	size_t room = setup->size - head;
	size_t len = strlen(message);
	char *text = setup->buf + head;
	unsigned int i;

	memset(setup->buf, 0, setup->size);
	memcpy(text, message, min(len, room));
	if (len < room)
		text[len] = '\n';
	for (i = 1; i < setup->segs; i++)
		memcpy(setup->buf + i * setup->size, setup->buf, setup->size);
}

/* Allocate a setup for the configured values; its socket is opened later */
static struct knd_udp_setup *
knd_udp_setup_make(const struct knd_config *cfg,
		   const struct sockaddr_storage *saddr,
		   const struct sockaddr_storage *daddr)
{
	size_t head = cfg->udp_stamp ? sizeof(struct knetdemo_udp_stamp) : 0;
	unsigned int size = cfg->udp_size;
	struct knd_udp_setup *setup;
	size_t len, done;
	unsigned int i;

	if (!size)
		size = head + strlen(cfg->udp_message) + 1;
	if (size < head)
		return ERR_PTR(-EINVAL);

	setup = kzalloc_obj(*setup, GFP_KERNEL);
	if (!setup)
		return ERR_PTR(-ENOMEM);
	setup->daddr = *daddr;
	setup->saddr = *saddr;
	setup->count = cfg->udp_count;
	setup->rate = cfg->udp_rate_pps;
	/* A rate takes precedence, whichever of the two was written last */
	if (setup->rate)
		knd_pace_interval(setup->rate, &setup->interval, &setup->frac);
	else
		setup->interval = (u64)cfg->udp_interval_us * NSEC_PER_USEC;
	strscpy(setup->opts.dev, cfg->udp_dev);
	setup->opts.ttl = cfg->udp_ttl;
	setup->opts.tos = cfg->udp_tos;
	setup->opts.mark = cfg->udp_mark;
	setup->opts.df = cfg->udp_df;
	setup->size = size;
	setup->stamp = cfg->udp_stamp;
	setup->gso = cfg->udp_gso;
	setup->segs = min(setup->gso, KND_UDP_MAX_LEN / size);

	len = setup->segs * size;
	setup->buf = alloc_pages_exact(len, GFP_KERNEL | __GFP_RETRY_MAYFAIL |
					    __GFP_NOWARN);
	if (!setup->buf) {
		kfree(setup);
		return ERR_PTR(-ENOMEM);
	}
	knd_udp_fill(setup, cfg->udp_message);
	for (i = 0, done = 0; done < len; i++, done += PAGE_SIZE)
		bvec_set_virt(&setup->pages[i], setup->buf + done,
			      min(len - done, PAGE_SIZE));
	return setup;
}

/*
 * Number and time of the next @segs datagrams. Failed datagrams have numbers of
 * their own, so that a receiver sees them as lost.
 */
static void knd_udp_stamp(const struct knd_net *kn,
			  struct knd_udp_setup *setup, unsigned int segs)
{
	const struct knd_udp_run *run = &kn->udp.run;
	struct knetdemo_udp_stamp stamp = {
		.magic = cpu_to_be32(KNETDEMO_UDP_MAGIC),
		.run = cpu_to_be32(run->id),
		.tx_ns = cpu_to_be64(ktime_get_real_ns()),
	};
	u64 seq = run->sent + run->failed;
	unsigned int i;

	for (i = 0; i < segs; i++) {
		stamp.seq = cpu_to_be64(seq + i);
		memcpy(setup->buf + i * setup->size, &stamp, sizeof(stamp));
	}
}

/* Make the socket cut what it is given into segments of @size; 0 for none */
static int knd_udp_use_segments(struct knd_udp_setup *setup, unsigned int size)
{
	int err;

	err = knd_udp_set_segment(setup->sock, size);
	if (!err)
		setup->segment = size;
	return err;
}

/*
 * One call of the socket layer. All segments of a call have the same size, so
 * that the call sends whole datagrams or none.
 */
static int knd_udp_send(struct knd_net *kn, struct knd_udp_setup *setup,
			unsigned int segs)
{
	struct msghdr msg = { .msg_flags = MSG_NOSIGNAL };
	unsigned int segment = segs > 1 ? setup->size : 0;
	size_t len = segs * setup->size;
	struct kvec vec;
	int err;

	if (unlikely(setup->reopen)) {
		err = knd_udp_reopen(setup->sock, &setup->saddr, &setup->daddr,
				     &setup->opts);
		if (err)
			return err;
		setup->reopen = false;
		knd_udp_local(setup->sock, &kn->udp.run.saddr);
	}
	if (unlikely(setup->segment != segment)) {
		err = knd_udp_use_segments(setup, segment);
		if (err)
			return err;
	}

	if (setup->stamp)
		knd_udp_stamp(kn, setup, segs);
	if (len >= KND_UDP_SPLICE_MIN && !setup->stamp) {
		msg.msg_flags |= MSG_SPLICE_PAGES;
		/* Only the used entries: the iterator skips each empty one */
		iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, setup->pages,
			      DIV_ROUND_UP(len, PAGE_SIZE), len);
	} else {
		vec.iov_base = setup->buf;
		vec.iov_len = len;
		iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, len);
	}
	err = min(sock_sendmsg(setup->sock, &msg), 0);
	trace_knetdemo_udp_send(kn->net, &setup->daddr, kn->udp.run.id,
				kn->udp.run.sent + kn->udp.run.failed, segs,
				setup->size, err);
	return err;
}

/* Errors of ICMP messages: icmp_err_convert[], icmpv6_err_convert() */
static bool knd_udp_may_be_report(int err)
{
	switch (-err) {
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENONET:
	case EACCES:
	case EMSGSIZE:
	case EPROTO:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
		return true;
	}
	return false;
}

/*
 * A send can return sk_err, which another CPU has just set for an earlier
 * datagram and knd_udp_error_report() has not cleared yet. That error is
 * counted there, and this datagram was not sent: send it again. The error
 * belongs to this datagram if it comes twice and no ICMP error was counted in
 * between, or if it comes KND_UDP_TRIES times.
 */
static int knd_udp_send_sure(struct knd_net *kn, struct knd_udp_setup *setup,
			     unsigned int segs)
{
	int reports, tries, err;

	for (tries = 0; tries < KND_UDP_TRIES; tries++) {
		reports = atomic_read(&kn->udp.reports);
		err = knd_udp_send(kn, setup, segs);
		if (likely(!err) || !knd_udp_may_be_report(err))
			break;
		if (tries && reports == atomic_read(&kn->udp.reports))
			break;
	}
	return err;
}

/*
 * Errors of a call with several segments on a route that takes single
 * datagrams: segments larger than the MTU, no checksums, IPsec.
 */
static bool knd_udp_gso_refused(int err)
{
	return err == -EMSGSIZE || err == -EINVAL || err == -EIO ||
	       err == -EOPNOTSUPP;
}

/* Errors of the route: the next datagram will have the same */
static bool knd_udp_route_error(int err)
{
	enum knd_udp_error cause = knd_udp_cause(err);

	return cause == KND_UDP_ERR_UNREACH || cause == KND_UDP_ERR_NETDOWN ||
	       err == -EINVAL || err == -EADDRNOTAVAIL;
}

/* Whether the kernel chose the source address and may choose another one */
static bool knd_udp_any_source(const struct knd_udp_setup *setup)
{
	struct sockaddr_storage ss = setup->saddr;

	return inet_addr_is_any((void *)&ss);
}

/* Datagrams of the run that are neither sent nor failed */
static u64 knd_udp_todo(const struct knd_udp_run *run)
{
	u64 done = run->sent + run->failed;

	if (!run->count)
		return U64_MAX;
	return run->count - min(run->count, done);
}

/*
 * Send up to @todo datagrams in one call. Returns how many were sent or have
 * failed, and in @err what the call returned. After 0 datagrams and an error,
 * the same datagram is to be sent next.
 */
static unsigned int knd_udp_step(struct knd_net *kn, u64 todo, u64 now,
				 int *err)
{
	struct knd_udp_setup *setup = kn->udp.setup;
	struct knd_udp_run *run = &kn->udp.run;
	unsigned int segs = setup->segs;

	if (segs > 1) {
		if (setup->gso_errno && now < setup->gso_retry_ns)
			segs = 1;
		else
			segs = min(todo, segs);
	}
	*err = knd_udp_send_sure(kn, setup, segs);
	if (segs > 1) {
		setup->gso_errno = 0;
		if (knd_udp_gso_refused(*err)) {
			setup->gso_errno = *err;
			setup->gso_retry_ns = now + KND_UDP_GSO_RETRY_NS;
			knd_stat_inc(kn, KND_STAT_UDP_GSO_REFUSED);
			segs = 1;
			*err = knd_udp_send_sure(kn, setup, segs);
		}
	}
	if (likely(!*err)) {
		run->sent += segs;
		run->bytes += segs * setup->size;
		return segs;
	}

	/* The thread was told to stop while it waited for room: no error */
	if (*err == -EINTR || *err == -ERESTARTSYS)
		return 0;
	knd_udp_count_error(kn, *err);
	/* The socket's buffer is still full: try the same datagram again */
	if (*err == -EAGAIN)
		return 0;
	run->failed += segs;
	knd_stat_add(kn, KND_STAT_UDP_FAILED, segs);
	if (knd_udp_route_error(*err))
		setup->reopen = knd_udp_any_source(setup);
	/* "ss -K" has disconnected the socket */
	if (*err == -EDESTADDRREQ)
		setup->reopen = true;
	return segs;
}

/*
 * Send what is due, at most a burst. When all is sent, mark the run finished
 * and wait for ICMP errors. Returns the time of the next call, 0 for at once,
 * or KND_UDP_OVER.
 */
static u64 knd_udp_burst(struct knd_net *kn)
{
	struct knd_udp *udp = &kn->udp;
	struct knd_udp_run *run = &udp->run;
	struct knd_pace *pace = &run->pace;
	const u64 skipped = pace->skipped;
	const u64 bytes = run->bytes;
	const u64 late = pace->late;
	u64 now = ktime_get_ns();
	u64 todo, due, n, wake;
	unsigned int budget;
	int err = 0;

	if (run->state == KND_UDP_FINISHED)
		return now < udp->linger_ns ? udp->linger_ns : KND_UDP_OVER;
	todo = knd_udp_todo(run);
	if (!todo)
		goto finished;
	due = knd_pace_due(pace, now);
	if (!due)
		return knd_pace_wake(pace, now);

	knd_meter_tick(&run->meter, now, run->sent);
	run->last_ns = now;
	run->last_sent = run->sent;

	for (budget = 0; budget < KND_UDP_BURST; budget += n) {
		if (!todo || !due || READ_ONCE(kn->udp.stop) ||
		    run->bytes - bytes > KND_UDP_BURST_BYTES)
			break;
		n = knd_udp_step(kn, todo, now, &err);
		knd_pace_sent(pace, now, n);
		todo -= n;
		due -= min(due, n);
		if (err && (!n || knd_udp_route_error(err)))
			break;
	}
	run->gso_errno = kn->udp.setup->gso_errno;

	knd_stat_add(kn, KND_STAT_UDP_SENT, run->sent - run->last_sent);
	knd_stat_add(kn, KND_STAT_UDP_BYTES, run->bytes - bytes);
	if (pace->late != late)
		knd_stat_add(kn, KND_STAT_UDP_LATE, pace->late - late);
	if (pace->skipped != skipped)
		knd_stat_add(kn, KND_STAT_UDP_SKIPPED,
			     pace->skipped - skipped);

	if (!todo)
		goto finished;
	if (!pace->interval)
		return knd_udp_route_error(err) ? now + KND_UDP_PAUSE_NS : 0;
	wake = knd_pace_wake(pace, now);
	return wake == now ? 0 : wake;

finished:
	/* knd_udp_reap() reads this without the lock; then udp reads 0 */
	WRITE_ONCE(run->state, KND_UDP_FINISHED);
	udp->linger_ns = ktime_get_ns() +
			 (u64)READ_ONCE(kn->cfg.udp_linger_ms) * NSEC_PER_MSEC;
	return 0;
}

/* End a run. Returns its setup, which the caller has to free, or NULL. */
static struct knd_udp_setup *knd_udp_detach(struct knd_udp *udp)
{
	struct knd_udp_setup *setup = udp->setup;

	lockdep_assert_held(&udp->lock);
	if (setup && udp->run.state == KND_UDP_RUNNING)
		WRITE_ONCE(udp->run.state, KND_UDP_STOPPED);
	udp->setup = NULL;
	return setup;
}

static void knd_udp_sleep(struct knd_udp *udp, u64 wake, unsigned int changes)
{
	ktime_t expires = ns_to_ktime(wake);

	/*
	 * A full barrier: either the thread sees a new value of @stop or
	 * @changes, or the wake-up after the write ends its sleep. Pairs with
	 * wake_up_process() in knd_udp_change() and knd_udp_pre_exit(), and
	 * with kthread_stop_put() in knd_udp_stop().
	 */
	set_current_state(TASK_INTERRUPTIBLE);
	if (!READ_ONCE(udp->stop) && READ_ONCE(udp->changes) == changes)
		schedule_hrtimeout(&expires, HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
}

static int knd_udp_thread(void *data)
{
	struct knd_net *kn = data;
	struct knd_udp *udp = &kn->udp;
	struct knd_udp_setup *setup;
	unsigned int changes;
	u64 wake = 0;

	while (!READ_ONCE(udp->stop)) {
		mutex_lock(&udp->lock);
		changes = udp->changes;
		wake = knd_udp_burst(kn);
		if (wake == KND_UDP_OVER)
			setup = knd_udp_detach(udp);
		mutex_unlock(&udp->lock);

		if (wake == KND_UDP_OVER) {
			knd_udp_setup_free(setup);
			break;
		}
		if (wake)
			knd_udp_sleep(udp, wake, changes);
		else
			/*
			 * Preemption is no quiescent state for RCU Tasks. An
			 * unpaced run would hold off the removal of trampolines
			 * until it ends.
			 */
			cond_resched_tasks_rcu_qs();
	}
	return 0;
}

/*
 * Wait for the thread, which may have exited by itself, and end the run, with
 * &knd_net.lock held or after the sysctls are removed.
 */
static void knd_udp_stop(struct knd_net *kn)
{
	struct knd_udp *udp = &kn->udp;
	struct knd_udp_setup *setup;

	udp->on = false;
	if (!udp->task)
		return;
	WRITE_ONCE(udp->stop, true);
	kthread_stop_put(udp->task);
	udp->task = NULL;

	mutex_lock(&udp->lock);
	setup = knd_udp_detach(udp);
	mutex_unlock(&udp->lock);
	knd_udp_setup_free(setup);
}

/* Give @setup, with its socket open, to the thread; describe it in the run */
static void knd_udp_attach(struct knd_udp *udp, struct knd_udp_setup *setup)
{
	struct knd_udp_run *run = &udp->run;

	lockdep_assert_held(&udp->lock);
	run->daddr = setup->daddr;
	run->saddr = setup->saddr;
	knd_udp_local(setup->sock, &run->saddr);
	run->count = setup->count;
	run->rate = setup->rate;
	run->size = setup->size;
	run->gso = setup->gso;
	run->segs = setup->segs;
	run->stamp = setup->stamp;
	run->gso_errno = 0;
	udp->setup = setup;
}

/* Begin a run. On success the run owns @setup, on error the caller does. */
static int knd_udp_start(struct knd_net *kn, struct knd_udp_setup *setup)
{
	struct knd_udp *udp = &kn->udp;
	struct task_struct *task;
	int err, i;
	u64 now;

	err = knd_udp_open(kn, &setup->saddr, &setup->daddr, &setup->opts,
			   NULL, &setup->sock);
	if (err)
		return err;
	task = kthread_create(knd_udp_thread, kn, "knd-udp/%u",
			      kn->net->ns.inum);
	if (IS_ERR(task))
		return PTR_ERR(task);

	mutex_lock(&udp->lock);
	now = ktime_get_ns();
	/* The previous run's socket is closed and counts nothing any more */
	for (i = 0; i < KND_UDP_ERR_MAX; i++)
		atomic64_set(&udp->reported[i], 0);
	udp->run = (struct knd_udp_run) {
		.id = udp->run.id + 1,
		.state = KND_UDP_RUNNING,
		.begin_ns = now,
	};
	knd_pace_start(&udp->run.pace, now, setup->interval, setup->frac,
		       hrtimer_resolution);
	knd_udp_attach(udp, setup);
	mutex_unlock(&udp->lock);

	knd_stat_inc(kn, KND_STAT_UDP_RUNS);
	udp->on = true;
	WRITE_ONCE(udp->stop, false);
	udp->task = get_task_struct(task);
	wake_up_process(task);
	return 0;
}

/*
 * Exchange the setup of a run, or do nothing if the run has finished meanwhile.
 * On success @setup belongs to the run or is freed, on error the caller owns it
 * and the run continues unchanged.
 */
static int knd_udp_change(struct knd_net *kn, struct knd_udp_setup *setup)
{
	struct knd_udp *udp = &kn->udp;
	struct knd_udp_run *run = &udp->run;
	struct knd_udp_setup *old;
	int err = 0;

	mutex_lock(&udp->lock);
	old = udp->setup;
	if (!old || run->state != KND_UDP_RUNNING) {
		old = setup;
	} else if (!memcmp(&old->daddr, &setup->daddr, sizeof(old->daddr)) &&
		   !memcmp(&old->saddr, &setup->saddr, sizeof(old->saddr)) &&
		   !memcmp(&old->opts, &setup->opts, sizeof(old->opts))) {
		setup->sock = old->sock;
		setup->segment = old->segment;
		setup->reopen = old->reopen;
		old->sock = NULL;
	} else {
		err = knd_udp_open(kn, &setup->saddr, &setup->daddr,
				   &setup->opts, old->sock, &setup->sock);
	}
	if (!err && old != setup) {
		knd_udp_attach(udp, setup);
		if (old->interval != setup->interval ||
		    old->frac != setup->frac)
			knd_pace_change(&run->pace, ktime_get_ns(),
					setup->interval, setup->frac);
		run->meter = (struct knd_meter) {};
		WRITE_ONCE(udp->changes, udp->changes + 1);
	}
	mutex_unlock(&udp->lock);
	if (err)
		return err;

	wake_up_process(udp->task);
	knd_udp_setup_free(old);
	return 0;
}

/**
 * knd_udp_reap - note that a run has finished by itself
 * @kn: the component in a namespace
 *
 * Context: process, &knd_net.lock held.
 * Return: true once for each finished run, then the switch is to read 0.
 */
bool knd_udp_reap(struct knd_net *kn)
{
	struct knd_udp *udp = &kn->udp;

	lockdep_assert_held(&kn->lock);
	if (!udp->on || READ_ONCE(udp->run.state) != KND_UDP_FINISHED)
		return false;
	udp->on = false;
	return true;
}

/**
 * knd_udp_apply - make the emitter follow its sysctls
 * @kn: the component in a namespace
 *
 * Starts a run if udp is 1 and none is on, changes a run that is on, and stops
 * it if udp is 0. A run that has finished and still counts ICMP errors goes on
 * with that until another run is started.
 *
 * Context: process, &knd_net.lock held.
 * Return: 0, or -errno of an address, of an option or of opening the socket.
 * After an error a run that is on continues unchanged.
 */
int knd_udp_apply(struct knd_net *kn)
{
	const struct knd_config *cfg = &kn->cfg;
	struct sockaddr_storage saddr = {};
	struct knd_udp *udp = &kn->udp;
	struct knd_udp_setup *setup;
	struct sockaddr_storage daddr;
	int err;

	if (!cfg->udp) {
		/* Do not parse: the device of an address may be removed */
		if (udp->on)
			knd_udp_stop(kn);
		return 0;
	}

	err = knd_addr_parse(kn->net, cfg->udp_daddr, cfg->udp_dport, &daddr);
	if (err)
		return err;
	if (cfg->udp_saddr[0]) {
		err = knd_addr_parse(kn->net, cfg->udp_saddr, cfg->udp_sport,
				     &saddr);
		if (err)
			return err;
	} else {
		saddr.ss_family = daddr.ss_family;
		((struct sockaddr_in *)&saddr)->sin_port =
			htons(cfg->udp_sport);
	}

	setup = knd_udp_setup_make(cfg, &saddr, &daddr);
	if (IS_ERR(setup))
		return PTR_ERR(setup);
	if (udp->on) {
		err = knd_udp_change(kn, setup);
	} else {
		/* The previous run may still wait for ICMP errors */
		knd_udp_stop(kn);
		err = knd_udp_start(kn, setup);
	}
	if (err)
		knd_udp_setup_free(setup);
	return err;
}

/**
 * knd_udp_show - print the state of the latest run
 * @seq: of the file
 * @v: unused
 *
 * Context: process. Waits for &knd_udp.lock, that is for a burst of a run.
 * Return: 0 or -ENOMEM.
 */
int knd_udp_show(struct seq_file *seq, void *v)
{
	struct knd_net *kn = knd_pernet(seq_file_single_net(seq));
	struct knd_udp_run *run;
	u64 target, achieved;
	u64 errors = 0;
	bool waiting;
	int i;

	run = kmalloc_obj(*run, GFP_KERNEL);
	if (!run)
		return -ENOMEM;
	mutex_lock(&kn->udp.lock);
	*run = kn->udp.run;
	for (i = 0; i < KND_UDP_ERR_MAX; i++)
		run->errors[i] += atomic64_read(&kn->udp.reported[i]);
	waiting = kn->udp.setup && run->state == KND_UDP_FINISHED;
	mutex_unlock(&kn->udp.lock);

	seq_printf(seq, "state %s\n", knd_udp_states[run->state]);
	if (run->state == KND_UDP_NEVER)
		goto free;

	for (i = 0; i < KND_UDP_ERR_MAX; i++)
		errors += run->errors[i];
	if (run->rate)
		target = (u64)run->rate * 1000;
	else
		target = run->pace.interval ?
			 knd_pace_rate(1, run->pace.interval) : 0;
	achieved = knd_meter_rate(&run->meter);

	seq_printf(seq, "run %u\n", run->id);
	seq_printf(seq, "destination %pISpc\n", &run->daddr);
	seq_printf(seq, "source %pISpc\n", &run->saddr);
	seq_printf(seq, "count %llu\n", run->count);
	seq_printf(seq, "size %u\n", run->size);
	seq_printf(seq, "stamp %d\n", run->stamp);
	seq_printf(seq, "interval_us %llu\n",
		   div_u64(run->pace.interval, NSEC_PER_USEC));
	seq_printf(seq, "gso %u\n", run->gso);
	seq_printf(seq, "gso_used %u\n", run->gso_errno ? 1 : run->segs);
	seq_printf(seq, "gso_errno %d\n", -run->gso_errno);
	seq_printf(seq, "sent %llu\n", run->sent);
	seq_printf(seq, "failed %llu\n", run->failed);
	seq_printf(seq, "bytes %llu\n", run->bytes);
	seq_printf(seq, "errors %llu\n", errors);
	for (i = 0; i < KND_UDP_ERR_MAX; i++)
		seq_printf(seq, "err_%s %llu\n", knd_udp_errors[i],
			   run->errors[i]);
	seq_printf(seq, "elapsed_us %llu\n",
		   div_u64(run->last_ns - min(run->last_ns, run->begin_ns),
			   NSEC_PER_USEC));
	seq_printf(seq, "target %llu.%03llu\n", div_u64(target, 1000),
		   target - div_u64(target, 1000) * 1000);
	seq_printf(seq, "achieved %llu.%03llu\n", div_u64(achieved, 1000),
		   achieved - div_u64(achieved, 1000) * 1000);
	seq_printf(seq, "late %llu\n", run->pace.late);
	seq_printf(seq, "late_max_us %llu\n",
		   div_u64(run->pace.late_max, NSEC_PER_USEC));
	seq_printf(seq, "skipped %llu\n", run->pace.skipped);
	seq_printf(seq, "rate_pps %u\n", run->rate);
	seq_printf(seq, "waiting %d\n", waiting);
free:
	kfree(run);
	return 0;
}

/**
 * knd_udp_init - prepare the emitter of a namespace
 * @kn: the component in a namespace that is being set up
 */
void __net_init knd_udp_init(struct knd_net *kn)
{
	mutex_init(&kn->udp.lock);
}

/**
 * knd_udp_pre_exit - tell the emitter to stop
 * @kn: the component in a namespace whose sysctls are removed
 *
 * Context: process. Does not wait for the thread.
 */
void knd_udp_pre_exit(struct knd_net *kn)
{
	WRITE_ONCE(kn->udp.stop, true);
	if (kn->udp.task)
		wake_up_process(kn->udp.task);
}

/**
 * knd_udp_exit - wait for the emitter and close its socket
 * @kn: the component in a namespace, after knd_udp_pre_exit()
 *
 * Context: process, may sleep for the time of one send.
 */
void knd_udp_exit(struct knd_net *kn)
{
	knd_udp_stop(kn);
}
