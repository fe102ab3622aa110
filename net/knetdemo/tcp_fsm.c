// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: what happens next to a
 * connection of the TCP service
 *
 *	            accepted
 *	               |
 *	              NEW
 *	               |  callbacks of the socket are set
 *	               v
 *	    +-------  OPEN  -------------------------------+
 *	    |          |                                   |
 *	    |          |  end of input, all served: peer   |
 *	    |          |  tcp=0: stopped                   |
 *	    |          |  idle, all acknowledged: idle     |
 *	    |          v                                   |
 *	    |       CLOSING (FIN sent)  -------------------+
 *	    |          |                                   |
 *	    |          |  FIN acknowledged                 |  by a reset:
 *	    |  TCP is  |                                   |  kill: killed
 *	    |  done    v                                   |  end of namespace,
 *	    +------>  DEAD  <------------------------------+  or tcp=0 too
 *	                                                      slow: stopped
 *	                                                      idle with output
 *	                                                      left: idle
 *	                                                      no ACK for 15 s in
 *	                                                      CLOSING: timeout
 *	                                                      an error
 *
 * A connection keeps the reason for which it entered CLOSING, unless something
 * on the right ends it there: then its reason is the one on the right.
 */

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <net/tcp_states.h>

#include "tcp_fsm.h"

static enum knd_close knd_fsm_reason(int err)
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

static struct knd_fsm_step knd_fsm_end(enum knd_fsm_action action,
				       enum knd_close why)
{
	return (struct knd_fsm_step){ action, why, KND_FSM_NO_TIMER };
}

static struct knd_fsm_step knd_fsm_reset(const struct knd_fsm_facts *f)
{
	enum knd_close why = KND_CLOSE_STOPPED;

	if (f->flags & BIT(KND_CONN_OWNED))
		why = KND_CLOSE_ERROR;
	else if (f->flags & BIT(KND_CONN_KILLED))
		why = KND_CLOSE_KILLED;
	return knd_fsm_end(KND_FSM_ABORT, why);
}

/* TCP is done with the socket, or cannot send any more */
static struct knd_fsm_step knd_fsm_over(const struct knd_fsm_facts *f)
{
	int err = f->sk_err ?: -f->send_err;

	return knd_fsm_end(f->tcp_state == TCP_CLOSE ? KND_FSM_RELEASE :
						       KND_FSM_ABORT,
			   f->state == KND_CONN_OPEN || err ?
			   knd_fsm_reason(err) : f->why);
}

/* Stay in this state until there was no progress for @limit; 0 is no limit */
static struct knd_fsm_step knd_fsm_stay(const struct knd_fsm_facts *f,
					unsigned long limit, bool more)
{
	struct knd_fsm_step step = {
		.action = more ? KND_FSM_AGAIN : KND_FSM_WAIT,
		.why = f->why,
		.timer = limit ? limit - f->since : KND_FSM_NO_TIMER,
	};

	if (f->retry)
		step.timer = min(step.timer, KND_FSM_RETRY);
	return step;
}

static struct knd_fsm_step knd_fsm_closing(const struct knd_fsm_facts *f)
{
	/* The peer acknowledged the FIN, and with it all that was sent */
	if (f->tcp_state == TCP_FIN_WAIT2)
		return knd_fsm_end(KND_FSM_RELEASE, f->why);
	if (f->since >= KND_FSM_LINGER)
		return knd_fsm_end(KND_FSM_ABORT, KND_CLOSE_TIMEOUT);
	return knd_fsm_stay(f, KND_FSM_LINGER, f->input);
}

static struct knd_fsm_step knd_fsm_open(const struct knd_fsm_facts *f)
{
	if (f->rcv_shutdown && !f->input)
		return knd_fsm_end(KND_FSM_SHUTDOWN, KND_CLOSE_PEER);
	if (f->flags & BIT(KND_CONN_END))
		return knd_fsm_end(KND_FSM_SHUTDOWN, KND_CLOSE_STOPPED);
	if (f->idle_limit && f->since >= f->idle_limit)
		return knd_fsm_end(f->output ? KND_FSM_ABORT : KND_FSM_SHUTDOWN,
				   KND_CLOSE_IDLE);
	return knd_fsm_stay(f, f->idle_limit, f->more);
}

/**
 * knd_fsm_next - decide what happens next to a connection
 * @f: the facts
 *
 * Return: the step. A connection whose state is NEW or DEAD only waits. A flag
 * that is set while it is NEW is not lost: knd_conn_attach() makes it OPEN and
 * then queues the work item. A dead one needs no further step.
 */
struct knd_fsm_step knd_fsm_next(const struct knd_fsm_facts *f)
{
	if (f->state == KND_CONN_NEW || f->state == KND_CONN_DEAD)
		return knd_fsm_end(KND_FSM_WAIT, f->why);
	if (f->flags & BIT(KND_CONN_RESET))
		return knd_fsm_reset(f);
	if (f->tcp_state == TCP_CLOSE || f->send_err)
		return knd_fsm_over(f);
	return f->state == KND_CONN_CLOSING ? knd_fsm_closing(f) :
					      knd_fsm_open(f);
}
