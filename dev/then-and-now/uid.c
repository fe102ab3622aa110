// SPDX-License-Identifier: GPL-2.0-only
// The article's check of the user
// 6.12: error: 'struct task_struct' has no member named 'uid'
// 7.3: error: 'struct task_struct' has no member named 'uid'

#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <net/net_namespace.h>

bool may(struct net *net);
bool may(struct net *net)
{
#ifdef THEN
	return current->uid == 0;
#else
	return ns_capable(net->user_ns, CAP_NET_ADMIN);
#endif
}
