// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 1: show outgoing TCP connections (knd-sample-connect.ko)
 *
 * netfilter calls a hook at LOCAL_OUT for each packet that a socket of this
 * machine sends. The first packet of a TCP connection has the flag SYN and not
 * the flag ACK. The hook shows these, and accepts every packet.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ip.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/net_namespace.h>

/*
 * Find the TCP header of a packet. Returns NULL if it has none: its protocol is
 * another one, it is a later fragment, or it is too short and comes from a raw
 * socket. Such a socket sends whatever a process has written.
 */
static const struct tcphdr *knd_sample_tcp(const struct sk_buff *skb,
					   struct tcphdr *buf)
{
	const struct iphdr *iph = ip_hdr(skb);
	int offset = skb_network_offset(skb) + ip_hdrlen(skb);

	/*
	 * Task 1: Return NULL where the protocol is not TCP and for fragments
	 * that are not the first. Else let skb_header_pointer() return the
	 * header at "offset": it returns NULL where the packet ends before.
	 */
	if (iph->protocol != IPPROTO_TCP ||
	    iph->frag_off & htons(IP_OFFSET))
		return NULL;
	return skb_header_pointer(skb, offset, sizeof(*buf), buf);
	/* Task 1 ends. Instead: return NULL; */
}

static unsigned int knd_sample_out(void *priv, struct sk_buff *skb,
				   const struct nf_hook_state *state)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct tcphdr buf;
	const struct tcphdr *th = knd_sample_tcp(skb, &buf);

	/*
	 * Task 2: Where there is a TCP header with SYN and without ACK, show
	 * "TCP connection initiated from 127.0.0.1:43210 to 127.0.0.1:80".
	 * %pI4 takes the address of an address; ports need ntohs(). Use
	 * pr_info_ratelimited(): a process must not be able to flood the log.
	 */
	if (th && th->syn && !th->ack)
		pr_info_ratelimited("TCP connection initiated from %pI4:%u to %pI4:%u\n",
				    &iph->saddr, ntohs(th->source),
				    &iph->daddr, ntohs(th->dest));
	/* Task 2 ends. */
	return NF_ACCEPT;
}

/*
 * Task 3: Fill in the protocol family, the hook number and the priority. With
 * the lowest priority value a hook sees a packet before other hooks change it.
 */
static const struct nf_hook_ops knd_sample_ops = {
	.hook = knd_sample_out,
	.pf = NFPROTO_IPV4,
	.hooknum = NF_INET_LOCAL_OUT,
	.priority = NF_IP_PRI_FIRST,
};

/* Task 3 ends. Instead: static const struct nf_hook_ops knd_sample_ops; */

static int __init knd_sample_connect_init(void)
{
	/* Task 4: Register the hook in the initial network namespace. */
	return nf_register_net_hook(&init_net, &knd_sample_ops);
	/* Task 4 ends. Instead: return 0; */
}

static void __exit knd_sample_connect_exit(void)
{
	/* Task 4: Unregister it, or packets would call code that is unloaded */
	nf_unregister_net_hook(&init_net, &knd_sample_ops);
	/* Task 4 ends. */
}

module_init(knd_sample_connect_init);
module_exit(knd_sample_connect_exit);

MODULE_DESCRIPTION("Exercise 1: show outgoing TCP connections");
MODULE_LICENSE("GPL");

/*
 * What this lacks:
 *
 * - A filter: exercise 2.
 * - IPv6 with its extension headers: knd_parse_tcp(), tested by
 *   monitor_raw:flood. One hook with NFPROTO_INET sees both families.
 * - A record of what the rate limit left out: knd_monitor_hook(), tested by
 *   monitor:wraps_and_loses_nothing_uncounted.
 * - The process and the user: knd_monitor_task(), tested by
 *   monitor:user_and_process_and_thread.
 * - Other network namespaces, each with a switch of its own:
 *   knd_monitor_apply(), tested by monitor:namespaces_do_not_see_each_other.
 */
