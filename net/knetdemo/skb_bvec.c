// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the bytes of an sk_buff
 *
 * A received buffer has a linear part, fragments and a list of other buffers,
 * each of which may be missing. What is taken of it are references to pages, so
 * that a file system can be given them without a copy.
 */

#include <linux/bvec.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/skbuff.h>

#include "ftp.h"

/* One piece of a buffer whose page outlives the buffer */
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
 * The linear part of a buffer: its page can be kept where the buffer is the
 * only one who writes to it and it comes from a page fragment. The rest is
 * small, and copied.
 */
static int knd_pages_linear(struct knd_pages *pages, struct sk_buff *skb,
			    unsigned int offset, unsigned int len)
{
	struct page *page;

	if (skb->head_frag && !skb_cloned(skb)) {
		void *data = skb->data + offset;

		page = virt_to_head_page(data);
		knd_pages_add(pages, page, data - page_address(page), len);
		return len;
	}

	page = alloc_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	len = min_t(unsigned int, len, PAGE_SIZE);
	skb_copy_from_linear_data_offset(skb, offset, page_address(page), len);
	bvec_set_page(&pages->vec[pages->nr++], page, len, 0);
	return len;
}

/**
 * knd_pages_take - take references to bytes of a buffer
 * @pages: where they go
 * @skb: the buffer, of any shape
 * @offset: of the first byte
 * @len: bytes at most; @offset and @len are inside of @skb
 *
 * Context: process; @skb cannot change meanwhile.
 * Return: bytes taken, which may be fewer than @len: call it again for the
 * rest; 0 where there is no room, -ENOMEM, -EOPNOTSUPP where the bytes are in
 * memory of a device.
 */
int knd_pages_take(struct knd_pages *pages, struct sk_buff *skb,
		   unsigned int offset, unsigned int len)
{
	unsigned int start = skb_headlen(skb);
	unsigned int done = 0;
	struct sk_buff *part;
	int i, n;

	while (done < len && offset < start) {
		if (knd_pages_full(pages))
			return done;
		n = knd_pages_linear(pages, skb, offset,
				     min(len - done, start - offset));
		if (n < 0)
			return done ? : n;
		offset += n;
		done += n;
	}
	if (done == len)
		return done;
	if (!skb_frags_readable(skb))
		return done ? : -EOPNOTSUPP;

	for (i = 0; i < skb_shinfo(skb)->nr_frags && done < len; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];
		unsigned int size = skb_frag_size(frag);

		if (offset < start + size) {
			if (knd_pages_full(pages))
				return done;
			n = min(len - done, start + size - offset);
			knd_pages_add(pages, skb_frag_page(frag),
				      skb_frag_off(frag) + offset - start, n);
			offset += n;
			done += n;
		}
		start += size;
	}

	skb_walk_frags(skb, part) {
		if (done == len)
			break;
		if (offset < start + part->len) {
			unsigned int want = min(len - done,
						start + part->len - offset);

			n = knd_pages_take(pages, part, offset - start, want);
			if (n < 0)
				return done ? : n;
			offset += n;
			done += n;
			if (n < want)
				break;
		}
		start += part->len;
	}
	return done;
}

/**
 * knd_pages_put - drop the references that were taken
 * @pages: empty afterwards
 *
 * Context: any.
 */
void knd_pages_put(struct knd_pages *pages)
{
	while (pages->nr)
		put_page(pages->vec[--pages->nr].bv_page);
}
