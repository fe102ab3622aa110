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

#include <linux/tracepoint.h>
#include <net/net_namespace.h>

#endif /* _NET_KNETDEMO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
