// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the bytes of an sk_buff as
 * bio_vecs
 *
 * A received buffer has a linear part, fragments and a list of further buffers,
 * each of which may be missing. One function walks over all of them. It has two
 * users: the FTP client keeps references to the pages until they are written to
 * a file, and echo puts the pages into the send queue.
 */

#include <linux/bitops.h>
#include <linux/bvec.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <linux/string.h>

#include "skb_bvec.h"

/**
 * knd_skb_walk - call a function for each contiguous part of a range of bytes
 * @skb: the buffer, of any shape
 * @offset: of the first byte
 * @len: number of bytes; @offset + @len is at most @skb's length
 * @actor: the function
 * @ctx: for @actor
 *
 * Context: that of @actor; @skb does not change meanwhile.
 * Return: bytes that @actor used, which are fewer than @len if it used less
 * than it was given or failed. If no byte was used, the 0 or -errno that @actor
 * returned, or -EOPNOTSUPP if the bytes are in memory of a device.
 */
int knd_skb_walk(struct sk_buff *skb, unsigned int offset, unsigned int len,
		 knd_skb_actor_t actor, void *ctx)
{
	const unsigned int to = offset + len;
	unsigned int end = skb_headlen(skb);
	unsigned int from = offset;
	unsigned int start, n;
	struct sk_buff *part;
	int used, i;

	if (from < to && from < end) {
		n = min(to, end) - from;
		used = actor(ctx, skb, NULL, from, n);
		if (used != n)
			return used;
		from += n;
	}
	if (from < to && !skb_frags_readable(skb)) {
		used = -EOPNOTSUPP;
		goto out;
	}
	for (i = 0; from < to && i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		start = end;
		end += skb_frag_size(frag);
		if (from >= end)
			continue;
		n = min(to, end) - from;
		used = actor(ctx, skb, skb_frag_page(frag),
			     skb_frag_off(frag) + from - start, n);
		if (used != n)
			goto out;
		from += n;
	}
	skb_walk_frags(skb, part) {
		if (from >= to)
			break;
		start = end;
		end += part->len;
		if (from >= end)
			continue;
		n = min(to, end) - from;
		used = knd_skb_walk(part, from - start, n, actor, ctx);
		if (used != n)
			goto out;
		from += n;
	}
	return from - offset;

out:
	if (used > 0)
		from += used;
	return from > offset ? from - offset : used;
}

/* Bytes for a file: each entry holds a reference to its page */

/*
 * Append bytes with a reference to their page. Bytes that follow those of the
 * last entry in the same page extend that entry, which has a reference already.
 */
static void knd_pages_add(struct knd_pages *pages, struct page *page,
			  unsigned int offset, unsigned int len)
{
	struct bio_vec *last;

	if (pages->nr) {
		last = &pages->vec[pages->nr - 1];
		if (last->bv_page == page &&
		    last->bv_offset + last->bv_len == offset) {
			last->bv_len += len;
			return;
		}
	}
	get_page(page);
	bvec_set_page(&pages->vec[pages->nr++], page, len, offset);
}

/*
 * Copy bytes of the linear part of a buffer, which is usually small, to new
 * pages. Returns the bytes copied, which are fewer than @len if @pages became
 * full or memory is short, or -ENOMEM if there was no memory for the first one.
 */
static int knd_pages_copy(struct knd_pages *pages, const struct sk_buff *skb,
			  unsigned int offset, unsigned int len)
{
	unsigned int done, n;
	struct page *page;

	for (done = 0; done < len && !knd_pages_full(pages); done += n) {
		page = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!page)
			return done ? : -ENOMEM;
		n = min_t(unsigned int, len - done, PAGE_SIZE);
		skb_copy_from_linear_data_offset(skb, offset + done,
						 page_address(page), n);
		bvec_set_page(&pages->vec[pages->nr++], page, n, 0);
	}
	return done;
}

static int knd_pages_actor(void *ctx, struct sk_buff *skb, struct page *page,
			   unsigned int offset, unsigned int len)
{
	struct knd_pages *pages = ctx;

	if (!page) {
		void *data = skb->data + offset;

		/*
		 * Reference the linear part only if it is a page fragment and
		 * not slab memory, and if no clone of the buffer could write
		 * to it. Otherwise copy it.
		 */
		if (!skb->head_frag || skb_cloned(skb))
			return knd_pages_copy(pages, skb, offset, len);
		page = virt_to_head_page(data);
		offset = data - page_address(page);
	}
	if (knd_pages_full(pages))
		return 0;
	knd_pages_add(pages, page, offset, len);
	return len;
}

/**
 * knd_pages_take - take references to bytes of a buffer
 * @pages: has the bytes that were taken before; these are appended
 * @skb: the buffer, of any shape
 * @offset: of the first byte
 * @len: number of bytes; @offset + @len is at most @skb's length
 *
 * Context: process; @skb does not change meanwhile.
 * Return: bytes taken, which are fewer than @len where @pages became full or
 * memory is short; -ENOMEM or -EOPNOTSUPP where not one was taken, see
 * knd_skb_walk(). What was taken stays in @pages for knd_pages_put().
 */
int knd_pages_take(struct knd_pages *pages, struct sk_buff *skb,
		   unsigned int offset, unsigned int len)
{
	return knd_skb_walk(skb, offset, len, knd_pages_actor, pages);
}

/**
 * knd_pages_put - drop all references
 * @pages: empty afterwards
 *
 * Context: any.
 */
void knd_pages_put(struct knd_pages *pages)
{
	while (pages->nr)
		put_page(pages->vec[--pages->nr].bv_page);
}

/* Bytes for the send queue: only entries of copies hold a reference */

/**
 * knd_splice_init - prepare to take bytes
 * @splice: empty afterwards
 * @copies: where copies are appended. If it has a page, the caller makes sure
 *	that the page is referenced until knd_splice_put().
 *
 * Context: any.
 */
void knd_splice_init(struct knd_splice *splice, struct knd_copies *copies)
{
	splice->copies = copies;
	splice->nr = 0;
	splice->copied = 0;
	splice->len = 0;
}

/*
 * Begin an entry for copies. It holds a reference to their page: another one to
 * the present page, or the first one to a new page. Returns 0 or -ENOMEM.
 */
static int knd_splice_open(struct knd_splice *splice)
{
	struct knd_copies *copies = splice->copies;

	if (copies->page && copies->used < PAGE_SIZE) {
		get_page(copies->page);
	} else {
		struct page *page = alloc_page(GFP_NOWAIT | __GFP_NOWARN);

		if (!page)
			return -ENOMEM;
		copies->page = page;
		copies->used = 0;
	}
	splice->copied |= BIT(splice->nr);
	bvec_set_page(&splice->vec[splice->nr++], copies->page, 0,
		      copies->used);
	return 0;
}

static int knd_splice_copy(struct knd_splice *splice, const struct sk_buff *skb,
			   struct page *page, unsigned int offset,
			   unsigned int len)
{
	struct knd_copies *copies = splice->copies;
	unsigned int done, n;
	void *to;
	int err;

	for (done = 0; done < len; done += n, offset += n) {
		if (!knd_splice_ends_with_copies(splice) ||
		    copies->used == PAGE_SIZE) {
			if (splice->nr == KND_SPLICE_VECS)
				break;
			err = knd_splice_open(splice);
			if (err)
				return done ? : err;
		}
		n = min_t(unsigned int, len - done, PAGE_SIZE - copies->used);
		to = page_address(copies->page) + copies->used;
		if (page) {
			n = min_t(unsigned int, n,
				  PAGE_SIZE - offset_in_page(offset));
			memcpy_from_page(to, page + (offset >> PAGE_SHIFT),
					 offset_in_page(offset), n);
		} else {
			skb_copy_from_linear_data_offset(skb, offset, to, n);
		}
		copies->used += n;
		splice->vec[splice->nr - 1].bv_len += n;
		splice->len += n;
	}
	return done;
}

static int knd_splice_actor(void *ctx, struct sk_buff *skb, struct page *page,
			    unsigned int offset, unsigned int len)
{
	struct knd_splice *splice = ctx;

	/* Copy small fragments, and the linear part: it may be slab memory */
	if (!page ||
	    len < page_size(compound_head(page)) / KND_SPLICE_SHARE)
		return knd_splice_copy(splice, skb, page, offset, len);
	if (splice->nr == KND_SPLICE_VECS)
		return 0;
	bvec_set_page(&splice->vec[splice->nr++], page, len, offset);
	splice->len += len;
	return len;
}

/**
 * knd_splice_take - take bytes of a buffer for the send queue
 * @splice: has the bytes that were taken before; these are appended
 * @skb: the buffer, of any shape
 * @offset: of the first byte
 * @len: number of bytes; @offset + @len is at most @skb's length
 *
 * The linear part and small fragments are copied, see KND_SPLICE_SHARE. Other
 * fragments are taken as they are, without a reference: the caller keeps @skb
 * until it has sent the bytes, when TCP holds references, or has dropped them.
 *
 * Context: process or softirq; @skb does not change meanwhile.
 * Return: bytes taken, which are fewer than @len where @splice became full or
 * memory is short; -ENOMEM or -EOPNOTSUPP where not one was taken, see
 * knd_skb_walk(). knd_splice_put() follows in each case.
 */
int knd_splice_take(struct knd_splice *splice, struct sk_buff *skb,
		    unsigned int offset, unsigned int len)
{
	return knd_skb_walk(skb, offset, len, knd_splice_actor, splice);
}

/**
 * knd_splice_put - drop the references to copies
 * @splice: prepared by knd_splice_init(), whether its bytes were sent or not
 *
 * &knd_splice.copies still points to the page of the last copies, without a
 * reference: the caller clears &knd_copies.page unless TCP holds one.
 *
 * Context: any.
 */
void knd_splice_put(struct knd_splice *splice)
{
	unsigned long copied = splice->copied;
	unsigned int i;

	for_each_set_bit(i, &copied, KND_SPLICE_VECS)
		put_page(splice->vec[i].bv_page);
}
