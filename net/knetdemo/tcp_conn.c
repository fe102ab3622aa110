// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: connections of the TCP
 * service
 *
 * A connection has no thread. Its socket calls back when there is input or room
 * for output, in softirq with the socket locked, and there the service runs.
 * The work item does what softirq cannot: closing (which sleeps), events that
 * arrive while a task owns the socket, what exceeds the budget, and all output
 * of deferred services. The timer only queues the work item.
 *
 * The work item runs the service, collects the facts, asks knd_fsm_next() for
 * the step and takes it. Only the work item ends a connection; all others set a
 * flag and queue it. See tcp_fsm.c for the states and tcp_service.h for the
 * services.
 *
 * References to a connection: one from the time when it is put into
 * knd_tcp.conns until the work item has closed the socket, one while the work
 * item is queued or running, and those of knd_conn_next().
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/bottom_half.h>
#include <linux/bpf.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/net.h>
#include <linux/printk.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/proto_memory.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/tcp_states.h>
#include <trace/events/sock.h>

#include "access.h"
#include "knetdemo.h"
#include "sock.h"
#include "tcp_conn.h"
#include "tcp_fsm.h"
#include "tcp_service.h"
#include "tcp_source.h"
#include "trace.h"

static_assert(KND_STAT_TCP_CLOSED_PEER + KND_CLOSE_ERROR ==
	      KND_STAT_TCP_CLOSED_ERROR);

#define KND_SERVICE_PTR(service, name)	&knd_##name##_ops,
const struct knd_service_ops * const knd_services[] = {
	KND_SERVICES(KND_SERVICE_PTR, KND_SERVICE_PTR)
};

/*
 * For services that are not deferred. The workqueue is concurrency managed, so
 * that many connections do not cause as many threads.
 */
static struct workqueue_struct *knd_conn_wq;
/*
 * For deferred services, whose work items take long. Its threads are scheduled
 * as others are and delay no work item of a processor. There are at most as
 * many as processors.
 */
static struct workqueue_struct *knd_bulk_wq;

/* The two ends of a connection */
struct knd_conn_addrs {
	union knd_sockaddr local;
	union knd_sockaddr peer;
};

/**
 * knd_service_find - find a service by its name
 * @name: value of tcp_service
 *
 * Return: enum knd_service, or -EINVAL.
 */
int knd_service_find(const char *name)
{
	int i;

	for (i = 0; i < KND_SERVICE_COUNT; i++)
		if (!strcmp(name, knd_services[i]->name))
			return i;
	return -EINVAL;
}

/* Lifetime */

/* Numbers are from 1 to INT_MAX, so their difference is an int */
static int knd_conn_cmp(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct knd_conn, node)->id -
	       rb_entry(b, struct knd_conn, node)->id;
}

/* Give @c a number that no other has, and let knd_conn_next() find it */
static void knd_conn_add(struct knd_tcp *tcp, struct knd_conn *c)
{
	spin_lock(&tcp->conns_lock);
	do {
		tcp->last_id = tcp->last_id % INT_MAX + 1;
		c->id = tcp->last_id;
	} while (rb_find_add(&c->node, &tcp->conns, knd_conn_cmp));
	spin_unlock(&tcp->conns_lock);
}

static void knd_conn_remove(struct knd_tcp *tcp, struct knd_conn *c)
{
	spin_lock(&tcp->conns_lock);
	rb_erase(&c->node, &tcp->conns);
	spin_unlock(&tcp->conns_lock);
}

static void knd_conn_count_put(struct knd_net *kn)
{
	wait_queue_head_t *wait = &kn->tcp.wait;
	unsigned long flags;

	/*
	 * Wake up under wait->lock: knd_conn_wait() takes it before its caller
	 * frees @kn.
	 */
	if (atomic_dec_and_lock_irqsave(&kn->tcp.nr_conns, &wait->lock,
					flags)) {
		wake_up_locked(wait);
		spin_unlock_irqrestore(&wait->lock, flags);
	}
}

/**
 * knd_conn_put - give a reference back
 * @c: the connection
 *
 * Context: process.
 */
void knd_conn_put(struct knd_conn *c)
{
	struct knd_net *kn = c->kn;

	if (!refcount_dec_and_test(&c->refs))
		return;
	sock_put(c->sk);
	kfree(c);
	knd_conn_count_put(kn);
}

/*
 * Queue the work item with a reference of its own; the caller's reference keeps
 * @c meanwhile. A connection has one queue for all its life: a work item that
 * is put on another one can run on two processors at once.
 */
static void knd_conn_queue_on(struct knd_conn *c, int cpu)
{
	refcount_inc(&c->refs);
	if (!queue_work_on(cpu, c->ops->deferred ? knd_bulk_wq : knd_conn_wq,
			   &c->work))
		refcount_dec(&c->refs);
}

static void knd_conn_queue(struct knd_conn *c)
{
	knd_conn_queue_on(c, WORK_CPU_UNBOUND);
}

/* The first reference lasts until the timer has been shut down */
static void knd_conn_timer(struct timer_list *timer)
{
	knd_conn_queue(container_of(timer, struct knd_conn, timer));
}

/* For services */

/**
 * knd_conn_moved - count bytes of a connection
 * @c: the connection
 * @in: bytes that were read from the peer
 * @out: bytes that were handed to TCP for the peer
 *
 * Context: the socket locked.
 */
void knd_conn_moved(struct knd_conn *c, u64 in, u64 out)
{
	/*
	 * While a connection is being closed, only acknowledgments count.
	 * Otherwise a peer that sends for ever would never be given up.
	 */
	if (c->state == KND_CONN_OPEN)
		WRITE_ONCE(c->progress_at, jiffies);
	/*
	 * On 32 bits a reader spins while this is under way, so it must not be
	 * preempted. A deferred service comes here with BH enabled.
	 */
	local_bh_disable();
	u64_stats_update_begin(&c->syncp);
	u64_stats_add(&c->bytes_in, in);
	u64_stats_add(&c->bytes_out, out);
	u64_stats_update_end(&c->syncp);
	local_bh_enable();
	if (in)
		knd_stat_add(c->kn, KND_STAT_TCP_BYTES_IN, in);
	if (out)
		knd_stat_add(c->kn, KND_STAT_TCP_BYTES_OUT, out);
}

/**
 * knd_conn_sent - take note of what sending returned
 * @c: the connection
 * @sent: bytes that TCP took, or -errno
 *
 * Context: the socket locked.
 * Return: true where the service may go on sending. Otherwise it is called
 * again when there is room or memory, or never after an error.
 */
bool knd_conn_sent(struct knd_conn *c, int sent)
{
	if (likely(sent > 0))
		return true;
	if (sent != -EAGAIN && sent != -ENOMEM && sent != -ENOBUFS) {
		c->send_err = sent;
		return false;
	}
	/*
	 * Where TCP had no room and output is under way, it calls back after an
	 * acknowledgment. Otherwise nothing does: try again by the timer.
	 */
	if (sent != -EAGAIN || tcp_rtx_and_write_queues_empty(c->sk)) {
		clear_bit(SOCK_NOSPACE, &c->sk->sk_socket->flags);
		c->retry = true;
		mod_timer(&c->timer, jiffies + KND_FSM_RETRY);
	}
	return false;
}

/*
 * Whether the sockets of the host use nearly as much as TCP lets them before it
 * begins to save memory, net.ipv4.tcp_mem[0]. Where TCP saves, it slows down
 * every connection of the host, so the service stops before.
 */
static bool knd_conn_memory_is_tight(const struct sock *sk)
{
	long limit = sk_prot_mem_limits(sk, 0);

	return sk_memory_allocated(sk) > limit - limit / 4;
}

/**
 * knd_conn_room - how much a service may send now
 * @c: the connection
 *
 * Usually TCP says when its send buffer is full, by sending less. Where memory
 * is tight, a connection may only have KND_CONN_FLOOR in its send queue. Data
 * that the service cannot send stays in the receive queue, so the receive
 * buffer is cut, too. TCP lets it grow again as it is read from.
 *
 * Context: the socket locked.
 * Return: bytes; 0 where the service has to stop. It is called again when the
 * peer has acknowledged something.
 */
size_t knd_conn_room(struct knd_conn *c)
{
	struct sock *sk = c->sk;
	bool tight = knd_conn_memory_is_tight(sk);
	int queued;

	if (unlikely(tight) && sk->sk_rcvbuf > KND_CONN_FLOOR)
		WRITE_ONCE(sk->sk_rcvbuf, KND_CONN_FLOOR);
	if (test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
		return 0;
	if (likely(!tight))
		return SIZE_MAX;
	queued = READ_ONCE(sk->sk_wmem_queued);
	if (queued < KND_CONN_FLOOR)
		return KND_CONN_FLOOR - queued;
	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	return 0;
}

/*
 * Serve a connection within the budget, with its socket locked. Returns whether
 * there is something for the work item: more to serve, the end of input, an
 * error.
 */
static bool knd_conn_serve(struct knd_conn *c)
{
	struct sock *sk = c->sk;
	bool more;

	if (unlikely(c->send_err))
		return true;
	c->serving = true;
	/* While the connection is being closed, input is discarded */
	more = c->state == KND_CONN_OPEN ? c->ops->serve(c) :
					   knd_discard_serve(c);
	c->serving = false;
	return more || c->send_err ||
	       (sk->sk_shutdown & RCV_SHUTDOWN && tcp_inq(sk) <= 0);
}

/*
 * Callbacks. TCP calls them with the socket locked. Code that clears
 * sk_user_data holds that lock, too.
 */

static struct knd_conn *knd_conn_of(const struct sock *sk)
{
	return rcu_dereference_protected(__sk_user_data(sk),
					 lockdep_sock_is_held(sk));
}

static void knd_conn_event(struct knd_conn *c)
{
	/* The work item that resets it is queued: serving would delay that */
	if (unlikely(READ_ONCE(c->flags) & BIT(KND_CONN_RESET)))
		return;
	if (sock_owned_by_user(c->sk) || c->ops->deferred || knd_conn_serve(c))
		knd_conn_queue(c);
}

static void knd_conn_data_ready(struct sock *sk)
{
	struct knd_conn *c = knd_conn_of(sk);

	trace_sk_data_ready(sk);
	if (c)
		knd_conn_event(c);
}

static void knd_conn_write_space(struct sock *sk)
{
	struct knd_conn *c = knd_conn_of(sk);

	/*
	 * If memory is short and nothing is queued, a send of the service calls
	 * this. A send from here would recurse.
	 */
	if (!c || c->serving || !__sk_stream_is_writeable(sk, 1))
		return;
	clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	/*
	 * A BPF program that sets SO_SNDBUF calls this, perhaps while TCP
	 * processes an ACK: only queue the work item.
	 */
	if (unlikely(has_current_bpf_ctx()))
		knd_conn_queue(c);
	else
		knd_conn_event(c);
}

/* Called while TCP processes a segment: only queue the work item */
static void knd_conn_state_change(struct sock *sk)
{
	struct knd_conn *c = knd_conn_of(sk);

	if (c)
		knd_conn_queue(c);
}

static const struct knd_sock_calls knd_conn_calls = {
	.data_ready	= knd_conn_data_ready,
	.write_space	= knd_conn_write_space,
	.state_change	= knd_conn_state_change,
};

/* States */

/*
 * The only place where a connection changes its state. @why is the reason where
 * it ends, @addrs are the two ends where it becomes OPEN or DEAD.
 *
 * Context: the socket locked; for DEAD, the work item.
 */
static void knd_conn_enter(struct knd_conn *c, enum knd_conn_state state,
			   enum knd_close why,
			   const struct knd_conn_addrs *addrs)
{
	struct net *net = c->kn->net;

	c->why = why;
	c->state = state;
	switch (state) {
	case KND_CONN_NEW:
		break;
	case KND_CONN_OPEN:
		knd_stat_inc(c->kn, KND_STAT_TCP_ACCEPTED);
		trace_knetdemo_accept(net, c->id, c->service, &addrs->local,
				      &addrs->peer);
		break;
	case KND_CONN_CLOSING:
		WRITE_ONCE(c->progress_at, jiffies);
		break;
	case KND_CONN_DEAD:
		trace_knetdemo_close(net, c->id, c->service, why,
				     &addrs->local, &addrs->peer,
				     u64_stats_read(&c->bytes_in),
				     u64_stats_read(&c->bytes_out));
		knd_stat_inc(c->kn, KND_STAT_TCP_CLOSED_PEER + why);
		knd_stat_inc(c->kn, KND_STAT_TCP_CLOSED);
		break;
	}
}

/*
 * Jiffies since the peer acknowledged output last, or since output began after
 * a time without any. Unlike rcv_tstamp this is not changed by a segment that
 * acknowledges nothing new, such as a window update.
 */
static unsigned long knd_conn_since_delivery(const struct knd_conn *c)
{
	u64 ms = div_u64(tcp_clock_us() - tcp_sk(c->sk)->delivered_mstamp,
			 USEC_PER_MSEC);

	return msecs_to_jiffies(min_t(u64, ms, INT_MAX));
}

/* Jiffies without progress; an acknowledgment is progress, too */
static unsigned long knd_conn_since(struct knd_conn *c)
{
	unsigned long now = jiffies, since = knd_conn_since_delivery(c);

	if (since < now - c->progress_at)
		WRITE_ONCE(c->progress_at, now - since);
	return now - c->progress_at;
}

/* Serve, then decide what is next, with the socket locked */
static struct knd_fsm_step knd_conn_evaluate(struct knd_conn *c)
{
	int idle_ms = READ_ONCE(c->kn->cfg.tcp_idle_ms);
	struct knd_fsm_facts facts = {
		.state		= c->state,
		.why		= c->why,
		.flags		= READ_ONCE(c->flags),
		.idle_limit	= msecs_to_jiffies(idle_ms),
	};
	struct knd_fsm_step step;
	struct sock *sk = c->sk;

	c->retry = false;
	if (c->state != KND_CONN_NEW && !(facts.flags & BIT(KND_CONN_RESET)))
		facts.more = knd_conn_serve(c);

	facts.tcp_state = sk->sk_state;
	facts.sk_err = sk->sk_err;
	facts.send_err = c->send_err;
	facts.rcv_shutdown = sk->sk_shutdown & RCV_SHUTDOWN;
	facts.input = tcp_inq(sk) > 0;
	facts.output = !tcp_rtx_and_write_queues_empty(sk);
	facts.retry = c->retry;
	facts.since = knd_conn_since(c);

	step = knd_fsm_next(&facts);
	if (step.timer != KND_FSM_NO_TIMER)
		mod_timer(&c->timer, jiffies + step.timer);
	if (step.action == KND_FSM_SHUTDOWN)
		knd_conn_enter(c, KND_CONN_CLOSING, step.why, NULL);
	return step;
}

static void knd_conn_release(struct knd_conn *c, enum knd_close why, bool reset)
{
	struct knd_net *kn = c->kn;
	struct knd_conn_addrs addrs;

	timer_shutdown_sync(&c->timer);
	/* TCP forgets the addresses when the socket is closed */
	knd_sock_addrs(c->sk, &addrs.local, &addrs.peer);
	knd_sock_release(c->sock, &kn->tcp.calls, c, reset);
	c->sock = NULL;
	/*
	 * Free the slot before the end is counted: a client that sees the new
	 * count can connect.
	 */
	knd_source_put(&kn->tcp.sources, c->source);
	atomic_dec(&kn->tcp.nr_slots);
	knd_conn_remove(&kn->tcp, c);
	knd_conn_enter(c, KND_CONN_DEAD, why, &addrs);
	knd_conn_put(c);
}

/*
 * A deferred service takes the socket as a task does, with BH enabled. Others
 * need it held by its spinlock alone, as in softirq, where its backlog is
 * empty: retry until no task owns it.
 */
static void knd_conn_lock(struct knd_conn *c)
	__acquires(&c->sk->sk_lock.slock)
{
	bool slow;

	if (c->ops->deferred) {
		lock_sock(c->sk);
		/* Sparse counts a socket that a task owns as locked */
		__acquire(&c->sk->sk_lock.slock);
	} else {
		while ((slow = lock_sock_fast(c->sk)))
			unlock_sock_fast(c->sk, slow);
	}
}

static void knd_conn_unlock(struct knd_conn *c)
	__releases(&c->sk->sk_lock.slock)
{
	if (c->ops->deferred) {
		__release(&c->sk->sk_lock.slock);
		release_sock(c->sk);
	} else {
		unlock_sock_fast(c->sk, false);
	}
}

static void knd_conn_work(struct work_struct *work)
{
	struct knd_conn *c = container_of(work, struct knd_conn, work);
	struct knd_fsm_step step;

	/*
	 * The work item was queued once more after it had closed the socket.
	 * Check @sock, which only the work item changes, and not the state,
	 * which knd_conn_attach() may be changing now.
	 */
	if (!c->sock)
		goto put;

	knd_conn_lock(c);
	step = knd_conn_evaluate(c);
	knd_conn_unlock(c);

	switch (step.action) {
	case KND_FSM_WAIT:
		break;
	case KND_FSM_SHUTDOWN:
		kernel_sock_shutdown(c->sock, SHUT_WR);
		fallthrough;
	case KND_FSM_AGAIN:
		knd_conn_queue(c);
		break;
	case KND_FSM_RELEASE:
	case KND_FSM_ABORT:
		knd_conn_release(c, step.why, step.action == KND_FSM_ABORT);
		break;
	}
put:
	knd_conn_put(c);
}

/* A new connection */

/*
 * Set the callbacks of the socket and serve what came before. Where that was
 * more than data, or where a flag was set while the state was NEW, the work
 * item evaluates the connection.
 *
 * A socket that has an owner already, as a BPF program may give it one before
 * it is accepted, is reset: we do not get its callbacks and must not replace
 * them.
 */
static void knd_conn_attach(struct knd_conn *c,
			    const struct knd_conn_addrs *addrs)
{
	int idle_ms;

	knd_conn_lock(c);
	if (knd_sock_attach(c->sk, &knd_conn_calls, c)) {
		set_bit(KND_CONN_OWNED, &c->flags);
		set_bit(KND_CONN_RESET, &c->flags);
	}
	if (c->ops->attach)
		c->ops->attach(c);
	knd_conn_enter(c, KND_CONN_OPEN, KND_CLOSE_PEER, addrs);
	/*
	 * Read this with the socket locked: if it changes later, the work item
	 * that knd_conn_kick_all() queues finds the connection OPEN.
	 */
	idle_ms = READ_ONCE(c->kn->cfg.tcp_idle_ms);
	if (idle_ms)
		mod_timer(&c->timer, jiffies + msecs_to_jiffies(idle_ms));
	if (READ_ONCE(c->flags) || c->ops->deferred ||
	    c->sk->sk_state != TCP_ESTABLISHED || knd_conn_serve(c))
		knd_conn_queue(c);
	knd_conn_unlock(c);
}

/**
 * knd_conn_start - serve an accepted socket
 * @kn: the component in its namespace
 * @sock: the socket. The connection owns it from now on; where it cannot be
 *	served it is closed by a reset, and that is counted.
 *
 * Context: process, while new connections may be added to @kn;
 * &knd_tcp.accept_lock or &knd_net.lock held.
 */
void knd_conn_start(struct knd_net *kn, struct socket *sock)
{
	struct knd_tcp *tcp = &kn->tcp;
	struct knd_conn_addrs addrs;
	char text[KND_SOCKADDR_LEN];
	enum knd_stat refused;
	struct knd_conn *c;
	int err;

	refused = KND_STAT_TCP_REFUSED_MAX;
	atomic_inc(&tcp->nr_conns);
	if (atomic_inc_return(&tcp->nr_slots) >
	    READ_ONCE(kn->cfg.tcp_max_conns))
		goto refuse;

	refused = KND_STAT_TCP_REFUSED_NOMEM;
	c = kzalloc_obj(*c, GFP_KERNEL);
	if (!c)
		goto refuse;
	knd_sock_addrs(sock->sk, &addrs.local, &addrs.peer);
	err = knd_source_get(&tcp->sources, &addrs.peer,
			     READ_ONCE(kn->cfg.tcp_max_conns_per_source),
			     &c->source);
	if (err == -EUSERS)
		refused = KND_STAT_TCP_REFUSED_SOURCE;
	if (err)
		goto free;

	c->kn = kn;
	c->sock = sock;
	c->sk = sock->sk;
	c->service = tcp->service;
	c->ops = knd_services[c->service];
	c->accepted_at = jiffies;
	c->progress_at = c->accepted_at;
	INIT_WORK(&c->work, knd_conn_work);
	timer_setup(&c->timer, knd_conn_timer, 0);
	u64_stats_init(&c->syncp);
	/* The work item drops the first one, this function the second one */
	refcount_set(&c->refs, 2);
	sock_hold(c->sk);

	knd_conn_add(tcp, c);

	if (knd_may_log(kn) && READ_ONCE(kn->cfg.tcp_log))
		pr_info_ratelimited("connection established to %s\n",
				    knd_sockaddr_text(&addrs.peer, text));
	knd_conn_attach(c, &addrs);
	knd_conn_put(c);
	return;

free:
	kfree(c);
refuse:
	knd_stat_inc(kn, refused);
	knd_sock_release(sock, &tcp->calls, NULL, true);
	atomic_dec(&tcp->nr_slots);
	knd_conn_count_put(kn);
}

/**
 * knd_conn_wait - wait until there are no connections
 * @kn: the component in a namespace where none are added now
 * @timeout: how long at most, in jiffies
 *
 * Context: process.
 * Return: whether there are none; nothing of them uses @kn any more then.
 */
bool knd_conn_wait(struct knd_net *kn, long timeout)
{
	struct knd_tcp *tcp = &kn->tcp;

	if (!wait_event_timeout(tcp->wait, !atomic_read(&tcp->nr_conns),
				timeout))
		return false;
	/* Wait until knd_conn_count_put() has released this lock in @kn */
	spin_lock_irq(&tcp->wait.lock);
	spin_unlock_irq(&tcp->wait.lock);
	return true;
}

/* All connections, or one */

/**
 * knd_conn_next - find a connection
 * @kn: the component in a namespace
 * @id: the number to start at; set to the number of what is found
 *
 * Context: process.
 * Return: the connection with the lowest number that is not below @id, which
 * the caller gives to knd_conn_put(), or NULL.
 */
struct knd_conn *knd_conn_next(struct knd_net *kn, u32 *id)
{
	struct knd_conn *c, *found = NULL;
	struct knd_tcp *tcp = &kn->tcp;
	struct rb_node *node;

	spin_lock(&tcp->conns_lock);
	node = tcp->conns.rb_node;
	while (node) {
		c = rb_entry(node, struct knd_conn, node);
		if (c->id >= *id) {
			found = c;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	if (found) {
		refcount_inc(&found->refs);
		*id = found->id;
	}
	spin_unlock(&tcp->conns_lock);
	return found;
}

/**
 * knd_conn_end_all - end all connections
 * @kn: the component in a namespace where none are added now
 * @reset: by a reset, at once; otherwise gracefully, by a FIN after the data
 *
 * Context: process. Does not wait.
 */
void knd_conn_end_all(struct knd_net *kn, bool reset)
{
	struct knd_conn *c;
	int cpu = -1;
	u32 id = 0;

	/* Closing is most of the cost: share it out among the processors */
	cpus_read_lock();
	for (; (c = knd_conn_next(kn, &id)); id++) {
		set_bit(reset ? KND_CONN_RESET : KND_CONN_END, &c->flags);
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
		knd_conn_queue_on(c, cpu);
		knd_conn_put(c);
		cond_resched();
	}
	cpus_read_unlock();
}

/**
 * knd_conn_kick_all - evaluate all connections, after tcp_idle_ms has changed
 * @kn: the component in a namespace
 *
 * Context: process. Does not wait.
 */
void knd_conn_kick_all(struct knd_net *kn)
{
	struct knd_conn *c;
	u32 id = 0;

	for (; (c = knd_conn_next(kn, &id)); id++) {
		knd_conn_queue(c);
		knd_conn_put(c);
		cond_resched();
	}
}

static void knd_conn_kill_one(struct knd_conn *c)
{
	/*
	 * Set KILLED before RESET: a work item that sees RESET must also see
	 * the reason.
	 */
	set_bit(KND_CONN_KILLED, &c->flags);
	set_bit(KND_CONN_RESET, &c->flags);
	knd_conn_queue(c);
}

/**
 * knd_conn_kill - reset a connection or all
 * @kn: the component in a namespace
 * @id: its number, 0 for all
 *
 * Context: process. Does not wait for the end.
 * Return: 0, or -ENOENT where there is none of that number.
 */
int knd_conn_kill(struct knd_net *kn, u32 id)
{
	struct knd_conn *c;
	u32 next = id;

	if (id) {
		c = knd_conn_next(kn, &next);
		if (c && next == id)
			knd_conn_kill_one(c);
		if (c)
			knd_conn_put(c);
		return c && next == id ? 0 : -ENOENT;
	}
	for (; (c = knd_conn_next(kn, &next)); next++) {
		knd_conn_kill_one(c);
		knd_conn_put(c);
		cond_resched();
	}
	return 0;
}

static const char *knd_conn_state_name(const struct knd_conn *c)
{
	static const char * const names[] = {
		[TCP_ESTABLISHED]	= "ESTABLISHED",
		[TCP_SYN_RECV]		= "SYN_RECV",
		[TCP_FIN_WAIT1]		= "FIN_WAIT1",
		[TCP_FIN_WAIT2]		= "FIN_WAIT2",
		[TCP_TIME_WAIT]		= "TIME_WAIT",
		[TCP_CLOSE]		= "CLOSE",
		[TCP_CLOSE_WAIT]	= "CLOSE_WAIT",
		[TCP_LAST_ACK]		= "LAST_ACK",
		[TCP_CLOSING]		= "CLOSING",
	};
	int state = inet_sk_state_load(c->sk);

	return state < ARRAY_SIZE(names) && names[state] ? names[state] : "?";
}

/**
 * knd_conn_show - print the line of a connection
 * @seq: of the file
 * @c: the connection
 */
void knd_conn_show(struct seq_file *seq, const struct knd_conn *c)
{
	unsigned long now = jiffies, idle = now - READ_ONCE(c->progress_at);
	char text[2][KND_SOCKADDR_LEN];
	union knd_sockaddr local, peer;
	unsigned int start;
	u64 in, out;

	do {
		start = u64_stats_fetch_begin(&c->syncp);
		in = u64_stats_read(&c->bytes_in);
		out = u64_stats_read(&c->bytes_out);
	} while (u64_stats_fetch_retry(&c->syncp, start));

	knd_sock_addrs(c->sk, &local, &peer);
	if (!peer.in4.sin_port)
		return; /* TCP has reset it meanwhile */
	seq_printf(seq, "%u %s %s %s %s %llu %llu %u %u\n", c->id,
		   c->ops->name, knd_sockaddr_text(&local, text[0]),
		   knd_sockaddr_text(&peer, text[1]),
		   knd_conn_state_name(c), in, out,
		   jiffies_to_msecs(now - c->accepted_at),
		   (long)idle < 0 ? 0 : jiffies_to_msecs(idle));
}

/* What all namespaces share */

/**
 * knd_conn_module_init - make what connections of all namespaces share
 *
 * Return: 0 or -ENOMEM.
 */
int __init knd_conn_module_init(void)
{
	knd_conn_wq = alloc_workqueue("knetdemo", WQ_PERCPU, 0);
	if (!knd_conn_wq)
		return -ENOMEM;
	knd_bulk_wq = alloc_workqueue("knetdemo_bulk", WQ_UNBOUND,
				      num_possible_cpus());
	if (!knd_bulk_wq) {
		destroy_workqueue(knd_conn_wq);
		return -ENOMEM;
	}
	return 0;
}

/**
 * knd_conn_module_exit - free what connections of all namespaces share
 */
void knd_conn_module_exit(void)
{
	int i;

	destroy_workqueue(knd_bulk_wq);
	destroy_workqueue(knd_conn_wq);
	for (i = 0; i < KND_SERVICE_COUNT; i++)
		if (knd_services[i]->cleanup)
			knd_services[i]->cleanup();
}
