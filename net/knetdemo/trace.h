/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: tracepoints
 *
 * Each has the cookie of its network namespace.
 */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM knetdemo

#if !defined(_NET_KNETDEMO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NET_KNETDEMO_TRACE_H

#include <linux/in6.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>

TRACE_EVENT(udp_send,
	TP_PROTO(const struct net *net, const struct sockaddr_storage *daddr,
		 u32 run, u64 seq, unsigned int segs, unsigned int size,
		 int err),
	TP_ARGS(net, daddr, run, seq, segs, size, err),

	TP_STRUCT__entry(
		__field(u64, netns_cookie)
		__field(u64, seq)
		__field(u32, run)
		__field(unsigned int, segs)
		__field(unsigned int, size)
		__field(int, err)
		__array(u8, daddr, sizeof(struct sockaddr_in6))
	),

	TP_fast_assign(
		__entry->netns_cookie = net->net_cookie;
		__entry->seq = seq;
		__entry->run = run;
		__entry->segs = segs;
		__entry->size = size;
		__entry->err = err;
		memcpy(__entry->daddr, daddr, sizeof(struct sockaddr_in6));
	),

	TP_printk("netns=%llu run=%u seq=%llu daddr=%pISpc segs=%u size=%u err=%d",
		  __entry->netns_cookie, __entry->run, __entry->seq,
		  __entry->daddr, __entry->segs, __entry->size, __entry->err)
);

#endif /* _NET_KNETDEMO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
