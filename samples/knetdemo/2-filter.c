// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 2: show connections to one address only (knd-sample-filter.ko)
 *
 * Exercise 1 with a device, /dev/knd_sample_filter. Its ioctl is that of
 * /dev/knetdemo, KNETDEMO_IOC_FILTER_ADDRESS: the argument points to an IPv4
 * address in network byte order, and INADDR_ANY shows all connections.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/ip.h>
#include <linux/knetdemo.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/tcp.h>
#include <linux/uaccess.h>
#include <net/ip.h>
#include <net/net_namespace.h>

/* A process writes this while the hook may read it on another processor */
static __be32 filter_addr = htonl(INADDR_ANY);

static bool knd_sample_shows(__be32 daddr)
{
	/*
	 * Task 1: Compare the destination with "filter_addr", read once by
	 * READ_ONCE(). INADDR_ANY shows all. Neither needs to be converted.
	 */
	__be32 only = READ_ONCE(filter_addr);

	return only == htonl(INADDR_ANY) || daddr == only;
	/* Task 1 ends. Instead: return true; */
}

static unsigned int knd_sample_out(void *priv, struct sk_buff *skb,
				   const struct nf_hook_state *state)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct tcphdr *th;
	struct tcphdr buf;

	if (iph->protocol != IPPROTO_TCP || iph->frag_off & htons(IP_OFFSET))
		return NF_ACCEPT;
	th = skb_header_pointer(skb, skb_network_offset(skb) + ip_hdrlen(skb),
				sizeof(buf), &buf);
	if (th && th->syn && !th->ack && knd_sample_shows(iph->daddr))
		pr_info_ratelimited("TCP connection initiated from %pI4:%u to %pI4:%u\n",
				    &iph->saddr, ntohs(th->source),
				    &iph->daddr, ntohs(th->dest));
	return NF_ACCEPT;
}

static const struct nf_hook_ops knd_sample_ops = {
	.hook = knd_sample_out,
	.pf = NFPROTO_IPV4,
	.hooknum = NF_INET_LOCAL_OUT,
	.priority = NF_IP_PRI_FIRST,
};

static long knd_sample_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	/*
	 * Task 2: Only KNETDEMO_IOC_FILTER_ADDRESS is known: else return
	 * -ENOTTY. "arg" is a pointer of a process: copy_from_user(), and
	 * -EFAULT where it fails. Store the address by WRITE_ONCE(), return 0.
	 */
	__be32 addr;

	if (cmd != KNETDEMO_IOC_FILTER_ADDRESS)
		return -ENOTTY;
	if (copy_from_user(&addr, (void __user *)arg, sizeof(addr)))
		return -EFAULT;
	WRITE_ONCE(filter_addr, addr);
	return 0;
	/* Task 2 ends. Instead: return -ENOTTY; */
}

static const struct file_operations knd_sample_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = knd_sample_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* Only root may choose which connections the kernel log shows */
static struct miscdevice knd_sample_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "knd_sample_filter",
	.mode = 0600,
	.fops = &knd_sample_fops,
};

static int __init knd_sample_filter_init(void)
{
	int err;

	err = nf_register_net_hook(&init_net, &knd_sample_ops);
	if (err)
		return err;
	/* Task 3: Register the device. Where that fails, undo the hook. */
	err = misc_register(&knd_sample_dev);
	if (err)
		nf_unregister_net_hook(&init_net, &knd_sample_ops);
	/* Task 3 ends. */
	return err;
}

static void __exit knd_sample_filter_exit(void)
{
	/* Task 3: Deregister the device, first: the reverse order. */
	misc_deregister(&knd_sample_dev);
	/* Task 3 ends. */
	nf_unregister_net_hook(&init_net, &knd_sample_ops);
}

module_init(knd_sample_filter_init);
module_exit(knd_sample_filter_exit);

MODULE_DESCRIPTION("Exercise 2: show TCP connections to one address");
MODULE_LICENSE("GPL");

/*
 * What this lacks: many rules with prefixes and ports, in knd_monitor_filter(),
 * tested by monitor:shows_what_a_rule_names; and a check of the caller's rights
 * in the namespace of the open file, in knd_ioctl(), tested by
 * chardev:user_namespace.
 */
