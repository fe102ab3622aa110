// SPDX-License-Identifier: GPL-2.0-only
#include "knetdemo.h"

int knd_monitor_apply(struct knd_net *kn)
{
	return 0;
}

void knd_monitor_pre_exit(struct knd_net *kn)
{
}
