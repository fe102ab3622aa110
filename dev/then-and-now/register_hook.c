// SPDX-License-Identifier: GPL-2.0-only
// What books of the time of the article register a hook with
// 6.12: error: implicit declaration of function 'nf_register_hook'

#include <linux/netfilter.h>
#include <net/net_namespace.h>

int hook_on(struct nf_hook_ops *ops);
int hook_on(struct nf_hook_ops *ops)
{
#ifdef THEN
	return nf_register_hook(ops);
#else
	return nf_register_net_hook(&init_net, ops);
#endif
}
