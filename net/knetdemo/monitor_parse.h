/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: packet to flow
 */

#ifndef _NET_KNETDEMO_MONITOR_PARSE_H
#define _NET_KNETDEMO_MONITOR_PARSE_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <net/ipv6.h>
#include <net/tcp.h>

/**
 * enum knd_parse_result - what a packet is
 * @KND_PARSE_TCP: TCP, with a complete header
 * @KND_PARSE_OTHER: not TCP
 * @KND_PARSE_FRAGMENT: a fragment other than the first: it has no TCP header
 * @KND_PARSE_TRUNCATED: the packet ends before its headers do
 * @KND_PARSE_MALFORMED: a header is inconsistent, or does not fit the packet
 */
enum knd_parse_result {
	KND_PARSE_TCP,
	KND_PARSE_OTHER,
	KND_PARSE_FRAGMENT,
	KND_PARSE_TRUNCATED,
	KND_PARSE_MALFORMED,
};

/**
 * struct knd_flow - what is known about a TCP packet
 * @saddr: source address; zeros follow an IPv4 one
 * @daddr: destination address; likewise
 * @sport: source port
 * @dport: destination port
 * @data: payload of this packet, in bytes
 * @flags: flags of the TCP header, TCPHDR_* and KND_FLAG_AE
 * @family: AF_INET or AF_INET6
 */
struct knd_flow {
	union nf_inet_addr saddr;
	union nf_inet_addr daddr;
	__be16 sport;
	__be16 dport;
	u16 data;
	u16 flags;
	u8 family;
};

/* The flag of Accurate ECN, above CWR, for which Linux 6.12 has no name */
#define KND_FLAG_AE	BIT(8)

enum knd_parse_result knd_parse(const struct sk_buff *skb, u8 pf,
				struct knd_flow *flow);
void knd_flow_sockaddrs(const struct knd_flow *flow, struct sockaddr_in6 *src,
			struct sockaddr_in6 *dst);

/* Whether TCP can follow an IPv6 extension header of this type */
static inline bool knd_parse_exthdr(u8 nexthdr)
{
	return nexthdr == NEXTHDR_HOP || nexthdr == NEXTHDR_ROUTING ||
	       nexthdr == NEXTHDR_FRAGMENT || nexthdr == NEXTHDR_AUTH ||
	       nexthdr == NEXTHDR_DEST;
}

/* Whether a packet with these flags opens a connection */
static inline bool knd_parse_opens(u16 flags)
{
	return (flags & (TCPHDR_SYN | TCPHDR_ACK)) == TCPHDR_SYN;
}

/**
 * knd_parse_hint - whether a packet could open a connection
 * @skb: packet with skb->data at its network header
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Reads as little as possible, and only the linear part.
 *
 * Context: any.
 * Return: false where knd_parse() would not find a SYN without ACK; true where
 * it would, or where the linear part does not tell.
 */
static inline bool knd_parse_hint(const struct sk_buff *skb, u8 pf)
{
	const unsigned int len = skb_headlen(skb);
	const u8 *data = skb->data;
	unsigned int flags;

	/* The flags are in byte 13 of the TCP header */
	if (pf == NFPROTO_IPV4) {
		if (len < sizeof(struct iphdr))
			return true;
		if (data[offsetof(struct iphdr, protocol)] != IPPROTO_TCP)
			return false;
		flags = (data[0] & 0x0f) * 4 + 13;
	} else {
		u8 nexthdr;

		if (len < sizeof(struct ipv6hdr))
			return true;
		nexthdr = data[offsetof(struct ipv6hdr, nexthdr)];
		if (nexthdr != IPPROTO_TCP)
			return knd_parse_exthdr(nexthdr);
		flags = sizeof(struct ipv6hdr) + 13;
	}
	return flags >= len || knd_parse_opens(data[flags]);
}

/**
 * knd_parse_usual - whether a packet certainly opens no connection
 * @skb: packet with skb->data at its network header
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Every packet that the namespace sends pays for this function. It is
 * knd_parse_hint() for headers without options only, at constant offsets.
 *
 * Context: any.
 * Return: true where knd_parse_hint() returns false; false where it has to be
 * called.
 */
static inline bool knd_parse_usual(const struct sk_buff *skb, u8 pf)
{
	const unsigned int len = skb_headlen(skb);
	const u8 *data = skb->data;

	if (likely(pf == NFPROTO_IPV4))
		return likely(len > 20 + 13) && likely(data[0] == 0x45) &&
		       (data[offsetof(struct iphdr, protocol)] != IPPROTO_TCP ||
			!knd_parse_opens(data[20 + 13]));

	if (unlikely(len <= 40 + 13))
		return false;
	if (likely(data[offsetof(struct ipv6hdr, nexthdr)] == IPPROTO_TCP))
		return !knd_parse_opens(data[40 + 13]);
	return data[offsetof(struct ipv6hdr, nexthdr)] == IPPROTO_UDP;
}

#endif /* _NET_KNETDEMO_MONITOR_PARSE_H */
