// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the service echo (RFC 862)
 *
 * Received pages go into the send queue as they are where that is fair, and
 * copies of the rest.
 */

#include <linux/bitops.h>
#include <linux/bvec.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "sock.h"
#include "tcp_conn.h"
#include "tcp_service.h"

/* Pieces of received data that are sent by one call */
#define KND_CONN_PIECES		16
/*
 * Received data is spliced only if it is at least this fraction of its page,
 * and copied otherwise. TCP counts the bytes and not the page that they pin, so
 * that a peer which acknowledges nothing pins eight times as much at most. The
 * page may be one of 32 KiB or more, where the driver or a local sender
 * allocates such pages.
 */
#define KND_CONN_SPLICE_SHARE	8

/* Received data on its way to the send queue */
struct knd_pieces {
	struct bio_vec bvec[KND_CONN_PIECES];
	unsigned int n;
	u32 copied;		/* bit i: bvec[i] is of copies */
	size_t len;
};

/*
 * The page of the copies that were sent last, as long as the send queue ends
 * with them: what follows goes behind them, so that a peer that sends bytes one
 * by one and acknowledges none gets no page for each. That skb holds the page.
 */
static struct page *knd_conn_copies(const struct knd_conn *c)
{
	const struct sk_buff *skb = tcp_write_queue_tail(c->sk) ?:
				    tcp_rtx_queue_tail(c->sk);
	const skb_frag_t *frag;

	if (!skb || !skb_shinfo(skb)->nr_frags)
		return NULL;
	frag = &skb_shinfo(skb)->frags[skb_shinfo(skb)->nr_frags - 1];
	if (skb_frag_page(frag) != c->echo.page ||
	    skb_frag_off(frag) + skb_frag_size(frag) != c->echo.end)
		return NULL;
	return c->echo.page;
}

/* Begin a piece of copies, in the page of those before it if it has room */
static int knd_pieces_open(struct knd_pieces *p, struct knd_conn *c)
{
	struct page *page = NULL;

	if (!p->n)
		page = knd_conn_copies(c);
	else if (p->copied)
		page = c->echo.page;

	if (page && c->echo.end < PAGE_SIZE) {
		get_page(page);
	} else {
		page = alloc_page(GFP_NOWAIT | __GFP_NOWARN);
		if (!page)
			return -ENOMEM;
		c->echo.end = 0;
	}
	c->echo.page = page;
	p->copied |= BIT(p->n);
	bvec_set_page(&p->bvec[p->n++], page, 0, c->echo.end);
	return 0;
}

static int knd_pieces_copy(struct knd_pieces *p, struct knd_conn *c,
			   const struct sk_buff *skb, u32 offset, u32 len)
{
	int err;

	if (!p->n || !(p->copied & BIT(p->n - 1)) || c->echo.end == PAGE_SIZE) {
		err = knd_pieces_open(p, c);
		if (err)
			return err;
	}
	len = min_t(u32, len, PAGE_SIZE - c->echo.end);
	if (skb_copy_bits(skb, offset, page_address(c->echo.page) + c->echo.end,
			  len))
		return -EFAULT;
	c->echo.end += len;
	p->bvec[p->n - 1].bv_len += len;
	p->len += len;
	return len;
}

/* Add the piece of @skb that is at @offset; returns its length or -errno */
static int knd_pieces_add(struct knd_pieces *p, struct knd_conn *c,
			  const struct sk_buff *skb, u32 offset)
{
	u32 end = skb_headlen(skb);
	const skb_frag_t *frag;
	u32 len;
	int i;

	if (offset < end)
		return knd_pieces_copy(p, c, skb, offset, end - offset);

	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		frag = &skb_shinfo(skb)->frags[i];
		end += skb_frag_size(frag);
		if (offset >= end)
			continue;
		len = end - offset;
		if (len < page_size(compound_head(skb_frag_page(frag))) /
			  KND_CONN_SPLICE_SHARE)
			return knd_pieces_copy(p, c, skb, offset, len);
		bvec_set_page(&p->bvec[p->n++], skb_frag_page(frag), len,
			      skb_frag_off(frag) + skb_frag_size(frag) - len);
		p->len += len;
		return len;
	}

	/* What is on a list of further buffers, a rare thing to receive */
	return knd_pieces_copy(p, c, skb, offset, skb->len - offset);
}

/*
 * Collect what the receive queue has, as far as there is room in @p. It all
 * stays in the queue.
 */
static int knd_pieces_collect(struct knd_pieces *p, struct knd_conn *c,
			      size_t max)
{
	struct sock *sk = c->sk;
	u32 seq = tcp_sk(sk)->copied_seq;
	struct sk_buff *skb;
	u32 offset;
	int n = 0;

	skb = tcp_recv_skb(sk, seq, &offset);
	while (skb) {
		if (unlikely(!skb_frags_readable(skb)))
			return -EFAULT;
		while (offset < skb->len) {
			if (p->n == KND_CONN_PIECES || p->len >= max)
				return 0;
			n = knd_pieces_add(p, c, skb, offset);
			if (n < 0)
				return p->len ? 0 : n;
			offset += n;
			seq += n;
		}
		skb = skb_peek_next(skb, &sk->sk_receive_queue);
		if (skb)
			offset = seq - TCP_SKB_CB(skb)->seq;
	}
	return 0;
}

static void knd_pieces_free(struct knd_pieces *p)
{
	unsigned long copied = p->copied;
	unsigned int i;

	for_each_set_bit(i, &copied, KND_CONN_PIECES)
		put_page(p->bvec[i].bv_page);
}

/*
 * Data that there is no room for stays in the receive queue: the window closes,
 * and the peer has to wait.
 */
static bool knd_echo_serve(struct knd_conn *c)
{
	struct sock *sk = c->sk;
	struct knd_pieces p;
	size_t done = 0;
	int n;

	while (done < KND_CONN_BUDGET && tcp_inq(sk) > 0 &&
	       !knd_conn_blocked(sk)) {
		p.n = 0;
		p.len = 0;
		p.copied = 0;
		n = knd_pieces_collect(&p, c, KND_CONN_BUDGET - done);
		if (!n)
			n = knd_sock_splice(sk, p.bvec, p.n, 0, p.len, false);
		knd_pieces_free(&p);
		/*
		 * Unless this page still backs the last fragment of the send
		 * queue, it can be freed and reused: forget it.
		 */
		if (n <= 0 || n != p.len || !(p.copied & BIT(p.n - 1)))
			c->echo.page = NULL;
		if (!knd_conn_sent(c, n))
			break;
		tcp_read_done(sk, n);
		done += n;
	}
	if (done)
		knd_conn_moved(c, done, done);
	return done >= KND_CONN_BUDGET && !knd_conn_blocked(sk);
}

const struct knd_service_ops knd_echo_ops = {
	.name	= "echo",
	.serve	= knd_echo_serve,
};
