/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: what the files share
 */

#ifndef _NET_KNETDEMO_H
#define _NET_KNETDEMO_H

#include <linux/capability.h>
#include <linux/atomic.h>
#include <linux/if.h>
#include <linux/inet.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/socket.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "ftp.h"
#include "monitor.h"
#include "pace.h"
#include "tcp.h"

struct ctl_table;
struct ctl_table_header;
struct net;
struct proc_dir_entry;
struct socket;
struct task_struct;

/* An IPv6 address, "%", a device name and the NUL */
#define KND_ADDR_LEN	(INET6_ADDRSTRLEN + IFNAMSIZ)
/* The longest udp_message and its NUL */
#define KND_TEXT_LEN	256

/* The roles, as tcp_service names them */
enum knd_service {
	KND_SERVICE_ACCEPT,
	KND_SERVICE_DISCARD,
	KND_SERVICE_ECHO,
	KND_SERVICE_CHARGEN,
	KND_SERVICE_MAX = KND_SERVICE_CHARGEN
};

/* Roles that a switch starts and stops */
enum knd_role {
	KND_ROLE_TCP,
	KND_ROLE_UDP,
	KND_ROLE_MAX
};

/*
 * Written to a switch: start the role when its parameters have not changed for
 * a while. Read from it: the role is on, or will be.
 */
#define KND_SWITCH_DEFERRED	2

/*
 * struct knd_config - the knobs of a network namespace
 *
 * One member for each file in /proc/sys/net/knetdemo/, with its name. Numbers
 * are stored with WRITE_ONCE() under &knd_net.lock and may be read anywhere
 * with READ_ONCE(). Text is read and written under &knd_net.lock only. The
 * switches @tcp and @udp are 0 or 1, whatever their files show.
 */
struct knd_config {
	int monitor;
	int monitor_log;
	int monitor_ring;
	int tcp;
	int tcp_port;
	int tcp_service;
	int tcp_backlog;
	int tcp_max_conns;
	int tcp_max_conns_per_source;
	int tcp_log;
	int tcp_idle_ms;
	int udp;
	int udp_dport;
	int udp_sport;
	int udp_size;
	int udp_count;
	int udp_interval_us;
	int udp_rate_pps;
	int udp_linger_ms;
	int udp_gso;
	int udp_stamp;
	int udp_ttl;
	int udp_tos;
	unsigned int udp_mark;
	int udp_df;
	int ftp_timeout_ms;
	char tcp_addr[KND_ADDR_LEN];
	char udp_daddr[KND_ADDR_LEN];
	char udp_saddr[KND_ADDR_LEN];
	char udp_dev[IFNAMSIZ];
	char udp_message[KND_TEXT_LEN];
};

/* Order and names: knd_stat_names[] in stats.c */
enum knd_stat {
	/* monitor */
	KND_STAT_MONITOR_ATTEMPTS,	/* connection attempts shown */
	KND_STAT_MONITOR_FILTERED,	/* attempts that no rule matched */
	KND_STAT_MONITOR_SYN_RETRANS,	/* SYNs sent again */
	KND_STAT_MONITOR_MALFORMED,	/* no SYNs, for they lie */
	KND_STAT_MONITOR_UNLOGGED,	/* log lines that the limit kept out */
	KND_STAT_MONITOR_NO_SOCKET,	/* SYNs that no socket sent */
	KND_STAT_MONITOR_SYN_AGAIN,	/* passes of a SYN after its first */
	/* tcp */
	KND_STAT_TCP_ACCEPTED,		/* connections taken into service */
	KND_STAT_TCP_ACCEPT_ERRORS,	/* accepts that failed, tried again */
	KND_STAT_TCP_RELISTENED,	/* destroyed listeners replaced */
	KND_STAT_TCP_REFUSED_MAX,	/* closed at once: tcp_max_conns */
	KND_STAT_TCP_REFUSED_SOURCE,	/* ... tcp_max_conns_per_source */
	KND_STAT_TCP_REFUSED_NOMEM,	/* ... no memory to serve it */
	KND_STAT_TCP_BYTES_IN,		/* bytes read from clients */
	KND_STAT_TCP_BYTES_OUT,		/* bytes handed to the stack for them */
	KND_STAT_TCP_CLOSED,		/* connections released, the sum of: */
	KND_STAT_TCP_CLOSED_PEER,	/* enum knd_close, in its order */
	KND_STAT_TCP_CLOSED_RESET,
	KND_STAT_TCP_CLOSED_TIMEOUT,
	KND_STAT_TCP_CLOSED_IDLE,
	KND_STAT_TCP_CLOSED_KILLED,
	KND_STAT_TCP_CLOSED_STOPPED,
	KND_STAT_TCP_CLOSED_ERROR,
	/* udp */
	KND_STAT_UDP_RUNS,		/* runs begun */
	KND_STAT_UDP_SENT,		/* datagrams handed to the stack */
	KND_STAT_UDP_BYTES,		/* their payload */
	KND_STAT_UDP_FAILED,		/* datagrams that the stack refused */
	KND_STAT_UDP_LATE,		/* datagrams sent late */
	KND_STAT_UDP_SKIPPED,		/* datagrams given up */
	KND_STAT_UDP_GSO_REFUSED,	/* sends of segments that failed */
	KND_STAT_UDP_ERRORS,		/* errors of all causes */
	KND_STAT_UDP_ERR_NOBUFS,	/* dropped by a queue, or no memory */
	KND_STAT_UDP_ERR_AGAIN,		/* socket's buffer full for too long */
	KND_STAT_UDP_ERR_REFUSED,	/* nobody at the destination port */
	KND_STAT_UDP_ERR_UNREACH,	/* no route, or said unreachable */
	KND_STAT_UDP_ERR_NETDOWN,	/* device down or gone */
	KND_STAT_UDP_ERR_MSGSIZE,	/* too large for the path */
	KND_STAT_UDP_ERR_OTHER,		/* any other cause */
	/* ftp */
	KND_STAT_FTP_STARTED,		/* transfers begun */
	KND_STAT_FTP_DONE,		/* transfers that ended well */
	KND_STAT_FTP_FAILED,		/* transfers that did not */
	KND_STAT_FTP_BYTES,		/* bytes written to callers' files */
	KND_STAT_FTP_ROGUE,		/* data connections by somebody else */
	KND_STAT_MAX
};

struct knd_stats {
	u64_stats_t counter[KND_STAT_MAX];
	struct u64_stats_sync syncp;
};

/* How the emitter's latest run is going; names: knd_udp_states[] */
enum knd_udp_state {
	KND_UDP_NEVER,
	KND_UDP_RUNNING,
	KND_UDP_STOPPED,
	KND_UDP_FINISHED,
};

/* Causes of errors, in the order of KND_STAT_UDP_ERR_* */
enum knd_udp_error {
	KND_UDP_ERR_NOBUFS,
	KND_UDP_ERR_AGAIN,
	KND_UDP_ERR_REFUSED,
	KND_UDP_ERR_UNREACH,
	KND_UDP_ERR_NETDOWN,
	KND_UDP_ERR_MSGSIZE,
	KND_UDP_ERR_OTHER,
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

struct knd_knob;

/**
 * struct knd_deferred - a role that is to start after its parameters are set
 * @kn: the component in the namespace
 * @knob: the switch of the role
 * @work: starts the role; cancelled when the sysctls are removed
 * @cred: credentials of the task that asked for it, with a reference; NULL
 *	where nothing is to start
 * @start_at: when to start, in jiffies; each write of a parameter moves it
 *
 * &knd_net.lock protects the last two.
 */
struct knd_deferred {
	struct knd_net *kn;
	const struct knd_knob *knob;
	struct delayed_work work;
	const struct cred *cred;
	unsigned long start_at;
};

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
 * @tcp: the TCP service, see tcp.h
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

/* main.c */
struct knd_net *knd_pernet(struct net *net);

/* Only the initial namespace: others could be made to flood the kernel's log */
static inline bool knd_may_log(const struct knd_net *kn)
{
	return net_eq(kn->net, &init_net);
}

/**
 * knd_may_configure - whether a writer may change anything in a namespace
 * @kn: the component in a namespace
 * @file: the open file that is written to, whose opener is checked; NULL checks
 *	the calling task
 *
 * Every user can be root in a user namespace of its own. The component acts
 * with the rights of the kernel and its objects are charged to nobody in full,
 * so only namespaces that belong to the initial user namespace can be changed.
 *
 * Context: process.
 * Return: true with CAP_NET_ADMIN over the namespace.
 */
static inline bool knd_may_configure(const struct knd_net *kn,
				     const struct file *file)
{
	struct user_namespace *owner = kn->net->user_ns;

	if (owner != &init_user_ns)
		return false;
	return file ? file_ns_capable(file, owner, CAP_NET_ADMIN) :
		      ns_capable(owner, CAP_NET_ADMIN);
}

/* chardev.c */
int knd_chardev_init(void);
void knd_chardev_exit(void);
void knd_chardev_net_init(struct knd_net *kn);
void knd_chardev_pre_exit(struct knd_net *kn);

/* monitor.c */
void knd_monitor_init(struct knd_net *kn);
int knd_monitor_apply(struct knd_net *kn);
int knd_monitor_filter(struct knd_net *kn, char *text);
void knd_monitor_pre_exit(struct knd_net *kn);
void knd_monitor_exit(struct knd_net *kn);

/* monitor_proc.c */
int knd_monitor_proc_init(struct knd_net *kn);

/**
 * struct knd_proc - begins the private data of an open file of knd_proc_open()
 * @kn: the component in the namespace of the file
 * @tracker: of the reference to that namespace
 */
struct knd_proc {
	struct knd_net *kn;
	netns_tracker tracker;
};

static inline struct knd_net *knd_proc_kn(const struct seq_file *seq)
{
	return ((const struct knd_proc *)seq->private)->kn;
}

/* proc.c */
int knd_proc_open(struct inode *inode, struct file *file,
		  const struct seq_operations *ops, size_t size);
int knd_proc_release(struct inode *inode, struct file *file);
ssize_t knd_proc_write(struct file *file, const char __user *from, size_t size,
		       int (*write)(struct knd_net *kn, char *text));
void *knd_proc_single_start(struct seq_file *seq, loff_t *pos);
void *knd_proc_single_next(struct seq_file *seq, void *v, loff_t *pos);
void knd_proc_single_stop(struct seq_file *seq, void *v);
int knd_proc_init(struct knd_net *kn);
void knd_proc_exit(struct knd_net *kn);

/* sock.c */
int knd_addr_parse(struct net *net, const char *text, int port,
		   struct sockaddr_storage *addr);

/**
 * struct knd_udp_opts - options of the emitter's socket
 * @dev: device to send by, or of the VRF to send in; empty for any
 * @ttl: TTL or hop limit; 0 is the namespace's default
 * @tos: type of service or traffic class
 * @mark: mark of the packets
 * @df: enum knd_udp_df
 *
 * Compared by memcmp(): all of it is set, beginning with zeros.
 */
struct knd_udp_opts {
	char dev[IFNAMSIZ];
	int ttl;
	int tos;
	u32 mark;
	int df;
};

/* What udp_df takes */
enum knd_udp_df {
	KND_UDP_DF_DEFAULT,	/* as every socket of the namespace does */
	KND_UDP_DF_SET,		/* always set, never fragmented here */
	KND_UDP_DF_CLEAR,	/* never set */
	KND_UDP_DF_MAX = KND_UDP_DF_CLEAR
};

int knd_sock_create(struct net *net, int family, int type, int protocol,
		    struct socket **res);
int knd_udp_open(struct knd_net *kn, const struct sockaddr_storage *saddr,
		 const struct sockaddr_storage *daddr,
		 const struct knd_udp_opts *opts, struct socket *shared,
		 struct socket **res);
int knd_udp_reopen(struct socket *sock, const struct sockaddr_storage *daddr);
void knd_udp_local(struct socket *sock, struct sockaddr_storage *addr);
void knd_udp_close(struct socket *sock);

/* stats.c */
int knd_stats_init(struct knd_net *kn);
void knd_stats_exit(struct knd_net *kn);
void knd_stat_add(struct knd_net *kn, enum knd_stat stat, u64 n);
int knd_stats_show(struct seq_file *seq, void *v);

static inline void knd_stat_inc(struct knd_net *kn, enum knd_stat stat)
{
	knd_stat_add(kn, stat, 1);
}

/* sysctl.c */
extern const char * const knd_service_names[];
int knd_sysctl_init(struct knd_net *kn);
void knd_sysctl_exit(struct knd_net *kn);

/* tcp_service.c */
void knd_tcp_init(struct knd_net *kn);
int knd_tcp_apply(struct knd_net *kn);
void knd_tcp_pre_exit(struct knd_net *kn);
void knd_tcp_exit(struct knd_net *kn);

/* udp_emitter.c */
void knd_udp_init(struct knd_net *kn);
int knd_udp_apply(struct knd_net *kn);
void knd_udp_reported(struct knd_net *kn, int err);
void knd_udp_pre_exit(struct knd_net *kn);
void knd_udp_exit(struct knd_net *kn);
int knd_udp_show(struct seq_file *seq, void *v);

#endif /* _NET_KNETDEMO_H */
