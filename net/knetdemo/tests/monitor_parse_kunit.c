// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of net/knetdemo/monitor_parse.c
 */

#include <kunit/skbuff.h>
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../monitor_parse.h"

#define KND_TEST_LEN	512
#define KND_TEST_RANDOM	100000

#define SYN	TCPHDR_SYN
#define ACK	TCPHDR_ACK
#define ECE	TCPHDR_ECE
#define CWR	TCPHDR_CWR
#define FIN	TCPHDR_FIN
#define RST	TCPHDR_RST

static const u8 knd_test_saddr[16] = {
	0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
};

static const u8 knd_test_daddr[16] = {
	0x20, 0x01, 0x0d, 0xb8, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 1
};

/* Members of a packet; 0 stands for the usual value of each */
struct knd_parse_case {
	const char *name;
	u8 pf;
	u8 version;
	u8 ihl;			/* words; IPv4 options are filled in */
	u16 frag;		/* IPv4: the whole field, IPv6: of a header */
	u8 proto;
	u8 exts;		/* IPv6 extension headers */
	u8 ext[16];
	u8 ext_units;		/* their 8-byte units after the first */
	u8 doff;		/* words; options are filled in */
	u16 flags;
	u8 data;
	u8 cut;			/* bytes missing at the end */
	bool no_len;		/* no length in the header */
	bool gso;		/* to be segmented later */
	s8 lie;			/* error of the length in the header */
	enum knd_parse_result result;
};

static const struct knd_parse_case knd_parse_cases[] = {
	/* IPv4 */
	{ .name = "ipv4_syn", .pf = NFPROTO_IPV4, .flags = SYN },
	{ .name = "ipv4_syn_options", .pf = NFPROTO_IPV4, .flags = SYN,
	  .doff = 10 },
	{ .name = "ipv4_syn_longest_options", .pf = NFPROTO_IPV4, .flags = SYN,
	  .doff = 15, .ihl = 15 },
	{ .name = "ipv4_syn_fast_open", .pf = NFPROTO_IPV4, .flags = SYN,
	  .doff = 8, .data = 100 },
	{ .name = "ipv4_syn_ecn", .pf = NFPROTO_IPV4,
	  .flags = SYN | ECE | CWR },
	{ .name = "ipv4_syn_fin", .pf = NFPROTO_IPV4, .flags = SYN | FIN },
	{ .name = "ipv4_syn_ack", .pf = NFPROTO_IPV4, .flags = SYN | ACK },
	{ .name = "ipv4_syn_ack_ecn", .pf = NFPROTO_IPV4,
	  .flags = SYN | ACK | ECE },
	{ .name = "ipv4_ack", .pf = NFPROTO_IPV4, .flags = ACK, .data = 20 },
	{ .name = "ipv4_rst", .pf = NFPROTO_IPV4, .flags = RST },
	{ .name = "ipv4_no_flags", .pf = NFPROTO_IPV4 },
	{ .name = "ipv4_all_flags", .pf = NFPROTO_IPV4, .flags = 0x1ff },
	{ .name = "ipv4_syn_accurate_ecn", .pf = NFPROTO_IPV4,
	  .flags = SYN | ECE | CWR | KND_FLAG_AE },
	{ .name = "ipv4_options", .pf = NFPROTO_IPV4, .flags = SYN, .ihl = 6 },
	{ .name = "ipv4_no_length", .pf = NFPROTO_IPV4, .flags = SYN,
	  .no_len = true, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv4_too_long_for_a_length", .pf = NFPROTO_IPV4,
	  .flags = SYN, .no_len = true, .gso = true },
	{ .name = "ipv4_padding", .pf = NFPROTO_IPV4, .flags = SYN,
	  .data = 6, .lie = -6 },
	{ .name = "ipv4_udp", .pf = NFPROTO_IPV4, .proto = IPPROTO_UDP,
	  .flags = SYN, .result = KND_PARSE_OTHER },
	{ .name = "ipv4_first_fragment", .pf = NFPROTO_IPV4, .flags = SYN,
	  .frag = IP_MF, .data = 4 },
	{ .name = "ipv4_dont_fragment", .pf = NFPROTO_IPV4, .flags = SYN,
	  .frag = IP_DF },
	{ .name = "ipv4_reserved_bit", .pf = NFPROTO_IPV4, .flags = SYN,
	  .frag = IP_CE },
	/* Its options are in the next fragment */
	{ .name = "ipv4_first_fragment_options", .pf = NFPROTO_IPV4,
	  .flags = SYN, .frag = IP_MF, .doff = 10, .cut = 20, .lie = -20 },
	{ .name = "ipv4_first_fragment_short", .pf = NFPROTO_IPV4,
	  .flags = SYN, .frag = IP_MF, .cut = 4, .lie = -4,
	  .result = KND_PARSE_TRUNCATED },
	{ .name = "ipv4_later_fragment", .pf = NFPROTO_IPV4, .flags = SYN,
	  .frag = IP_MF | 1, .result = KND_PARSE_FRAGMENT },
	{ .name = "ipv4_last_fragment", .pf = NFPROTO_IPV4, .flags = SYN,
	  .frag = 0x1fff, .result = KND_PARSE_FRAGMENT },
	{ .name = "ipv4_version", .pf = NFPROTO_IPV4, .flags = SYN,
	  .version = 6, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv4_ihl_4", .pf = NFPROTO_IPV4, .flags = SYN,
	  .ihl = 4, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv4_ihl_1", .pf = NFPROTO_IPV4, .flags = SYN,
	  .ihl = 1, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv4_doff_4", .pf = NFPROTO_IPV4, .flags = SYN,
	  .doff = 4, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv4_doff_1", .pf = NFPROTO_IPV4, .flags = SYN,
	  .doff = 1, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv4_doff_past_the_end", .pf = NFPROTO_IPV4, .flags = SYN,
	  .doff = 15, .cut = 4, .lie = -4, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv4_doff_into_padding", .pf = NFPROTO_IPV4, .flags = SYN,
	  .doff = 6, .lie = -4, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv4_length_too_long", .pf = NFPROTO_IPV4, .flags = SYN,
	  .lie = 1, .result = KND_PARSE_TRUNCATED },
	{ .name = "ipv4_length_below_header", .pf = NFPROTO_IPV4, .flags = SYN,
	  .lie = -21, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv4_length_without_tcp", .pf = NFPROTO_IPV4, .flags = SYN,
	  .lie = -20, .result = KND_PARSE_TRUNCATED },

	/* IPv6 */
	{ .name = "ipv6_syn", .pf = NFPROTO_IPV6, .flags = SYN },
	{ .name = "ipv6_syn_options", .pf = NFPROTO_IPV6, .flags = SYN,
	  .doff = 10 },
	{ .name = "ipv6_syn_fast_open", .pf = NFPROTO_IPV6, .flags = SYN,
	  .doff = 8, .data = 100 },
	{ .name = "ipv6_syn_ecn", .pf = NFPROTO_IPV6,
	  .flags = SYN | ECE | CWR },
	{ .name = "ipv6_syn_accurate_ecn", .pf = NFPROTO_IPV6,
	  .flags = SYN | ECE | CWR | KND_FLAG_AE },
	{ .name = "ipv6_syn_ack", .pf = NFPROTO_IPV6, .flags = SYN | ACK },
	{ .name = "ipv6_ack", .pf = NFPROTO_IPV6, .flags = ACK, .data = 20 },
	{ .name = "ipv6_no_length", .pf = NFPROTO_IPV6, .flags = SYN,
	  .no_len = true, .result = KND_PARSE_TRUNCATED },
	{ .name = "ipv6_too_long_for_a_length", .pf = NFPROTO_IPV6,
	  .flags = SYN, .no_len = true, .gso = true },
	{ .name = "ipv6_padding", .pf = NFPROTO_IPV6, .flags = SYN,
	  .data = 6, .lie = -6 },
	{ .name = "ipv6_udp", .pf = NFPROTO_IPV6, .proto = IPPROTO_UDP,
	  .flags = SYN, .result = KND_PARSE_OTHER },
	{ .name = "ipv6_none", .pf = NFPROTO_IPV6, .proto = NEXTHDR_NONE,
	  .flags = SYN, .result = KND_PARSE_OTHER },
	{ .name = "ipv6_esp", .pf = NFPROTO_IPV6, .proto = NEXTHDR_ESP,
	  .flags = SYN, .result = KND_PARSE_OTHER },
	{ .name = "ipv6_hop_by_hop", .pf = NFPROTO_IPV6, .flags = SYN,
	  .exts = 1, .ext = { NEXTHDR_HOP } },
	{ .name = "ipv6_long_destination_options", .pf = NFPROTO_IPV6,
	  .flags = SYN, .exts = 1, .ext = { NEXTHDR_DEST }, .ext_units = 9 },
	{ .name = "ipv6_all_headers", .pf = NFPROTO_IPV6, .flags = SYN,
	  .exts = 5, .ext = { NEXTHDR_HOP, NEXTHDR_DEST, NEXTHDR_ROUTING,
			      NEXTHDR_AUTH, NEXTHDR_DEST }, .ext_units = 2 },
	{ .name = "ipv6_udp_behind_headers", .pf = NFPROTO_IPV6, .flags = SYN,
	  .proto = IPPROTO_UDP, .exts = 2,
	  .ext = { NEXTHDR_HOP, NEXTHDR_DEST }, .result = KND_PARSE_OTHER },
	{ .name = "ipv6_most_headers", .pf = NFPROTO_IPV6, .flags = SYN,
	  .exts = 12, .ext = { 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60,
			       60 } },
	{ .name = "ipv6_too_many_headers", .pf = NFPROTO_IPV6, .flags = SYN,
	  .exts = 13, .ext = { 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60,
			       60, 60 }, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv6_atomic_fragment", .pf = NFPROTO_IPV6, .flags = SYN,
	  .exts = 1, .ext = { NEXTHDR_FRAGMENT } },
	{ .name = "ipv6_first_fragment", .pf = NFPROTO_IPV6, .flags = SYN,
	  .exts = 1, .ext = { NEXTHDR_FRAGMENT }, .frag = IP6_MF, .data = 4 },
	{ .name = "ipv6_first_fragment_options", .pf = NFPROTO_IPV6,
	  .flags = SYN, .exts = 2, .ext = { NEXTHDR_HOP, NEXTHDR_FRAGMENT },
	  .frag = IP6_MF, .doff = 10, .cut = 20, .lie = -20 },
	{ .name = "ipv6_later_fragment", .pf = NFPROTO_IPV6, .flags = SYN,
	  .exts = 1, .ext = { NEXTHDR_FRAGMENT }, .frag = IP6_MF | 8,
	  .result = KND_PARSE_FRAGMENT },
	{ .name = "ipv6_last_fragment", .pf = NFPROTO_IPV6, .flags = SYN,
	  .exts = 1, .ext = { NEXTHDR_FRAGMENT }, .frag = 0xfff8,
	  .result = KND_PARSE_FRAGMENT },
	{ .name = "ipv6_version", .pf = NFPROTO_IPV6, .flags = SYN,
	  .version = 4, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv6_doff_4", .pf = NFPROTO_IPV6, .flags = SYN,
	  .doff = 4, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv6_doff_past_the_end", .pf = NFPROTO_IPV6, .flags = SYN,
	  .doff = 15, .cut = 4, .lie = -4, .result = KND_PARSE_MALFORMED },
	{ .name = "ipv6_length_too_long", .pf = NFPROTO_IPV6, .flags = SYN,
	  .lie = 1, .result = KND_PARSE_TRUNCATED },
	{ .name = "ipv6_length_without_tcp", .pf = NFPROTO_IPV6, .flags = SYN,
	  .lie = -1, .result = KND_PARSE_TRUNCATED },
	{ .name = "ipv6_header_past_the_end", .pf = NFPROTO_IPV6, .flags = SYN,
	  .exts = 1, .ext = { NEXTHDR_DEST }, .ext_units = 8, .cut = 30,
	  .lie = -30, .result = KND_PARSE_TRUNCATED },
};

KUNIT_ARRAY_PARAM_DESC(knd_parse, knd_parse_cases, name);

/**
 * struct knd_packet - bytes that a case stands for
 * @len: how many
 * @thoff: where the TCP header should be
 * @byte: the bytes
 */
struct knd_packet {
	unsigned int len;
	unsigned int thoff;
	u8 byte[KND_TEST_LEN];
};

static void knd_packet_exts(const struct knd_parse_case *c,
			    struct knd_packet *p, u8 *nexthdr)
{
	unsigned int i, len;
	u8 *ext;

	for (i = 0; i < c->exts; i++) {
		ext = p->byte + p->thoff;
		*nexthdr = c->ext[i];
		nexthdr = ext;
		len = 8;
		if (c->ext[i] == NEXTHDR_FRAGMENT) {
			put_unaligned_be16(c->frag, ext + 2);
		} else if (c->ext[i] == NEXTHDR_AUTH) {
			/* Counts in words, from the third on */
			len += 8 * c->ext_units;
			ext[1] = len / 4 - 2;
		} else {
			len += 8 * c->ext_units;
			ext[1] = c->ext_units;
		}
		p->thoff += len;
	}
	*nexthdr = c->proto ?: IPPROTO_TCP;
}

static void knd_packet_make(const struct knd_parse_case *c,
			    struct knd_packet *p)
{
	u8 ihl = c->ihl ?: 5, doff = c->doff ?: 5;
	u8 *ip = p->byte, *th;

	memset(p, 0, sizeof(*p));
	if (c->pf == NFPROTO_IPV4) {
		p->thoff = max(ihl, 5) * 4;
		ip[0] = (c->version ?: 4) << 4 | ihl;
		put_unaligned_be16(c->frag, ip + 6);
		ip[8] = 64;
		ip[9] = c->proto ?: IPPROTO_TCP;
		memcpy(ip + 12, knd_test_saddr, 4);
		memcpy(ip + 16, knd_test_daddr, 4);
		memset(ip + 20, IPOPT_NOOP, p->thoff - 20);
	} else {
		p->thoff = 40;
		ip[0] = (c->version ?: 6) << 4;
		ip[7] = 64;
		memcpy(ip + 8, knd_test_saddr, 16);
		memcpy(ip + 24, knd_test_daddr, 16);
		knd_packet_exts(c, p, ip + 6);
	}

	th = ip + p->thoff;
	put_unaligned_be16(43210, th);
	put_unaligned_be16(60000, th + 2);
	put_unaligned_be16(doff << 12 | c->flags, th + 12);
	memset(th + 20, TCPOPT_NOP, max(doff, 5) * 4 - 20);
	p->len = p->thoff + max(doff, 5) * 4 + c->data;

	if (!c->no_len && c->pf == NFPROTO_IPV4)
		put_unaligned_be16(p->len + c->lie, ip + 2);
	else if (!c->no_len)
		put_unaligned_be16(p->len - 40 + c->lie, ip + 4);
	p->len -= c->cut;
}

/* An skb with room for any packet, in both of its parts */
static struct sk_buff *knd_test_skb(struct kunit *test)
{
	struct sk_buff *skb;
	struct page *page;

	skb = kunit_zalloc_skb(test, KND_TEST_LEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	page = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	skb_add_rx_frag(skb, 0, page, 0, KND_TEST_LEN, PAGE_SIZE);
	return skb;
}

/*
 * Put bytes into it, @head of them in its linear part. What is behind them is
 * @tail, and must not matter.
 */
static void knd_test_fill(struct sk_buff *skb, const u8 *byte,
			  unsigned int len, unsigned int head, u8 tail)
{
	skb_frag_t *frag = &skb_shinfo(skb)->frags[0];
	u8 *more = skb_frag_address(frag);

	memset(skb->data, tail, KND_TEST_LEN);
	memset(more, tail, KND_TEST_LEN);
	memcpy(skb->data, byte, head);
	memcpy(more, byte + head, len - head);
	skb_set_tail_pointer(skb, head);
	skb_frag_size_set(frag, len - head);
	skb_shinfo(skb)->nr_frags = len > head;
	skb->data_len = len - head;
	skb->len = len;
	skb_reset_network_header(skb);
}

/* The skb frees the page only where it is one of its fragments */
static void knd_test_done(struct sk_buff *skb)
{
	skb_shinfo(skb)->nr_frags = 1;
	skb_frag_size_set(&skb_shinfo(skb)->frags[0], KND_TEST_LEN);
}

static bool knd_test_unchanged(struct sk_buff *skb, const u8 *byte,
			       unsigned int len)
{
	u8 buf[KND_TEST_LEN];

	return skb->len == len && !skb_copy_bits(skb, 0, buf, len) &&
	       !memcmp(buf, byte, len);
}

static void knd_test_flow(struct kunit *test, const struct knd_parse_case *c,
			  const struct knd_packet *p,
			  const struct knd_flow *flow)
{
	unsigned int doff = c->doff ?: 5;
	int data = c->data - c->cut;

	/* Bytes behind the length in the IP header do not matter */
	if (c->lie < 0 && !c->cut)
		data += c->lie;
	if (p->thoff + doff * 4 > p->len)
		data = 0;
	KUNIT_EXPECT_EQ(test, ntohs(flow->sport), 43210);
	KUNIT_EXPECT_EQ(test, ntohs(flow->dport), 60000);
	KUNIT_EXPECT_EQ(test, flow->flags, c->flags);
	KUNIT_EXPECT_EQ(test, flow->data, data);
	if (c->pf == NFPROTO_IPV4) {
		KUNIT_EXPECT_EQ(test, flow->family, AF_INET);
		KUNIT_EXPECT_MEMEQ(test, &flow->saddr, knd_test_saddr, 4);
		KUNIT_EXPECT_MEMEQ(test, &flow->daddr, knd_test_daddr, 4);
		KUNIT_EXPECT_NULL(test, memchr_inv(&flow->saddr.all[1], 0, 12));
		KUNIT_EXPECT_NULL(test, memchr_inv(&flow->daddr.all[1], 0, 12));
	} else {
		KUNIT_EXPECT_EQ(test, flow->family, AF_INET6);
		KUNIT_EXPECT_MEMEQ(test, &flow->saddr, knd_test_saddr, 16);
		KUNIT_EXPECT_MEMEQ(test, &flow->daddr, knd_test_daddr, 16);
	}
}

/* A hint may be a false positive, never a false negative */
static void knd_test_hint(struct kunit *test, const struct sk_buff *skb, u8 pf,
			  enum knd_parse_result result,
			  const struct knd_flow *flow)
{
	if (result == KND_PARSE_TCP && knd_parse_opens(flow->flags))
		KUNIT_EXPECT_TRUE(test, knd_parse_hint(skb, pf));
	if (knd_parse_hint(skb, pf))
		KUNIT_EXPECT_FALSE(test, knd_parse_usual(skb, pf));
}

/* Each case in each division of the packet into a linear part and the rest */
static void knd_parse_divided(struct kunit *test)
{
	const struct knd_parse_case *c = test->param_value;
	struct sk_buff *skb = knd_test_skb(test);
	struct knd_packet *p;
	struct knd_flow flow;
	unsigned int head;

	p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	knd_packet_make(c, p);
	skb_shinfo(skb)->gso_size = c->gso;

	for (head = 0; head <= p->len; head++) {
		enum knd_parse_result result;

		knd_test_fill(skb, p->byte, p->len, head, 0xff);
		result = knd_parse(skb, c->pf, &flow);
		KUNIT_EXPECT_EQ_MSG(test, result, c->result, "%u of %u linear",
				    head, p->len);
		if (result == KND_PARSE_TCP && c->result == result)
			knd_test_flow(test, c, p, &flow);
		knd_test_hint(test, skb, c->pf, result, &flow);
		KUNIT_EXPECT_TRUE(test, knd_test_unchanged(skb, p->byte,
							   p->len));
	}

	/* The usual packet needs no second function */
	if (c->result == KND_PARSE_TCP && !c->exts)
		KUNIT_EXPECT_EQ(test, knd_parse_hint(skb, c->pf),
				knd_parse_opens(c->flags));
	knd_test_done(skb);
}

/*
 * Each case cut off after each byte, with and without a length that admits it.
 * It is TCP exactly where the TCP header is still whole.
 */
static void knd_parse_truncated(struct kunit *test)
{
	const struct knd_parse_case *c = test->param_value;
	struct sk_buff *skb = knd_test_skb(test);
	enum knd_parse_result result;
	struct knd_packet *p;
	struct knd_flow flow;
	unsigned int len;

	p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	knd_packet_make(c, p);
	skb_shinfo(skb)->gso_size = c->gso;

	for (len = 0; len < p->len; len++) {
		bool whole = len >= p->thoff + (c->doff ?: 5) * 4;
		bool some = len >= p->thoff + 20;

		/* Padding can be missing */
		if (c->lie < 0 && len >= p->len + c->lie && !c->cut)
			continue;
		knd_test_fill(skb, p->byte, len, len, 0xff);
		result = knd_parse(skb, c->pf, &flow);
		knd_test_hint(test, skb, c->pf, result, &flow);
		if (!c->no_len)
			KUNIT_EXPECT_NE_MSG(test, result, KND_PARSE_TCP,
					    "%u of %u", len, p->len);

		if (c->pf == NFPROTO_IPV4)
			put_unaligned_be16(len, p->byte + 2);
		else if (len >= 40)
			put_unaligned_be16(len - 40, p->byte + 4);
		knd_test_fill(skb, p->byte, len, len / 2, 0xff);
		result = knd_parse(skb, c->pf, &flow);
		knd_test_hint(test, skb, c->pf, result, &flow);
		if (c->result != KND_PARSE_TCP)
			KUNIT_EXPECT_NE_MSG(test, result, KND_PARSE_TCP,
					    "%u of %u", len, p->len);
		else if (c->frag & (c->pf == NFPROTO_IPV4 ? IP_MF : IP6_MF))
			KUNIT_EXPECT_EQ_MSG(test, result == KND_PARSE_TCP, some,
					    "%u of %u", len, p->len);
		else
			KUNIT_EXPECT_EQ_MSG(test, result == KND_PARSE_TCP,
					    whole, "%u of %u", len, p->len);
		knd_packet_make(c, p);
	}
	knd_test_done(skb);
}

/*
 * Bytes that make some sense at first, and none at all. What is found must
 * depend on nothing but them: not on what is behind, not on how they lie.
 */
static void knd_parse_random(struct kunit *test)
{
	struct sk_buff *skb = knd_test_skb(test);
	unsigned int i, seen[KND_PARSE_MALFORMED + 1] = {};
	struct knd_flow flow, again;
	struct rnd_state rnd;
	struct knd_packet *p;

	p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	prandom_seed_state(&rnd, 20261121);

	for (i = 0; i < KND_TEST_RANDOM; i++) {
		const struct knd_parse_case *c;
		enum knd_parse_result result;
		unsigned int n, pf;

		n = prandom_u32_state(&rnd) % ARRAY_SIZE(knd_parse_cases);
		c = &knd_parse_cases[n];
		pf = c->pf;
		knd_packet_make(c, p);
		if (i % 4) {
			n = prandom_u32_state(&rnd) % 8;
			while (n--)
				p->byte[prandom_u32_state(&rnd) % p->len] =
					prandom_u32_state(&rnd);
			if (i % 4 == 2)
				p->len = prandom_u32_state(&rnd) % p->len;
		} else {
			p->len = prandom_u32_state(&rnd) % 128;
			prandom_bytes_state(&rnd, p->byte, p->len);
		}

		knd_test_fill(skb, p->byte, p->len, p->len, 0x00);
		result = knd_parse(skb, pf, &flow);
		KUNIT_ASSERT_LE(test, result, KND_PARSE_MALFORMED);
		seen[result]++;
		knd_test_hint(test, skb, pf, result, &flow);

		n = prandom_u32_state(&rnd) % (p->len + 1);
		knd_test_fill(skb, p->byte, p->len, n, 0xff);
		KUNIT_ASSERT_EQ(test, knd_parse(skb, pf, &again), result);
		knd_test_hint(test, skb, pf, result, &again);
		if (result == KND_PARSE_TCP)
			KUNIT_ASSERT_MEMEQ(test, &flow, &again, sizeof(flow));
	}
	/* Each result was seen often enough */
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		KUNIT_EXPECT_GT_MSG(test, seen[i], 1000, "result %u", i);
	knd_test_done(skb);
}

static void knd_parse_sockaddrs(struct kunit *test)
{
	struct knd_flow flow = { .family = AF_INET };
	struct sockaddr_in6 src, dst;
	char text[128];

	flow.saddr.ip = htonl(0x7f000001);
	flow.daddr.ip = htonl(0x0a000002);
	flow.sport = htons(43210);
	flow.dport = htons(80);
	knd_flow_sockaddrs(&flow, &src, &dst);
	snprintf(text, sizeof(text), "%pISpc %pISpc", &src, &dst);
	KUNIT_EXPECT_STREQ(test, text, "127.0.0.1:43210 10.0.0.2:80");

	flow.family = AF_INET6;
	memcpy(&flow.saddr, knd_test_saddr, 16);
	memcpy(&flow.daddr, knd_test_daddr, 16);
	knd_flow_sockaddrs(&flow, &src, &dst);
	snprintf(text, sizeof(text), "%pISpc %pISpc", &src, &dst);
	KUNIT_EXPECT_STREQ(test, text,
			   "[2001:db8:102:304:506:708:90a:b0c]:43210 [2001:db8:908:706:504:302:100:1]:80");
}

static struct kunit_case knd_parse_test_cases[] = {
	KUNIT_CASE_PARAM(knd_parse_divided, knd_parse_gen_params),
	KUNIT_CASE_PARAM(knd_parse_truncated, knd_parse_gen_params),
	KUNIT_CASE(knd_parse_random),
	KUNIT_CASE(knd_parse_sockaddrs),
	{}
};

static struct kunit_suite knd_parse_test_suite = {
	.name = "knetdemo_parse",
	.test_cases = knd_parse_test_cases,
};

kunit_test_suite(knd_parse_test_suite);
