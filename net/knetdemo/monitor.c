// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the connection monitor
 *
 * A netfilter hook that sees each packet which leaves its network namespace by
 * LOCAL_OUT, before anything can change or drop it, and records those by which
 * a socket of the namespace opens a TCP connection. It accepts everything.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/timekeeping.h>
#include <net/mptcp.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "access.h"
#include "knetdemo.h"
#include "monitor_filter.h"
#include "monitor_parse.h"
#include "monitor_ring.h"
#include "trace.h"

/* Log lines: as many as this in that time */
#define KND_MONITOR_LOG_BURST		50
#define KND_MONITOR_LOG_INTERVAL	(5 * HZ)

static void knd_monitor_log(struct knd_net *kn, const struct knd_record *rec)
{
	struct knd_monitor *mon = &kn->mon;
	struct sockaddr_in6 src, dst;
	int unlogged;

	if (!knd_may_log(kn) || !READ_ONCE(kn->cfg.monitor_log))
		return;
	if (!__ratelimit(&mon->limit)) {
		atomic_inc(&mon->unlogged);
		knd_stat_inc(kn, KND_STAT_MONITOR_UNLOGGED);
		return;
	}

	knd_flow_sockaddrs(&rec->flow, &src, &dst);
	unlogged = atomic_xchg(&mon->unlogged, 0);
	if (unlogged)
		pr_info("TCP connection initiated from %pISpc to %pISpc (%d before it not logged)\n",
			&src, &dst, unlogged);
	else
		pr_info("TCP connection initiated from %pISpc to %pISpc\n",
			&src, &dst);
}

/* Followers of "connections" are woken no more often than this */
#define KND_MONITOR_WAKE_DELAY		(HZ / 20)

static void knd_monitor_wake_work(struct work_struct *work)
{
	struct knd_monitor *mon = container_of(to_delayed_work(work),
					       struct knd_monitor, wake);

	wake_up_interruptible_poll(&mon->wait, EPOLLIN | EPOLLRDNORM);
}

/*
 * The hook may run with BH disabled and the socket locked: it only queues the
 * work item, which finds all records of the delay.
 */
static noinline void knd_monitor_wake(struct knd_monitor *mon)
{
	if (!delayed_work_pending(&mon->wake))
		schedule_delayed_work(&mon->wake, KND_MONITOR_WAKE_DELAY);
}

/*
 * Tell the first pass of a SYN from its retransmissions, and from its further
 * passes: IPsec, SRv6 and VRF devices send a packet through the hook again,
 * some of them later and on another CPU.
 *
 * tcp_connect() moves snd_nxt beyond the SYN only after it has transmitted it,
 * whether or not that succeeded.
 */
static enum knd_pass knd_monitor_pass(struct knd_monitor *mon,
				      const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	/* Nothing acknowledges a SYN that is still to be sent */
	u32 isn = READ_ONCE(tp->snd_una);
	u32 hash = hash_ptr(sk, 24 + KND_SYNS_BITS);
	u64 key = knd_syn_key(hash, isn, READ_ONCE(tp->segs_out));
	atomic64_t *slot = &mon->syns[hash >> 24];
	enum knd_pass pass;

	pass = knd_syn_pass(atomic64_read(slot), key,
			    READ_ONCE(tp->snd_nxt) == isn);
	if (pass != KND_PASS_AGAIN)
		atomic64_set(slot, key);
	return pass;
}

/*
 * MPTCP and SMC connect by kernel sockets, on behalf of a program. One of SMC
 * that has fallen back to TCP before it connects has nothing of SMC any more,
 * but the file of the program; a file of sunrpc's is used by kernel threads.
 */
static bool knd_monitor_user(const struct sock *sk, const struct socket *sock)
{
	if (!sk->sk_kern_sock || sk_is_mptcp(sk))
		return true;
#if IS_ENABLED(CONFIG_SMC)
	if (tcp_sk(sk)->syn_smc)
		return true;
#endif
	return sock && READ_ONCE(sock->file) && in_task() &&
	       !(current->flags & PF_KTHREAD);
}

/*
 * The socket knows who connects, and which destination was asked for even
 * where an IP option or routing header sends the packet elsewhere first.
 */
static void knd_monitor_socket(const struct sock *sk, struct knd_record *rec)
{
	/* Freed by RCU, with its inode */
	struct socket *sock = READ_ONCE(sk->sk_socket);
	struct knd_flow *flow = &rec->flow;

	if (flow->family == AF_INET)
		flow->daddr.ip = sk->sk_daddr;
#if IS_ENABLED(CONFIG_IPV6)
	else
		flow->daddr.in6 = sk->sk_v6_daddr;
#endif
	if (!knd_monitor_user(sk, sock)) {
		rec->origin = KND_ORIGIN_KERNEL;
		return;
	}
	rec->origin = KND_ORIGIN_USER;
	/* Of a subflow, whoever made it, only the inode has the owner */
	if (sk_is_mptcp(sk) && sock)
		rec->uid = SOCK_INODE(sock)->i_uid;
}

/*
 * Name the task only where it is the one that connects. With bottom halves
 * off it processes a packet that somebody else has sent: a NAPI thread, a
 * busy-polling socket, the writer to a tun device. A kernel thread makes
 * further subflows of MPTCP on behalf of a program.
 */
static void knd_monitor_task(struct knd_record *rec)
{
	const struct pid *pid;
	int i;

	rec->pid = 0;
	memset(rec->pids, 0, sizeof(rec->pids));
	memset(rec->comm, 0, sizeof(rec->comm));
	if (!in_task() || softirq_count() ||
	    (rec->origin == KND_ORIGIN_USER && current->flags & PF_KTHREAD))
		return;

	pid = task_tgid(current);
	rec->pid = pid->numbers[0].nr;
	for (i = 0; i < KND_PID_LEVELS && i < pid->level; i++) {
		const struct upid *upid = &pid->numbers[i + 1];

		rec->pids[i].ns = upid->ns->ns.inum;
		rec->pids[i].nr = upid->nr;
	}
	/* May be changing, but always ends with a NUL */
	data_race(memcpy(rec->comm, current->comm, sizeof(rec->comm)));
}

static noinline unsigned int
knd_monitor_candidate(struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct knd_net *kn = knd_pernet(state->net);
	const struct sock *sk = state->sk;
	struct knd_monitor *mon = &kn->mon;
	struct knd_filter *filter;
	struct knd_record rec;
	struct knd_ring *ring;
	int rule;

	switch (knd_parse(skb, state->pf, &rec.flow)) {
	case KND_PARSE_TCP:
		break;
	case KND_PARSE_TRUNCATED:
	case KND_PARSE_MALFORMED:
		knd_stat_inc(kn, KND_STAT_MONITOR_MALFORMED);
		return NF_ACCEPT;
	default:
		return NF_ACCEPT;
	}
	if (!knd_parse_opens(rec.flow.flags))
		return NF_ACCEPT;

	/*
	 * ipvlan, IPVS, SYNPROXY and the duplicating targets of netfilter send
	 * packets of other hosts and namespaces, or copies, from here.
	 */
	if (!sk || !sk_fullsock(sk) || !net_eq(sock_net(sk), state->net)) {
		knd_stat_inc(kn, KND_STAT_MONITOR_NO_SOCKET);
		return NF_ACCEPT;
	}

	rec.uid = sock_net_uid(state->net, sk);
	rec.origin = KND_ORIGIN_RAW;
	if (sk_is_tcp(sk)) {
		switch (knd_monitor_pass(mon, sk)) {
		case KND_PASS_RETRANS:
			knd_stat_inc(kn, KND_STAT_MONITOR_SYN_RETRANS);
			return NF_ACCEPT;
		case KND_PASS_AGAIN:
			knd_stat_inc(kn, KND_STAT_MONITOR_SYN_AGAIN);
			return NF_ACCEPT;
		case KND_PASS_FIRST:
			knd_monitor_socket(sk, &rec);
		}
	}

	rec.rule = 0;
	filter = rcu_dereference(mon->filter);
	if (filter && filter->n) {
		rule = knd_filter_match(filter, &rec.flow);
		if (rule < 0) {
			knd_stat_inc(kn, KND_STAT_MONITOR_FILTERED);
			return NF_ACCEPT;
		}
		atomic64_inc(&filter->hits[rule]);
		rec.rule = filter->rule[rule].id;
	}

	rec.time = ktime_get_real_ns();
	rec.mark = skb->mark;
	knd_monitor_task(&rec);
	/* May be changing, but always ends with a NUL */
	data_race(memcpy(rec.dev, state->out->name, sizeof(rec.dev)));

	/* Readers wait for the record of a number that is reserved */
	ring = rcu_dereference(mon->ring);
	preempt_disable();
	rec.seq = atomic64_inc_return(&mon->attempts);
	knd_ring_put(ring, &rec);
	preempt_enable();
	/* Pairs with smp_mb() in knd_connections_poll() */
	if (unlikely(waitqueue_active(&mon->wait)))
		knd_monitor_wake(mon);

	trace_knetdemo_connect(state->net, &rec);
	knd_monitor_log(kn, &rec);
	return NF_ACCEPT;
}

/* Three functions, so that each costs only what it needs */
static noinline unsigned int
knd_monitor_unusual(struct sk_buff *skb, const struct nf_hook_state *state)
{
	return knd_parse_hint(skb, state->pf) ?
	       knd_monitor_candidate(skb, state) : NF_ACCEPT;
}

static unsigned int knd_monitor_hook(void *priv, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	return likely(knd_parse_usual(skb, state->pf)) ?
	       NF_ACCEPT : knd_monitor_unusual(skb, state);
}

/*
 * The lowest priority value: before any address translation and any chain of a
 * firewall, except one of the same value that was registered later.
 */
static const struct nf_hook_ops knd_monitor_ops = {
	.hook		= knd_monitor_hook,
	.pf		= NFPROTO_INET,
	.hooknum	= NF_INET_LOCAL_OUT,
	.priority	= NF_IP_PRI_FIRST,
};

/* Make the ring as large as asked. Records that fit move over. */
static int knd_monitor_resize(struct knd_net *kn)
{
	struct knd_monitor *mon = &kn->mon;
	struct knd_ring *old, *ring;
	u64 last;

	old = rcu_dereference_protected(mon->ring,
					lockdep_is_held(&kn->lock));
	if (old && old->size == kn->cfg.monitor_ring)
		return 0;
	ring = knd_ring_alloc(kn->cfg.monitor_ring);
	if (!ring)
		return -ENOMEM;
	rcu_assign_pointer(mon->ring, ring);
	if (!old)
		return 0;

	/*
	 * Once for those who are writing to the old ring. After that, once more
	 * for those who have drawn a number up to the one that is read here.
	 */
	synchronize_rcu();
	last = atomic64_read(&mon->attempts);
	synchronize_rcu();
	knd_ring_copy(ring, old, last);
	knd_ring_free(old);
	return 0;
}

/**
 * knd_monitor_apply - make the monitor follow the knobs
 * @kn: the component in a namespace
 *
 * Context: process, &knd_net.lock held.
 * Return: 0 or -errno, and then the monitor runs as before.
 */
int knd_monitor_apply(struct knd_net *kn)
{
	struct knd_monitor *mon = &kn->mon;
	int err;

	/* What was recorded can be read, and the ring resized, when off */
	if (kn->cfg.monitor || rcu_access_pointer(mon->ring)) {
		err = knd_monitor_resize(kn);
		if (err)
			return err;
	}
	if (kn->cfg.monitor && !mon->hooked) {
		err = nf_register_net_hook(kn->net, &knd_monitor_ops);
		if (err)
			return err;
		mon->hooked = true;
	} else if (!kn->cfg.monitor && mon->hooked) {
		knd_monitor_pre_exit(kn);
	}
	return 0;
}

/**
 * knd_monitor_filter - change what is shown
 * @kn: the component in a namespace
 * @text: commands, see knd_filter_edit(); overwritten
 *
 * All commands take effect at once, or none does.
 *
 * Context: process, may sleep for a grace period.
 * Return: 0, -ENOMEM or what knd_filter_edit() says.
 */
int knd_monitor_filter(struct knd_net *kn, char *text)
{
	struct knd_monitor *mon = &kn->mon;
	struct knd_filter *filter, *old;
	int err, i;

	filter = kzalloc_obj(*filter, GFP_KERNEL_ACCOUNT);
	if (!filter)
		return -ENOMEM;

	mutex_lock(&kn->lock);
	old = rcu_dereference_protected(mon->filter,
					lockdep_is_held(&kn->lock));
	err = knd_filter_edit(filter, old, text);
	if (err)
		goto unlock;
	rcu_assign_pointer(mon->filter, filter);

	/* Hits may come to the old rules until then */
	synchronize_rcu();
	for (i = 0; i < filter->n; i++) {
		int was = filter->rule[i].was;

		if (was >= 0)
			atomic64_add(atomic64_read(&old->hits[was]),
				     &filter->hits[i]);
	}
	filter = old;
unlock:
	mutex_unlock(&kn->lock);
	kfree(filter);
	return err;
}

/**
 * knd_monitor_init - prepare the monitor of a namespace
 * @kn: the component in a namespace that is being set up
 */
void __net_init knd_monitor_init(struct knd_net *kn)
{
	ratelimit_state_init(&kn->mon.limit, KND_MONITOR_LOG_INTERVAL,
			     KND_MONITOR_LOG_BURST);
	init_waitqueue_head(&kn->mon.wait);
	INIT_DELAYED_WORK(&kn->mon.wake, knd_monitor_wake_work);
	/* We say ourselves what was kept out */
	ratelimit_set_flags(&kn->mon.limit, RATELIMIT_MSG_ON_RELEASE);
}

/**
 * knd_monitor_pre_exit - switch the monitor off
 * @kn: the component in a namespace
 *
 * The hook may run for a grace period more.
 *
 * Context: process; &knd_net.lock held, or the knobs are gone.
 */
void knd_monitor_pre_exit(struct knd_net *kn)
{
	int unlogged;

	if (!kn->mon.hooked)
		return;
	nf_unregister_net_hook(kn->net, &knd_monitor_ops);
	kn->mon.hooked = false;

	unlogged = atomic_xchg(&kn->mon.unlogged, 0);
	if (unlogged)
		pr_info("%d TCP connections not logged\n", unlogged);
}

/**
 * knd_monitor_exit - free what the monitor of a namespace has
 * @kn: the component in a namespace, a grace period after
 *	knd_monitor_pre_exit()
 */
void __net_exit knd_monitor_exit(struct knd_net *kn)
{
	cancel_delayed_work_sync(&kn->mon.wake);
	knd_ring_free(rcu_dereference_protected(kn->mon.ring, 1));
	kfree(rcu_dereference_protected(kn->mon.filter, 1));
}
