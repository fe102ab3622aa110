// SPDX-License-Identifier: GPL-2.0-only
// Exercise 2: an ioctl that takes an address; a device with a fixed number
// 6.12: builds
// 7.3: builds

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#define FILTER_ADDRESS	_IOW('k', 1, __be32)

static __be32 wanted;

static long set_address(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != FILTER_ADDRESS)
		return -ENOTTY;
	if (copy_from_user(&wanted, (void __user *)arg, sizeof(wanted)))
		return -EFAULT;
	return 0;
}

static const struct file_operations fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= set_address,
};

#ifndef THEN
static struct miscdevice device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "filter",
	.mode	= 0600,
	.fops	= &fops,
};
#endif

int device_make(void);
int device_make(void)
{
#ifdef THEN
	return register_chrdev(42, "filter", &fops);
#else
	return misc_register(&device);
#endif
}
