// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: packet to flow
 *
 * Pure functions. Packets can come from a raw socket, so each length in them is
 * checked. Headers are read with skb_header_pointer(), which neither reads
 * behind the end of the packet nor changes it.
 */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "monitor_parse.h"

/* Bounds the work for a packet; no stack sends so many extension headers */
#define KND_PARSE_EXTHDRS	12

/*
 * @off is the offset of the TCP header, @end the length of the packet by its IP
 * header. @whole is false for the first of several fragments, the next of which
 * can have the rest of the TCP header.
 */
static enum knd_parse_result knd_parse_tcp(const struct sk_buff *skb,
					   unsigned int off, unsigned int end,
					   bool whole, struct knd_flow *flow)
{
	const struct tcphdr *th;
	struct tcphdr buf;
	unsigned int len;

	if (end < off + sizeof(buf))
		return KND_PARSE_TRUNCATED;
	th = skb_header_pointer(skb, off, sizeof(buf), &buf);
	if (!th)
		return KND_PARSE_TRUNCATED;

	len = th->doff * 4;
	if (len < sizeof(*th) || (whole && off + len > end))
		return KND_PARSE_MALFORMED;

	flow->sport = th->source;
	flow->dport = th->dest;
	flow->flags = ntohs(((const __be16 *)th)[6]) & (KND_FLAG_AE | 0xff);
	flow->data = off + len < end ? min(end - off - len, U16_MAX) : 0;
	return KND_PARSE_TCP;
}

/*
 * Length of the packet by its IP header. The field is 0 in a packet that is too
 * long for it and will be segmented.
 */
static unsigned int knd_parse_end(const struct sk_buff *skb, unsigned int off,
				  __be16 len)
{
	return len || !skb_is_gso(skb) ? off + ntohs(len) : skb->len;
}

static enum knd_parse_result knd_parse_ipv4(const struct sk_buff *skb,
					    struct knd_flow *flow)
{
	const struct iphdr *iph;
	unsigned int hlen, end;
	struct iphdr buf;

	iph = skb_header_pointer(skb, 0, sizeof(buf), &buf);
	if (!iph)
		return KND_PARSE_TRUNCATED;

	hlen = iph->ihl * 4;
	end = knd_parse_end(skb, 0, iph->tot_len);
	if (iph->version != 4 || hlen < sizeof(*iph) || end < hlen)
		return KND_PARSE_MALFORMED;
	if (end > skb->len)
		return KND_PARSE_TRUNCATED;
	if (iph->protocol != IPPROTO_TCP)
		return KND_PARSE_OTHER;
	if (iph->frag_off & htons(IP_OFFSET))
		return KND_PARSE_FRAGMENT;

	flow->family = AF_INET;
	flow->saddr.ip = iph->saddr;
	flow->daddr.ip = iph->daddr;
	return knd_parse_tcp(skb, hlen, end, !(iph->frag_off & htons(IP_MF)),
			     flow);
}

static enum knd_parse_result knd_parse_ipv6(const struct sk_buff *skb,
					    struct knd_flow *flow)
{
	unsigned int off = sizeof(struct ipv6hdr);
	const struct ipv6hdr *ip6h;
	struct ipv6hdr buf;
	bool whole = true;
	unsigned int end;
	u8 nexthdr;
	int i;

	ip6h = skb_header_pointer(skb, 0, sizeof(buf), &buf);
	if (!ip6h)
		return KND_PARSE_TRUNCATED;
	if (ip6h->version != 6)
		return KND_PARSE_MALFORMED;

	end = knd_parse_end(skb, off, ip6h->payload_len);
	if (end > skb->len)
		return KND_PARSE_TRUNCATED;

	flow->family = AF_INET6;
	flow->saddr.in6 = ip6h->saddr;
	flow->daddr.in6 = ip6h->daddr;

	nexthdr = ip6h->nexthdr;
	for (i = 0; knd_parse_exthdr(nexthdr); i++) {
		const struct frag_hdr *fh;
		struct frag_hdr ext;

		if (i == KND_PARSE_EXTHDRS)
			return KND_PARSE_MALFORMED;

		/* Each begins with the same fields and has 8 bytes or more */
		BUILD_BUG_ON(sizeof(ext) != 8);
		if (end < off + sizeof(ext))
			return KND_PARSE_TRUNCATED;
		fh = skb_header_pointer(skb, off, sizeof(ext), &ext);
		if (!fh)
			return KND_PARSE_TRUNCATED;

		if (nexthdr == NEXTHDR_FRAGMENT) {
			if (fh->frag_off & htons(IP6_OFFSET))
				return KND_PARSE_FRAGMENT;
			if (fh->frag_off & htons(IP6_MF))
				whole = false;
			off += sizeof(*fh);
		} else {
			const struct ipv6_opt_hdr *oh = (const void *)fh;

			off += nexthdr == NEXTHDR_AUTH ? ipv6_authlen(oh) :
							 ipv6_optlen(oh);
		}
		nexthdr = fh->nexthdr;
	}
	if (nexthdr != IPPROTO_TCP)
		return KND_PARSE_OTHER;
	return knd_parse_tcp(skb, off, end, whole, flow);
}

/**
 * knd_parse - read the headers of a packet
 * @skb: packet with skb->data at its network header; may be non-linear
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 * @flow: where the result goes; undefined unless KND_PARSE_TCP is returned
 *
 * Of a fragmented packet only the first fragment has a flow.
 *
 * Context: any.
 * Return: what the packet is.
 */
enum knd_parse_result knd_parse(const struct sk_buff *skb, u8 pf,
				struct knd_flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	return pf == NFPROTO_IPV4 ? knd_parse_ipv4(skb, flow) :
				    knd_parse_ipv6(skb, flow);
}

/**
 * knd_flow_sockaddrs - make socket addresses of a flow, to print with %pISpc
 * @flow: flow
 * @src: where the source goes, a sockaddr_in for IPv4
 * @dst: where the destination goes, likewise
 *
 * Context: any.
 */
void knd_flow_sockaddrs(const struct knd_flow *flow, struct sockaddr_in6 *src,
			struct sockaddr_in6 *dst)
{
	memset(src, 0, sizeof(*src));
	memset(dst, 0, sizeof(*dst));
	if (flow->family == AF_INET) {
		struct sockaddr_in *src4 = (void *)src;
		struct sockaddr_in *dst4 = (void *)dst;

		src4->sin_addr = flow->saddr.in;
		dst4->sin_addr = flow->daddr.in;
	} else {
		src->sin6_addr = flow->saddr.in6;
		dst->sin6_addr = flow->daddr.in6;
	}
	/* Both kinds of address have these members at the same offsets */
	src->sin6_family = flow->family;
	dst->sin6_family = flow->family;
	src->sin6_port = flow->sport;
	dst->sin6_port = flow->dport;
}
