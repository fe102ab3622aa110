// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that a netfilter hook can do: a lower bound for all hooks
 */

#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/net_namespace.h>

static unsigned int accept(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static const struct nf_hook_ops ops = {
	.hook = accept,
	.pf = NFPROTO_INET,
	.hooknum = NF_INET_LOCAL_OUT,
	.priority = NF_IP_PRI_FILTER,
};

static int __init empty_hook_init(void)
{
	return nf_register_net_hook(&init_net, &ops);
}

static void __exit empty_hook_exit(void)
{
	nf_unregister_net_hook(&init_net, &ops);
}

module_init(empty_hook_init);
module_exit(empty_hook_exit);
MODULE_DESCRIPTION("A netfilter hook that does nothing");
MODULE_LICENSE("GPL");
