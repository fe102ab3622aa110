// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the service chargen
 *
 * RFC 864: lines of 72 characters out of a ring of 95, each line beginning one
 * character further on; after 95 lines it repeats. The pattern is made once for
 * all connections, and its pages are spliced into their send queues.
 */

#include <linux/bvec.h>
#include <linux/gfp.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "sock.h"
#include "tcp_conn.h"
#include "tcp_service.h"

#define KND_PATTERN_CHARS	95
#define KND_PATTERN_LINE	72
#define KND_PATTERN_LEN		(KND_PATTERN_CHARS * (KND_PATTERN_LINE + 2))
/*
 * Bytes that one call may send, which are more than the budget. They are about
 * the room that TCP reports with one callback: one call then fills the room,
 * and with full segments.
 */
#define KND_PATTERN_SEND	SZ_1M
/*
 * Limit for unsent data: TCP drains it one segment at a time as the peer reads.
 * Data held back leaves in bursts instead.
 */
#define KND_PATTERN_UNSENT	SZ_256K
/*
 * The pattern is in pages of the highest order that is easily allocated: TCP
 * merges what is contiguous into one fragment.
 */
#define KND_PATTERN_ORDER	PAGE_ALLOC_COSTLY_ORDER
#define KND_PATTERN_PAGE	(PAGE_SIZE << KND_PATTERN_ORDER)
#define KND_PATTERN_PAGES	\
	DIV_ROUND_UP(KND_PATTERN_LEN + KND_PATTERN_SEND, KND_PATTERN_PAGE)

/*
 * The first knd_chargen_prepare() makes the pattern, under knd_pattern_lock.
 * Then it is constant until the module is removed, so readers need no lock.
 */
static struct bio_vec knd_pattern[KND_PATTERN_PAGES];
static bool knd_pattern_made;
static DEFINE_MUTEX(knd_pattern_lock);

/*
 * Fill the @index-th page. The pages are not contiguous in memory, so each is
 * filled on its own.
 */
static void knd_pattern_fill(struct page *page, unsigned int index)
{
	size_t at = (size_t)index * KND_PATTERN_PAGE;
	u8 *to = page_address(page);
	unsigned int line, column;
	size_t i;

	for (i = 0; i < KND_PATTERN_PAGE; i++, at++) {
		line = at % KND_PATTERN_LEN / (KND_PATTERN_LINE + 2);
		column = at % (KND_PATTERN_LINE + 2);
		if (column == KND_PATTERN_LINE)
			to[i] = '\r';
		else if (column > KND_PATTERN_LINE)
			to[i] = '\n';
		else
			to[i] = ' ' + (line + column) % KND_PATTERN_CHARS;
	}
}

/* Packets that are still queued hold references of their own to the pages */
static void knd_chargen_cleanup(void)
{
	unsigned int i;

	for (i = 0; i < KND_PATTERN_PAGES && knd_pattern[i].bv_page; i++) {
		put_page(knd_pattern[i].bv_page);
		knd_pattern[i].bv_page = NULL;
	}
	knd_pattern_made = false;
}

static int knd_chargen_prepare(void)
{
	struct page *page;
	unsigned int i;
	int err = 0;

	mutex_lock(&knd_pattern_lock);
	if (knd_pattern_made)
		goto unlock;
	for (i = 0; i < KND_PATTERN_PAGES; i++) {
		page = alloc_pages(GFP_KERNEL | __GFP_COMP, KND_PATTERN_ORDER);
		if (!page) {
			knd_chargen_cleanup();
			err = -ENOMEM;
			goto unlock;
		}
		knd_pattern_fill(page, i);
		bvec_set_page(&knd_pattern[i], page, KND_PATTERN_PAGE, 0);
	}
	knd_pattern_made = true;
unlock:
	mutex_unlock(&knd_pattern_lock);
	return err;
}

/*
 * Limit unsent data as the socket option TCP_NOTSENT_LOWAT does, unless the
 * limit of net.ipv4.tcp_notsent_lowat is lower.
 */
static void knd_chargen_attach(struct knd_conn *c)
{
	struct tcp_sock *tp = tcp_sk(c->sk);

	if (tcp_notsent_lowat(tp) > KND_PATTERN_UNSENT)
		WRITE_ONCE(tp->notsent_lowat, KND_PATTERN_UNSENT);
}

static bool knd_chargen_send(struct knd_conn *c)
{
	size_t done = 0, room;
	int n;

	while (done < KND_CONN_BUDGET && (room = knd_conn_room(c))) {
		n = knd_sock_splice(c->sk, knd_pattern, KND_PATTERN_PAGES,
				    c->chargen.offset,
				    min_t(size_t, room, KND_PATTERN_SEND),
				    true);
		if (!knd_conn_sent(c, n))
			break;
		c->chargen.offset = (c->chargen.offset + n) % KND_PATTERN_LEN;
		done += n;
	}
	if (done)
		knd_conn_moved(c, 0, done);
	return done >= KND_CONN_BUDGET && knd_conn_room(c);
}

/* A peer that closed its side gets no more output */
static bool knd_chargen_serve(struct knd_conn *c)
{
	bool more = knd_discard_serve(c);

	if (!(c->sk->sk_shutdown & RCV_SHUTDOWN))
		more |= knd_chargen_send(c);
	return more;
}

/*
 * Deferred, because one call sends so much that it would take long in softirq.
 * Also, by the time the work item runs the peer has read more, so there is more
 * room and each call sends more.
 */
const struct knd_service_ops knd_chargen_ops = {
	.name		= "chargen",
	.deferred	= true,
	.prepare	= knd_chargen_prepare,
	.cleanup	= knd_chargen_cleanup,
	.attach		= knd_chargen_attach,
	.serve		= knd_chargen_serve,
};
