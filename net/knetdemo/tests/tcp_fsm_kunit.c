// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of net/knetdemo/tcp_fsm.c: what happens next to a connection of
 * the TCP service, for each fact that decides it
 */

#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <net/tcp_states.h>

#include "../tcp_fsm.h"

#define IDLE	(60 * HZ)
#define NEVER	KND_FSM_NO_TIMER

/* A row of the table: the facts, then the step */
struct knd_fsm_case {
	const char *name;
	struct knd_fsm_facts facts;
	struct knd_fsm_step step;
};

#define OPEN	.state = KND_CONN_OPEN, .tcp_state = TCP_ESTABLISHED
#define CLOSING	.state = KND_CONN_CLOSING, .tcp_state = TCP_FIN_WAIT1
#define DO(what, reason, when)	\
	{ KND_FSM_##what, KND_CLOSE_##reason, when }

static const struct knd_fsm_case knd_fsm_cases[] = {
	/* A connection whose socket does not call yet, or no more */
	{ "new", { .state = KND_CONN_NEW, .tcp_state = TCP_ESTABLISHED },
	  DO(WAIT, PEER, NEVER) },
	{ "new_and_killed",
	  { .state = KND_CONN_NEW, .tcp_state = TCP_ESTABLISHED,
	    .flags = BIT(KND_CONN_RESET) | BIT(KND_CONN_KILLED) },
	  DO(WAIT, PEER, NEVER) },
	{ "new_and_over", { .state = KND_CONN_NEW, .tcp_state = TCP_CLOSE,
	    .sk_err = ECONNRESET, .send_err = -EPIPE },
	  DO(WAIT, PEER, NEVER) },
	{ "dead", { .state = KND_CONN_DEAD, .tcp_state = TCP_CLOSE,
	    .why = KND_CLOSE_IDLE, .flags = BIT(KND_CONN_RESET) },
	  DO(WAIT, IDLE, NEVER) },

	/* Served */
	{ "nothing_to_do", { OPEN }, DO(WAIT, PEER, NEVER) },
	{ "more_to_do", { OPEN, .more = true }, DO(AGAIN, PEER, NEVER) },
	{ "idle_limit", { OPEN, .idle_limit = IDLE, .since = HZ },
	  DO(WAIT, PEER, IDLE - HZ) },
	{ "idle_limit_and_more",
	  { OPEN, .idle_limit = IDLE, .since = HZ, .more = true },
	  DO(AGAIN, PEER, IDLE - HZ) },
	{ "last_moment", { OPEN, .idle_limit = IDLE, .since = IDLE - 1 },
	  DO(WAIT, PEER, 1) },
	{ "idle", { OPEN, .idle_limit = IDLE, .since = IDLE },
	  DO(SHUTDOWN, IDLE, NEVER) },
	{ "idle_for_long",
	  { OPEN, .idle_limit = IDLE, .since = ULONG_MAX / 2, .more = true },
	  DO(SHUTDOWN, IDLE, NEVER) },
	{ "idle_with_output",
	  { OPEN, .idle_limit = IDLE, .since = IDLE, .output = true },
	  DO(ABORT, IDLE, NEVER) },
	{ "idle_with_input",
	  { OPEN, .idle_limit = IDLE, .since = IDLE, .input = true },
	  DO(SHUTDOWN, IDLE, NEVER) },
	{ "no_idle_limit", { OPEN, .since = 1000 * IDLE, .output = true },
	  DO(WAIT, PEER, NEVER) },
	{ "retry", { OPEN, .retry = true }, DO(WAIT, PEER, KND_FSM_RETRY) },
	{ "retry_before_idle",
	  { OPEN, .retry = true, .idle_limit = IDLE, .since = 1 },
	  DO(WAIT, PEER, KND_FSM_RETRY) },
	{ "retry_after_idle",
	  { OPEN, .retry = true, .idle_limit = IDLE, .since = IDLE - 1 },
	  DO(WAIT, PEER, 1) },
	{ "end_of_input", { OPEN, .rcv_shutdown = true },
	  DO(SHUTDOWN, PEER, NEVER) },
	{ "end_of_input_with_output",
	  { OPEN, .rcv_shutdown = true, .output = true },
	  DO(SHUTDOWN, PEER, NEVER) },
	{ "end_behind_input", { OPEN, .rcv_shutdown = true, .input = true },
	  DO(WAIT, PEER, NEVER) },
	{ "end_of_input_before_idle",
	  { OPEN, .rcv_shutdown = true, .idle_limit = IDLE, .since = IDLE,
	    .output = true },
	  DO(SHUTDOWN, PEER, NEVER) },
	{ "end_behind_input_that_stands_still",
	  { OPEN, .rcv_shutdown = true, .input = true, .output = true,
	    .idle_limit = IDLE, .since = IDLE },
	  DO(ABORT, IDLE, NEVER) },
	{ "stop", { OPEN, .flags = BIT(KND_CONN_END), .more = true,
	    .input = true, .output = true },
	  DO(SHUTDOWN, STOPPED, NEVER) },
	{ "stop_after_end_of_input",
	  { OPEN, .flags = BIT(KND_CONN_END), .rcv_shutdown = true },
	  DO(SHUTDOWN, PEER, NEVER) },
	{ "stop_before_idle",
	  { OPEN, .flags = BIT(KND_CONN_END), .output = true,
	    .idle_limit = IDLE, .since = IDLE },
	  DO(SHUTDOWN, STOPPED, NEVER) },

	/* Ended by others, whatever else there is */
	{ "reset", { OPEN, .flags = BIT(KND_CONN_RESET), .more = true,
	    .output = true }, DO(ABORT, STOPPED, NEVER) },
	{ "kill", { OPEN,
	    .flags = BIT(KND_CONN_RESET) | BIT(KND_CONN_KILLED) },
	  DO(ABORT, KILLED, NEVER) },
	{ "owned", { OPEN,
	    .flags = BIT(KND_CONN_RESET) | BIT(KND_CONN_OWNED) },
	  DO(ABORT, ERROR, NEVER) },
	{ "owned_and_killed", { OPEN, .flags = BIT(KND_CONN_RESET) |
	    BIT(KND_CONN_OWNED) | BIT(KND_CONN_KILLED) },
	  DO(ABORT, ERROR, NEVER) },
	{ "kill_not_reset_yet", { OPEN, .flags = BIT(KND_CONN_KILLED) },
	  DO(WAIT, PEER, NEVER) },
	{ "reset_after_stop",
	  { CLOSING, .why = KND_CLOSE_STOPPED,
	    .flags = BIT(KND_CONN_RESET) | BIT(KND_CONN_END) },
	  DO(ABORT, STOPPED, NEVER) },
	{ "kill_while_closing",
	  { CLOSING, .why = KND_CLOSE_PEER,
	    .flags = BIT(KND_CONN_RESET) | BIT(KND_CONN_KILLED) },
	  DO(ABORT, KILLED, NEVER) },
	{ "kill_before_an_error",
	  { OPEN, .sk_err = ECONNRESET,
	    .flags = BIT(KND_CONN_RESET) | BIT(KND_CONN_KILLED) },
	  DO(ABORT, KILLED, NEVER) },

	/* TCP is done, or an error */
	{ "reset_by_peer", { .state = KND_CONN_OPEN, .tcp_state = TCP_CLOSE,
	    .sk_err = ECONNRESET }, DO(RELEASE, RESET, NEVER) },
	{ "broken_pipe", { .state = KND_CONN_OPEN, .tcp_state = TCP_CLOSE,
	    .sk_err = EPIPE }, DO(RELEASE, RESET, NEVER) },
	{ "timed_out", { .state = KND_CONN_OPEN, .tcp_state = TCP_CLOSE,
	    .sk_err = ETIMEDOUT }, DO(RELEASE, TIMEOUT, NEVER) },
	{ "host_unreachable", { .state = KND_CONN_OPEN,
	    .tcp_state = TCP_CLOSE, .sk_err = EHOSTUNREACH },
	  DO(RELEASE, TIMEOUT, NEVER) },
	{ "net_unreachable", { .state = KND_CONN_OPEN,
	    .tcp_state = TCP_CLOSE, .sk_err = ENETUNREACH },
	  DO(RELEASE, TIMEOUT, NEVER) },
	{ "destroyed", { .state = KND_CONN_OPEN, .tcp_state = TCP_CLOSE,
	    .sk_err = ECONNABORTED }, DO(RELEASE, ERROR, NEVER) },
	{ "closed_without_error",
	  { .state = KND_CONN_OPEN, .tcp_state = TCP_CLOSE },
	  DO(RELEASE, PEER, NEVER) },
	{ "sending_failed", { OPEN, .send_err = -EPIPE },
	  DO(ABORT, RESET, NEVER) },
	{ "sending_failed_oddly", { OPEN, .send_err = -EFAULT, .more = true },
	  DO(ABORT, ERROR, NEVER) },
	{ "sending_failed_and_closed",
	  { .state = KND_CONN_OPEN, .tcp_state = TCP_CLOSE,
	    .sk_err = ETIMEDOUT, .send_err = -EPIPE },
	  DO(RELEASE, TIMEOUT, NEVER) },
	{ "error_of_a_connection_that_goes_on",
	  { OPEN, .sk_err = EHOSTUNREACH }, DO(WAIT, PEER, NEVER) },
	{ "closed_before_idle",
	  { .state = KND_CONN_OPEN, .tcp_state = TCP_CLOSE,
	    .sk_err = ETIMEDOUT, .idle_limit = IDLE, .since = IDLE },
	  DO(RELEASE, TIMEOUT, NEVER) },

	/* Being closed */
	{ "fin_sent", { CLOSING, .why = KND_CLOSE_IDLE },
	  DO(WAIT, IDLE, KND_FSM_LINGER) },
	{ "fin_sent_a_while_ago",
	  { CLOSING, .why = KND_CLOSE_IDLE, .since = HZ },
	  DO(WAIT, IDLE, KND_FSM_LINGER - HZ) },
	{ "closing_has_no_idle_limit",
	  { CLOSING, .why = KND_CLOSE_PEER, .since = HZ, .idle_limit = 1 },
	  DO(WAIT, PEER, KND_FSM_LINGER - HZ) },
	{ "closing_with_input",
	  { CLOSING, .why = KND_CLOSE_STOPPED, .input = true },
	  DO(AGAIN, STOPPED, KND_FSM_LINGER) },
	{ "closing_with_more",
	  { CLOSING, .why = KND_CLOSE_STOPPED, .more = true },
	  DO(WAIT, STOPPED, KND_FSM_LINGER) },
	{ "closing_and_end_of_input",
	  { CLOSING, .why = KND_CLOSE_STOPPED, .rcv_shutdown = true },
	  DO(WAIT, STOPPED, KND_FSM_LINGER) },
	{ "closing_and_stop", { CLOSING, .why = KND_CLOSE_PEER,
	    .flags = BIT(KND_CONN_END) }, DO(WAIT, PEER, KND_FSM_LINGER) },
	{ "fin_acknowledged",
	  { .state = KND_CONN_CLOSING, .why = KND_CLOSE_STOPPED,
	    .tcp_state = TCP_FIN_WAIT2, .input = true,
	    .since = KND_FSM_LINGER },
	  DO(RELEASE, STOPPED, NEVER) },
	{ "fin_acknowledged_late",
	  { CLOSING, .why = KND_CLOSE_PEER, .since = KND_FSM_LINGER - 1 },
	  DO(WAIT, PEER, 1) },
	{ "fin_never_acknowledged",
	  { CLOSING, .why = KND_CLOSE_PEER, .since = KND_FSM_LINGER,
	    .input = true, .output = true },
	  DO(ABORT, TIMEOUT, NEVER) },
	{ "both_closed",
	  { .state = KND_CONN_CLOSING, .why = KND_CLOSE_PEER,
	    .tcp_state = TCP_CLOSE }, DO(RELEASE, PEER, NEVER) },
	{ "both_closed_when_stopped",
	  { .state = KND_CONN_CLOSING, .why = KND_CLOSE_STOPPED,
	    .tcp_state = TCP_CLOSE }, DO(RELEASE, STOPPED, NEVER) },
	{ "reset_while_closing",
	  { .state = KND_CONN_CLOSING, .why = KND_CLOSE_STOPPED,
	    .tcp_state = TCP_CLOSE, .sk_err = ECONNRESET },
	  DO(RELEASE, RESET, NEVER) },
	{ "last_ack", { .state = KND_CONN_CLOSING, .why = KND_CLOSE_PEER,
	    .tcp_state = TCP_LAST_ACK, .since = 1 },
	  DO(WAIT, PEER, KND_FSM_LINGER - 1) },
	{ "simultaneous_close",
	  { .state = KND_CONN_CLOSING, .why = KND_CLOSE_STOPPED,
	    .tcp_state = TCP_CLOSING },
	  DO(WAIT, STOPPED, KND_FSM_LINGER) },
};

static void knd_fsm_case_desc(const struct knd_fsm_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(knd_fsm, knd_fsm_cases, knd_fsm_case_desc);

static void fsm_step(struct kunit *test)
{
	const struct knd_fsm_case *c = test->param_value;
	struct knd_fsm_step step = knd_fsm_next(&c->facts);

	KUNIT_EXPECT_EQ(test, step.action, c->step.action);
	KUNIT_EXPECT_EQ(test, step.why, c->step.why);
	KUNIT_EXPECT_EQ(test, step.timer, c->step.timer);
}

/* Facts of one number, so that all of them can be gone through */
static struct knd_fsm_facts fsm_facts(unsigned int n)
{
	static const int errors[] = { 0, ECONNRESET, ETIMEDOUT, ENOMEM };
	static const unsigned long times[] = {
		0, IDLE - 1, IDLE, KND_FSM_LINGER - 1, KND_FSM_LINGER,
	};
	struct knd_fsm_facts f = {};

	f.state = n % 4;
	n /= 4;
	f.tcp_state = 1 + n % (TCP_MAX_STATES - 1);
	n /= TCP_MAX_STATES - 1;
	f.flags = n % 16;
	n /= 16;
	f.sk_err = errors[n % 4];
	n /= 4;
	f.send_err = n % 2 ? -EPIPE : 0;
	n /= 2;
	f.rcv_shutdown = n % 2;
	n /= 2;
	f.input = n % 2;
	n /= 2;
	f.output = n % 2;
	n /= 2;
	f.more = n % 2;
	n /= 2;
	f.retry = n % 2;
	n /= 2;
	f.since = times[n % 5];
	n /= 5;
	f.idle_limit = n % 2 ? IDLE : 0;
	f.why = KND_CLOSE_STOPPED;
	return f;
}

#define FSM_FACTS	\
	(4 * (TCP_MAX_STATES - 1) * 16 * 4 * 2 * 2 * 2 * 2 * 2 * 2 * 5 * 2)

/* What holds for all facts; the first one for which it does not is shown */
static void fsm_invariants(struct kunit *test)
{
	unsigned int n;

	for (n = 0; n < FSM_FACTS; n++) {
		struct knd_fsm_facts f = fsm_facts(n);
		struct knd_fsm_step step = knd_fsm_next(&f);
		bool live = f.state == KND_CONN_OPEN ||
			    f.state == KND_CONN_CLOSING;
		bool stays = step.action == KND_FSM_WAIT ||
			     step.action == KND_FSM_AGAIN;
		bool good = true;

		/* Nothing ends, or ends twice, before or after its time */
		if (!live)
			good &= step.action == KND_FSM_WAIT;
		/* One FIN */
		if (f.state == KND_CONN_CLOSING)
			good &= step.action != KND_FSM_SHUTDOWN;
		/* A reset ends it, and so does the end of the socket */
		if (live && (f.flags & BIT(KND_CONN_RESET)))
			good &= step.action == KND_FSM_ABORT;
		else if (live && f.tcp_state == TCP_CLOSE)
			good &= step.action == KND_FSM_RELEASE;
		/* Nobody waits for ever for a peer, nor for memory */
		if (stays && f.state == KND_CONN_CLOSING)
			good &= step.timer <= KND_FSM_LINGER && step.timer;
		if (stays && f.state == KND_CONN_OPEN && f.idle_limit)
			good &= step.timer <= f.idle_limit && step.timer;
		if (stays && live && f.retry)
			good &= step.timer <= KND_FSM_RETRY;
		/* The reason is set where it begins to end, and not before */
		if (stays)
			good &= step.why == f.why;
		if (!good) {
			KUNIT_FAIL(test, "facts %u: action %d why %d timer %lu",
				   n, step.action, step.why, step.timer);
			return;
		}
	}
}

static struct kunit_case knd_fsm_test_cases[] = {
	KUNIT_CASE_PARAM(fsm_step, knd_fsm_gen_params),
	KUNIT_CASE(fsm_invariants),
	{}
};

static struct kunit_suite knd_fsm_suite = {
	.name = "knetdemo_tcp_fsm",
	.test_cases = knd_fsm_test_cases,
};

kunit_test_suite(knd_fsm_suite);
