// SPDX-License-Identifier: GPL-2.0-only
// The member of struct file_operations that an older ioctl stands in
// 6.12: error: 'const struct file_operations' has no member named 'ioctl'

#include <linux/fs.h>
#include <linux/module.h>

#ifdef THEN
static int control(struct inode *inode, struct file *file, unsigned int cmd,
		   unsigned long arg)
{
	return -ENOTTY;
}
#else
static long control(struct file *file, unsigned int cmd, unsigned long arg)
{
	return -ENOTTY;
}
#endif

extern const struct file_operations control_fops;
const struct file_operations control_fops = {
#ifdef THEN
	.ioctl		= control,
#else
	.unlocked_ioctl	= control,
	.compat_ioctl	= compat_ptr_ioctl,
#endif
};
