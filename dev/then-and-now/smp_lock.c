// SPDX-License-Identifier: GPL-2.0-only
// The big kernel lock
// 6.12: error: linux/smp_lock.h: No such file or directory
// 7.3: error: linux/smp_lock.h: No such file or directory

#ifdef THEN
#include <linux/smp_lock.h>
#else
#include <linux/mutex.h>
#endif

extern int nothing;
int nothing;
