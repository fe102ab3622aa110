// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the connection monitor
 *
 * A netfilter hook at LOCAL_OUT sees each packet that the network namespace
 * sends, before other hooks can change or drop it. It records the SYNs by which
 * sockets of the namespace open connections, and accepts every packet.
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

/* Log at most this many lines in this time */
#define KND_MONITOR_LOG_BURST		50
#define KND_MONITOR_LOG_INTERVAL	(5 * HZ)

static noinline void knd_monitor_log(struct knd_net *kn,
				     const struct knd_record *rec)
{
	struct knd_monitor *mon = &kn->mon;
	struct sockaddr_in6 src, dst;
	int unlogged;

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

/*
 * Wake tasks that poll "connections" no more often than this. Waking for each
 * record would cost a context switch for each connection.
 */
#define KND_MONITOR_WAKE_DELAY		(HZ / 20)

static void knd_monitor_wake_work(struct work_struct *work)
{
	struct knd_monitor *mon = container_of(to_delayed_work(work),
					       struct knd_monitor, wake);

	wake_up_interruptible_poll(&mon->wait, EPOLLIN | EPOLLRDNORM);
}

/*
 * Queue the work item that wakes pollers. It is delayed, so that one wake-up
 * tells of all records until then.
 */
static noinline void knd_monitor_wake(struct knd_monitor *mon)
{
	if (!delayed_work_pending(&mon->wake))
		schedule_delayed_work(&mon->wake, KND_MONITOR_WAKE_DELAY);
}

/*
 * Tell the first pass of a SYN from its retransmissions and from its further
 * passes: IPsec, SRv6 and VRF devices send a packet through the hook again,
 * some of them later and on another CPU.
 *
 * While snd_nxt is still the initial sequence number, the socket is in
 * tcp_connect(), which advances it after the transmission of the SYN whether
 * that succeeded or not.
 */
static enum knd_pass knd_monitor_pass(struct knd_monitor *mon,
				      const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	/* Until the SYN is acknowledged, snd_una is its sequence number */
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
 * Whether a program, and not the kernel for itself, opens the connection. MPTCP
 * and SMC connect with kernel sockets on behalf of a program.
 *
 * An SMC socket that fell back to TCP before it connects has no mark of SMC,
 * but has the program's file. Sockets of sunrpc also have a file, but kernel
 * threads connect them.
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
 * Take the owner and the destination from the socket. The packet's destination
 * is another one where a source route or a routing header is used.
 */
static void knd_monitor_socket(const struct sock *sk, struct knd_record *rec)
{
	/*
	 * The socket can be released meanwhile. It and its inode are freed
	 * after a grace period, and the hook runs under RCU.
	 */
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
	/* The kernel creates further subflows; their inode has the owner */
	if (sk_is_mptcp(sk) && sock)
		rec->uid = SOCK_INODE(sock)->i_uid;
}

/*
 * Record the task only where it is the one that connects. With BH disabled the
 * task processes a packet of another host or task: it is a NAPI thread, it
 * polls a busy-polling socket, or it writes to a tun device. A kernel thread
 * opens further subflows of MPTCP on behalf of a program.
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
	/* Another thread can change the name meanwhile; its last byte is NUL */
	data_race(memcpy(rec->comm, current->comm, sizeof(rec->comm)));
}

static noinline unsigned int
knd_monitor_candidate(void *priv, struct sk_buff *skb,
		      const struct nf_hook_state *state)
{
	const struct sock *sk = state->sk;
	struct knd_net *kn = priv;
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
	 * ipvlan, IPVS and SYNPROXY send SYNs of other hosts and namespaces
	 * here, the dup statement of nftables and the TEE target send copies.
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
	/* The device can be renamed meanwhile; the last byte is NUL */
	data_race(memcpy(rec.dev, state->out->name, sizeof(rec.dev)));

	/*
	 * Readers spin until the record of a reserved sequence number is
	 * complete, so this must not be preempted.
	 */
	ring = rcu_dereference(mon->ring);
	preempt_disable();
	rec.seq = atomic64_inc_return(&mon->attempts);
	knd_ring_put(ring, &rec);
	preempt_enable();
	/* Pairs with smp_mb() in knd_connections_poll() */
	if (unlikely(waitqueue_active(&mon->wait)))
		knd_monitor_wake(mon);

	trace_knetdemo_connect(state->net, &rec);
	if (knd_may_log(kn) && READ_ONCE(kn->cfg.monitor_log))
		knd_monitor_log(kn, &rec);
	return NF_ACCEPT;
}

/*
 * Almost all packets end in knd_monitor_hook(). The other functions are not
 * inlined into it, since each packet would pay for their registers and stack.
 */
static noinline unsigned int
knd_monitor_unusual(void *priv, struct sk_buff *skb,
		    const struct nf_hook_state *state)
{
	return knd_parse_hint(skb, state->pf) ?
	       knd_monitor_candidate(priv, skb, state) : NF_ACCEPT;
}

static unsigned int knd_monitor_hook(void *priv, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	return likely(knd_parse_usual(skb, state->pf)) ?
	       NF_ACCEPT : knd_monitor_unusual(priv, skb, state);
}

/*
 * The lowest priority value runs before address translation and before the
 * chains of a firewall. A chain with the same value that is registered later
 * runs before this hook.
 */
static const struct nf_hook_ops knd_monitor_ops = {
	.hook		= knd_monitor_hook,
	.pf		= NFPROTO_INET,
	.hooknum	= NF_INET_LOCAL_OUT,
	.priority	= NF_IP_PRI_FIRST,
};

/*
 * Make the ring as large as monitor_ring says, with the latest records of the
 * old one. Returns 0 or -ENOMEM; then the old ring stays.
 */
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
	 * After the first grace period nobody writes to the old ring. After
	 * the second one each record up to @last is complete, in either ring.
	 */
	synchronize_rcu();
	last = atomic64_read(&mon->attempts);
	synchronize_rcu();
	knd_ring_copy(ring, old, last);
	knd_ring_free(old);
	return 0;
}

/**
 * knd_monitor_apply - make the monitor follow its sysctls
 * @kn: the component in a namespace
 *
 * Registers or unregisters the hook, and resizes the ring.
 *
 * Context: process, &knd_net.lock held. May sleep for two grace periods.
 * Return: 0, -ENOMEM, or what registering the hook returned. On error the hook
 * is as it was; a ring that was resized already stays.
 */
int knd_monitor_apply(struct knd_net *kn)
{
	struct knd_monitor *mon = &kn->mon;
	int err;

	/* The ring stays when the hook is unregistered, and can be read */
	if (kn->cfg.monitor || rcu_access_pointer(mon->ring)) {
		err = knd_monitor_resize(kn);
		if (err)
			return err;
	}
	if (kn->cfg.monitor && !mon->hooked) {
		err = nf_register_net_hook(kn->net, &mon->ops);
		if (err)
			return err;
		mon->hooked = true;
	} else if (!kn->cfg.monitor && mon->hooked) {
		knd_monitor_pre_exit(kn);
	}
	return 0;
}

/**
 * knd_monitor_filter - change the rules
 * @kn: the component in a namespace
 * @text: lines as for knd_filter_edit(); overwritten
 *
 * All lines take effect at once, or none does.
 *
 * Context: process; takes &knd_net.lock and sleeps for a grace period.
 * Return: 0, -ENOMEM or what knd_filter_edit() returned. On error the rules
 * stay as they were.
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

	/* After this the hook no longer counts hits in @old: carry them over */
	synchronize_rcu();
	for (i = 0; i < filter->n; i++) {
		int old_idx = filter->rule[i].old_idx;

		if (old_idx >= 0)
			atomic64_add(atomic64_read(&old->hits[old_idx]),
				     &filter->hits[i]);
	}
	filter = old;
unlock:
	mutex_unlock(&kn->lock);
	kfree(filter);
	return err;
}

/**
 * knd_monitor_init - initialise the monitor of a namespace
 * @kn: the component in a namespace that is being set up, zeroed
 *
 * Context: process.
 */
void __net_init knd_monitor_init(struct knd_net *kn)
{
	kn->mon.ops = knd_monitor_ops;
	kn->mon.ops.priv = kn;
	ratelimit_state_init(&kn->mon.limit, KND_MONITOR_LOG_INTERVAL,
			     KND_MONITOR_LOG_BURST);
	init_waitqueue_head(&kn->mon.wait);
	INIT_DELAYED_WORK(&kn->mon.wake, knd_monitor_wake_work);
	/* knd_monitor_log() says how many lines the limit kept out */
	ratelimit_set_flags(&kn->mon.limit, RATELIMIT_MSG_ON_RELEASE);
}

/**
 * knd_monitor_pre_exit - unregister the hook
 * @kn: the component in a namespace
 *
 * The hook can still run on other processors for a grace period.
 *
 * Context: process; &knd_net.lock held, or the sysctls are removed.
 */
void knd_monitor_pre_exit(struct knd_net *kn)
{
	int unlogged;

	if (!kn->mon.hooked)
		return;
	nf_unregister_net_hook(kn->net, &kn->mon.ops);
	kn->mon.hooked = false;

	unlogged = atomic_xchg(&kn->mon.unlogged, 0);
	if (unlogged)
		pr_info("%d TCP connections not logged\n", unlogged);
}

/**
 * knd_monitor_exit - free the memory of the monitor of a namespace
 * @kn: the component in a namespace
 *
 * Context: process, a grace period after knd_monitor_pre_exit(), with no open
 * file "connections" or "filter".
 */
void __net_exit knd_monitor_exit(struct knd_net *kn)
{
	cancel_delayed_work_sync(&kn->mon.wake);
	knd_ring_free(rcu_dereference_protected(kn->mon.ring, 1));
	kfree(rcu_dereference_protected(kn->mon.filter, 1));
}
