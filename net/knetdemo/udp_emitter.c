// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: UDP emitter
 *
 * A run has a thread, which sends, and a setup: a socket and what is sent
 * through it. Setups are made by writers of the knobs, so that what cannot be
 * opened is the writer's error, and swapped in under &knd_udp.lock, which the
 * thread holds while it sends: nothing leaves under an old setting once the
 * write that changed it has returned.
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
#include <linux/udp.h>
#include <linux/uio.h>
#include <linux/unaligned.h>
#include <net/net_namespace.h>
#include <uapi/linux/knetdemo.h>

#include "access.h"
#include "knetdemo.h"
#include "sock.h"
#include "trace.h"

/* The most that one send takes, whatever the family: 65535 less headers */
#define KND_UDP_MAX_LEN		65507
/* The thread lets others at its lock after this much */
#define KND_UDP_BURST		64
#define KND_UDP_BURST_BYTES	(256 * 1024)
/* Copying less than this costs less than handing over pages */
#define KND_UDP_SPLICE_MIN	1024
/* Flat out, the pause after an error that will not go away at once */
#define KND_UDP_PAUSE_NS	(10 * NSEC_PER_MSEC)
/* Where the route takes no segments it is asked again after this */
#define KND_UDP_GSO_RETRY_NS	(1 * NSEC_PER_SEC)
/* More errors in a row than reports about earlier datagrams explain */
#define KND_UDP_TRIES		8
/* Instead of a time to go on: the run is over */
#define KND_UDP_OVER		U64_MAX

/**
 * struct knd_udp_setup - what a run sends, and through what
 * @sock: connected to @daddr; NULL while the setup is being made
 * @daddr: destination
 * @saddr: source; address and port may be unspecified
 * @count: datagrams in the run; 0 is no limit
 * @opts: options of the socket
 * @rate: datagrams a second, as asked for; 0 where an interval was
 * @interval: between two datagrams in ns; 0 is flat out
 * @frac: what the interval has beyond that, in 2^-32 ns
 * @size: bytes in a datagram, with the stamp
 * @gso: segments in a send, as asked for
 * @segs: segments in a send, as they fit into one
 * @stamp: a stamp is in front of each datagram
 * @reopen: the route has to be chosen again
 * @gso_errno: why the route does not take segments, or 0
 * @gso_retry_ns: when it is asked again
 * @control: says UDP_SEGMENT
 * @buf: the payload of a send of @segs datagrams
 * @pages: @buf as pages
 */
struct knd_udp_setup {
	struct socket *sock;
	struct sockaddr_storage daddr;
	struct sockaddr_storage saddr;
	struct knd_udp_opts opts;
	u64 count;
	u64 interval;
	u32 rate;
	u32 frac;
	unsigned int size;
	unsigned int gso;
	unsigned int segs;
	bool stamp;
	bool reopen;
	int gso_errno;
	u64 gso_retry_ns;
	u8 control[CMSG_SPACE(sizeof(u16))] __aligned(sizeof(size_t));
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
	case EACCES:		/* a prohibit route, or a policy on the way */
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
 * knd_udp_reported - count an error that the network reported
 * @kn: the component in a namespace
 * @err: -errno for a datagram of the latest run that was sent before
 *
 * Context: softirq or process, under the socket's sk_callback_lock.
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
	/* What is still on its way has its own references to the pages */
	if (setup->buf)
		free_pages_exact(setup->buf, setup->segs * setup->size);
	kfree(setup);
}

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

/* A setup as the knobs say, except for the socket */
static struct knd_udp_setup *
knd_udp_setup_make(const struct knd_config *cfg,
		   const struct sockaddr_storage *saddr,
		   const struct sockaddr_storage *daddr)
{
	size_t head = cfg->udp_stamp ? sizeof(struct knetdemo_udp_stamp) : 0;
	unsigned int size = cfg->udp_size;
	struct knd_udp_setup *setup;
	struct cmsghdr *cmsg;
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
	/* One rule for which of the two holds, in whatever order they came */
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

	cmsg = (struct cmsghdr *)setup->control;
	cmsg->cmsg_level = SOL_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(u16));
	put_unaligned((u16)size, (u16 *)CMSG_DATA(cmsg));
	return setup;
}

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

/*
 * One call of the socket layer. Segments are all of the same size, so that a
 * datagram is sent whole or not at all.
 */
static int knd_udp_send(struct knd_net *kn, struct knd_udp_setup *setup,
			unsigned int segs)
{
	struct msghdr msg = { .msg_flags = MSG_NOSIGNAL };
	size_t len = segs * setup->size;
	struct kvec vec;
	int err;

	if (unlikely(setup->reopen)) {
		err = knd_udp_reopen(setup->sock, &setup->daddr);
		if (err)
			return err;
		setup->reopen = false;
		knd_udp_local(setup->sock, &kn->udp.run.saddr);
	}

	if (setup->stamp)
		knd_udp_stamp(kn, setup, segs);
	if (segs > 1) {
		msg.msg_control = setup->control;
		msg.msg_controllen = sizeof(setup->control);
	}
	if (len >= KND_UDP_SPLICE_MIN && !setup->stamp) {
		msg.msg_flags |= MSG_SPLICE_PAGES;
		iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, setup->pages,
			      ARRAY_SIZE(setup->pages), len);
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

/* Errors that ICMP reports: icmp_err_convert[], icmpv6_err_convert() */
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
 * A datagram is refused with sk_err, too, where it is sent between the moment
 * in which another CPU sets that for an earlier datagram and the moment in
 * which knd_udp_error_report() clears it. Such a report is counted there and
 * this datagram has not left: send it again. An error is that of the datagram
 * where it comes twice with no report in between, or @KND_UDP_TRIES times.
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
 * Errors that a send of several segments can have where single datagrams get
 * through: larger than the MTU, no checksum, a transformation on the route.
 */
static bool knd_udp_gso_refused(int err)
{
	return err == -EMSGSIZE || err == -EINVAL || err == -EIO ||
	       err == -EOPNOTSUPP;
}

/* Errors of a route, which the next datagram will have too */
static bool knd_udp_route_error(int err)
{
	enum knd_udp_error cause = knd_udp_cause(err);

	return cause == KND_UDP_ERR_UNREACH || cause == KND_UDP_ERR_NETDOWN ||
	       err == -EINVAL || err == -EADDRNOTAVAIL;
}

/* Did the kernel choose the source address, and may choose another one? */
static bool knd_udp_any_source(const struct knd_udp_setup *setup)
{
	struct sockaddr_storage ss = setup->saddr;

	return inet_addr_is_any((void *)&ss);
}

static u64 knd_udp_todo(const struct knd_udp_run *run)
{
	u64 done = run->sent + run->failed;

	if (!run->count)
		return U64_MAX;
	return run->count - min(run->count, done);
}

/*
 * Send up to @todo datagrams in one call. Returns how many of them are done
 * with, sent or failed, and in @err what the socket layer said.
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

	/* Told to stop: the datagram did not leave, and nothing is wrong */
	if (*err == -EINTR || *err == -ERESTARTSYS)
		return 0;
	knd_udp_count_error(kn, *err);
	/* No room yet: the same datagram is sent next */
	if (*err == -EAGAIN)
		return 0;
	run->failed += segs;
	knd_stat_add(kn, KND_STAT_UDP_FAILED, segs);
	if (knd_udp_route_error(*err))
		setup->reopen = knd_udp_any_source(setup);
	/* Somebody disconnected the socket: ss -K */
	if (*err == -EDESTADDRREQ)
		setup->reopen = true;
	return segs;
}

/*
 * Send what is due, but not for long, or wait for reports when all was sent.
 * Returns when to go on, 0 for at once, or KND_UDP_OVER.
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
	/* Who sees either of them may start a new run, which ends the wait */
	run->state = KND_UDP_FINISHED;
	WRITE_ONCE(kn->cfg.udp, 0);
	udp->linger_ns = ktime_get_ns() +
			 (u64)READ_ONCE(kn->cfg.udp_linger_ms) * NSEC_PER_MSEC;
	return 0;
}

static struct knd_udp_setup *knd_udp_detach(struct knd_udp *udp)
{
	struct knd_udp_setup *setup = udp->setup;

	lockdep_assert_held(&udp->lock);
	if (setup && udp->run.state == KND_UDP_RUNNING)
		udp->run.state = KND_UDP_STOPPED;
	udp->setup = NULL;
	return setup;
}

static void knd_udp_sleep(struct knd_udp *udp, u64 wake, unsigned int changes)
{
	ktime_t expires = ns_to_ktime(wake);

	/* Paired with those who set what is tested, then wake the thread */
	set_current_state(TASK_INTERRUPTIBLE);
	if (!READ_ONCE(udp->stop) && READ_ONCE(udp->changes) == changes)
		schedule_hrtimeout_range(&expires, 0, HRTIMER_MODE_ABS);
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
			/* Preemption is no quiescent state for RCU Tasks */
			cond_resched_tasks_rcu_qs();
	}
	return 0;
}

/* The end of a thread, which may have ended by itself before */
static void knd_udp_stop(struct knd_net *kn)
{
	struct knd_udp *udp = &kn->udp;
	struct knd_udp_setup *setup;

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

/* Let the thread go on with @setup, which has a socket */
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
	/* The socket of the previous run is closed: nothing counts there */
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
	WRITE_ONCE(udp->stop, false);
	udp->task = get_task_struct(task);
	wake_up_process(task);
	return 0;
}

/* Change a run that is going on, or do nothing where it has ended meanwhile */
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

static bool knd_udp_ended(struct knd_udp *udp)
{
	bool ended;

	mutex_lock(&udp->lock);
	ended = udp->run.state != KND_UDP_RUNNING;
	mutex_unlock(&udp->lock);
	return ended;
}

/**
 * knd_udp_apply - make the emitter follow the knobs
 * @kn: the component in a namespace
 *
 * Context: process, &knd_net.lock held.
 * Return: 0 or -errno, then a run that was going on goes on unchanged.
 */
int knd_udp_apply(struct knd_net *kn)
{
	const struct knd_config *cfg = &kn->cfg;
	struct sockaddr_storage saddr = {};
	struct knd_udp *udp = &kn->udp;
	struct knd_udp_setup *setup;
	struct sockaddr_storage daddr;
	int err;

	/*
	 * A run that has finished by itself set the knob to 0 before that: a 1
	 * that is there now was written since.
	 */
	if (READ_ONCE(cfg->udp) && udp->task && knd_udp_ended(udp))
		knd_udp_stop(kn);
	/* Whatever the other knobs say: the device of an address may be gone */
	if (!READ_ONCE(cfg->udp)) {
		/* A finished run waits for reports until the next one begins */
		if (udp->task && !knd_udp_ended(udp))
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
	if (udp->task)
		err = knd_udp_change(kn, setup);
	else
		err = knd_udp_start(kn, setup);
	if (err)
		knd_udp_setup_free(setup);
	return err;
}

/**
 * knd_udp_show - print what is known about the latest run
 * @seq: of the file
 * @v: unused
 *
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
 * @kn: the component in a namespace whose knobs are gone
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
 */
void knd_udp_exit(struct knd_net *kn)
{
	knd_udp_stop(kn);
}
