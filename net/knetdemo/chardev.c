// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: /dev/knetdemo
 *
 * An open file acts on the network namespace in which it was opened, also after
 * it was passed to another process. It holds no reference to that namespace.
 * When the namespace is dismantled its open files are detached from it, and
 * their ioctls return -ENODEV.
 */

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>
#include <uapi/linux/knetdemo.h>

#include "access.h"
#include "chardev.h"
#include "ftp_client.h"
#include "ftp_session.h"
#include "knetdemo.h"

/**
 * struct knd_file - an open /dev/knetdemo
 * @list: entry in &knd_net.files
 * @kn: the component in the namespace where the file was opened; NULL when that
 *	is dismantled
 * @parked: &knd_ftp_xfer.list of the FTP transfers that wait until their system
 *	call is restarted
 *
 * knd_files_lock protects all members.
 */
struct knd_file {
	struct list_head list;
	struct knd_net *kn;
	struct list_head parked;
};

/*
 * Protects &knd_net.files of all namespaces, and all members of each &struct
 * knd_file. Its holders do not sleep.
 */
static DEFINE_MUTEX(knd_files_lock);

/*
 * Get a reference to the namespace of a file, for the time of a request. The
 * caller drops it by knd_file_put(). Returns NULL if the namespace is being
 * dismantled or has been.
 */
static struct knd_net *knd_file_get(struct knd_file *kf,
				    netns_tracker *tracker)
{
	struct knd_net *kn;

	mutex_lock(&knd_files_lock);
	kn = kf->kn;
	/*
	 * This fails if the namespace is being dismantled and
	 * knd_chardev_pre_exit() has not detached the file yet.
	 */
	if (kn && !maybe_get_net(kn->net))
		kn = NULL;
	mutex_unlock(&knd_files_lock);

	if (kn)
		netns_tracker_alloc(kn->net, tracker, GFP_KERNEL);
	return kn;
}

static void knd_file_put(struct knd_net *kn, netns_tracker *tracker)
{
	put_net_track(kn->net, tracker);
}

static int knd_ioctl_filter_address(struct file *file, void __user *arg)
{
	char text[sizeof("flush\nadd 255.255.255.255\n")];
	netns_tracker tracker;
	struct knd_net *kn;
	__be32 addr;
	int err;

	kn = knd_file_get(file->private_data, &tracker);
	if (!kn)
		return -ENODEV;
	err = -EPERM;
	if (!knd_may_configure(kn, file))
		goto put;
	err = -EFAULT;
	if (copy_from_user(&addr, arg, sizeof(addr)))
		goto put;

	if (addr == htonl(INADDR_ANY))
		snprintf(text, sizeof(text), "flush\n");
	else
		snprintf(text, sizeof(text), "flush\nadd %pI4\n", &addr);
	err = knd_monitor_filter(kn, text);
put:
	knd_file_put(kn, &tracker);
	return err;
}

/* Cancel parked transfers: those of tasks that have exited, or all */
static void knd_file_reap(struct knd_file *kf, bool all)
{
	struct knd_ftp_xfer *x, *next;
	LIST_HEAD(over);

	mutex_lock(&knd_files_lock);
	list_for_each_entry_safe(x, next, &kf->parked, list)
		if (all || knd_ftp_is_orphan(x))
			list_move(&x->list, &over);
	mutex_unlock(&knd_files_lock);

	list_for_each_entry_safe(x, next, &over, list) {
		list_del(&x->list);
		knd_ftp_cancel(x);
		knd_ftp_free(x);
	}
}

/*
 * Take the transfer that this task parked, if there is one, out of the list.
 * Returns it if this system call continues it. Otherwise cancels it and returns
 * NULL.
 */
static struct knd_ftp_xfer *
knd_file_unpark(struct knd_file *kf, unsigned long arg,
		const struct knetdemo_ftp_get *req)
{
	struct knd_ftp_xfer *x, *mine = NULL;

	mutex_lock(&knd_files_lock);
	list_for_each_entry(x, &kf->parked, list) {
		if (knd_ftp_is_mine(x)) {
			mine = x;
			list_del(&x->list);
			break;
		}
	}
	mutex_unlock(&knd_files_lock);
	if (!mine || knd_ftp_unpark(mine, arg, req))
		return mine;
	knd_ftp_cancel(mine);
	knd_ftp_free(mine);
	return NULL;
}

/* Check a request and begin its transfer. Returns it, or an ERR_PTR(). */
static struct knd_ftp_xfer *
knd_file_begin_ftp(struct file *file, const struct knetdemo_ftp_get *req)
{
	struct knd_ftp_xfer *x;
	netns_tracker tracker;
	struct knd_net *kn;
	int err = -ENODEV;

	x = knd_ftp_prepare(req);
	if (IS_ERR(x))
		return x;
	kn = knd_file_get(file->private_data, &tracker);
	if (kn) {
		err = knd_may_configure(kn, file) ? knd_ftp_attach(kn, x) :
						    -EPERM;
		knd_file_put(kn, &tracker);
	}
	/* The namespace can be dismantled now, which ends the transfer */
	if (!err)
		return x;
	knd_ftp_free(x);
	return ERR_PTR(err);
}

/*
 * The size is that of the structure as the caller knows it. Members that the
 * caller does not know are 0. Members that the kernel does not know must be 0.
 */
static int knd_ioctl_ftp_get(struct file *file, unsigned long arg)
{
	struct knetdemo_ftp_get __user *user = (void __user *)arg;
	struct knd_file *kf = file->private_data;
	struct knetdemo_ftp_get req;
	struct knd_ftp_xfer *x;
	u32 size;
	int err;

	if (get_user(size, &user->size))
		return -EFAULT;
	if (size < KNETDEMO_FTP_GET_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&req, sizeof(req), user, size);
	if (err)
		return err;

	knd_file_reap(kf, false);
	x = knd_file_unpark(kf, arg, &req);
	if (!x) {
		x = knd_file_begin_ftp(file, &req);
		if (IS_ERR(x))
			return PTR_ERR(x);
		/* Ignore a fault: copying the results will report it */
		if (size >= offsetofend(struct knetdemo_ftp_get, id))
			put_user(knd_ftp_id(x), &user->id);
	}

	err = knd_ftp_run(x);
	knd_ftp_result(x, &req);
	size = min_t(size_t, size, sizeof(req));
	if (copy_to_user(user, &req, size)) {
		if (err == -ERESTARTNOHAND)
			knd_ftp_cancel(x);
		err = -EFAULT;
	}
	if (err == -ERESTARTNOHAND) {
		/* The restarted call has 0 in members that it does not know */
		memset((void *)&req + size, 0, sizeof(req) - size);
		knd_ftp_park(x, arg, &req);
		mutex_lock(&knd_files_lock);
		list_add(&x->list, &kf->parked);
		mutex_unlock(&knd_files_lock);
		return err;
	}
	knd_ftp_free(x);
	return err;
}

/*
 * The number is checked before any privilege: programs try ioctls of other
 * devices on files of all kinds, and expect ENOTTY.
 */
static long knd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd == KNETDEMO_IOC_FILTER_ADDRESS)
		return knd_ioctl_filter_address(file, (void __user *)arg);
	/* Any size is accepted, as the structure has its size in a member */
	if ((cmd & ~IOCSIZE_MASK) == (KNETDEMO_IOC_FTP_GET & ~IOCSIZE_MASK))
		return knd_ioctl_ftp_get(file, arg);
	return -ENOTTY;
}

static int knd_open(struct inode *inode, struct file *file)
{
	struct knd_file *kf;

	kf = kzalloc_obj(*kf, GFP_KERNEL_ACCOUNT);
	if (!kf)
		return -ENOMEM;
	/* The namespace of the opener, for as long as the file is open */
	kf->kn = knd_pernet(current->nsproxy->net_ns);
	INIT_LIST_HEAD(&kf->parked);

	mutex_lock(&knd_files_lock);
	list_add(&kf->list, &kf->kn->files);
	mutex_unlock(&knd_files_lock);

	file->private_data = kf;
	return nonseekable_open(inode, file);
}

static int knd_release(struct inode *inode, struct file *file)
{
	struct knd_file *kf = file->private_data;

	mutex_lock(&knd_files_lock);
	list_del(&kf->list);
	mutex_unlock(&knd_files_lock);

	knd_file_reap(kf, true);
	kfree(kf);
	return 0;
}

/**
 * knd_chardev_net_init - initialise the list of open files
 * @kn: the component in a namespace that is being set up
 */
void __net_init knd_chardev_net_init(struct knd_net *kn)
{
	INIT_LIST_HEAD(&kn->files);
}

/**
 * knd_chardev_pre_exit - detach the open files of a namespace
 * @kn: the component in a namespace that is being dismantled
 *
 * Requests hold a reference to the namespace, so none is in progress.
 *
 * Context: process.
 */
void __net_exit knd_chardev_pre_exit(struct knd_net *kn)
{
	struct knd_file *kf, *next;

	mutex_lock(&knd_files_lock);
	list_for_each_entry_safe(kf, next, &kn->files, list) {
		list_del_init(&kf->list);
		kf->kn = NULL;
	}
	mutex_unlock(&knd_files_lock);
}

static const struct file_operations knd_fops = {
	.owner		= THIS_MODULE,
	.open		= knd_open,
	.release	= knd_release,
	.unlocked_ioctl	= knd_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice knd_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "knetdemo",
	.mode	= 0600,
	.fops	= &knd_fops,
};

/**
 * knd_chardev_init - make the device
 *
 * Context: process.
 * Return: 0 or -errno.
 */
int __init knd_chardev_init(void)
{
	return misc_register(&knd_misc);
}

/**
 * knd_chardev_exit - remove the device
 *
 * There are no open files, since each holds the module.
 *
 * Context: process.
 */
void knd_chardev_exit(void)
{
	misc_deregister(&knd_misc);
}
