// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the services accept and
 * discard (RFC 863), which read away what they are sent
 */

#include <linux/minmax.h>
#include <linux/stddef.h>
#include <net/tcp.h>

#include "tcp_conn.h"
#include "tcp_service.h"

/**
 * knd_discard_serve - throw received data away
 * @c: the connection
 *
 * Context: the socket locked.
 * Return: true where the budget ended it.
 */
bool knd_discard_serve(struct knd_conn *c)
{
	int n = tcp_inq(c->sk);

	if (n <= 0)
		return false;
	n = min_t(size_t, n, KND_CONN_BUDGET);
	tcp_read_done(c->sk, n);
	knd_conn_moved(c, n, 0);
	return n == KND_CONN_BUDGET;
}

/* A connection to look at: the peer may send, and is never answered */
const struct knd_service_ops knd_accept_ops = {
	.name	= "accept",
	.serve	= knd_discard_serve,
};

const struct knd_service_ops knd_discard_ops = {
	.name	= "discard",
	.serve	= knd_discard_serve,
};
