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
 * @ctx: what knd_skb_walk() was given
 * @skb: the buffer that has them, which may be one of a fragment list
 * @page: the page of a fragment; NULL for the linear part
 * @offset: of the first byte, from the start of @page or of the linear part
 * @len: number of bytes, at least 1
 *
 * Return: bytes used, where less than @len ends the walk; -errno.
 */
typedef int (*knd_skb_actor_t)(void *ctx, struct sk_buff *skb,
			       struct page *page, unsigned int offset,
			       unsigned int len);

int knd_skb_walk(struct sk_buff *skb, unsigned int offset, unsigned int len,
		 knd_skb_actor_t actor, void *ctx);

/**
 * struct knd_pages - received data for a file, which outlives its buffers
 * @nr: used entries of @vec
 * @vec: the bytes in their order; each entry holds a reference to its page
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

/* Entries that are sent by one call */
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
 * struct knd_copies - the page that has the latest copies
 * @page: holds no reference; the owner clears it where no other reference is
 *	known to exist
 * @used: bytes used at the start of @page
 */
struct knd_copies {
	struct page *page;
	u32 used;
};

/**
 * struct knd_splice - received data for the send queue
 * @copies: where copies are appended
 * @vec: the bytes in their order
 * @nr: used entries of @vec
 * @copied: bit i: vec[i] is of copies, and holds a reference to its page. All
 *	others are valid only as long as the buffers that they come from.
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

/* Do the latest bytes come from the page of copies? */
static inline bool knd_splice_ends_with_copies(const struct knd_splice *splice)
{
	return splice->nr && splice->copied & (1U << (splice->nr - 1));
}

#endif /* _NET_KNETDEMO_SKB_BVEC_H */
