// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of net/knetdemo: the bytes of an sk_buff
 *
 * Loopback delivers one shape of buffer. Devices deliver all of those here.
 */

#include <kunit/test.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/skbuff.h>

#include "../knetdemo.h"

#define HEADROOM	64
#define MAX_BORDERS	32

/*
 * A linear part of @head bytes, @frags fragments of @frag_len bytes that begin
 * @frag_off bytes into pages of @order, and @parts buffers in a list, each with
 * a linear part of @part_head bytes and two fragments like the others.
 */
struct shape {
	const char *name;
	unsigned int head;
	bool head_frag;		/* the linear part is in a page */
	bool cloned;
	unsigned int frags;
	unsigned int frag_len;
	unsigned int frag_off;
	unsigned int order;
	unsigned int parts;
	unsigned int part_head;
};

static const struct shape shapes[] = {
	{ "one byte", .head = 1 },
	{ "linear", .head = 1400 },
	{ "linear, in a page", .head = 1400, .head_frag = true },
	{ "linear, in a page, cloned", .head = 1400, .head_frag = true,
	  .cloned = true },
	{ "linear, several pages", .head = 2 * PAGE_SIZE + 100 },
	{ "head and fragments", .head = 66, .frags = 3, .frag_len = 1448 },
	{ "head in a page, and fragments", .head = 66, .head_frag = true,
	  .frags = 3, .frag_len = 1448, .frag_off = 14 },
	{ "cloned, and fragments", .head = 66, .head_frag = true,
	  .cloned = true, .frags = 3, .frag_len = 1448 },
	{ "fragments only", .frags = 4, .frag_len = PAGE_SIZE },
	{ "fragments of one byte", .frags = 5, .frag_len = 1, .frag_off = 7 },
	{ "high-order pages", .frags = 3, .frag_len = 2 * PAGE_SIZE + 300,
	  .frag_off = PAGE_SIZE - 100, .order = 2 },
	{ "list of linear buffers", .head = 1448, .parts = 3,
	  .part_head = 1448 },
	{ "list of buffers in pages", .head = 1448, .head_frag = true,
	  .parts = 3, .part_head = 700 },
	{ "list of fragments", .frags = 1, .frag_len = 900, .parts = 2 },
	{ "all of it", .head = 66, .frags = 2, .frag_len = 1000,
	  .frag_off = 200, .parts = 2, .part_head = 300 },
};

static u8 byte_at(unsigned int i)
{
	return i * 7 + (i >> 8) * 13;
}

static struct sk_buff *make_part(struct kunit *test, const struct shape *shape,
				 unsigned int head, unsigned int frags)
{
	struct sk_buff *skb;
	struct page *page;
	unsigned int i;

	if (shape->head_frag) {
		page = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, page);
		skb = build_skb(page_address(page), PAGE_SIZE);
	} else {
		skb = alloc_skb(HEADROOM + head, GFP_KERNEL);
	}
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, shape->head_frag, (bool)skb->head_frag);
	skb_reserve(skb, HEADROOM);
	skb_put(skb, head);
	for (i = 0; i < frags; i++) {
		page = alloc_pages(GFP_KERNEL | __GFP_COMP, shape->order);
		KUNIT_ASSERT_NOT_NULL(test, page);
		skb_add_rx_frag(skb, i, page, shape->frag_off, shape->frag_len,
				PAGE_SIZE << shape->order);
	}
	return skb;
}

static void free_skb(void *skb)
{
	kfree_skb(skb);
}

/* A buffer of a shape, with a pattern in it */
static struct sk_buff *make(struct kunit *test, const struct shape *shape)
{
	struct sk_buff *skb = make_part(test, shape, shape->head,
					shape->frags);
	struct sk_buff **next = &skb_shinfo(skb)->frag_list;
	unsigned int i;
	u8 byte;

	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_skb, skb));
	for (i = 0; i < shape->parts; i++) {
		unsigned int frags = shape->frag_len ? 2 : 0;
		struct sk_buff *part = make_part(test, shape, shape->part_head,
						 frags);

		*next = part;
		next = &part->next;
		skb->len += part->len;
		skb->data_len += part->len;
		skb->truesize += part->truesize;
	}
	for (i = 0; i < skb->len; i++) {
		byte = byte_at(i);
		KUNIT_ASSERT_EQ(test, 0, skb_store_bits(skb, i, &byte, 1));
	}
	if (!shape->cloned)
		return skb;
	skb = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_skb, skb));
	return skb;
}

/* Where something ends in a buffer */
static unsigned int borders_of(const struct shape *shape, unsigned int *border)
{
	unsigned int at = shape->head;
	unsigned int n = 0;
	unsigned int i, j;

	border[n++] = 0;
	border[n++] = min_t(unsigned int, at, PAGE_SIZE);
	border[n++] = at;
	for (i = 0; i < shape->frags; i++)
		border[n++] = at += shape->frag_len;
	for (i = 0; i < shape->parts; i++) {
		border[n++] = at += shape->part_head;
		for (j = 0; j < 2 && shape->frag_len; j++)
			border[n++] = at += shape->frag_len;
	}
	return n;
}

/* How many bytes of @pages are not those of the pattern from @offset on? */
static unsigned int wrong_bytes(const struct knd_pages *pages,
				unsigned int offset)
{
	unsigned int wrong = 0;
	unsigned int i, j;

	for (i = 0; i < pages->nr; i++) {
		const struct bio_vec *vec = &pages->vec[i];
		const u8 *data = page_address(vec->bv_page) + vec->bv_offset;

		for (j = 0; j < vec->bv_len; j++)
			wrong += data[j] != byte_at(offset++);
	}
	return wrong;
}

static unsigned int bytes_of(const struct knd_pages *pages)
{
	unsigned int len = 0;
	unsigned int i;

	for (i = 0; i < pages->nr; i++)
		len += pages->vec[i].bv_len;
	return len;
}

static void take_range(struct kunit *test, struct knd_pages *pages,
		       struct sk_buff *skb, unsigned int offset,
		       unsigned int len)
{
	unsigned int done = 0;
	int n;

	while (done < len) {
		n = knd_pages_take(pages, skb, offset + done, len - done);
		KUNIT_ASSERT_GT_MSG(test, n, 0, "%u of %u at %u", done, len,
				    offset);
		done += n;
	}
	KUNIT_EXPECT_EQ_MSG(test, len, bytes_of(pages), "at %u", offset);
	KUNIT_EXPECT_EQ_MSG(test, 0, wrong_bytes(pages, offset),
			    "%u at %u", len, offset);
	knd_pages_put(pages);
	KUNIT_EXPECT_EQ(test, 0, pages->nr);
}

/* From around each border to around each other one */
static void take(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct sk_buff *skb = make(test, shape);
	unsigned int border[MAX_BORDERS];
	struct knd_pages *pages;
	unsigned int i, j, n;
	int from, to, a, b;

	pages = kunit_kzalloc(test, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	n = borders_of(shape, border);
	KUNIT_ASSERT_EQ(test, skb->len, border[n - 1]);
	for (i = 0; i < n; i++) {
		for (j = i; j < n; j++) {
			for (a = -1; a <= 1; a++) {
				for (b = -1; b <= 1; b++) {
					from = border[i] + a;
					to = border[j] + b;
					if (from < 0 || to <= from ||
					    to > skb->len)
						continue;
					take_range(test, pages, skb, from,
						   to - from);
				}
			}
		}
	}
}

KUNIT_ARRAY_PARAM_DESC(shape, shapes, name);

/* A reference to a page for each fragment, and none once they are put */
static void references(struct kunit *test)
{
	static const struct shape shape = {
		.frags = 2, .frag_len = 1000, .order = 1,
	};
	struct sk_buff *skb = make(test, &shape);
	struct page *page = skb_frag_page(&skb_shinfo(skb)->frags[0]);
	struct knd_pages *pages;

	pages = kunit_kzalloc(test, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_EXPECT_EQ(test, 1, page_count(page));
	KUNIT_EXPECT_EQ(test, 500, knd_pages_take(pages, skb, 0, 500));
	KUNIT_EXPECT_EQ(test, 2, page_count(page));
	/* What follows in the same page needs no entry of its own */
	KUNIT_EXPECT_EQ(test, 500, knd_pages_take(pages, skb, 500, 500));
	KUNIT_EXPECT_EQ(test, 1, pages->nr);
	KUNIT_EXPECT_EQ(test, 2, page_count(page));
	knd_pages_put(pages);
	KUNIT_EXPECT_EQ(test, 1, page_count(page));
}

/* Where there is no more room, it says how far it came, and then 0 */
static void full(struct kunit *test)
{
	static const struct shape shape = {
		.frag_len = 3, .parts = 200, .part_head = 2,
	};
	struct sk_buff *skb = make(test, &shape);
	struct knd_pages *pages;
	unsigned int done = 0;
	int n;

	pages = kunit_kzalloc(test, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	do {
		n = knd_pages_take(pages, skb, done, skb->len - done);
		KUNIT_ASSERT_GE(test, n, 0);
		done += n;
	} while (n);
	KUNIT_EXPECT_TRUE(test, knd_pages_full(pages));
	/* Three entries for eight bytes: 85 times, and two bytes of the next */
	KUNIT_EXPECT_EQ(test, 85 * 8 + 2, done);
	KUNIT_EXPECT_EQ(test, done, bytes_of(pages));
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(pages, 0));
	knd_pages_put(pages);
}

static struct kunit_case skb_bvec_cases[] = {
	KUNIT_CASE_PARAM(take, shape_gen_params),
	KUNIT_CASE(references),
	KUNIT_CASE(full),
	{}
};

static struct kunit_suite skb_bvec_suite = {
	.name = "knetdemo_skb_bvec",
	.test_cases = skb_bvec_cases,
};

kunit_test_suite(skb_bvec_suite);
