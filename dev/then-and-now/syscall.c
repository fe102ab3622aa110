// SPDX-License-Identifier: GPL-2.0-only
// The article's system call, put into the table
// 6.12: error: assignment of read-only location
// 7.3: error: assignment of read-only location

#include <linux/fs.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/syscalls.h>
#include <asm/syscall.h>

#ifdef THEN
static long mine(const struct pt_regs *regs)
{
	return 0;
}

int replace_call(void);
int replace_call(void)
{
	sys_call_table[223] = mine;
	return 0;
}
#else
/* A number of one's own is an ioctl, a sysctl or generic netlink */
static long mine(struct file *file, unsigned int cmd, unsigned long arg)
{
	return cmd == _IO('k', 1) ? 0 : -ENOTTY;
}

extern const struct file_operations my_fops;
const struct file_operations my_fops = { .unlocked_ioctl = mine };
#endif
