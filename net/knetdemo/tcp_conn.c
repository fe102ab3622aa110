// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: connections of the TCP
 * service
 *
 * A connection has no thread. Its socket calls when there is input or room
 * for output, in softirq with the socket locked, and there the service runs.
 * What cannot be done there is left to a work item: everything that sleeps
 * (closing), what comes while somebody else owns the socket, what is too much
 * for one turn, and chargen: until the work comes to it, the peer has read more
 * and there is more room.
 *
 * The work takes the socket by lock_sock_fast(), so that the service always
 * runs with the spinlock held and nothing on the socket's backlog: the
 * receive queue cannot change under it.
 *
 * References to a connection: one from the time it is put into knd_tcp.conns
 * until its work has released the socket, one while its work is queued or
 * running, and those of whoever looked it up. Only the work ends a connection;
 * all others set a flag and queue it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/bpf.h>
#include <linux/bvec.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/tcp_states.h>
#include <trace/events/sock.h>

#include "access.h"
#include "knetdemo.h"
#include "tcp_conn.h"
#include "trace.h"

/* When to try again where memory is short and no acknowledgment will tell */
#define KND_CONN_RETRY		msecs_to_jiffies(20)
/* How long output may stand still while a connection is being closed */
#define KND_CONN_LINGER		(15 * HZ)

/*
 * RFC 864: lines of 72 characters out of a ring of 95, each line a character
 * further on; after 95 lines it repeats
 */
#define KND_PATTERN_CHARS	95
#define KND_PATTERN_LINE	72
#define KND_PATTERN_LEN		(KND_PATTERN_CHARS * (KND_PATTERN_LINE + 2))
/*
 * What chargen sends by one call, the whole of a turn: about the room that TCP
 * tells of, so that it is filled at once and with full segments only
 */
#define KND_PATTERN_SEND	SZ_1M
/*
 * What of it may wait for the peer's window. TCP sends what waits a segment at
 * a time, as the peer reads; the rest is sent when there is room for many.
 */
#define KND_PATTERN_UNSENT	SZ_256K
/*
 * Pages come by pieces that are neighbours, as many as are easily had: TCP
 * takes such pages by eights, others one by one
 */
#define KND_PATTERN_ORDER	PAGE_ALLOC_COSTLY_ORDER
#define KND_PATTERN_PIECE	(PAGE_SIZE << KND_PATTERN_ORDER)
#define KND_PATTERN_PIECES	\
	DIV_ROUND_UP(KND_PATTERN_LEN + KND_PATTERN_SEND, KND_PATTERN_PIECE)

/**
 * struct knd_source - connections that come from one address
 * @node: in knd_tcp.sources
 * @addr: the address, IPv4 ones mapped
 * @conns: how many; freed when there are none
 */
struct knd_source {
	struct rb_node node;
	struct in6_addr addr;
	int conns;
};

const char * const knd_close_names[] = {
	[KND_CLOSE_PEER]	= "peer",
	[KND_CLOSE_RESET]	= "reset",
	[KND_CLOSE_TIMEOUT]	= "timeout",
	[KND_CLOSE_IDLE]	= "idle",
	[KND_CLOSE_KILLED]	= "killed",
	[KND_CLOSE_STOPPED]	= "stopped",
	[KND_CLOSE_ERROR]	= "error",
};

static_assert(KND_STAT_TCP_CLOSED_PEER + KND_CLOSE_ERROR ==
	      KND_STAT_TCP_CLOSED_ERROR);

/* Concurrency managed: connections do not multiply threads */
static struct workqueue_struct *knd_conn_wq;
/*
 * For chargen's output, which takes long. Its threads are scheduled as others
 * are and delay no work item of a processor; there are at most as many as
 * processors.
 */
static struct workqueue_struct *knd_bulk_wq;

/* Made when chargen is first asked for, then never changed */
static struct bio_vec knd_pattern[KND_PATTERN_PIECES];
static bool knd_pattern_made;
static DEFINE_MUTEX(knd_pattern_lock);

/* Sources */

static struct in6_addr knd_source_addr(const union knd_sockaddr *peer)
{
	struct in6_addr addr;

	if (peer->sa.sa_family == AF_INET6)
		return peer->in6.sin6_addr;
	ipv6_addr_set_v4mapped(peer->in4.sin_addr.s_addr, &addr);
	return addr;
}

/* Count one more connection from @peer, unless it has as many as it may */
static int knd_source_get(struct knd_net *kn, const union knd_sockaddr *peer,
			  struct knd_source **res)
{
	int max = READ_ONCE(kn->cfg.tcp_max_conns_per_source);
	struct in6_addr addr = knd_source_addr(peer);
	struct knd_source *source, *fresh;
	struct knd_tcp *tcp = &kn->tcp;
	struct rb_node **link, *parent;
	int err = 0, order;

	fresh = kmalloc_obj(*fresh, GFP_KERNEL);
	if (!fresh)
		return -ENOMEM;

	spin_lock(&tcp->sources_lock);
	link = &tcp->sources.rb_node;
	parent = NULL;
	while (*link) {
		parent = *link;
		source = rb_entry(parent, struct knd_source, node);
		order = memcmp(&addr, &source->addr, sizeof(addr));
		if (!order)
			goto found;
		link = order < 0 ? &parent->rb_left : &parent->rb_right;
	}
	source = fresh;
	fresh = NULL;
	source->addr = addr;
	source->conns = 0;
	rb_link_node(&source->node, parent, link);
	rb_insert_color(&source->node, &tcp->sources);
found:
	if (max && source->conns >= max)
		err = -EUSERS;
	else
		source->conns++;
	spin_unlock(&tcp->sources_lock);

	kfree(fresh);
	*res = source;
	return err;
}

static void knd_source_put(struct knd_net *kn, struct knd_source *source)
{
	struct knd_tcp *tcp = &kn->tcp;
	bool last;

	spin_lock(&tcp->sources_lock);
	last = !--source->conns;
	if (last)
		rb_erase(&source->node, &tcp->sources);
	spin_unlock(&tcp->sources_lock);
	if (last)
		kfree(source);
}

/* Lifetime */

static bool knd_conn_get(struct knd_conn *c)
{
	return refcount_inc_not_zero(&c->refs);
}

static void knd_conn_leave(struct knd_net *kn)
{
	wait_queue_head_t *wait = &kn->tcp.wait;
	unsigned long flags;

	/* Under the lock: who waits takes it before it frees @kn */
	if (atomic_dec_and_lock_irqsave(&kn->tcp.active, &wait->lock, flags)) {
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
	kfree_rcu(c, rcu);
	knd_conn_leave(kn);
}

/*
 * Queue the work item with a reference of its own; the caller's reference keeps
 * @c meanwhile. A connection has one queue for all its life: a work item that
 * is put on another one can run on two processors at once.
 */
static void knd_conn_queue_on(struct knd_conn *c, int cpu)
{
	refcount_inc(&c->refs);
	if (!queue_work_on(cpu, c->service == KND_SERVICE_CHARGEN ?
				knd_bulk_wq : knd_conn_wq, &c->work))
		refcount_dec(&c->refs);
}

static void knd_conn_queue(struct knd_conn *c)
{
	knd_conn_queue_on(c, WORK_CPU_UNBOUND);
}

/* The connection's first reference is there until the timer is shut down */
static void knd_conn_timer(struct timer_list *timer)
{
	knd_conn_queue(container_of(timer, struct knd_conn, timer));
}

/* Services: with the socket locked by its spinlock, not owned, BH off */

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
	 * While a connection is being closed, only what the peer acknowledges
	 * counts: else a peer that sends for ever is waited for for ever.
	 */
	if (c->state == KND_CONN_OPEN)
		WRITE_ONCE(c->active, jiffies);
	u64_stats_update_begin(&c->syncp);
	u64_stats_add(&c->bytes_in, in);
	u64_stats_add(&c->bytes_out, out);
	u64_stats_update_end(&c->syncp);
	if (in)
		knd_stat_add(c->kn, KND_STAT_TCP_BYTES_IN, in);
	if (out)
		knd_stat_add(c->kn, KND_STAT_TCP_BYTES_OUT, out);
}

/**
 * knd_conn_sent - take note of what sending returned
 * @c: the connection
 * @sent: bytes or -errno
 *
 * Context: the socket locked.
 * Return: true where it is of use to go on.
 */
bool knd_conn_sent(struct knd_conn *c, int sent)
{
	if (likely(sent > 0))
		return true;
	if (sent != -EAGAIN && sent != -ENOMEM && sent != -ENOBUFS) {
		c->err = sent;
		return false;
	}
	/*
	 * With output under way an acknowledgment makes room, and TCP says so
	 * where it was TCP that had none
	 */
	if (sent != -EAGAIN || tcp_rtx_and_write_queues_empty(c->sk)) {
		clear_bit(SOCK_NOSPACE, &c->sk->sk_socket->flags);
		c->retry = true;
		mod_timer(&c->timer, jiffies + KND_CONN_RETRY);
	}
	return false;
}

/* The services: each returns whether it has more to do in another turn */

static bool knd_conn_discard(struct knd_conn *c)
{
	int n = tcp_inq(c->sk);

	if (n <= 0)
		return false;
	n = min_t(size_t, n, KND_CONN_BUDGET);
	tcp_read_done(c->sk, n);
	knd_conn_moved(c, n, 0);
	return n == KND_CONN_BUDGET;
}

static bool knd_conn_chargen(struct knd_conn *c)
{
	size_t done = 0;
	int n;

	while (done < KND_CONN_BUDGET && !knd_conn_blocked(c->sk)) {
		n = knd_sock_splice(c->sk, knd_pattern, KND_PATTERN_PIECES,
				    c->offset, KND_PATTERN_SEND, true);
		if (!knd_conn_sent(c, n))
			break;
		c->offset = (c->offset + n) % KND_PATTERN_LEN;
		done += n;
	}
	if (done)
		knd_conn_moved(c, 0, done);
	return done >= KND_CONN_BUDGET && !knd_conn_blocked(c->sk);
}

/*
 * Serve a connection for a turn. Returns whether the work has something to
 * do: more to serve, the end of input, an error.
 */
static bool knd_conn_serve(struct knd_conn *c)
{
	struct sock *sk = c->sk;
	bool more;

	if (unlikely(c->err))
		return true;
	c->serving = true;
	if (c->state == KND_CONN_OPEN && c->service == KND_SERVICE_ECHO) {
		more = knd_conn_echo(c);
	} else {
		more = knd_conn_discard(c);
		if (c->service == KND_SERVICE_CHARGEN &&
		    c->state == KND_CONN_OPEN &&
		    !(sk->sk_shutdown & RCV_SHUTDOWN))
			more |= knd_conn_chargen(c);
	}
	c->serving = false;
	return more || c->err ||
	       (sk->sk_shutdown & RCV_SHUTDOWN && tcp_inq(sk) <= 0);
}

/*
 * Socket calls. TCP makes them with the socket locked, and so does whoever
 * takes sk_user_data away.
 */

static struct knd_conn *knd_conn_of(const struct sock *sk)
{
	return rcu_dereference_protected(__sk_user_data(sk),
					 lockdep_sock_is_held(sk));
}

static void knd_conn_turn(struct knd_conn *c)
{
	/* The work is on its way: leave it the processor */
	if (unlikely(READ_ONCE(c->flags) & BIT(KND_CONN_RESET)))
		return;
	if (sock_owned_by_user(c->sk) || c->service == KND_SERVICE_CHARGEN ||
	    knd_conn_serve(c))
		knd_conn_queue(c);
}

static void knd_conn_data_ready(struct sock *sk)
{
	struct knd_conn *c = knd_conn_of(sk);

	trace_sk_data_ready(sk);
	if (c)
		knd_conn_turn(c);
}

static void knd_conn_write_space(struct sock *sk)
{
	struct knd_conn *c = knd_conn_of(sk);

	/*
	 * Out of memory with nothing queued, sending itself calls this: to
	 * send again from here would be to recurse
	 */
	if (!c || c->serving || !__sk_stream_is_writeable(sk, 1))
		return;
	clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	/*
	 * A BPF program that sets SO_SNDBUF calls this, perhaps in the middle
	 * of the processing of an ACK: only queue the work item.
	 */
	if (unlikely(has_current_bpf_ctx()))
		knd_conn_queue(c);
	else
		knd_conn_turn(c);
}

/* In the middle of what TCP does with a segment: not now */
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

/* The work */

/* What the work is to do when the socket is unlocked again */
enum knd_conn_step {
	KND_STEP_WAIT,		/* nothing: somebody will queue it */
	KND_STEP_AGAIN,		/* another turn, after the others' */
	KND_STEP_SHUTDOWN,	/* no more output comes: send the FIN */
	KND_STEP_RELEASE,	/* over, in order */
	KND_STEP_ABORT,		/* over, by a reset */
};

static enum knd_close knd_conn_reason(int err)
{
	switch (err) {
	case 0:
		return KND_CLOSE_PEER;
	case ECONNRESET:
	case EPIPE:
		return KND_CLOSE_RESET;
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return KND_CLOSE_TIMEOUT;
	default:
		return KND_CLOSE_ERROR;
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

/* Did nothing move for as long as it may? If not, look again in time. */
static bool knd_conn_expired(struct knd_conn *c)
{
	unsigned int idle_ms = READ_ONCE(c->kn->cfg.tcp_idle_ms);
	unsigned long now = jiffies, when, since;

	since = knd_conn_since_delivery(c);
	if (since < now - c->active)
		WRITE_ONCE(c->active, now - since);

	if (c->state == KND_CONN_CLOSING)
		when = c->active + KND_CONN_LINGER;
	else if (idle_ms)
		when = c->active + msecs_to_jiffies(idle_ms);
	else
		when = now + MAX_JIFFY_OFFSET;
	if (time_after_eq(now, when))
		return true;

	if (c->retry)
		when = now + KND_CONN_RETRY;
	if (c->retry || idle_ms || c->state == KND_CONN_CLOSING)
		mod_timer(&c->timer, when);
	return false;
}

/* Serve and decide, with the socket locked as in softirq */
static enum knd_conn_step knd_conn_look(struct knd_conn *c)
{
	struct sock *sk = c->sk;
	bool more;

	c->retry = false;
	more = knd_conn_serve(c);

	if (sk->sk_state == TCP_CLOSE || c->err) {
		if (c->state == KND_CONN_OPEN || sk->sk_err || c->err)
			c->why = knd_conn_reason(sk->sk_err ?: -c->err);
		return sk->sk_state == TCP_CLOSE ? KND_STEP_RELEASE :
						   KND_STEP_ABORT;
	}

	if (c->state == KND_CONN_CLOSING) {
		/* All that was sent is acknowledged, the FIN as well */
		if (sk->sk_state == TCP_FIN_WAIT2)
			return KND_STEP_RELEASE;
		if (knd_conn_expired(c)) {
			c->why = KND_CLOSE_TIMEOUT;
			return KND_STEP_ABORT;
		}
		return tcp_inq(sk) > 0 ? KND_STEP_AGAIN : KND_STEP_WAIT;
	}

	if (sk->sk_shutdown & RCV_SHUTDOWN && tcp_inq(sk) <= 0) {
		c->why = KND_CLOSE_PEER;
		return KND_STEP_SHUTDOWN;
	}
	if (test_bit(KND_CONN_END, &c->flags)) {
		c->why = KND_CLOSE_STOPPED;
		return KND_STEP_SHUTDOWN;
	}
	if (knd_conn_expired(c)) {
		c->why = KND_CLOSE_IDLE;
		return tcp_rtx_and_write_queues_empty(sk) ? KND_STEP_SHUTDOWN :
							    KND_STEP_ABORT;
	}
	return more ? KND_STEP_AGAIN : KND_STEP_WAIT;
}

static void knd_conn_release(struct knd_conn *c, bool reset)
{
	union knd_sockaddr local, peer;
	struct knd_net *kn = c->kn;

	timer_shutdown_sync(&c->timer);
	/* Addresses go with the socket, bytes come until it has gone */
	knd_sock_addrs(c->sk, &local, &peer);
	knd_sock_release(c->sock, &kn->tcp.calls, c, reset);
	trace_knetdemo_close(kn->net, c->id, c->service, c->why, &local, &peer,
			     u64_stats_read(&c->bytes_in),
			     u64_stats_read(&c->bytes_out));
	c->sock = NULL;
	WRITE_ONCE(c->state, KND_CONN_DEAD);
	/*
	 * Free the slot before the connection is seen to be over: a client that
	 * the caps have room for is not refused.
	 */
	knd_source_put(kn, c->source);
	atomic_dec(&kn->tcp.slots);
	xa_erase(&kn->tcp.conns, c->id);
	knd_stat_inc(kn, KND_STAT_TCP_CLOSED_PEER + c->why);
	knd_stat_inc(kn, KND_STAT_TCP_CLOSED);
	knd_conn_put(c);
}

static void knd_conn_work(struct work_struct *work)
{
	struct knd_conn *c = container_of(work, struct knd_conn, work);
	unsigned long flags = READ_ONCE(c->flags);
	enum knd_conn_step step;
	struct sock *sk = c->sk;
	bool chargen = c->service == KND_SERVICE_CHARGEN;
	bool slow;

	if (c->state == KND_CONN_DEAD || !(flags & BIT(KND_CONN_READY)))
		goto put;

	if (flags & BIT(KND_CONN_RESET)) {
		if (flags & BIT(KND_CONN_OWNED))
			c->why = KND_CLOSE_ERROR;
		else if (flags & BIT(KND_CONN_KILLED))
			c->why = KND_CLOSE_KILLED;
		else
			c->why = KND_CLOSE_STOPPED;
		knd_conn_release(c, true);
		goto put;
	}

	/*
	 * Chargen takes the socket as a task does, with BH on: what it sends in
	 * one call is much, and what arrives meanwhile may wait in the backlog.
	 * The others retry until the socket is held by its spinlock alone: echo
	 * needs an empty backlog.
	 */
	if (chargen)
		lock_sock(sk);
	else
		while ((slow = lock_sock_fast(sk)))
			unlock_sock_fast(sk, slow);
	step = knd_conn_look(c);
	if (step == KND_STEP_SHUTDOWN) {
		WRITE_ONCE(c->state, KND_CONN_CLOSING);
		WRITE_ONCE(c->active, jiffies);
	}
	if (chargen)
		release_sock(sk);
	else
		unlock_sock_fast(sk, false);

	switch (step) {
	case KND_STEP_SHUTDOWN:
		kernel_sock_shutdown(c->sock, SHUT_WR);
		fallthrough;
	case KND_STEP_AGAIN:
		knd_conn_queue(c);
		break;
	case KND_STEP_RELEASE:
	case KND_STEP_ABORT:
		knd_conn_release(c, step == KND_STEP_ABORT);
		break;
	case KND_STEP_WAIT:
		break;
	}
put:
	knd_conn_put(c);
}

/* A new connection */

static void knd_conn_announce(struct knd_conn *c,
			      const union knd_sockaddr *local,
			      const union knd_sockaddr *peer)
{
	trace_knetdemo_accept(c->kn->net, c->id, c->service, local, peer);
	if (knd_may_log(c->kn) && READ_ONCE(c->kn->cfg.tcp_log))
		pr_info_ratelimited("connection established to %pISpc\n",
				    &peer->sa);
}

/* As TCP_NOTSENT_LOWAT, unless the sysctl says less */
static void knd_conn_prefer_bursts(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tcp_notsent_lowat(tp) > KND_PATTERN_UNSENT)
		WRITE_ONCE(tp->notsent_lowat, KND_PATTERN_UNSENT);
}

/*
 * Have the socket call, and evaluate what came before it did. A socket that has
 * an owner already, as a BPF program may give it one before it is accepted, is
 * reset: we neither get its calls nor may take them.
 */
static void knd_conn_attach(struct knd_conn *c)
{
	struct sock *sk = c->sk;
	bool slow = lock_sock_fast(sk);

	if (knd_sock_attach(sk, &knd_conn_calls, c)) {
		set_bit(KND_CONN_OWNED, &c->flags);
		set_bit(KND_CONN_RESET, &c->flags);
	}
	if (c->service == KND_SERVICE_CHARGEN)
		knd_conn_prefer_bursts(sk);
	set_bit(KND_CONN_READY, &c->flags);
	unlock_sock_fast(sk, slow);
	knd_conn_queue(c);
}

/**
 * knd_conn_start - serve an accepted socket
 * @kn: the component in its namespace
 * @sock: the socket, which is released here if it cannot be served
 *
 * Context: process, while new connections may be added to @kn;
 * &knd_tcp.accept_lock or &knd_net.lock held.
 */
void knd_conn_start(struct knd_net *kn, struct socket *sock)
{
	union knd_sockaddr local, peer;
	enum knd_stat refused;
	struct knd_conn *c;
	int err;

	refused = KND_STAT_TCP_REFUSED_MAX;
	atomic_inc(&kn->tcp.active);
	if (atomic_inc_return(&kn->tcp.slots) >
	    READ_ONCE(kn->cfg.tcp_max_conns))
		goto refuse;

	refused = KND_STAT_TCP_REFUSED_NOMEM;
	c = kzalloc_obj(*c, GFP_KERNEL);
	if (!c)
		goto refuse;
	knd_sock_addrs(sock->sk, &local, &peer);
	err = knd_source_get(kn, &peer, &c->source);
	if (err == -EUSERS)
		refused = KND_STAT_TCP_REFUSED_SOURCE;
	if (err)
		goto free;

	c->kn = kn;
	c->sock = sock;
	c->sk = sock->sk;
	c->service = kn->tcp.service;
	c->born = jiffies;
	c->active = c->born;
	INIT_WORK(&c->work, knd_conn_work);
	timer_setup(&c->timer, knd_conn_timer, 0);
	u64_stats_init(&c->syncp);
	refcount_set(&c->refs, 2);	/* one of them ours, until the end */
	sock_hold(c->sk);

	err = xa_alloc_cyclic(&kn->tcp.conns, &c->id, c, xa_limit_31b,
			      &kn->tcp.next_id, GFP_KERNEL);
	if (err < 0)
		goto put_source;

	knd_stat_inc(kn, KND_STAT_TCP_ACCEPTED);
	knd_conn_announce(c, &local, &peer);
	knd_conn_attach(c);
	knd_conn_put(c);
	return;

put_source:
	sock_put(c->sk);
	knd_source_put(kn, c->source);
free:
	kfree(c);
refuse:
	knd_stat_inc(kn, refused);
	knd_sock_release(sock, &kn->tcp.calls, NULL, true);
	atomic_dec(&kn->tcp.slots);
	knd_conn_leave(kn);
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

	if (!wait_event_timeout(tcp->wait, !atomic_read(&tcp->active),
				timeout))
		return false;
	spin_lock_irq(&tcp->wait.lock);
	spin_unlock_irq(&tcp->wait.lock);
	return true;
}

/* Of all or of one */

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
	unsigned long index = *id;
	struct knd_conn *c;

	rcu_read_lock();
	xa_for_each_start(&kn->tcp.conns, index, c, index) {
		if (knd_conn_get(c)) {
			*id = index;
			break;
		}
	}
	rcu_read_unlock();
	return c;
}

/**
 * knd_conn_end_all - end all connections
 * @kn: the component in a namespace where none are added now
 * @reset: by a reset, at once; else send what is queued and the end of it
 *
 * Context: process. Does not wait.
 */
void knd_conn_end_all(struct knd_net *kn, bool reset)
{
	struct knd_conn *c;
	int cpu = -1;
	u32 id = 0;

	/* Each takes its time: all processors share the work */
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
 * knd_conn_look_all - have all connections look at tcp_idle_ms
 * @kn: the component in a namespace
 *
 * Context: process. Does not wait.
 */
void knd_conn_look_all(struct knd_net *kn)
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
	/* Why first: who reads the other in the word reads this */
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
	unsigned long now = jiffies, idle = now - READ_ONCE(c->active);
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
		return; /* reset meanwhile */
	seq_printf(seq, "%u %s %pISpc %pISpc %s %llu %llu %u %u\n", c->id,
		   knd_service_names[c->service], &local.sa, &peer.sa,
		   knd_conn_state_name(c), in, out,
		   jiffies_to_msecs(now - c->born),
		   (long)idle < 0 ? 0 : jiffies_to_msecs(idle));
}

/* What all namespaces share */

/* Each piece is filled on its own: they need not be neighbours */
static void knd_pattern_fill(struct page *page, unsigned int index)
{
	size_t at = (size_t)index * KND_PATTERN_PIECE;
	u8 *to = page_address(page);
	unsigned int line, column;
	size_t i;

	for (i = 0; i < KND_PATTERN_PIECE; i++, at++) {
		line = at % KND_PATTERN_LEN / (KND_PATTERN_LINE + 2);
		column = at % (KND_PATTERN_LINE + 2);
		if (column == KND_PATTERN_LINE)
			to[i] = '\r';
		else if (column > KND_PATTERN_LINE)
			to[i] = '\n';
		else
			to[i] = ' ' + (line + column) % KND_PATTERN_CHARS;
	}
}

static void knd_pattern_free(void)
{
	unsigned int i;

	/* Send queues may still have references of their own */
	for (i = 0; i < KND_PATTERN_PIECES && knd_pattern[i].bv_page; i++) {
		put_page(knd_pattern[i].bv_page);
		knd_pattern[i].bv_page = NULL;
	}
	knd_pattern_made = false;
}

/**
 * knd_conn_prepare - make what a service needs for all connections
 * @service: enum knd_service
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int knd_conn_prepare(int service)
{
	struct page *page;
	unsigned int i;
	int err = 0;

	if (service != KND_SERVICE_CHARGEN)
		return 0;

	mutex_lock(&knd_pattern_lock);
	if (knd_pattern_made)
		goto unlock;
	for (i = 0; i < KND_PATTERN_PIECES; i++) {
		page = alloc_pages(GFP_KERNEL | __GFP_COMP, KND_PATTERN_ORDER);
		if (!page) {
			knd_pattern_free();
			err = -ENOMEM;
			goto unlock;
		}
		knd_pattern_fill(page, i);
		bvec_set_page(&knd_pattern[i], page, KND_PATTERN_PIECE, 0);
	}
	knd_pattern_made = true;
unlock:
	mutex_unlock(&knd_pattern_lock);
	return err;
}

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
 * knd_conn_module_exit - free it
 */
void knd_conn_module_exit(void)
{
	destroy_workqueue(knd_bulk_wq);
	destroy_workqueue(knd_conn_wq);
	knd_pattern_free();
}
