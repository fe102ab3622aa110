// SPDX-License-Identifier: GPL-2.0-only
#include "knetdemo.h"

int knd_chardev_init(void)
{
	return 0;
}

void knd_chardev_exit(void)
{
}
