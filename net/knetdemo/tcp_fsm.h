/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: what happens next to a
 * connection of the TCP service
 */

#ifndef _NET_KNETDEMO_TCP_FSM_H
#define _NET_KNETDEMO_TCP_FSM_H

#include <linux/jiffies.h>
#include <linux/types.h>

/* How long a closing connection may stay without an acknowledgment, jiffies */
#define KND_FSM_LINGER		(15 * HZ)
/* When to send again if memory was short and no ACK is expected, in jiffies */
#define KND_FSM_RETRY		DIV_ROUND_UP(HZ, 50)
/* A step that leaves the timer as it is */
#define KND_FSM_NO_TIMER	MAX_JIFFY_OFFSET

/* The states, in the order in which they follow one another */
enum knd_conn_state {
	KND_CONN_NEW,		/* its socket does not call us yet */
	KND_CONN_OPEN,		/* served */
	KND_CONN_CLOSING,	/* our FIN is queued; wait for its ACK */
	KND_CONN_DEAD,		/* its socket is closed */
};

/* Bits of knd_conn.flags: requests to the work item. None is ever cleared. */
#define KND_CONN_END		0	/* send what is queued, then close */
#define KND_CONN_RESET		1	/* close at once, by a reset */
#define KND_CONN_KILLED		2	/* reason of the reset: "kill" */
#define KND_CONN_OWNED		3	/* reason of the reset: another owner */

/*
 * Why a connection ended, with its name in tracepoints. In the order
 * of the counters KND_STAT_TCP_CLOSED_*.
 *
 * PEER: the peer closed it, and all was served
 * RESET: the peer reset it
 * TIMEOUT: the peer no longer answered
 * IDLE: no byte moved for tcp_idle_ms
 * KILLED: "kill" was written
 * STOPPED: the service was switched off or the namespace is dismantled
 * ERROR: anything else
 */
#define KND_CLOSE_REASONS(EM, EMe)		\
	EM(KND_CLOSE_PEER,	"peer")		\
	EM(KND_CLOSE_RESET,	"reset")	\
	EM(KND_CLOSE_TIMEOUT,	"timeout")	\
	EM(KND_CLOSE_IDLE,	"idle")		\
	EM(KND_CLOSE_KILLED,	"killed")	\
	EM(KND_CLOSE_STOPPED,	"stopped")	\
	EMe(KND_CLOSE_ERROR,	"error")

#define KND_CLOSE_ENUM(reason, name)	reason,
enum knd_close { KND_CLOSE_REASONS(KND_CLOSE_ENUM, KND_CLOSE_ENUM) };

/* What is to be done next */
enum knd_fsm_action {
	KND_FSM_WAIT,		/* wait for a callback, a flag or the timer */
	KND_FSM_AGAIN,		/* run the work item again, after others */
	KND_FSM_SHUTDOWN,	/* send a FIN; the state is CLOSING */
	KND_FSM_RELEASE,	/* close a socket that TCP is done with */
	KND_FSM_ABORT,		/* close a socket by a reset */
};

/**
 * struct knd_fsm_facts - all that decides about a connection
 * @state: its state
 * @why: reason for which it is being closed, where it is
 * @flags: KND_CONN_END and so on
 * @tcp_state: state of its socket, TCP_ESTABLISHED and so on
 * @sk_err: error that TCP reported, a positive errno, or 0
 * @send_err: error that sending returned, a negative errno, or 0
 * @rcv_shutdown: the peer sends nothing any more
 * @input: there is data to receive
 * @output: there is data that the peer did not acknowledge
 * @more: the service used up its budget and has more to do
 * @retry: memory was short, and no acknowledgment will call the service
 * @since: jiffies since bytes moved or were acknowledged last; while it is
 *	being closed, since the peer acknowledged something last
 * @idle_limit: limit of @since while the connection is open; 0 is no limit
 */
struct knd_fsm_facts {
	enum knd_conn_state state;
	enum knd_close why;
	unsigned long flags;
	int tcp_state;
	int sk_err;
	int send_err;
	bool rcv_shutdown;
	bool input;
	bool output;
	bool more;
	bool retry;
	unsigned long since;
	unsigned long idle_limit;
};

/**
 * struct knd_fsm_step - what to do with a connection
 * @action: what
 * @why: the reason, once it is being closed
 * @timer: when to evaluate it again at the latest, in jiffies from now;
 *	KND_FSM_NO_TIMER leaves the timer as it is
 */
struct knd_fsm_step {
	enum knd_fsm_action action;
	enum knd_close why;
	unsigned long timer;
};

struct knd_fsm_step knd_fsm_next(const struct knd_fsm_facts *f);

#endif /* _NET_KNETDEMO_TCP_FSM_H */
