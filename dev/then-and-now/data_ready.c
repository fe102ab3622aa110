// SPDX-License-Identifier: GPL-2.0-only
// A callback for data, with the number of bytes that it had in older kernels
// 6.12: error: assignment to .* from incompatible pointer type

#include <net/sock.h>

#ifdef THEN
static void ready(struct sock *sk, int bytes)
#else
static void ready(struct sock *sk)
#endif
{
}

void install(struct sock *sk);
void install(struct sock *sk)
{
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_data_ready = ready;
	write_unlock_bh(&sk->sk_callback_lock);
}
