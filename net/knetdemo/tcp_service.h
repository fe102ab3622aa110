/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the services that a TCP
 * connection can have
 */

#ifndef _NET_KNETDEMO_TCP_SERVICE_H
#define _NET_KNETDEMO_TCP_SERVICE_H

#include <linux/types.h>

struct knd_conn;

/*
 * The services, with their names in the source and as values of tcp_service. To
 * add one, add a line here and a file with its &struct knd_service_ops.
 */
#define KND_SERVICES(EM, EMe)			\
	EM(KND_SERVICE_ACCEPT,	accept)		\
	EM(KND_SERVICE_DISCARD,	discard)	\
	EM(KND_SERVICE_ECHO,	echo)		\
	EMe(KND_SERVICE_CHARGEN, chargen)

#define KND_SERVICE_ENUM(service, name)	service,
enum knd_service {
	KND_SERVICES(KND_SERVICE_ENUM, KND_SERVICE_ENUM)
	KND_SERVICE_COUNT
};

/**
 * struct knd_service_ops - a service
 * @name: value of tcp_service
 * @deferred: @serve is called by the work item only, with the socket owned and
 *	BH enabled: it may take long, and what arrives meanwhile waits in the
 *	socket's backlog. Otherwise it is called in softirq as well, always with
 *	the socket held by its spinlock alone: the receive queue cannot change.
 * @prepare: allocates what all connections share, before the first one is
 *	accepted. It may sleep. It is called again with each change of a
 *	sysctl, and by several namespaces at the same time. Returns 0 or
 *	-errno. Optional.
 * @cleanup: frees what @prepare allocated, when the module is removed. There
 *	are no connections any more. Optional.
 * @attach: sets the socket of a new connection up, with the socket locked.
 *	Optional.
 * @serve: serves an open connection with its socket locked, until nothing is
 *	left to do or KND_CONN_BUDGET bytes were moved. It sends at most what
 *	knd_conn_room() allows at once, passes the result of each send to
 *	knd_conn_sent(), and counts bytes by knd_conn_moved(). It returns true
 *	if the budget ended it: the work item then calls it again.
 */
struct knd_service_ops {
	const char *name;
	bool deferred;
	int (*prepare)(void);
	void (*cleanup)(void);
	void (*attach)(struct knd_conn *c);
	bool (*serve)(struct knd_conn *c);
};

#define KND_SERVICE_OPS(service, name)	\
	extern const struct knd_service_ops knd_##name##_ops;
KND_SERVICES(KND_SERVICE_OPS, KND_SERVICE_OPS)

/* tcp_conn.c */
extern const struct knd_service_ops * const knd_services[];
int knd_service_find(const char *name);

/* tcp_discard.c */
bool knd_discard_serve(struct knd_conn *c);

#endif /* _NET_KNETDEMO_TCP_SERVICE_H */
