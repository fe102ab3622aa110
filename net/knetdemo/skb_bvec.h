/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the bytes of an sk_buff as
 * bio_vecs
 */

#ifndef _NET_KNETDEMO_SKB_BVEC_H
#define _NET_KNETDEMO_SKB_BVEC_H

#include <linux/array_size.h>
#include <linux/bvec.h>
#include <linux/types.h>

struct page;
struct sk_buff;

/**
 * typedef knd_skb_actor_t - use contiguous bytes of a buffer
 * @ctx: the @ctx of knd_skb_walk()
 * @skb: the buffer that has them, which may be one of a fragment list
 * @page: the page of a fragment; NULL for the linear part
 * @offset: of the first byte, from the start of @page or of the linear part
 * @len: number of bytes, at least 1
 *
 * Context: that of knd_skb_walk(), which takes no reference to @page.
 * Return: bytes used, or -errno. Anything but @len ends the walk.
 */
typedef int (*knd_skb_actor_t)(void *ctx, struct sk_buff *skb,
			       struct page *page, unsigned int offset,
			       unsigned int len);

int knd_skb_walk(struct sk_buff *skb, unsigned int offset, unsigned int len,
		 knd_skb_actor_t actor, void *ctx);

/**
 * struct knd_pages - received data that will be written to a file
 * @nr: used entries of @vec
 * @vec: the bytes in the order of the stream. Each entry holds a reference to
 *	its page, so the data stays valid after its sk_buffs are freed.
 */
struct knd_pages {
	unsigned int nr;
	struct bio_vec vec[256];
};

int knd_pages_take(struct knd_pages *pages, struct sk_buff *skb,
		   unsigned int offset, unsigned int len);
void knd_pages_put(struct knd_pages *pages);

static inline bool knd_pages_full(const struct knd_pages *pages)
{
	return pages->nr == ARRAY_SIZE(pages->vec);
}

/* Maximum number of entries of a struct knd_splice */
#define KND_SPLICE_VECS		16
/*
 * A fragment is spliced only if it is at least this part of its page; a smaller
 * one is copied. TCP accounts for the bytes and not for the page that they pin,
 * so a peer that acknowledges nothing pins at most eight times what is
 * accounted for. The page may have 32 KiB or more, where the driver or a local
 * sender allocates such pages.
 */
#define KND_SPLICE_SHARE	8

/**
 * struct knd_copies - the page to which further copies are appended
 * @page: the page that has the latest copies, or NULL. This pointer holds no
 *	reference. Its owner sets it to NULL unless the send queue is known to
 *	hold one: without any reference the page is freed and reused.
 * @used: bytes used at the start of @page
 */
struct knd_copies {
	struct page *page;
	u32 used;
};

/**
 * struct knd_splice - received data that will be put into the send queue
 * @copies: where copies are appended
 * @vec: the bytes in the order of the stream
 * @nr: used entries of @vec
 * @copied: bit i is set if vec[i] has copies; then it holds a reference to
 *	their page. An entry whose bit is clear holds no reference: it is valid
 *	only while the sk_buff that it comes from exists.
 * @len: bytes in all entries
 */
struct knd_splice {
	struct knd_copies *copies;
	struct bio_vec vec[KND_SPLICE_VECS];
	unsigned int nr;
	u32 copied;
	size_t len;
};

void knd_splice_init(struct knd_splice *splice, struct knd_copies *copies);
int knd_splice_take(struct knd_splice *splice, struct sk_buff *skb,
		    unsigned int offset, unsigned int len);
void knd_splice_put(struct knd_splice *splice);

/* Are the last bytes in @splice copies, to which further ones can be added? */
static inline bool knd_splice_ends_with_copies(const struct knd_splice *splice)
{
	return splice->nr && splice->copied & (1U << (splice->nr - 1));
}

#endif /* _NET_KNETDEMO_SKB_BVEC_H */
