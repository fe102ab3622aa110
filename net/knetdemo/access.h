/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: checks of privilege
 */

#ifndef _NET_KNETDEMO_ACCESS_H
#define _NET_KNETDEMO_ACCESS_H

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "knetdemo.h"

/**
 * knd_may_configure_anyone - whether anyone may change anything in a namespace
 * @kn: the component in a namespace
 *
 * Every user can be root in a user namespace of its own. The component acts
 * with the rights of the kernel, and not all of its memory is charged to a
 * user, so only namespaces of the initial user namespace can be changed.
 *
 * Context: any.
 * Return: true where the initial user namespace owns @kn's network namespace.
 */
static inline bool knd_may_configure_anyone(const struct knd_net *kn)
{
	return kn->net->user_ns == &init_user_ns;
}

/**
 * knd_may_configure - whether a task may change anything in a namespace
 * @kn: the component in a namespace
 * @file: the open file that the task acts on, whose opener is checked; NULL
 *	checks the task
 *
 * Context: process.
 * Return: true if knd_may_configure_anyone() allows it, and the opener of
 * @file, or without @file the task, has CAP_NET_ADMIN over the namespace.
 */
static inline bool knd_may_configure(const struct knd_net *kn,
				     const struct file *file)
{
	if (!knd_may_configure_anyone(kn))
		return false;
	return file ? file_ns_capable(file, kn->net->user_ns, CAP_NET_ADMIN) :
		      ns_capable(kn->net->user_ns, CAP_NET_ADMIN);
}

/**
 * knd_may_look - whether the calling task may see which hosts communicate
 * @kn: the component in a namespace
 *
 * The mode of a file lets root open it, but root may lack all capabilities, as
 * in a container that shares the network namespace of its host. Root of the
 * user namespace that owns the network namespace may look at it.
 *
 * Context: process.
 * Return: true with CAP_NET_ADMIN over the namespace.
 */
static inline bool knd_may_look(const struct knd_net *kn)
{
	return ns_capable(kn->net->user_ns, CAP_NET_ADMIN);
}

/**
 * knd_may_log - whether the kernel log is written to for a namespace
 * @kn: the component in a namespace
 *
 * Context: any.
 * Return: true for the initial network namespace. The log has no namespaces,
 * so a user could flood it from a network namespace of its own.
 */
static inline bool knd_may_log(const struct knd_net *kn)
{
	return net_eq(kn->net, &init_net);
}

#endif /* _NET_KNETDEMO_ACCESS_H */
