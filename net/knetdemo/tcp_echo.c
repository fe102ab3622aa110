// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the service echo (RFC 862)
 *
 * A received fragment is put into the send queue without a copy if it is a
 * large part of its page, see KND_SPLICE_SHARE. Other data is copied.
 */

#include <linux/minmax.h>
#include <linux/skbuff.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "skb_bvec.h"
#include "sock.h"
#include "tcp_conn.h"
#include "tcp_service.h"

/*
 * Does the send queue end with the copies that were sent last? Then further
 * copies can be appended to their page, to which the queue holds a reference.
 * So a peer that sends bytes one by one, and acknowledges none, pins no page
 * for each of them.
 */
static bool knd_echo_ends_with_copies(const struct knd_conn *c)
{
	const struct sk_buff *skb = tcp_write_queue_tail(c->sk) ?:
				    tcp_rtx_queue_tail(c->sk);
	const skb_frag_t *frag;

	if (!skb || !skb_shinfo(skb)->nr_frags)
		return false;
	frag = &skb_shinfo(skb)->frags[skb_shinfo(skb)->nr_frags - 1];
	return skb_frag_page(frag) == c->copies.page &&
	       skb_frag_off(frag) + skb_frag_size(frag) == c->copies.used;
}

/*
 * Take up to @max bytes from the receive queue, as far as there is room in
 * @splice. The buffers stay in the queue, which keeps their pages valid.
 * Returns 0, or -errno if an error came before the first byte.
 */
static int knd_echo_take(struct knd_splice *splice, struct sock *sk, size_t max)
{
	u32 seq = tcp_sk(sk)->copied_seq;
	struct sk_buff *skb;
	u32 offset, len;
	int n;

	skb = tcp_recv_skb(sk, seq, &offset);
	while (skb) {
		len = min_t(size_t, skb->len - offset, max - splice->len);
		n = knd_splice_take(splice, skb, offset, len);
		if (n < 0)
			return splice->len ? 0 : n;
		if (offset + n < skb->len)
			break;
		seq += n;
		skb = skb_peek_next(skb, &sk->sk_receive_queue);
		if (skb)
			offset = seq - TCP_SKB_CB(skb)->seq;
	}
	return 0;
}

/*
 * Data that there is no room for stays in the receive queue: the window closes,
 * and the peer has to wait.
 */
static bool knd_echo_serve(struct knd_conn *c)
{
	struct knd_splice splice;
	struct sock *sk = c->sk;
	size_t done = 0, room;
	int n;

	while (done < KND_CONN_BUDGET && tcp_inq(sk) > 0 &&
	       (room = knd_conn_room(c))) {
		if (c->copies.page && !knd_echo_ends_with_copies(c))
			c->copies.page = NULL;
		knd_splice_init(&splice, &c->copies);
		n = knd_echo_take(&splice, sk,
				  min(KND_CONN_BUDGET - done, room));
		if (!n)
			n = knd_sock_splice(sk, splice.vec, splice.nr, 0,
					    splice.len, false);
		knd_splice_put(&splice);
		/*
		 * Unless this page still backs the last fragment of the send
		 * queue, it can be freed and reused: forget it.
		 */
		if (n <= 0 || n != splice.len ||
		    !knd_splice_ends_with_copies(&splice))
			c->copies.page = NULL;
		if (!knd_conn_sent(c, n))
			break;
		tcp_read_done(sk, n);
		done += n;
	}
	if (done)
		knd_conn_moved(c, done, done);
	return done >= KND_CONN_BUDGET && knd_conn_room(c);
}

const struct knd_service_ops knd_echo_ops = {
	.name	= "echo",
	.serve	= knd_echo_serve,
};
