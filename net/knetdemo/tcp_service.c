// SPDX-License-Identifier: GPL-2.0-only
#include "knetdemo.h"

int knd_tcp_apply(struct knd_net *kn)
{
	return 0;
}

void knd_tcp_pre_exit(struct knd_net *kn)
{
}

void knd_tcp_exit(struct knd_net *kn)
{
}
