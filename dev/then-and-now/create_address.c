// SPDX-License-Identifier: GPL-2.0-only
// A helper of the article's author, which its readers asked for
// 6.12: error: implicit declaration of function 'create_address'
// 7.3: error: implicit declaration of function 'create_address'

#include <linux/inet.h>
#include <linux/in.h>

int address(struct sockaddr_in *in);
int address(struct sockaddr_in *in)
{
#ifdef THEN
	in->sin_addr.s_addr = htonl(create_address(192, 0, 2, 1));
	return 0;
#else
	return in4_pton("192.0.2.1", -1, (u8 *)&in->sin_addr, -1, NULL) ?
	       0 : -EINVAL;
#endif
}
