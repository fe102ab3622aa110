// SPDX-License-Identifier: GPL-2.0-only
// The article's check of a pointer
// 6.12: error: macro "access_ok" passed 3 arguments, but takes just 2|'VERIFY_READ' undeclared
// 7.3: error: macro "access_ok" passed 3 arguments, but takes just 2|'VERIFY_READ' undeclared

#include <linux/errno.h>
#include <linux/uaccess.h>

int fetch(int *to, const int __user *from);
int fetch(int *to, const int __user *from)
{
#ifdef THEN
	if (!access_ok(VERIFY_READ, from, sizeof(*from)))
		return -EFAULT;
	return __get_user(*to, from);
#else
	/* It checks by itself */
	return copy_from_user(to, from, sizeof(*to)) ? -EFAULT : 0;
#endif
}
