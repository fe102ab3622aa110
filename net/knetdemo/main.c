// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: set-up and teardown
 *
 * This file only has the order of both. The files that users can open are made
 * last when a namespace is set up, and removed first when it is dismantled.
 * Services start nothing until they are configured.
 */

#include <linux/init.h>
#include <linux/module.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "chardev.h"
#include "knetdemo.h"
#include "procfs.h"
#include "tcp_conn.h"

static unsigned int knd_net_id __ro_after_init;

/**
 * knd_pernet - get the component's state of a network namespace
 * @net: the namespace
 *
 * Context: any, until knd_net_exit() for @net.
 * Return: what knd_net_init() set up for @net.
 */
struct knd_net *knd_pernet(struct net *net)
{
	return net_generic(net, knd_net_id);
}

static int __net_init knd_net_init(struct net *net)
{
	struct knd_net *kn = knd_pernet(net);
	int err;

	kn->net = net;
	mutex_init(&kn->lock);
	knd_udp_init(kn);
	knd_chardev_net_init(kn);
	knd_monitor_init(kn);
	knd_tcp_init(kn);
	knd_ftp_init(kn);

	err = knd_stats_init(kn);
	if (err)
		return err;
	err = knd_proc_init(kn);
	if (err)
		goto exit_stats;
	err = knd_sysctl_init(kn);
	if (err)
		goto exit_proc;

	return 0;

exit_proc:
	knd_proc_exit(kn);
exit_stats:
	knd_stats_exit(kn);
	return err;
}

/*
 * Removing the sysctls and files waits for their readers and writers, which
 * take kn->lock, so it is not held here. Afterwards nothing can start a
 * service.
 *
 * Tell all services to stop before waiting for the first one, so that they stop
 * at the same time. Wait here and not in knd_net_exit(): if IPv6 is a module
 * that was loaded after this one, its exit runs before knd_net_exit(), and
 * sockets that are still open would use memory that it has freed.
 *
 * The monitor's hook can run until the grace period between this function and
 * knd_net_exit().
 */
static void __net_exit knd_net_pre_exit(struct net *net)
{
	struct knd_net *kn = knd_pernet(net);

	knd_sysctl_exit(kn);
	knd_proc_exit(kn);
	knd_chardev_pre_exit(kn);
	knd_monitor_pre_exit(kn);
	knd_tcp_pre_exit(kn);
	knd_udp_pre_exit(kn);
	knd_ftp_pre_exit(kn);

	knd_ftp_exit(kn);
	knd_udp_exit(kn);
	knd_tcp_exit(kn);
}

static void __net_exit knd_net_exit(struct net *net)
{
	struct knd_net *kn = knd_pernet(net);

	knd_monitor_exit(kn);
	knd_stats_exit(kn);
}

static struct pernet_operations knd_net_ops = {
	.init		= knd_net_init,
	.pre_exit	= knd_net_pre_exit,
	.exit		= knd_net_exit,
	.id		= &knd_net_id,
	.size		= sizeof(struct knd_net),
};

static int __init knd_init(void)
{
	int err;

	err = knd_conn_module_init();
	if (err)
		return err;
	err = register_pernet_subsys(&knd_net_ops);
	if (err)
		goto exit_conn;
	err = knd_chardev_init();
	if (err)
		goto unregister_pernet;

	return 0;

unregister_pernet:
	unregister_pernet_subsys(&knd_net_ops);
exit_conn:
	knd_conn_module_exit();
	return err;
}

static void __exit knd_exit(void)
{
	knd_chardev_exit();
	unregister_pernet_subsys(&knd_net_ops);
	knd_conn_module_exit();
}

module_init(knd_init);
module_exit(knd_exit);
MODULE_DESCRIPTION("Kernel networking demonstration and test services");
MODULE_LICENSE("GPL");
/*
 * If IPv6 is a module, load it first. Otherwise a service that opens an IPv6
 * socket would load it. Loading waits for namespaces that are being dismantled,
 * and their pre_exit waits for this service: a deadlock.
 */
MODULE_SOFTDEP("pre: ipv6");
