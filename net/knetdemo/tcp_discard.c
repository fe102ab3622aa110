// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the services accept and
 * discard (RFC 863), which discard everything that they receive
 */

#include <linux/minmax.h>
#include <linux/stddef.h>
#include <net/tcp.h>

#include "tcp_conn.h"
#include "tcp_service.h"

/**
 * knd_discard_serve - discard received data
 * @c: the connection
 *
 * Context: the socket locked.
 * Return: true if the budget was used up, so that there may be more data.
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

/*
 * The service accept only keeps connections open. It discards what a peer
 * sends, so that the peer is not blocked.
 */
const struct knd_service_ops knd_accept_ops = {
	.name	= "accept",
	.serve	= knd_discard_serve,
};

const struct knd_service_ops knd_discard_ops = {
	.name	= "discard",
	.serve	= knd_discard_serve,
};
