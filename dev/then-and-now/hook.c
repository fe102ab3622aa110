// SPDX-License-Identifier: GPL-2.0-only
// Exercise 1: a hook on outgoing packets that looks for SYN without ACK
// 6.12: builds
// 7.3: builds

#include <linux/ip.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/net_namespace.h>

static unsigned int seen(void *priv, struct sk_buff *skb,
			 const struct nf_hook_state *state)
{
#ifdef THEN
	/* Nothing says that the packet has a TCP header where this reads */
	struct iphdr *ip = ip_hdr(skb);
	struct tcphdr *tcp = (struct tcphdr *)((__u32 *)ip + ip->ihl);

	if (ip->protocol == IPPROTO_TCP && tcp->syn && !tcp->ack)
		printk("TCP connection initiated from %pI4:%u\n", &ip->saddr,
		       ntohs(tcp->source));
#else
	struct iphdr ip, *iph;
	struct tcphdr tcp, *tcph;

	iph = skb_header_pointer(skb, 0, sizeof(ip), &ip);
	if (!iph || iph->protocol != IPPROTO_TCP || ip_is_fragment(iph))
		return NF_ACCEPT;
	tcph = skb_header_pointer(skb, iph->ihl * 4, sizeof(tcp), &tcp);
	if (tcph && tcph->syn && !tcph->ack)
		pr_info("TCP connection initiated from %pI4:%u\n", &iph->saddr,
			ntohs(tcph->source));
#endif
	return NF_ACCEPT;
}

static const struct nf_hook_ops hook = {
	.hook		= seen,
	.hooknum	= NF_INET_LOCAL_OUT,
	.pf		= PF_INET,
	.priority	= NF_IP_PRI_FIRST,
};

int hook_start(void);
int hook_start(void)
{
	return nf_register_net_hook(&init_net, &hook);
}
