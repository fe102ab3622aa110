// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of net/knetdemo: the bytes of an sk_buff as bio_vecs
 *
 * Loopback delivers one shape of buffer. Devices deliver all of the shapes
 * here.
 */

#include <kunit/test.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/skbuff.h>

#include "../skb_bvec.h"

#define HEADROOM	64
#define MAX_POINTS	64

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
	{ "small parts of high-order pages", .frags = 3, .frag_len = 600,
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

KUNIT_ARRAY_PARAM_DESC(shape, shapes, name);

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

/*
 * A border between two parts of a buffer, and the middle of the part before it
 */
static void add_border(unsigned int *point, unsigned int *n, unsigned int len)
{
	unsigned int last = point[*n - 1];

	point[(*n)++] = last + len / 2;
	point[(*n)++] = last + len;
}

/* Where parts of a buffer begin and end, and the middle of each part */
static unsigned int points_of(const struct shape *shape, unsigned int *point)
{
	unsigned int in_page = min_t(unsigned int, shape->head, PAGE_SIZE);
	unsigned int n = 1;
	unsigned int i, j;

	point[0] = 0;
	add_border(point, &n, in_page);
	add_border(point, &n, shape->head - in_page);
	for (i = 0; i < shape->frags; i++)
		add_border(point, &n, shape->frag_len);
	for (i = 0; i < shape->parts; i++) {
		add_border(point, &n, shape->part_head);
		for (j = 0; j < 2 && shape->frag_len; j++)
			add_border(point, &n, shape->frag_len);
	}
	return n;
}

/* From around each point to around each later one */
static void each_range(struct kunit *test,
		       void (*take)(struct kunit *test, struct sk_buff *skb,
				    unsigned int offset, unsigned int len))
{
	const struct shape *shape = test->param_value;
	struct sk_buff *skb = make(test, shape);
	unsigned int point[MAX_POINTS];
	unsigned int i, j, n;
	int from, to, a, b;

	n = points_of(shape, point);
	KUNIT_ASSERT_LE(test, n, MAX_POINTS);
	KUNIT_ASSERT_EQ(test, skb->len, point[n - 1]);
	for (i = 0; i < n; i++) {
		for (j = i; j < n; j++) {
			for (a = -1; a <= 1; a++) {
				for (b = -1; b <= 1; b++) {
					from = point[i] + a;
					to = point[j] + b;
					if (from < 0 || to <= from ||
					    to > skb->len)
						continue;
					take(test, skb, from, to - from);
				}
			}
		}
	}
}

/* How many bytes of @vec are not those of the pattern from @offset on? */
static unsigned int wrong_bytes(const struct bio_vec *vec, unsigned int nr,
				unsigned int offset)
{
	unsigned int wrong = 0;
	unsigned int i;

	for (; nr; nr--, vec++) {
		const u8 *data = page_address(vec->bv_page) + vec->bv_offset;

		for (i = 0; i < vec->bv_len; i++)
			wrong += data[i] != byte_at(offset++);
	}
	return wrong;
}

static unsigned int bytes_of(const struct bio_vec *vec, unsigned int nr)
{
	unsigned int len = 0;

	for (; nr; nr--, vec++)
		len += vec->bv_len;
	return len;
}

static struct knd_pages *make_pages(struct kunit *test)
{
	struct knd_pages *pages;

	pages = kunit_kzalloc(test, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	return pages;
}

/* The walker: what an actor is given, and what its results do */

struct recorder {
	struct kunit *test;
	unsigned int at;	/* in the whole buffer */
	unsigned int calls;
	unsigned int short_call;	/* the call that uses too few bytes */
	int short_by;			/* as many too few, or an error */
};

static int record(void *ctx, struct sk_buff *skb, struct page *page,
		  unsigned int offset, unsigned int len)
{
	struct recorder *r = ctx;
	const u8 *data;
	unsigned int i;
	int used = len;

	data = page ? (u8 *)page_address(page) + offset : skb->data + offset;
	if (++r->calls == r->short_call)
		used = r->short_by < 0 ? r->short_by : len - r->short_by;
	KUNIT_EXPECT_GT(r->test, len, 0);
	for (i = 0; i < len; i++) {
		if (data[i] != byte_at(r->at + i)) {
			KUNIT_FAIL(r->test, "byte %u of %u at %u", i, len,
				   r->at);
			break;
		}
	}
	if (used > 0)
		r->at += used;
	return used;
}

static void walk_range(struct kunit *test, struct sk_buff *skb,
		       unsigned int offset, unsigned int len)
{
	struct recorder r = { .test = test, .at = offset };

	KUNIT_EXPECT_EQ_MSG(test, len,
			    knd_skb_walk(skb, offset, len, record, &r),
			    "at %u", offset);
	KUNIT_EXPECT_EQ(test, offset + len, r.at);
}

static void walk(struct kunit *test)
{
	each_range(test, walk_range);
}

/* An actor that stops ends the walk, in whichever part of the buffer that is */
static void walk_stops(struct kunit *test)
{
	static const struct shape shape = {
		.head = 66, .frags = 2, .frag_len = 1000, .parts = 2,
		.part_head = 300,
	};
	/* Where each call begins */
	static const unsigned int at[] = { 0, 66, 1066, 2066, 2366, 3366, 4366,
					   4666, 5666, 6666 };
	struct sk_buff *skb = make(test, &shape);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, skb->len, at[ARRAY_SIZE(at) - 1]);
	for (i = 0; i + 1 < ARRAY_SIZE(at); i++) {
		struct recorder r = { .test = test, .short_call = i + 1 };

		/* One byte too few */
		r.short_by = 1;
		KUNIT_EXPECT_EQ(test, at[i + 1] - 1,
				knd_skb_walk(skb, 0, skb->len, record, &r));
		KUNIT_EXPECT_EQ(test, i + 1, r.calls);
		/* Nothing, and an error, which is lost behind other bytes */
		r = (struct recorder){ .test = test, .short_call = i + 1,
				       .short_by = at[i + 1] - at[i] };
		KUNIT_EXPECT_EQ(test, at[i],
				knd_skb_walk(skb, 0, skb->len, record, &r));
		KUNIT_EXPECT_EQ(test, i + 1, r.calls);
		r = (struct recorder){ .test = test, .short_call = i + 1,
				       .short_by = -ENOMEM };
		KUNIT_EXPECT_EQ(test, at[i] ?: -ENOMEM,
				knd_skb_walk(skb, 0, skb->len, record, &r));
		KUNIT_EXPECT_EQ(test, i + 1, r.calls);
		/* ... but not where it comes first */
		r = (struct recorder){ .test = test, .at = at[i],
				       .short_call = 1, .short_by = -ENOMEM };
		KUNIT_EXPECT_EQ(test, -ENOMEM,
				knd_skb_walk(skb, at[i], skb->len - at[i],
					     record, &r));
		KUNIT_EXPECT_EQ(test, 1, r.calls);
	}
}

static void walk_nothing(struct kunit *test)
{
	struct sk_buff *skb = make(test, test->param_value);
	struct recorder r = { .test = test };
	unsigned int i;

	for (i = 0; i <= skb->len; i += skb->len)
		KUNIT_EXPECT_EQ(test, 0, knd_skb_walk(skb, i, 0, record, &r));
	KUNIT_EXPECT_EQ(test, 0, r.calls);
}

/* Memory of a device cannot be read: only what comes before it is used */
static void walk_unreadable(struct kunit *test)
{
	static const struct shape shape = {
		.head = 66, .frags = 2, .frag_len = 1000,
	};
	struct sk_buff *skb = make(test, &shape);
	struct recorder r = { .test = test };

	skb->unreadable = true;
	KUNIT_EXPECT_EQ(test, 66, knd_skb_walk(skb, 0, skb->len, record, &r));
	KUNIT_EXPECT_EQ(test, 1, r.calls);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			knd_skb_walk(skb, 66, 1, record, &r));
	KUNIT_EXPECT_EQ(test, 1, r.calls);
	/* The linear part is readable in each case */
	r.at = 1;
	KUNIT_EXPECT_EQ(test, 65, knd_skb_walk(skb, 1, 65, record, &r));
}

/* References for a file */

static void pages_range(struct kunit *test, struct sk_buff *skb,
			unsigned int offset, unsigned int len)
{
	struct knd_pages *pages = test->priv;

	KUNIT_EXPECT_EQ_MSG(test, len,
			    knd_pages_take(pages, skb, offset, len), "at %u",
			    offset);
	KUNIT_EXPECT_EQ_MSG(test, len, bytes_of(pages->vec, pages->nr),
			    "at %u", offset);
	KUNIT_EXPECT_EQ_MSG(test, 0,
			    wrong_bytes(pages->vec, pages->nr, offset),
			    "%u at %u", len, offset);
	knd_pages_put(pages);
	KUNIT_EXPECT_EQ(test, 0, pages->nr);
}

static void pages(struct kunit *test)
{
	test->priv = make_pages(test);
	each_range(test, pages_range);
}

/* A reference to a page for each fragment, and none once they are put */
static void pages_references(struct kunit *test)
{
	static const struct shape shape = {
		.frags = 2, .frag_len = 1000, .order = 1,
	};
	struct sk_buff *skb = make(test, &shape);
	struct page *page = skb_frag_page(&skb_shinfo(skb)->frags[0]);
	struct knd_pages *pages = make_pages(test);

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

/* Only bytes that follow directly, in the same page, are one entry */
static void pages_gaps(struct kunit *test)
{
	static const struct shape shape = { .frags = 2, .frag_len = 1000 };
	struct sk_buff *skb = make(test, &shape);
	struct knd_pages *pages = make_pages(test);

	/* A gap in a page */
	KUNIT_EXPECT_EQ(test, 500, knd_pages_take(pages, skb, 0, 500));
	KUNIT_EXPECT_EQ(test, 400, knd_pages_take(pages, skb, 600, 400));
	KUNIT_EXPECT_EQ(test, 2, pages->nr);
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(pages->vec, 1, 0));
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(pages->vec + 1, 1, 600));
	knd_pages_put(pages);
	/* The offset that would follow, in another page */
	KUNIT_EXPECT_EQ(test, 500, knd_pages_take(pages, skb, 0, 500));
	KUNIT_EXPECT_EQ(test, 500, knd_pages_take(pages, skb, 1500, 500));
	KUNIT_EXPECT_EQ(test, 2, pages->nr);
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(pages->vec, 1, 0));
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(pages->vec + 1, 1, 1500));
	knd_pages_put(pages);
}

/*
 * A linear part in a page is kept where nobody else can write to it, and copied
 * where somebody can.
 */
static void pages_linear(struct kunit *test)
{
	static const struct shape alone = { .head = 1400, .head_frag = true };
	static const struct shape shared = { .head = 1400, .head_frag = true,
					     .cloned = true };
	static const struct shape slab = { .head = 1400 };
	struct knd_pages *pages = make_pages(test);
	struct sk_buff *skb = make(test, &alone);

	KUNIT_EXPECT_EQ(test, 1000, knd_pages_take(pages, skb, 400, 1000));
	KUNIT_EXPECT_PTR_EQ(test, (void *)skb->data + 400,
			    page_address(pages->vec[0].bv_page) +
			    pages->vec[0].bv_offset);
	KUNIT_EXPECT_EQ(test, 2, page_count(virt_to_page(skb->data)));
	knd_pages_put(pages);
	KUNIT_EXPECT_EQ(test, 1, page_count(virt_to_page(skb->data)));

	skb = make(test, &shared);
	KUNIT_EXPECT_EQ(test, 1000, knd_pages_take(pages, skb, 400, 1000));
	KUNIT_EXPECT_PTR_NE(test, virt_to_page(skb->data),
			    pages->vec[0].bv_page);
	knd_pages_put(pages);

	skb = make(test, &slab);
	KUNIT_EXPECT_EQ(test, 1000, knd_pages_take(pages, skb, 400, 1000));
	KUNIT_EXPECT_PTR_NE(test, virt_to_head_page(skb->data),
			    pages->vec[0].bv_page);
	knd_pages_put(pages);
}

/* Where there is no more room, it says how far it came, and then 0 */
static void pages_full(struct kunit *test)
{
	static const struct shape shape = {
		.frag_len = 3, .parts = 200, .part_head = 2,
	};
	struct sk_buff *skb = make(test, &shape);
	struct knd_pages *pages = make_pages(test);
	int done;

	done = knd_pages_take(pages, skb, 0, skb->len);
	/* Three entries for eight bytes: 85 times, and two bytes of the next */
	KUNIT_EXPECT_EQ(test, 85 * 8 + 2, done);
	KUNIT_EXPECT_TRUE(test, knd_pages_full(pages));
	KUNIT_EXPECT_EQ(test, 0, knd_pages_take(pages, skb, done, 1));
	KUNIT_EXPECT_EQ(test, done, bytes_of(pages->vec, pages->nr));
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(pages->vec, pages->nr, 0));
	knd_pages_put(pages);
}

/* In the middle of a linear part, too */
static void pages_full_of_copies(struct kunit *test)
{
	static const struct shape shape = { .head = 2 * PAGE_SIZE + 100 };
	struct sk_buff *skb = make(test, &shape);
	struct knd_pages *pages = make_pages(test);
	unsigned int i;

	for (i = 0; i + 2 < ARRAY_SIZE(pages->vec); i++)
		KUNIT_ASSERT_EQ(test, 1, knd_pages_take(pages, skb, 0, 1));
	KUNIT_EXPECT_EQ(test, 2 * PAGE_SIZE,
			knd_pages_take(pages, skb, 0, skb->len));
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(&pages->vec[i], 2, 0));
	knd_pages_put(pages);
}

/* Fragments and copies for the send queue */

static void splice_range(struct kunit *test, struct sk_buff *skb,
			 unsigned int offset, unsigned int len)
{
	struct knd_copies copies = {};
	struct knd_splice splice;

	knd_splice_init(&splice, &copies);
	KUNIT_EXPECT_EQ_MSG(test, len,
			    knd_splice_take(&splice, skb, offset, len),
			    "at %u", offset);
	KUNIT_EXPECT_EQ_MSG(test, len, splice.len, "at %u", offset);
	KUNIT_EXPECT_EQ_MSG(test, len, bytes_of(splice.vec, splice.nr),
			    "at %u", offset);
	KUNIT_EXPECT_EQ_MSG(test, 0,
			    wrong_bytes(splice.vec, splice.nr, offset),
			    "%u at %u", len, offset);
	knd_splice_put(&splice);
}

static void splice(struct kunit *test)
{
	each_range(test, splice_range);
}

/* A page is spliced for its fair share only, whatever its size */
static void splice_share(struct kunit *test)
{
	unsigned int order, share, less;

	for (order = 0; order <= 2; order++) {
		share = (PAGE_SIZE << order) / KND_SPLICE_SHARE;
		for (less = 0; less <= 1; less++) {
			const struct shape shape = {
				.frags = 1, .frag_len = share - less,
				.frag_off = 10, .order = order,
			};
			struct sk_buff *skb = make(test, &shape);
			struct knd_copies copies = {};
			struct knd_splice splice;
			struct page *page;

			page = skb_frag_page(&skb_shinfo(skb)->frags[0]);
			knd_splice_init(&splice, &copies);
			KUNIT_EXPECT_EQ(test, skb->len,
					knd_splice_take(&splice, skb, 0,
							skb->len));
			KUNIT_EXPECT_EQ(test, 1, splice.nr);
			KUNIT_EXPECT_EQ(test, less, splice.copied);
			KUNIT_EXPECT_EQ(test, !less,
					splice.vec[0].bv_page == page);
			KUNIT_EXPECT_EQ(test, less,
					knd_splice_ends_with_copies(&splice));
			/* The buffer's own: none is taken or dropped */
			KUNIT_EXPECT_EQ(test, 1, page_count(page));
			knd_splice_put(&splice);
			KUNIT_EXPECT_EQ(test, 1, page_count(page));
		}
	}
}

/* Copies share a page until it is full; each entry has a reference */
static void splice_appends(struct kunit *test)
{
	static const struct shape shape = { .head = 3000 };
	struct sk_buff *skb = make(test, &shape);
	struct knd_copies copies = {};
	struct knd_splice a, b;
	struct page *page;

	knd_splice_init(&a, &copies);
	KUNIT_EXPECT_EQ(test, 1000, knd_splice_take(&a, skb, 0, 1000));
	KUNIT_EXPECT_EQ(test, 2000, knd_splice_take(&a, skb, 1000, 2000));
	KUNIT_EXPECT_EQ(test, 1, a.nr);
	page = copies.page;
	KUNIT_EXPECT_EQ(test, 1, page_count(page));

	/* As the next call of the service does, while @a is in the queue */
	knd_splice_init(&b, &copies);
	KUNIT_EXPECT_EQ(test, 3000, knd_splice_take(&b, skb, 0, 3000));
	KUNIT_ASSERT_EQ(test, 2, b.nr);
	KUNIT_EXPECT_PTR_EQ(test, page, b.vec[0].bv_page);
	KUNIT_EXPECT_EQ(test, 3000, b.vec[0].bv_offset);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE - 3000, b.vec[0].bv_len);
	KUNIT_EXPECT_PTR_EQ(test, copies.page, b.vec[1].bv_page);
	KUNIT_EXPECT_PTR_NE(test, page, copies.page);
	KUNIT_EXPECT_EQ(test, 2, page_count(page));
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(a.vec, a.nr, 0));
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(b.vec, b.nr, 0));
	knd_splice_put(&a);
	KUNIT_EXPECT_EQ(test, 1, page_count(page));
	page = copies.page;
	get_page(page);
	knd_splice_put(&b);
	KUNIT_EXPECT_EQ(test, 1, page_count(page));
	put_page(page);
}

/* A page without room is not touched: nobody need hold it */
static void splice_full_page(struct kunit *test)
{
	static const struct shape shape = { .head = 1 };
	struct sk_buff *skb = make(test, &shape);
	struct knd_copies copies = { .page = (void *)1UL, .used = PAGE_SIZE };
	struct knd_splice splice;

	knd_splice_init(&splice, &copies);
	KUNIT_EXPECT_EQ(test, 1, knd_splice_take(&splice, skb, 0, 1));
	KUNIT_EXPECT_EQ(test, 1, copies.used);
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(splice.vec, splice.nr, 0));
	knd_splice_put(&splice);
}

static void splice_full(struct kunit *test)
{
	static const struct shape whole = {
		.frags = 1, .frag_len = 1000, .parts = 20,
	};
	static const struct shape copied = {
		.head = (KND_SPLICE_VECS + 2) * PAGE_SIZE,
	};
	struct sk_buff *skb = make(test, &whole);
	struct knd_copies copies = {};
	struct knd_splice splice;

	knd_splice_init(&splice, &copies);
	KUNIT_EXPECT_EQ(test, KND_SPLICE_VECS * 1000,
			knd_splice_take(&splice, skb, 0, skb->len));
	KUNIT_EXPECT_EQ(test, 0, knd_splice_take(&splice, skb, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, knd_splice_take(&splice, skb, 0, 1000));
	KUNIT_EXPECT_EQ(test, KND_SPLICE_VECS * 1000, splice.len);
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(splice.vec, splice.nr, 0));
	knd_splice_put(&splice);

	skb = make(test, &copied);
	knd_splice_init(&splice, &copies);
	KUNIT_EXPECT_EQ(test, KND_SPLICE_VECS * PAGE_SIZE,
			knd_splice_take(&splice, skb, 0, skb->len));
	KUNIT_EXPECT_EQ(test, 0, knd_splice_take(&splice, skb, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, wrong_bytes(splice.vec, splice.nr, 0));
	knd_splice_put(&splice);
}

static struct kunit_case skb_bvec_cases[] = {
	KUNIT_CASE_PARAM(walk, shape_gen_params),
	KUNIT_CASE(walk_stops),
	KUNIT_CASE_PARAM(walk_nothing, shape_gen_params),
	KUNIT_CASE(walk_unreadable),
	KUNIT_CASE_PARAM(pages, shape_gen_params),
	KUNIT_CASE(pages_references),
	KUNIT_CASE(pages_gaps),
	KUNIT_CASE(pages_linear),
	KUNIT_CASE(pages_full),
	KUNIT_CASE(pages_full_of_copies),
	KUNIT_CASE_PARAM(splice, shape_gen_params),
	KUNIT_CASE(splice_share),
	KUNIT_CASE(splice_appends),
	KUNIT_CASE(splice_full_page),
	KUNIT_CASE(splice_full),
	{}
};

static struct kunit_suite skb_bvec_suite = {
	.name = "knetdemo_skb_bvec",
	.test_cases = skb_bvec_cases,
};

kunit_test_suite(skb_bvec_suite);
