// SPDX-License-Identifier: GPL-2.0-only
/*
 * The addresses of a server, and in which order they are tried.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "knetdemo.h"

static void name_address(struct address *a)
{
	char host[INET6_ADDRSTRLEN] = "", port[8] = "";

	getnameinfo((void *)&a->sa, a->len, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	host[strcspn(host, "%")] = '\0';
	snprintf(a->name, sizeof(a->name),
		 a->sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* If a link-local address has no zone, use that of the --interface */
static void set_zone(struct address *a, const char *interface)
{
	struct sockaddr_in6 *sin6 = (void *)&a->sa;

	if (interface && a->sa.ss_family == AF_INET6 && !sin6->sin6_scope_id &&
	    IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr))
		sin6->sin6_scope_id = if_nametoindex(interface);
}

/*
 * RFC 8305, section 4: keep the order of the resolver, but alternate between
 * the families. So one family that has no route does not delay the other.
 */
static size_t interleave(const struct addrinfo *list, struct address *to,
			 const char *interface)
{
	const struct addrinfo *first = list, *other = list;
	int family = list->ai_family;
	size_t n = 0;

	while (first || other) {
		while (first && first->ai_family != family)
			first = first->ai_next;
		while (other && other->ai_family == family)
			other = other->ai_next;
		for (int i = 0; i < 2; i++) {
			const struct addrinfo **ai = i ? &other : &first;

			if (!*ai || n == ADDRESSES_MAX)
				continue;
			memcpy(&to[n].sa, (*ai)->ai_addr, (*ai)->ai_addrlen);
			to[n].len = (*ai)->ai_addrlen;
			set_zone(&to[n], interface);
			name_address(&to[n]);
			n++;
			*ai = (*ai)->ai_next;
		}
		if (n == ADDRESSES_MAX)
			break;
	}
	return n;
}

/* Resolve a name. Returns 0 or an error for gai_strerror(). */
int find_addresses(const char *host, const char *port, int family, int flags,
		   const char *interface, struct addresses *found)
{
	const struct addrinfo hints = {
		.ai_family = family,
		.ai_flags = flags,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list;
	int err;

	found->n = 0;
	err = getaddrinfo(host, port, &hints, &list);
	if (err)
		return err;
	found->n = interleave(list, found->a, interface);
	freeaddrinfo(list);
	return 0;
}

/* Move the address that answered to the front, for further attempts */
void prefer_address(struct addresses *all, size_t i)
{
	struct address answered = all->a[i];

	memmove(&all->a[1], &all->a[0], i * sizeof(answered));
	all->a[0] = answered;
}
