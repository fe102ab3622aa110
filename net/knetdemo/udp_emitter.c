// SPDX-License-Identifier: GPL-2.0-only
#include "knetdemo.h"

int knd_udp_apply(struct knd_net *kn)
{
	return 0;
}

void knd_udp_pre_exit(struct knd_net *kn)
{
}

void knd_udp_exit(struct knd_net *kn)
{
}
